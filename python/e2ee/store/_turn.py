# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whose turn it is to use a store: one thread at a time, of the process that opened it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, final

from e2ee.errors import StaleSessionError, TransactionOpenError

if TYPE_CHECKING:
    from types import TracebackType


@final
class Turn:
    """A lock that tells a thread that it holds it already, and a forked process that it may not.

    A forked copy of a store would use the same message keys as its original; a database connection
    cannot be used in both.
    """

    __slots__ = ("_closed", "_lock", "_owner", "_process")

    def __init__(self) -> None:
        self._closed = False
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._process = os.getpid()

    def __enter__(self) -> None:
        """Waits for the turn.

        Raises:
            TransactionOpenError: This thread has it.
            StaleSessionError: The store is closed, or another process opened it.
        """
        if self.is_foreign():
            raise StaleSessionError("the process was forked: open the store again")
        if self._owner == threading.get_ident():
            raise TransactionOpenError("a transaction is open in this thread")
        self._lock.acquire()
        if self._closed:
            self._lock.release()
            raise StaleSessionError("the store is closed: open it again")
        self._owner = threading.get_ident()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Gives the turn to the next."""
        self._owner = None
        self._lock.release()

    def is_foreign(self) -> bool:
        """Whether another process opened the store."""
        return os.getpid() != self._process

    def is_closed(self) -> bool:
        """Whether this was the last turn."""
        return self._closed

    def close(self) -> None:
        """Makes the present turn the last one."""
        self._closed = True
