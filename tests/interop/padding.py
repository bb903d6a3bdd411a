# SPDX-License-Identifier: MIT OR Apache-2.0
"""What stands around contents before encryption (docs/formats.md, "Envelope"; signal.md §14)."""

from __future__ import annotations

from typing import Final

#: Behind what an application says.
DIRECT: Final = 0x80
#: Behind a sender-key distribution message: in our envelopes an invitation.
INVITATION: Final = 0x81
#: To what multiples clients pad, less one: today's, and older desktops'.
BLOCKS: Final = (80, 160)


def pad(content: bytes, boundary: int = DIRECT, block: int = BLOCKS[0]) -> bytes:
    """Content, boundary and zeros, one byte less than a multiple of the block."""
    length = (len(content) + 1) // block * block + block - 1
    return (content + bytes([boundary])).ljust(length, b"\0")


def unpad(padded: bytes) -> tuple[int, bytes]:
    """Boundary and content.

    Raises:
        ValueError: There is nothing but zeros.
    """
    stripped = padded.rstrip(b"\0")
    if not stripped:
        raise ValueError("no boundary")
    return stripped[-1], stripped[:-1]
