# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the model of the commit protocol knows: rows, workers, and the world around them.

All of it is values: a state is equal to another if nothing could tell them apart.
"""

from typing import NamedTuple, TypeVar

_T = TypeVar("_T")

#: A session's number and the index of a message in it: what a message key is known by.
Key = tuple[int, int]
#: A text under a key: the bytes that leave.
Packet = tuple[str, Key]
#: A copy of the rows and its count of sending steps: what the anchor outside remembers.
Token = tuple[int, int]

DOWN, IDLE, STEPPED, COMMITTED, CONFIRMED = "down", "idle", "stepped", "committed", "confirmed"
OPEN, DURABLE, UNKNOWN, UNDONE = "open", "durable", "unknown", "undone"
STALE = "stale"
ENCRYPT, QUEUE, POST, SENT = "encrypt", "queue", "post", "sent"
RECEIVE, HANDLE, DECRYPT = "receive", "handle", "decrypt"
ACKNOWLEDGE, SHOW = "acknowledge", "show"


class Session(NamedTuple):
    """The ratchet: which session, the index of its next message key, and what it has opened."""

    number: int = 0
    position: int = 0
    opened: frozenset[str] = frozenset()


class Rows(NamedTuple):
    """What one copy of the database holds after its last commit."""

    #: Which copy: each that is put back or cloned goes its own way from there.
    branch: int = 0
    revision: int = 1
    #: What cannot be equal in two rows with one revision: the nonce of the sealed session.
    stamp: tuple[int, int] = (0, 1)
    session: Session = Session()
    ledger: frozenset[str] = frozenset()
    inbox: frozenset[str] = frozenset()
    outbox: frozenset[Packet] = frozenset()
    #: The application's own rows, sorted; one that stands twice was written twice.
    application: tuple[str, ...] = ()
    token: Token = (0, 0)
    #: The token before the last sending step.
    before: Token = (0, 0)


class Draft(NamedTuple):
    """The writes of an open transaction."""

    #: The revision that must be found, and the session that was taken to be there.
    base: tuple[int, Session] = (0, Session())
    session: Session | None = None
    ledger: frozenset[str] = frozenset()
    inbox: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    outbox: frozenset[Packet] = frozenset()
    sent: frozenset[Packet] = frozenset()
    application: tuple[str, ...] = ()
    #: Whether message keys are spent.
    spends: bool = False


class Call(NamedTuple):
    """What the application asks for: an operation with its texts, or the name of a message."""

    kind: str
    texts: tuple[str, ...] = ()
    message: str = ""


class Result(NamedTuple):
    """What a call hands out once it may: bytes to the carrier, an acknowledgement, a plaintext."""

    kind: str
    what: str
    key: Key | None = None


class Worker(NamedTuple):
    """A process with the account open, and the transaction that it is in."""

    phase: str = IDLE
    database: int = 0
    #: The stamp and the session that it keeps between transactions.
    cache: tuple[tuple[int, int], Session] | None = None
    calls: tuple[Call, ...] = ()
    draft: Draft | None = None
    results: tuple[Result, ...] = ()
    #: What is known of the commit that the results wait for.
    outcome: str = OPEN
    #: The tokens before and behind that commit.
    tokens: tuple[Token, Token] | None = None


class Budget(NamedTuple):
    """How often each misfortune may still happen."""

    crash: int = 0
    rollback: int = 0
    cancel: int = 0
    unknown: int = 0
    lose: int = 0
    duplicate: int = 0
    #: A copy of the rows is made: a backup, or what a replica has.
    copy: int = 0
    fail_over: int = 0
    restore: int = 0
    clone: int = 0
    fork: int = 0
    heal: int = 0


class World(NamedTuple):
    """One state of everything."""

    databases: tuple[Rows, ...]
    workers: tuple[Worker, ...]
    budget: Budget
    copy: Rows | None = None
    anchor: Token = (0, 0)
    #: All bytes that ever left, and the texts that the carrier has taken.
    posted: frozenset[Packet] = frozenset()
    accepted: frozenset[str] = frozenset()
    acknowledged: frozenset[str] = frozenset()
    #: Plaintexts that the short form of receiving has handed out, sorted.
    shown: tuple[str, ...] = ()
    #: What was done that may never be done.
    wrong: frozenset[str] = frozenset()
    #: Numbers that were never used, for sessions and copies.
    fresh: int = 1

    def rows(self, worker: int) -> Rows:
        """The rows that a worker reads and writes."""
        return self.databases[self.workers[worker].database]

    def with_worker(self, place: int, worker: Worker) -> "World":
        """The same with another state of one worker."""
        return self._replace(workers=replaced(self.workers, place, worker))

    def with_rows(self, worker: int, rows: Rows) -> "World":
        """The same with other rows in a worker's database."""
        place = self.workers[worker].database
        return self._replace(databases=replaced(self.databases, place, rows))

    def spent(self, what: str) -> "World":
        """The same with one misfortune less to come."""
        left = getattr(self.budget, what) - 1
        return self._replace(budget=self.budget._replace(**{what: left}))


#: What happened: its name, the worker or -1, and what tells it from others of its name.
Event = tuple[str, int, tuple[str, ...]]


def replaced(values: tuple[_T, ...], place: int, value: _T) -> tuple[_T, ...]:
    """A tuple with another value in one place."""
    return (*values[:place], value, *values[place + 1 :])


def rested(worker: Worker) -> Worker:
    """A worker without a transaction; it keeps its session."""
    return Worker(IDLE, worker.database, worker.cache)


def emptied(worker: Worker) -> Worker:
    """A worker that has to read everything again."""
    return Worker(IDLE, worker.database)
