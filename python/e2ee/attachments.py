# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files of up to 4 GiB beside the messages, in constant memory (signal.md §13).

The encrypted file, the blob, is kept by whoever likes to; the pointer, which holds its key, travels
inside an encrypted message. Nothing of a blob is released before it is authenticated.

>>> import e2ee, io
>>> blob, file = io.BytesIO(), io.BytesIO()
>>> pointer = e2ee.encrypt_attachment(io.BytesIO(b"A picture."), blob)
>>> blob.seek(0)
0
>>> e2ee.decrypt_attachment(e2ee.AttachmentPointer.from_bytes(pointer.to_bytes()), blob, file)
>>> file.getvalue()
b'A picture.'
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from e2ee import _core, _files
from e2ee._segmented import SegmentedFile
from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from e2ee._files import File

Progress: TypeAlias = "Callable[[int, int], object]"

#: Bytes that are read at a time: few enough to stay in a cache while they are worked on.
_PIECE: Final = 1 << 17
#: Bytes of the file that are verified together (docs/formats.md, "Attachment").
_SEGMENT: Final = 1 << 16


@dataclass(frozen=True, slots=True, repr=False)
class AttachmentPointer:
    """What a recipient needs to open a blob; as secret as the message inside which it travels.

    - `key`: 64 bytes, AES-256 and then HMAC-SHA-256, for this blob only;
    - `digest`: the SHA-256 of the blob, 32 bytes;
    - `size`: the bytes of the file, at most 2³² - 1;
    - `incremental_mac`: 32 bytes for each chunk of `chunk_size` bytes, at most 2 MiB, and for the
      whole, with which chunks are verified while they come; both are `None` if there is none.

    Raises:
        InvalidArgumentError: A field has another length or is out of its range.
    """

    key: bytes
    digest: bytes
    size: int
    incremental_mac: bytes | None = None
    chunk_size: int | None = None
    _encoded: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Checks all fields."""
        if (self.incremental_mac is None) != (self.chunk_size is None):
            raise InvalidArgumentError("an incremental MAC needs the size of its chunks")
        incremental = (
            None
            if self.chunk_size is None or self.incremental_mac is None
            else (self.chunk_size, self.incremental_mac)
        )
        try:
            encoded = _core.write_pointer(self.key, self.digest, self.size, incremental)
        except OverflowError:
            raise InvalidArgumentError("a size is out of its range") from None
        object.__setattr__(self, "_encoded", encoded)

    @classmethod
    def from_bytes(cls, encoded: bytes) -> AttachmentPointer:
        """The pointer in the fields 3, 4, 6, 17 and 19 of a Protocol Buffers message.

        Other fields, those of a whole pointer of a Signal client for instance, are ignored.

        Raises:
            MalformedMessageError: Key, size or digest is missing, or a field cannot be right.
        """
        key, digest, size, incremental = _core.read_pointer(encoded)
        chunk_size, incremental_mac = incremental or (None, None)
        return cls(key, digest, size, incremental_mac, chunk_size)

    def to_bytes(self) -> bytes:
        """The fields as `from_bytes` reads them (signal.md §13); they hold the key."""
        return self._encoded

    @property
    def blob_size(self) -> int:
        """The bytes of the blob, as `encrypt_attachment` writes it."""
        return _core.blob_len(self.size)

    def __repr__(self) -> str:
        """Size and digest."""
        return f"AttachmentPointer(size={self.size}, digest={self.digest.hex()})"


def encrypt_attachment(
    source: File, target: File, *, size: int | None = None, progress: Progress | None = None
) -> AttachmentPointer:
    """Encrypts a file under a key of its own, and returns its pointer (signal.md §13).

    The blob shows the size in steps of five per cent, at least 541 bytes. A path as target is
    replaced at the end, at once; an open file has part of the blob if an error is raised.

    Args:
        source: What to encrypt; an open file from where it stands.
        target: Where the blob goes.
        size: How many bytes to read; needed if the source can not be sought in.
        progress: Called with the bytes done and all bytes; what it raises ends the work.

    Raises:
        InvalidArgumentError: The size is unknown, 4 GiB or more, or not that of the source.
    """
    with _files.reading(source) as file, _files.writing(target) as out:
        total = _files.size_of(file) if size is None else size
        try:
            encryptor, head = _core.AttachmentEncryptor.begin(total)
        except OverflowError:
            raise InvalidArgumentError("the size is out of its range") from None
        _files.write(out, head)
        done = 0
        while done < total:
            piece = _files.read(file, min(_PIECE, total - done))
            if not piece:
                raise InvalidArgumentError("the source has fewer bytes than its size says")
            _files.write(out, encryptor.update(piece))
            done += len(piece)
            _report(progress, done, total)
        if size is None and _files.read(file, 1):
            raise InvalidArgumentError("the source grew")
        while padding := encryptor.pad():
            _files.write(out, padding)
        end, pointer = encryptor.finish()
        _files.write(out, end)
        if total == 0:
            _report(progress, 0, 0)
    return AttachmentPointer.from_bytes(pointer)


def decrypt_attachment(
    pointer: AttachmentPointer, source: File, target: File, *, progress: Progress | None = None
) -> None:
    """Decrypts a blob; the target shows nothing before all of it is verified (signal.md §13).

    A path as target is replaced at the end, at once. Into an open file the plaintext is written in
    a second pass over the source, which verifies each part again. A source may be read once only
    if the target is a path and the pointer has an incremental MAC.

    Args:
        pointer: What `encrypt_attachment` returned.
        source: The blob; an open file from where it stands.
        target: Where the file goes.
        progress: Called with the bytes of the blob that were read and have to be read, in both
            passes together; what it raises ends the work.

    Raises:
        AuthenticationError: The blob is not the one of this pointer, or not all of it.
        InvalidArgumentError: The source can not be sought in, but has to be read twice.
    """
    with _files.reading(source) as file, _files.writing(target) as out:
        if pointer.chunk_size is not None and not _files.is_open(target):
            for piece in _chunks(
                _core.AttachmentOpener(pointer.to_bytes()), file, pointer, progress
            ):
                _files.write(out, piece)
            return
        blob = _verified(pointer, file, progress)
        for index in range(blob.segments):
            _report(progress, blob.length + index * _SEGMENT, blob.length * 2)
            _files.write(out, blob.segment(index))
        _report(progress, blob.length * 2, blob.length * 2)


def stream_attachment(
    pointer: AttachmentPointer, source: File, *, progress: Progress | None = None
) -> Iterator[bytes]:
    """The file in pieces while its blob comes, each verified before it is given (signal.md §13).

    What was cut off or altered is found in the chunk in which it is. The file is complete when the
    iterator ends without an error.

    Args:
        pointer: A pointer with an incremental MAC, as `encrypt_attachment` returns it.
        source: The blob, which is read once.
        progress: Called with the bytes of the blob that were read and that are expected.

    Raises:
        AuthenticationError: The next chunk is not that of this blob, or is missing.
        InvalidArgumentError: The pointer has no incremental MAC.
    """
    opener = _core.AttachmentOpener(pointer.to_bytes())

    def pieces() -> Iterator[bytes]:
        with _files.reading(source) as file:
            yield from _chunks(opener, file, pointer, progress)

    return pieces()


def open_attachment(
    pointer: AttachmentPointer, source: File, *, progress: Progress | None = None
) -> io.BufferedReader:
    """Opens a blob as a file to seek in, after one pass that verifies it (signal.md §13).

    Every part is verified again when it is read: the blob may even change meanwhile. Closing what
    is returned closes a source that was given by its path.

    Args:
        pointer: What `encrypt_attachment` returned.
        source: The blob; an open file that can be sought in, from where it stands.
        progress: Called with the bytes of the blob that were verified and all its bytes.

    Raises:
        AuthenticationError: The blob is not the one of this pointer; also when reading later.
        InvalidArgumentError: The source can not be sought in.
    """
    with ExitStack() as stack:
        file = stack.enter_context(_files.reading(source))
        blob = _verified(pointer, file, progress, passes=1)
        return io.BufferedReader(SegmentedFile(blob, stack.pop_all()), _SEGMENT)


@dataclass(frozen=True, slots=True)
class _Blob:
    """A blob whose whole was verified, and where it lies in its file."""

    parts: _core.AttachmentSegments
    file: BinaryIO
    start: int
    length: int

    @property
    def size(self) -> int:
        return self.parts.size

    @property
    def segments(self) -> int:
        return -(-self.size // _SEGMENT)

    def part(self, position: int) -> tuple[int, bytes]:
        index = position // _SEGMENT
        return index * _SEGMENT, self.segment(index)

    def segment(self, index: int) -> bytes:
        """A part of the file, read and verified again."""
        start, length = self.parts.range(index)
        self.file.seek(self.start + start)
        return self.parts.open(index, _files.read(self.file, length))


def _verified(
    pointer: AttachmentPointer, file: BinaryIO, progress: Progress | None, *, passes: int = 2
) -> _Blob:
    """The first pass."""
    verifier = _core.AttachmentVerifier(pointer.to_bytes())
    length = _files.size_of(file)
    start, done = file.tell(), 0
    while done < length and (piece := _files.read(file, _PIECE)):
        verifier.update(piece)
        done += len(piece)
        _report(progress, done, length * passes)
    return _Blob(verifier.finish(), file, start, length)


def _chunks(
    opener: _core.AttachmentOpener,
    file: BinaryIO,
    pointer: AttachmentPointer,
    progress: Progress | None,
) -> Iterator[bytes]:
    done, chunk_size, total = 0, opener.chunk_size, pointer.blob_size
    while True:
        chunk = _files.read(file, chunk_size)
        done += len(chunk)
        is_last = len(chunk) < chunk_size
        piece = opener.finish(chunk) if is_last else opener.open_chunk(chunk)
        _report(progress, min(done, total), total)
        if piece:
            yield piece
        if is_last:
            return


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
