# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths and open files, read and written in pieces."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A path, or a file that is open for bytes.
File: TypeAlias = "str | os.PathLike[str] | BinaryIO"


def is_open(file: File) -> bool:
    """Whether this is no path."""
    return not isinstance(file, str | os.PathLike)


@contextmanager
def reading(source: File) -> Iterator[BinaryIO]:
    """An open file itself; a path is opened, and closed at the end."""
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb", buffering=0) as file:
            yield cast("BinaryIO", file)
    else:
        yield source


@contextmanager
def writing(target: File) -> Iterator[BinaryIO]:
    """An open file itself; for a path a file beside it, which takes its place at the end."""
    if not isinstance(target, str | os.PathLike):
        yield target
        return
    path = Path(target)
    handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(beside).unlink()
        raise


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
