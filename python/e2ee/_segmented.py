# SPDX-License-Identifier: MIT OR Apache-2.0
"""A file to seek in, over parts that are verified and opened when they are read."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Protocol, final

if TYPE_CHECKING:
    from contextlib import ExitStack

    from _typeshed import WriteableBuffer


class Parts(Protocol):
    """What can be opened part by part."""

    @property
    def size(self) -> int:
        """The bytes of the whole."""

    def part(self, position: int) -> tuple[int, bytes]:
        """Where the part with the byte at `position` begins, and all of it."""


@final
class SegmentedFile(io.RawIOBase):
    """The file in its parts; closing it closes what was opened for it."""

    def __init__(self, parts: Parts, opened: ExitStack) -> None:
        self._parts, self._opened = parts, opened
        self._position = 0
        self._held: tuple[int, bytes] = (0, b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to a position, which may lie behind the end."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._parts.size}
        position = origin[whence] + offset
        if position < 0:
            raise ValueError("a position is not negative")
        self._position = position
        return position

    def tell(self) -> int:
        """The position."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Reads to the end of a part at most."""
        if self._position >= self._parts.size:
            return 0
        start, part = self._held
        if not start <= self._position < start + len(part):
            start, part = self._held = self._parts.part(self._position)
        offset = self._position - start
        view = memoryview(buffer).cast("B")
        piece = part[offset : offset + len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        """Forgets the part that is held."""
        if not self.closed:
            self._held = (0, b"")
            self._opened.close()
        super().close()
