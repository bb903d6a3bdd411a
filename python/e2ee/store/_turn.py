# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whose turn it is to use a store: one thread at a time, of the process that opened it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, final

from e2ee.errors import StaleSessionError, TransactionOpenError

if TYPE_CHECKING:
    from types import TracebackType


#: How many forks lie between the first process and this one.
_forks: Final = [0]


def _forked() -> None:
    _forks[0] += 1


# Asking the system for the process would take longer than all else here. A system that cannot fork
# has nothing to register.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


@final
class Turn:
    """A lock that tells a thread that it holds it already, and a forked process that it may not.

    A forked copy of a store would use the same message keys as its original; a database connection
    cannot be used in both.
    """

    __slots__ = ("_closed", "_forks", "_lock", "_owner")

    def __init__(self) -> None:
        self._closed = False
        self._forks = _forks[0]
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        """Waits for the turn.

        Raises:
            TransactionOpenError: This thread has it.
            StaleSessionError: The store is closed, or another process opened it.
        """
        if self._forks != _forks[0]:
            raise StaleSessionError("the process was forked: open the store again")
        thread = threading.get_ident()
        if self._owner == thread:
            raise TransactionOpenError("a transaction is open in this thread")
        self._lock.acquire()
        if self._closed:
            self._lock.release()
            raise StaleSessionError("the store is closed: open it again")
        self._owner = thread

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
        return self._forks != _forks[0]

    def is_closed(self) -> bool:
        """Whether this was the last turn."""
        return self._closed

    def close(self) -> None:
        """Makes the present turn the last one."""
        self._closed = True
