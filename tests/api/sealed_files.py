# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests of sealed files share."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from e2ee.files import FileKey, seal_file

if TYPE_CHECKING:
    from e2ee.files import Key

SMALL, LARGE, TAG, HEADER = 4_096, 1 << 20, 16, 40
KEY = FileKey.from_bytes(bytes(32), segment_size=SMALL)


class Stream(io.RawIOBase):
    """Bytes that can be read once, a few at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        self._inner, self._most = io.BytesIO(content), most

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, fewer than were asked for."""
        return self._inner.read(self._most if size is None or size < 0 else min(size, self._most))


def stream(content: bytes, most: int = 1_000) -> BinaryIO:
    """Such bytes."""
    return cast("BinaryIO", Stream(content, most))


def pattern(size: int) -> bytes:
    """What is sealed."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def sealed(content: bytes, key: Key = KEY) -> bytes:
    """A sealed file."""
    out = io.BytesIO()
    seal_file(content, out, key, associated_data=b"ad")
    return out.getvalue()
