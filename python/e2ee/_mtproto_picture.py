# SPDX-License-Identifier: MIT OR Apache-2.0
"""The picture of a chat's key (mtproto_secret_chats.md §1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyPicture:
    """What both ends compare: 36 bytes."""

    _bytes: bytes

    @classmethod
    def from_bytes(cls, encoded: bytes) -> KeyPicture:
        """Of 36 bytes."""
        return cls(encoded)

    def to_bytes(self) -> bytes:
        """The 36 bytes."""
        return self._bytes
