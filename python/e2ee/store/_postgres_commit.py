# SPDX-License-Identifier: MIT OR Apache-2.0
"""How a transaction in PostgreSQL ends: committed, undone, or nobody knows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from e2ee.errors import StoreOutcomeUnknownError, StoreUnavailableError
from e2ee.store._postgres_driver import driver
from e2ee.store._postgres_errors import translated, translation

if TYPE_CHECKING:
    from e2ee.store._postgres_link import Link

#: A record in the log, behind which a commit waits for all before it, unless all is on the disk.
_RECORD: Final = (
    b"SELECT pg_catalog.pg_logical_emit_message(true, 'e2ee', '') "
    b"WHERE pg_catalog.current_setting('synchronous_standby_names') <> '' "
    b"OR pg_catalog.pg_current_wal_insert_lsn() > pg_catalog.pg_current_wal_flush_lsn()"
)


def commit(link: Link) -> None:
    """Commits; only when this has returned may a result leave.

    Raises:
        StoreOutcomeUnknownError: The server's answer did not come, or says that a standby does not
            have the commit yet.
        StoreError: The server has undone the transaction; the subclass says why.
    """
    if link.closed:
        raise StoreUnavailableError("the connection to the server is lost")
    warnings: list[str] = []

    def note(diagnosis: object) -> None:
        if getattr(diagnosis, "severity_nonlocalized", "WARNING") == "WARNING":
            warnings.append("warning")

    link.add_notice_handler(note)
    try:
        answer = link.execute(b"COMMIT", prepare=False).statusmessage
    except driver().Error as error:
        if link.closed:
            raise StoreOutcomeUnknownError(
                "the connection broke during the commit: nothing has left"
            ) from error
        raise translation(error) from error
    finally:
        link.remove_notice_handler(note)
    if answer != "COMMIT":
        raise StoreUnavailableError("the server has undone the transaction")
    if warnings:
        raise StoreOutcomeUnknownError("a standby may lack the commit: nothing has left")


def confirm(link: Link) -> None:
    """Asks whether the locks are held still, so that what was read is the newest.

    If the line broke behind the reading, others went on, and what they made is newer.

    Raises:
        StoreUnavailableError: The connection is lost.
    """
    with translated():
        link.execute(b"SELECT 1", prepare=False)


def wait_for_log(link: Link) -> None:
    """Lets a commit that has written nothing wait for the commits that it has read.

    An application may have told the server that its own need not wait (docs/storage.md,
    "Lent connections").
    """
    if link.info.transaction_status == driver().pq.TransactionStatus.INTRANS:
        with translated():
            link.execute(_RECORD, prepare=False)


def undo(link: Link) -> None:
    """Ends what was not committed; if that fails too, the server undoes it."""
    if link.closed or link.info.transaction_status == driver().pq.TransactionStatus.IDLE:
        return
    with suppress(driver().Error):
        link.execute(b"ROLLBACK", prepare=False)
