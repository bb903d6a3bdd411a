# SPDX-License-Identifier: MIT OR Apache-2.0
"""The connections of a `PostgresStore`: one for each thread that is inside a transaction."""

from __future__ import annotations

import math
import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, final
from weakref import WeakKeyDictionary

from e2ee.errors import StaleSessionError, StoreBusyError, TransactionOpenError
from e2ee.store._postgres_driver import driver
from e2ee.store._postgres_errors import translated
from e2ee.store._postgres_guard import UNGUARDED, Guard, timeline_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from psycopg import Connection

    from e2ee.store.anchor import Anchor

    Link = Connection[tuple[object, ...]]

#: Seconds after which the server ends a transaction whose worker stands still or is gone, so that
#: its locks do not outlive it; also how long a network may be silent.
STILL: Final = 30
_SETTINGS: Final = (
    # Nothing that somebody puts into another schema is run instead of ours.
    "SET search_path = pg_catalog; "
    "SET standard_conforming_strings = on; "
    "SET statement_timeout = 0; "
    "SET idle_in_transaction_session_timeout = {still}; "
    "SET lock_timeout = {timeout}"
)


def open_link(conninfo: str | Mapping[str, object], timeout: float) -> Link:
    """A connection to a server that can be written.

    Raises:
        StoreUnavailableError: There is none.
    """
    psycopg = driver()
    with translated():
        given = conninfo if isinstance(conninfo, str) else ""
        options = {} if isinstance(conninfo, str) else dict(conninfo)
        asked = psycopg.conninfo.conninfo_to_dict(given, **options)
        link: Link = psycopg.connect(
            given, **(_defaults(timeout) | asked | {"client_encoding": "UTF8"}), autocommit=True
        )
        try:
            milliseconds = max(1, math.ceil(timeout * 1_000))
            link.execute(_SETTINGS.format(still=STILL * 1_000, timeout=milliseconds).encode())
        except BaseException:
            link.close()
            raise
    return link


def _defaults(timeout: float) -> dict[str, object]:
    """What a connection is asked for unless the caller asks for something else."""
    return {
        "application_name": "e2ee",
        "connect_timeout": max(2, math.ceil(timeout)),
        "keepalives_idle": STILL,
        "target_session_attrs": "read-write",
        "tcp_user_timeout": STILL * 1_000,
    }


@final
class Pool:
    """Lends connections, and opens what is missing; of one process, and to each thread one."""

    __slots__ = (
        "_anchor",
        "_closed",
        "_conninfo",
        "_free",
        "_guards",
        "_idle",
        "_lock",
        "_process",
        "_threads",
        "_wait",
    )

    def __init__(
        self,
        conninfo: str | Mapping[str, object],
        *,
        size: int,
        timeout: float,
        anchor: Anchor | None = None,
    ) -> None:
        self._anchor = anchor
        self._closed = False
        self._conninfo = conninfo
        self._free = threading.BoundedSemaphore(size)
        #: Of each connection, if there is an anchor.
        self._guards: WeakKeyDictionary[Link, Guard] = WeakKeyDictionary()
        self._idle: list[Link] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._threads: set[int] = set()
        self._wait = timeout

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A thread's leave to use a connection; one at a time.

        Raises:
            TransactionOpenError: This thread has it.
            StaleSessionError: The store is closed, or another process opened it.
            StoreBusyError: Other threads use all connections for longer than the timeout.
        """
        thread = threading.get_ident()
        if self.is_foreign():
            raise StaleSessionError("the process was forked: open the store again")
        if thread in self._threads:
            raise TransactionOpenError("a transaction is open in this thread")
        if self._closed:
            raise StaleSessionError("the store is closed: open it again")
        if not self._free.acquire(timeout=self._wait):
            raise StoreBusyError("other threads use all connections of the store")
        self._threads.add(thread)
        try:
            yield
        finally:
            self._threads.discard(thread)
            self._free.release()

    def idle(self) -> Link | None:
        """A connection that was used before."""
        with self._lock:
            return self._idle.pop() if self._idle else None

    def opened(self) -> Link:
        """A new connection, whose server has said on which timeline it writes."""
        link = open_link(self._conninfo, self._wait)
        if self._anchor is not None:
            try:
                guard = Guard(self._anchor, timeline_of(link))
            except BaseException:
                link.close()
                raise
            with self._lock:
                self._guards[link] = guard
        return link

    def guard(self, link: Link) -> Guard:
        """What finds a database that was set back, on this connection."""
        with self._lock:
            return self._guards.get(link, UNGUARDED)

    def put_back(self, link: Link) -> None:
        """Keeps a connection for the next; one that broke, or is inside a transaction, ends."""
        idle = driver().pq.TransactionStatus.IDLE
        with self._lock:
            if not self._closed and not link.closed and link.info.transaction_status == idle:
                self._idle.append(link)
                return
        with suppress(driver().Error):
            link.close()

    def forget_idle(self) -> None:
        """Ends all connections that nobody uses: the server of one of them is gone."""
        while (link := self.idle()) is not None:
            with suppress(driver().Error):
                link.close()

    def is_foreign(self) -> bool:
        """Whether another process opened the store."""
        return os.getpid() != self._process

    def close(self) -> None:
        """Ends all connections; those in use, when their transactions end.

        Raises:
            TransactionOpenError: This thread is inside a transaction.
        """
        if self._closed or self.is_foreign():
            return
        if threading.get_ident() in self._threads:
            raise TransactionOpenError("a transaction is open in this thread")
        with self._lock:
            self._closed = True
        self.forget_idle()
