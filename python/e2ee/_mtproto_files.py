# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files of any size beside the messages, in constant memory (mtproto_secret_chats.md §7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from e2ee import _core, _files
from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from e2ee._files import File
    from e2ee.attachments import Progress

#: Bytes that are read at a time: few enough to stay in a cache while they are worked on.
_PIECE: Final = 1 << 17


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """What a recipient needs to decrypt a file; its `repr` has no key (mtproto_secret_chats.md §7).

    - `key`: 64 bytes, for this file only: those of `key` and then those of `iv` in a message;
    - `size`: the bytes of the file, below 2⁶³, which the message has too;
    - `fingerprint`: a signed number of 32 bits, `key_fingerprint`, which the server shows beside
      the ciphertext.

    Raises:
        InvalidArgumentError: A field has another length or is out of its range.
    """

    key: bytes = field(repr=False)
    size: int
    fingerprint: int

    def __post_init__(self) -> None:
        """Checks all fields but for what the fingerprint is."""
        _core.mtproto_file_fingerprint(self.key)
        if not (0 <= self.size < 1 << 63 and -(1 << 31) <= self.fingerprint < 1 << 31):
            raise InvalidArgumentError("a size or a fingerprint is out of its range")

    @property
    def ciphertext_size(self) -> int:
        """The bytes of the ciphertext: those of the file up to a multiple of 16."""
        return _core.mtproto_ciphertext_len(self.size)


def encrypt_file(source: File, target: File, *, progress: Progress | None = None) -> EncryptedFile:
    """Encrypts a file under a key of its own, and returns its key (mtproto_secret_chats.md §7).

    The ciphertext shows the size up to a multiple of 16, and nothing authenticates it: whoever
    keeps it can change it, and no recipient sees that from it alone. A path as target is replaced
    at the end, at once; an open file has part of the ciphertext if an error is raised.

    Args:
        source: What to encrypt; an open file from where it stands.
        target: Where the ciphertext goes.
        progress: Called with the bytes done and all bytes, or the bytes done twice if the source
            can not be sought in; what it raises ends the work.
    """
    with _files.reading(source) as file, _files.writing(target) as out:
        total = _files.size_of(file) if file.seekable() else None
        encryptor, done = _core.MtprotoFileEncryptor(), 0
        while piece := _files.read(file, _PIECE):
            _files.write(out, encryptor.update(piece))
            done += len(piece)
            _report(progress, done, done if total is None else total)
        end, size = encryptor.finish()
        _files.write(out, end)
    key = encryptor.key()
    return EncryptedFile(key, size, _core.mtproto_file_fingerprint(key))


def decrypt_file(
    encrypted: EncryptedFile, source: File, target: File, *, progress: Progress | None = None
) -> None:
    """Decrypts a file, of which nothing is authenticated (mtproto_secret_chats.md §7).

    Checked are the fingerprint, before anything is read, and the length. A ciphertext that was
    changed gives another file without an error: compare a hash that came inside a message where
    that matters. A path as target is replaced at the end, at once; an open file has part of the
    plaintext if an error is raised.

    Args:
        encrypted: Key and size from the message, and the fingerprint from the server.
        source: The ciphertext, which is read once; an open file from where it stands.
        target: Where the file goes.
        progress: Called with the bytes done and all bytes of the ciphertext; what it raises ends
            the work.

    Raises:
        AuthenticationError: The fingerprint is that of another key, or the ciphertext has another
            length.
    """
    size, total = encrypted.size, encrypted.ciphertext_size
    decryptor = _core.MtprotoFileDecryptor(encrypted.key, encrypted.fingerprint, size)
    with _files.reading(source) as file, _files.writing(target) as out:
        done = 0
        while piece := _files.read(file, _PIECE):
            _files.write(out, decryptor.update(piece))
            done += len(piece)
            _report(progress, done, total)
        decryptor.finish()


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
