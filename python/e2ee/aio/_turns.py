# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whose turn it is: calls that wait together are committed together (docs/storage.md, "asyncio").

waiting ──taken──► made ──commit──► durable ──► futures
   │                │ conflict: all anew, three times at most
   └─ cancelled:    │ a call is refused: it leaves, the others go on
      never was     └ the store fails: every call of the group raises it
"""

from __future__ import annotations

import asyncio
import copy
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from e2ee._commits import lent_store
from e2ee.aio._together import Together
from e2ee.errors import (
    E2EEError,
    InvalidArgumentError,
    StaleSessionError,
    StoreConflictError,
    StoreCorruptionError,
    StoreError,
    StoreRollbackError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from e2ee.store import Store

_T = TypeVar("_T")
#: The most calls that share a commit.
MAX_GROUP: Final = 64
#: How often the calls of a group are made, if other processes change the same records.
TRIES: Final = 3
#: Errors of a store that are about the records of one call.
_OWN: Final = (StoreCorruptionError, StoreRollbackError)


@final
class Call:
    """A call that somebody waits for, in the event loop that runs now."""

    __slots__ = ("abandoned", "error", "future", "lone", "loop", "result", "shares", "work")

    def __init__(self, work: Callable[[], Any], *, lone: bool = True, shares: bool = True) -> None:
        self.work = work
        #: Whether its transaction may be that of others too.
        self.shares = shares
        #: Whether it is one step.
        self.lone = lone
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None
        #: Nobody waits any more.
        self.abandoned = False

    def make(self) -> None:
        """Makes the steps, or keeps the error with which the call is refused.

        Raises:
            StoreError: The store failed: nothing of this transaction may stay.
        """
        self.error = None
        try:
            self.result = self.work()
        except StoreError:
            raise
        except StopIteration as error:
            # No future takes it.
            self.error = RuntimeError("a call of the application's raised StopIteration")
            self.error.__cause__ = error
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            self.error = error

    def set_future(self) -> None:
        """Tells whoever waits, in the event loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class _LeftError(Exception):
    """A call was refused after it had changed something."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call


@final
class Turns:
    """The one thread that works on a store, and the calls that wait for it."""

    __slots__ = (
        "_closed",
        "_executor",
        "_lock",
        "_process",
        "_waiting",
        "_working",
        "together",
    )

    def __init__(self, store: Store) -> None:
        self.together = Together(store)
        # Its thread ends with it, and does not keep an interpreter from ending.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="e2ee")
        self._lock = threading.Lock()
        self._waiting: deque[Call] = deque()
        self._working = False
        self._closed = False
        self._process = os.getpid()

    async def call(self, work: Callable[[], _T], *, lone: bool = True, shares: bool = True) -> _T:
        """The result of work in the thread, after it is durable.

        Raises:
            StaleSessionError: It is closed, or another process opened it.
        """
        call = Call(work, lone=lone, shares=shares)
        self._enter(call, closes=False)
        try:
            result: _T = await call.future
        finally:
            call.abandoned = True
        return result

    async def close(self) -> None:
        """Lets the calls that wait finish, and ends the thread."""
        if os.getpid() != self._process:
            return
        last = Call(lambda: None)
        try:
            self._enter(last, closes=True)
            await last.future
        except StaleSessionError:
            pass
        except BaseException:
            self.end()
            raise
        # It has nothing to do any more.
        self._executor.shutdown(wait=True)

    def end(self) -> None:
        """Ends the thread, when it has made the calls that wait; does not wait for that."""
        self._closed = True
        self._executor.shutdown(wait=False)

    def _enter(self, call: Call, *, closes: bool) -> None:
        if os.getpid() != self._process:
            raise StaleSessionError("the process was forked: open it again")
        with self._lock:
            if self._closed and not closes:
                raise StaleSessionError("it is closed: open it again")
            self._closed = self._closed or closes
            self._waiting.append(call)
        # Not at once, so that all calls of one step of the event loop come together.
        call.loop.call_soon(self._start)

    def _start(self) -> None:
        """Lets the thread work, if it does not."""
        with self._lock:
            if self._working or not self._waiting:
                return
            try:
                self._executor.submit(self._work)
            except RuntimeError:
                lost = list(self._waiting)
                self._waiting.clear()
            else:
                self._working = True
                return
        _fail(lost, StaleSessionError("it is closed: open it again"))
        _deliver(lost)

    def _work(self) -> None:
        while calls := self._taken():
            self._commit(calls)
            _deliver(calls)

    def _taken(self) -> list[Call]:
        """The next group, in the order in which the calls came; nobody is waited for."""
        taken: list[Call] = []
        with self._lock:
            while self._waiting and len(taken) < MAX_GROUP:
                if self._waiting[0].abandoned:
                    self._waiting.popleft()
                elif taken and not (taken[0].shares and self._waiting[0].shares):
                    break
                else:
                    taken.append(self._waiting.popleft())
            self._working = bool(taken)
        return taken

    def _commit(self, calls: list[Call]) -> None:
        """Makes all calls in one transaction; afterwards each has a result that may leave."""
        left: list[Call] = []
        tries = TRIES
        while True:
            try:
                self._make([call for call in calls if call not in left], beside=tries == TRIES)
            except _LeftError as refusal:
                left.append(refusal.call)
            except StoreConflictError as error:
                tries -= 1
                left.clear()
                if tries == 0:
                    return _fail(calls, error)
            except _OWN as error:
                return self._commit_apart(calls, error)
            except BaseException as error:  # noqa: BLE001 - whoever waits raises it
                return _fail(calls, error)
            else:
                return None

    def _commit_apart(self, calls: list[Call], error: StoreError) -> None:
        """Makes each call in a transaction of its own, after one has found a record damaged.

        A store may have something to say about that when its transaction ends.
        """
        if len(calls) == 1:
            return _fail(calls, error)
        for call in calls:
            self._commit([call])
        return None

    def _make(self, calls: list[Call], *, beside: bool) -> None:
        lone = beside and len(calls) == 1 and calls[0].lone
        with self.together.transaction(lone=lone):
            for call in calls:
                before = self.together.changes
                call.make()
                if call.error is not None and self.together.changes != before:
                    raise _LeftError(call)


def turns_of(store: Store) -> Turns:
    """A thread for a store of our own.

    Raises:
        InvalidArgumentError: The store works on a connection that was lent.
    """
    if lent_store(store) is not None:
        raise InvalidArgumentError("a lent connection belongs to its thread: use it without aio")
    return Turns(store)


def _fail(calls: Iterable[Call], error: BaseException) -> None:
    """Every call raises the error, also one that was refused over what is undone now."""
    for call in calls:
        call.error = copy.copy(error) if isinstance(error, E2EEError) else error
        if call.error is not error:
            call.error.__cause__ = error


def _deliver(calls: Iterable[Call]) -> None:
    """Tells whoever waits; a loop that is closed has nobody who does."""
    loops: dict[asyncio.AbstractEventLoop, list[Call]] = {}
    for call in calls:
        loops.setdefault(call.loop, []).append(call)
    for loop, those in loops.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_set_futures, those)


def _set_futures(calls: Iterable[Call]) -> None:
    for call in calls:
        call.set_future()
