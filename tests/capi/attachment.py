# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files beside the messages, encrypted and verified by the C library."""

from __future__ import annotations

from typing import Self

from tests.capi.objects import Handle, check, ffi, lib


class Encryptor(Handle):
    """A file on its way to a blob."""

    ctype = "e2ee_signal_attachment_encryptor"

    @classmethod
    def begin(cls, size: int) -> Self:
        """Begins a file of this size."""
        return cls.made(lambda place: lib.e2ee_signal_attachment_encryptor_begin(size, place))

    def update(self, plaintext: bytes) -> bytes:
        """Takes the next bytes, and gives what is ready."""
        check(lib.e2ee_signal_attachment_encryptor_update(self.pointer, plaintext, len(plaintext)))
        return self.output(lib.e2ee_signal_attachment_encryptor_output)

    def finish(self) -> tuple[bytes, bytes]:
        """The rest of the blob, and its pointer."""
        rest = b""
        while not self.value(lib.e2ee_signal_attachment_encryptor_finish, "bool"):
            rest += self.output(lib.e2ee_signal_attachment_encryptor_output)
        rest += self.output(lib.e2ee_signal_attachment_encryptor_output)
        return rest, self.output(lib.e2ee_signal_attachment_encryptor_pointer)


class Segments(Handle):
    """The parts of a blob that was verified."""

    ctype = "e2ee_signal_attachment_segments"

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return int(self.value(lib.e2ee_signal_attachment_segments_size, "uint32_t"))

    def open(self, index: int, blob: bytes) -> bytes:
        """The part of the file in this segment."""
        start, length = ffi.new("uint64_t *"), ffi.new("size_t *")
        check(lib.e2ee_signal_attachment_segments_range(self.pointer, index, start, length))
        segment = blob[start[0] : start[0] + length[0]]
        return self.output(lib.e2ee_signal_attachment_segments_open, index, segment, len(segment))


class Verifier(Handle):
    """The first pass over a blob."""

    ctype = "e2ee_signal_attachment_verifier"

    @classmethod
    def of(cls, pointer: bytes) -> Self:
        """Begins to verify the blob of this pointer."""
        return cls.made(
            lambda place: lib.e2ee_signal_attachment_verifier_new(pointer, len(pointer), place)
        )

    def update(self, blob: bytes) -> None:
        """Takes the next bytes."""
        check(lib.e2ee_signal_attachment_verifier_update(self.pointer, blob, len(blob)))

    def finish(self) -> Segments:
        """Verifies the whole."""
        return Segments.made(
            lambda place: lib.e2ee_signal_attachment_verifier_finish(self.pointer, place)
        )


def encrypted(plaintext: bytes, piece: int = 50_000) -> tuple[bytes, bytes]:
    """Blob and pointer of a file that comes in pieces."""
    encryptor = Encryptor.begin(len(plaintext))
    parts = [
        encryptor.update(plaintext[start : start + piece])
        for start in range(0, len(plaintext), piece)
    ]
    rest, pointer = encryptor.finish()
    return b"".join([*parts, rest]), pointer


def decrypted(pointer: bytes, blob: bytes) -> bytes:
    """The file of a blob."""
    verifier = Verifier.of(pointer)
    for start in range(0, len(blob), 70_000):
        verifier.update(blob[start : start + 70_000])
    segments = verifier.finish()
    count = -(-segments.size // 65_536)
    return b"".join(segments.open(index, blob) for index in range(count))
