# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files of any size beside the messages, in constant memory (olm_megolm.md §7)."""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from e2ee import _core, _files
from e2ee._matrix_signed import object_of, text_of
from e2ee._segmented import SegmentedFile
from e2ee.errors import UnsupportedVersionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2ee._files import File
    from e2ee.attachments import Progress

#: Bytes that are read at a time: few enough to stay in a cache while they are worked on.
_PIECE: Final = 1 << 17
#: Bytes of the file that are verified together.
_SEGMENT: Final = 1 << 16
_VERSION: Final = "v2"


def encrypt_file(
    source: File, target: File, *, progress: Progress | None = None
) -> dict[str, object]:
    """Encrypts a file under a key of its own, and returns its `EncryptedFile` (olm_megolm.md §7).

    What is returned holds the key and goes into an encrypted event, with the `url` of the upload.
    The ciphertext shows the exact size. A path as target is replaced at the end, at once; an open
    file has part of the ciphertext if an error is raised.

    Args:
        source: What to encrypt; an open file from where it stands.
        target: Where the ciphertext goes.
        progress: Called with the bytes done and all bytes, or the bytes done twice if the source
            can not be sought in; what it raises ends the work.
    """
    with _files.reading(source) as file, _files.writing(target) as out:
        total = _files.size_of(file) if file.seekable() else None
        encryptor, done = _core.MatrixFileEncryptor(), 0
        while piece := _files.read(file, _PIECE):
            _files.write(out, encryptor.update(piece))
            done += len(piece)
            _report(progress, done, done if total is None else total)
        key, first_block, digest = encryptor.finish()
    return {
        "v": _VERSION,
        "key": {
            "kty": "oct",
            "alg": "A256CTR",
            "ext": True,
            "key_ops": ["encrypt", "decrypt"],
            "k": key,
        },
        "iv": first_block,
        "hashes": {"sha256": digest},
    }


def decrypt_file(
    encrypted: Mapping[str, object],
    source: File,
    target: File,
    *,
    progress: Progress | None = None,
) -> None:
    """Decrypts a file; the target shows nothing before all of it is verified (olm_megolm.md §7).

    The source is read twice, and each part is verified again. A path as target is replaced at the
    end, at once.

    Args:
        encrypted: The `EncryptedFile` of an event that was decrypted.
        source: The ciphertext; an open file from where it stands.
        target: Where the file goes.
        progress: Called with the bytes that were read and have to be read, in both passes together;
            what it raises ends the work.

    Raises:
        AuthenticationError: The ciphertext is not the one of this event, or not all of it.
        InvalidArgumentError: The source can not be sought in.
        MalformedMessageError: The event's object lacks something.
        UnsupportedVersionError: It is of another version or algorithm.
    """
    with _files.reading(source) as file, _files.writing(target) as out:
        blob = _verified(encrypted, file, progress, passes=2)
        for index in range(-(-blob.size // _SEGMENT)):
            _files.write(out, blob.segment(index))
            done = min((index + 1) * _SEGMENT, blob.size)
            _report(progress, blob.size + done, 2 * blob.size)


def open_file(
    encrypted: Mapping[str, object], source: File, *, progress: Progress | None = None
) -> io.BufferedReader:
    """Opens a ciphertext as a file to seek in, after one pass that verifies it (olm_megolm.md §7).

    Every part is verified again when it is read: the ciphertext may even change meanwhile. Closing
    what is returned closes a source that was given by its path.

    Args:
        encrypted: The `EncryptedFile` of an event that was decrypted.
        source: The ciphertext; an open file that can be sought in, from where it stands.
        progress: Called with the bytes that were verified and all bytes.

    Raises:
        AuthenticationError: The ciphertext is not the one of this event; also when reading later.
        InvalidArgumentError: The source can not be sought in.
        MalformedMessageError: The event's object lacks something.
        UnsupportedVersionError: It is of another version or algorithm.
    """
    with ExitStack() as stack:
        file = stack.enter_context(_files.reading(source))
        blob = _verified(encrypted, file, progress, passes=1)
        return io.BufferedReader(SegmentedFile(blob, stack.pop_all()), _SEGMENT)


@dataclass(frozen=True, slots=True)
class _Blob:
    """A ciphertext whose whole was verified, and where it lies in its file."""

    parts: _core.MatrixFileSegments
    file: BinaryIO
    start: int

    @property
    def size(self) -> int:
        return self.parts.size

    def part(self, position: int) -> tuple[int, bytes]:
        index = position // _SEGMENT
        return index * _SEGMENT, self.segment(index)

    def segment(self, index: int) -> bytes:
        """A part of the file, read and verified again."""
        start, length = self.parts.range(index)
        self.file.seek(self.start + start)
        return self.parts.open(index, _files.read(self.file, length))


def _verified(
    encrypted: Mapping[str, object], file: BinaryIO, progress: Progress | None, *, passes: int
) -> _Blob:
    """The first pass."""
    verifier = _core.MatrixFileVerifier(_described(encrypted))
    length = _files.size_of(file)
    start, done = file.tell(), 0
    while done < length and (piece := _files.read(file, min(_PIECE, length - done))):
        verifier.update(piece)
        done += len(piece)
        _report(progress, done, length * passes)
    return _Blob(verifier.finish(), file, start)


def _described(encrypted: Mapping[str, object]) -> tuple[str, str, str]:
    key = object_of(encrypted, "key")
    if (text_of(encrypted, "v"), text_of(key, "kty"), text_of(key, "alg")) != (
        _VERSION,
        "oct",
        "A256CTR",
    ):
        raise UnsupportedVersionError("the file is of another version")
    hashes = object_of(encrypted, "hashes")
    return text_of(key, "k"), text_of(encrypted, "iv"), text_of(hashes, "sha256")


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
