# SPDX-License-Identifier: MIT OR Apache-2.0
"""What finds a database that was set back: the anchor, and the timeline of the server.

A server that takes over from another begins a new timeline (docs/storage.md, "Fail-over").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from e2ee.store._postgres_driver import driver
from e2ee.store._postgres_errors import translation

if TYPE_CHECKING:
    from e2ee.store._postgres_link import Link
    from e2ee.store.anchor import Anchor

#: The identifier of the system, and the name of the file that the log is written to, which begins
#: with eight digits for the timeline. Any role may ask, unless somebody has taken that right away.
#: `pg_control_checkpoint` would still say the timeline before, for a while after a promotion.
_ASK: Final = (
    b"SELECT (pg_catalog.pg_control_system()).system_identifier, "
    b"pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())"
)
_TIMELINE_DIGITS: Final = 8
#: A right that was taken away; functions that the server does not have, or not for this.
_KEPT_BACK: Final = {"42501", "42883", "0A000"}


@final
@dataclass(frozen=True, slots=True)
class Guard:
    """The anchor of a store, and what the server on one connection says of its history.

    `is_part` says that a transaction is part of a longer one, in which others have come before.
    """

    anchor: Anchor | None = None
    timeline: tuple[int, int] | None = None
    is_part: bool = False


#: Of a store without an anchor.
UNGUARDED: Final = Guard()


def timeline_of(link: Link) -> tuple[int, int] | None:
    """The server's system identifier and timeline; `None` if it keeps them back.

    The transaction in which it is asked can only be undone then. Both stay what they are for as
    long as the connection: a server that becomes a standby, or is one, restarts before it writes.

    Raises:
        StoreUnavailableError: The server is gone.
    """
    try:
        row = link.execute(_ASK, prepare=False).fetchone()
    except driver().Error as error:
        if error.sqlstate in _KEPT_BACK:
            return None
        raise translation(error) from error
    match row:
        case (int(system), str(file)):
            return system % 2**64, int(file[:_TIMELINE_DIGITS], 16)
        case _:
            return None
