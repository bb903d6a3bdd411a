# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files that an application seals itself, of any size, in constant memory (docs/formats.md).

>>> import io
>>> from e2ee import files
>>> key, sealed = files.FileKey.generate(), io.BytesIO()
>>> files.seal_file(b"A letter.", sealed, key)
>>> with files.open_sealed(sealed.getvalue(), key) as file:
...     file.seek(2), file.read()
(2, b'letter.')

The format is AES-256-GCM-HKDF streaming, as Tink implements it. Files between paths are worked on
by several threads at once. A buffer serves as a source too: `bytes`, `bytearray`, `memoryview`,
`mmap`.
"""

from __future__ import annotations

import io
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias, final

from e2ee import _core, _files
from e2ee._core import FileKey, FilePassphrase
from e2ee._segmented import SegmentedFile
from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import ReadableBuffer

    from e2ee._files import Buffer, File, Source

__all__ = ["FileKey", "FilePassphrase", "create_sealed", "open_sealed", "seal_file", "unseal_file"]

#: What a file is sealed under.
Key: TypeAlias = FileKey | FilePassphrase
#: Called with the bytes of the source that are done, and all of them if their number is known.
Progress: TypeAlias = "Callable[[int, int | None], object]"


def seal_file(  # noqa: PLR0913 - options, each by its name
    source: Source,
    target: File,
    key: Key,
    *,
    associated_data: Buffer = b"",
    progress: Progress | None = None,
    workers: int | None = None,
) -> None:
    """Seals a file (docs/formats.md, "Sealed file").

    A path as target is replaced at the end, at once, when all is on the disk; an open file has
    part of the sealed file if an error is raised.

    Args:
        source: What to seal; an open file from where it stands.
        target: Where the sealed file goes.
        key: A key, or a passphrase.
        associated_data: Authenticated, and to be given again to open; it is not stored.
        progress: Called with the bytes done, 0 at first, and all bytes, or `None` if their number
            is not known; what it raises ends the work.
        workers: Threads at most, if source and target are paths; all cores unless given.

    Raises:
        InvalidArgumentError: Source and target are one file, or the source changed meanwhile.
    """
    _check(source, target, workers)
    if _files.is_stored(source) and _files.is_replaceable(target):
        with _files.beside(target) as path:
            paths = (source, path)
            _core.seal_between(key, associated_data, paths, workers, progress)
        return
    with _files.reading(source) as file, _files.writing(target) as out:
        sealer, preamble = _core.FileSealer.begin(key, associated_data)
        _files.write(out, preamble)
        for piece in _pieces(file, progress):
            _files.write(out, sealer.update(piece))
        _files.write(out, sealer.finish())


def unseal_file(  # noqa: PLR0913 - options, each by its name
    source: Source,
    target: File,
    key: Key,
    *,
    associated_data: Buffer = b"",
    progress: Progress | None = None,
    workers: int | None = None,
) -> None:
    """Opens a sealed file (docs/formats.md, "Sealed file").

    A path as target shows nothing before all is verified. Into an open file each part is written
    as soon as that part is verified: only at the end it is known that none is missing.

    Args:
        source: A sealed file; an open one from where it stands.
        target: Where the plaintext goes.
        key: What the file was sealed under.
        associated_data: What was given to seal it.
        progress: Called with the bytes of the source that are done, 0 at first, and all of them,
            or `None` if their number is not known; what it raises ends the work.
        workers: Threads at most, if source and target are paths; all cores unless given.

    Raises:
        AuthenticationError: The file was altered or is not complete, or key, passphrase or
            associated data are other ones.
        InvalidArgumentError: Source and target are one file, or the source changed meanwhile.
        MalformedMessageError: No file that was sealed under such a key or passphrase begins so.
    """
    _check(source, target, workers)
    if _files.is_stored(source) and _files.is_replaceable(target):
        with _files.beside(target) as path:
            paths = (source, path)
            _core.unseal_between(key, associated_data, paths, workers, progress)
        return
    with _files.reading(source) as file, _files.writing(target) as out:
        pieces = _pieces(file, progress, _core.preamble_len(key))
        opener = _core.FileOpener.begin(key, associated_data, next(pieces, b""))
        for piece in pieces:
            _files.write(out, opener.update(piece))
        _files.write(out, opener.finish())


def open_sealed(source: Source, key: Key, *, associated_data: Buffer = b"") -> io.BufferedReader:
    """Opens a sealed file to read and seek in (docs/formats.md, "Sealed file").

    Its length is verified at once, each part when it is read. Closing what is returned closes a
    source that was given by its path.

    Args:
        source: A sealed file that can be sought in; an open one from where it stands.
        key: What the file was sealed under.
        associated_data: What was given to seal it.

    Raises:
        AuthenticationError: The file was altered or is not complete, or key, passphrase or
            associated data are other ones; also when reading later.
        InvalidArgumentError: The source can not be sought in.
        MalformedMessageError: No file that was sealed under such a key or passphrase begins so.
    """
    with ExitStack() as stack:
        file = stack.enter_context(_files.reading(source))
        length, start = _files.size_of(file), file.tell()
        preamble = _files.read(file, _core.preamble_len(key))
        contents = _core.FileContents(key, associated_data, preamble, length)
        sealed = _SealedParts(contents, file, start)
        # The last segment says that the file ends here.
        sealed.part(contents.size)
        return io.BufferedReader(SegmentedFile(sealed, stack.pop_all()), _BUFFER)


@contextmanager
def create_sealed(
    target: File, key: Key, *, associated_data: Buffer = b""
) -> Iterator[io.BufferedWriter]:
    """A file to write to in a `with` block, which seals it (docs/formats.md, "Sealed file").

    The sealed file is complete when the block ends, and only if it ends without an exception; a
    path as target is replaced then, at once.

    Args:
        target: Where the sealed file goes.
        key: A key, or a passphrase.
        associated_data: Authenticated, and to be given again to open; it is not stored.
    """
    with _files.writing(target) as out:
        sealer, preamble = _core.FileSealer.begin(key, associated_data)
        _files.write(out, preamble)
        sealing = _Sealing(sealer, out)
        writer: io.BufferedWriter = io.BufferedWriter(sealing, _PIECE)
        try:
            yield writer
        except BaseException:
            sealing.abandon()
            raise
        finally:
            writer.close()
        _files.write(out, sealer.finish())


@final
class _Sealing(io.RawIOBase):
    """Seals what is written, until it is abandoned."""

    def __init__(self, sealer: _core.FileSealer, out: BinaryIO) -> None:
        self._sealer, self._out = sealer, out
        self._is_abandoned = False

    def writable(self) -> bool:
        return True

    def abandon(self) -> None:
        """From now on, nothing is sealed: what waits in buffers is lost."""
        self._is_abandoned = True

    def write(self, data: ReadableBuffer) -> int:
        with memoryview(data) as view, view.cast("B") as cells:
            for start in range(0, 0 if self._is_abandoned else len(cells), _PIECE):
                piece = bytes(cells[start : start + _PIECE])
                _files.write(self._out, self._sealer.update(piece))
            return len(cells)


@dataclass(frozen=True, slots=True)
class _SealedParts:
    """The segments of a sealed file, and where it lies in its source."""

    contents: _core.FileContents
    file: BinaryIO
    start: int

    @property
    def size(self) -> int:
        return self.contents.size

    def part(self, position: int) -> tuple[int, bytes]:
        plain_start, sealed_start, length = self.contents.segment(position)
        self.file.seek(self.start + sealed_start)
        return plain_start, self.contents.open(position, _files.read(self.file, length))


def _check(source: Source, target: File, workers: int | None) -> None:
    if workers is not None and workers < 1:
        raise InvalidArgumentError("at least one worker is needed")
    if _files.is_stored(source) and _files.is_replaceable(target):
        path = Path(target)
        if path.exists() and path.samefile(source):
            raise InvalidArgumentError("source and target are the same file")


def _pieces(file: BinaryIO, progress: Progress | None, first: int = 0) -> Iterator[bytes]:
    """The source in pieces, of which the first may have another length; 0 is told before it."""
    total = _files.size_of(file) if file.seekable() else None
    done, length = 0, first or _PIECE
    _report(progress, done, total)
    while piece := _files.read(file, length):
        yield piece
        done, length = done + len(piece), _PIECE
        _report(progress, done, total)


def _report(progress: Progress | None, done: int, total: int | None) -> None:
    if progress is not None:
        progress(done, total)


#: Bytes of a stream that are worked on at a time.
_PIECE: Final = 1 << 20
#: Bytes that small reads take from a segment at a time.
_BUFFER: Final = 1 << 16
