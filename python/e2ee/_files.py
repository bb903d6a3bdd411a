# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths, open files and buffers, read and written in pieces."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, TypeGuard, cast, final

from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

#: A path, or a file that is open for bytes.
File: TypeAlias = "str | os.PathLike[str] | BinaryIO"
#: Bytes in memory; those that can be written are copied before they are looked at.
Buffer: TypeAlias = "bytes | bytearray | memoryview | mmap"
#: What can be read.
Source: TypeAlias = "File | Buffer"


def is_open(file: Source) -> bool:
    """Whether this is no path."""
    return not isinstance(file, str | os.PathLike)


def is_stored(file: Source) -> TypeGuard[str | os.PathLike[str]]:
    """Whether this is the path of a file as it lies on a disk: no device and no pipe."""
    return isinstance(file, str | os.PathLike) and Path(file).is_file()


def is_replaceable(target: File) -> TypeGuard[str | os.PathLike[str]]:
    """Whether this is a path where another file can take the place of what is there."""
    if not isinstance(target, str | os.PathLike):
        return False
    return Path(target).is_file() or not Path(target).exists()


@contextmanager
def reading(source: Source) -> Iterator[BinaryIO]:
    """An open file itself; a path is opened, and closed at the end; a buffer is read as a file."""
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb", buffering=0) as file:
            yield cast("BinaryIO", file)
        return
    try:
        view = memoryview(cast("Buffer", source))
    except TypeError:
        yield cast("BinaryIO", source)
        return
    with view, view.cast("B") as cells:
        yield cast("BinaryIO", _BufferFile(cells))


@contextmanager
def writing(target: File) -> Iterator[BinaryIO]:
    """An open file itself; for a path a file beside it, which takes its place at the end."""
    if is_replaceable(target):
        with beside(target) as path, path.open("wb") as file:
            yield file
    elif isinstance(target, str | os.PathLike):
        with Path(target).open("wb", buffering=0) as device:
            yield cast("BinaryIO", device)
    else:
        yield target


@contextmanager
def beside(target: str | os.PathLike[str]) -> Iterator[Path]:
    """An empty file beside a path, which is on the disk and takes its place at the end.

    If anything is raised, it is removed, and the path stays as it was.
    """
    path = Path(target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        # The name beside the target means nothing to the caller.
        raise OSError(error.errno, error.strerror, str(path)) from error
    os.close(handle)
    try:
        yield Path(name)
        with Path(name).open("rb+") as file:
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the new name durable, where a system knows how to."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def size_of(file: BinaryIO) -> int:
    """The bytes from where the file stands to its end."""
    if not file.seekable():
        raise InvalidArgumentError("a source that can not be sought in is of unknown size")
    start = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(start)
    return max(0, end - start)


def read(file: BinaryIO, length: int) -> bytes:
    """As many bytes as there are, at most `length`; fewer only at the end."""
    piece = _read_once(file, length)
    if len(piece) in {0, length}:
        return piece
    pieces = [piece]
    missing = length - len(piece)
    while missing and (piece := _read_once(file, missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _read_once(file: BinaryIO, length: int) -> bytes:
    piece: Any = file.read(length)
    if piece is None:
        raise BlockingIOError("a source must wait for its bytes")
    if len(piece) > length:
        raise InvalidArgumentError("a source gave more bytes than were asked for")
    # Bytes cannot be changed by another thread while they are worked on.
    return piece if type(piece) is bytes else bytes(piece)


def write(file: BinaryIO, piece: bytes) -> None:
    """Writes all of it."""
    while piece:
        written: int | None = file.write(piece)
        if written is None:
            return
        if written <= 0:
            raise BlockingIOError("a target must wait until it has taken its bytes")
        piece = piece[written:]


@final
class _BufferFile(io.RawIOBase):
    """A buffer as a file; each piece is copied when it is read."""

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self._cells)}
        self._position = max(0, origin[whence] + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        size = len(self._cells) if size is None or size < 0 else size
        piece = bytes(self._cells[self._position : self._position + size])
        self._position += len(piece)
        return piece
