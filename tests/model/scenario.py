# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a run of the model is bounded by, and the faults that can be planted into the protocol."""

from dataclasses import dataclass
from enum import Enum

from tests.model.state import Budget


class Fault(Enum):
    """A mistake that the model must find; the text says what is done wrongly."""

    RELEASES_BEFORE_COMMIT = "a result is handed out before its transaction is committed"
    IGNORES_REVISIONS = "a write does not look for the revision that must be found"
    RETRIES_THE_OLD_STEP = "after a conflict the same step is written over the new revision"
    LEDGER_FIRST = "the ledger entry is written in a transaction before the ratchet's step"
    LEDGER_LAST = "the ledger entry is written in a transaction after the ratchet's step"
    NO_INBOX = "an opened message is kept in memory instead of the inbox"
    HANDLED_BEFORE_THE_ROW = "the inbox row goes in a transaction before the application's row"
    HANDLED_AFTER_THE_ROW = "the inbox row goes in a transaction after the application's row"
    HANDLED_TWICE = "an inbox row that is gone is no error to who handles it"
    OUTBOX_WITHOUT_BYTES = "the outbox keeps the text, and each time to send encrypts it again"
    SENT_BEFORE_TAKEN = "the outbox row goes before the carrier has taken the bytes"
    QUEUE_RELEASES = "queueing hands the bytes out before the outermost commit"
    ROLLBACK_RELEASES = "a transaction that the caller undid hands its results out"
    RELEASES_ON_UNKNOWN = "a commit of unknown outcome hands its results out"
    CACHE_UNREAD = "a kept session is used without reading its revision"
    CACHE_BY_REVISION = "a kept session is known by the number of its revision alone"
    CANCEL_REWINDS = "a cancelled call gives its message key back"
    ANCHOR_NOT_COMPARED = "sending does not compare the anchor"
    ANCHOR_LATE = "results leave before the anchor knows their commit"
    ANCHOR_OVERWRITTEN = "the anchor is set without looking at what it holds"
    HEAL_KEEPS_SESSION = "after a rollback was seen the old session sends on"
    HEAL_KEEPS_OUTBOX = "after a rollback was seen the old outbox is sent"
    FORK_GOES_ON = "a forked child uses what its parent opened"


class Property(Enum):
    """What must hold; the text stands in docs/storage.md too."""

    KEY_ONCE = "no message key is used for two different plaintexts"
    DURABLE_FIRST = "nothing is released before it is durable"
    NONE_LOST = "no acknowledged message is lost"
    EXACTLY_ONCE = "a message makes one row of the application"
    AT_MOST_ONCE = "the short form hands a message out at most once"
    SAME_BYTES = "a queued text leaves as the same bytes each time"
    UNDONE_IS_UNDONE = "what the caller rolled back releases nothing"
    NO_STALE_WRITE = "a worker writes only over the session that it read"
    UNKNOWN_IS_SILENT = "a commit of unknown outcome releases nothing, and all is read again"
    NO_WEDGE = "from every state all can still be delivered"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is to be sent and received, by how many workers, and what may go wrong."""

    name: str
    budget: Budget
    workers: int = 1
    #: Texts for each call of the short form of sending: more than one is `encrypt_many`.
    encrypts: tuple[tuple[str, ...], ...] = ()
    queues: tuple[str, ...] = ()
    receives: tuple[str, ...] = ()
    decrypts: tuple[str, ...] = ()
    #: Texts that are queued in the transaction that handles a message.
    replies: tuple[tuple[str, str], ...] = ()
    #: Calls that wait together share a commit.
    group: bool = False
    #: A transaction excludes all others of the database, as in SQLite.
    locked: bool = False
    #: Workers keep their session between transactions.
    caching: bool = False
    anchor: bool = False
    #: Properties that cannot hold here, with or without our work (docs/storage.md).
    waived: frozenset[Property] = frozenset()
    fault: Fault | None = None

    def has(self, fault: Fault) -> bool:
        """Whether this fault was planted."""
        return self.fault is fault
