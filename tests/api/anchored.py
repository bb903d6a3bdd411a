# SPDX-License-Identifier: MIT OR Apache-2.0
"""An anchor for tests."""

from __future__ import annotations

from threading import Lock
from typing import Final, final

#: Of a value without a timeline.
PLAIN_LEN: Final = 41


@final
class Register:
    """An anchor in memory, which can be told to fail, and counts what it is asked."""

    def __init__(self) -> None:
        self.value: bytes | None = None
        self.fails: list[str] = []
        self._lock = Lock()

    def read(self) -> bytes | None:
        """The value."""
        return self.value

    def advance(self, old: bytes | None, new: bytes, /) -> bool:
        """Sets the value, unless it fails before or after that."""
        failure = self.fails.pop(0) if self.fails else ""
        if failure == "before":
            raise ConnectionError
        with self._lock:
            if self.value != old:
                return False
            self.value = new
        if failure == "after":
            raise ConnectionError
        return True

    def count(self) -> int:
        """The count in the value."""
        assert self.value is not None
        return int.from_bytes(self.value[17:25], "big")

    def timeline(self) -> int | None:
        """The timeline in the value, if it has one."""
        assert self.value is not None
        return int.from_bytes(self.value[49:], "big") if len(self.value) > PLAIN_LEN else None
