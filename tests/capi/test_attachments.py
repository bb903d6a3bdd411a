# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files that one of C and Python encrypts, and the other opens (signal.md §13)."""

from __future__ import annotations

import io

import pytest

import e2ee
from tests.capi import attachment
from tests.capi.objects import lib

SIZES = pytest.mark.parametrize("size", [0, 1, 15, 16, 541, 65_535, 65_536, 65_537, 300_000])


def content(size: int) -> bytes:
    """A file of this size."""
    return bytes(place * 7 % 251 for place in range(size))


def by_python(plaintext: bytes) -> tuple[bytes, bytes]:
    """Blob and pointer, made by Python."""
    blob = io.BytesIO()
    pointer = e2ee.encrypt_attachment(io.BytesIO(plaintext), blob)
    return blob.getvalue(), pointer.to_bytes()


@SIZES
def test_python_opens_what_c_encrypted(size: int) -> None:
    blob, pointer = attachment.encrypted(content(size))
    file = io.BytesIO()

    e2ee.decrypt_attachment(e2ee.AttachmentPointer.from_bytes(pointer), io.BytesIO(blob), file)

    assert content(size) == file.getvalue()
    assert len(blob) == lib.e2ee_signal_attachment_blob_len(size)


@SIZES
def test_c_opens_what_python_encrypted(size: int) -> None:
    blob, pointer = by_python(content(size))

    opened = attachment.decrypted(pointer, blob)

    assert content(size) == opened


@pytest.mark.parametrize("place", [0, 20, 300, -1])
def test_an_altered_blob_is_refused(place: int) -> None:
    blob, pointer = attachment.encrypted(content(1_000))
    altered = bytearray(blob)
    altered[place] ^= 1

    with pytest.raises(e2ee.AuthenticationError):
        attachment.decrypted(pointer, bytes(altered))
    with pytest.raises(e2ee.AuthenticationError):
        attachment.decrypted(pointer, blob[:-1])


def test_a_segment_that_changed_since_is_refused() -> None:
    blob, pointer = attachment.encrypted(content(1_000))
    verifier = attachment.Verifier.of(pointer)
    verifier.update(blob)
    segments = verifier.finish()

    with pytest.raises(e2ee.AuthenticationError):
        segments.open(0, blob[:40] + bytes(1) + blob[41:])
    assert segments.open(0, blob) == content(1_000)
    with pytest.raises(e2ee.StaleSessionError):
        verifier.update(blob)


def test_an_encryptor_takes_what_was_announced() -> None:
    encryptor = attachment.Encryptor.begin(10)
    encryptor.update(b"12345")

    with pytest.raises(e2ee.InvalidArgumentError):
        encryptor.update(b"123456")
    with pytest.raises(e2ee.InvalidArgumentError):
        encryptor.finish()
    encryptor.update(b"67890")
    encryptor.finish()
    with pytest.raises(e2ee.StaleSessionError):
        encryptor.update(b"")
