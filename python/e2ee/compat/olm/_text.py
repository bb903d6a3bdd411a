# SPDX-License-Identifier: MIT OR Apache-2.0
"""Texts and bytes as the package `python-olm` takes them: either, where only one is meant."""

from __future__ import annotations

import base64
import binascii


def to_bytes(given: str | bytes) -> bytes:
    """The bytes of a text in UTF-8, or bytes as they are; anything else is a `TypeError`."""
    return given.encode() if isinstance(given, str) else bytes(memoryview(given))


def to_text(given: str | bytes) -> str:
    """A text in base64, however it came; what is no text has no base64."""
    return to_bytes(given).decode("ascii", errors="replace")


def passphrase_bytes(passphrase: str | None) -> bytes:
    """The key of a pickle; none is the empty one."""
    return passphrase.encode() if passphrase else b""


def encode(data: bytes) -> str:
    """The bytes in unpadded base64."""
    return base64.b64encode(data).decode().rstrip("=")


def decode(text: str | bytes) -> bytes | None:
    """The bytes of padded or unpadded base64, or `None`."""
    data = to_bytes(text).rstrip(b"=")
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except binascii.Error:
        return None
