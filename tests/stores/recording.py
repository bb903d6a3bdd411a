# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a message reads and writes of a session: a store that takes notes, and conversations."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias, final

import e2ee
from e2ee.store import Store, StoreSecret, Transaction
from tests.stores.protocols import SIGNAL, Protocol

SESSION = "session/"
CHUNK = "/chunk/"
#: Bytes that sealing adds to a record.
OVERHEAD = 29

#: As a transaction takes it.
Write: TypeAlias = tuple[str, int, int | None, bytes | None]


@final
@dataclass(slots=True)
class Notes:
    """One transaction: names that were read, and what was written."""

    reads: list[str] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)

    @property
    def session_reads(self) -> int:
        """How many records of sessions were asked for."""
        return sum(name.startswith(SESSION) for name in self.reads)

    @property
    def session_writes(self) -> list[tuple[str, bytes | None]]:
        """The records of sessions that were written, or deleted."""
        return [(name, put) for name, _, _, put in self.writes if name.startswith(SESSION)]

    @property
    def session_bytes(self) -> int:
        """The sealed bytes that were written of sessions."""
        return sum(len(sealed or b"") for _, sealed in self.session_writes)


class _Noting:
    def __init__(self, inner: Transaction, notes: Notes) -> None:
        self._inner = inner
        self._notes = notes

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        self._notes.reads.append(name)
        return self._inner.get(name)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        self._notes.reads.append(prefix)
        return self._inner.list(prefix)

    def apply(self, writes: Sequence[Write], /) -> None:
        self._inner.apply(writes)
        self._notes.writes += writes


@final
class NotingStore:
    """A store that takes notes of its latest transaction."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.latest = Notes()

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self.inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction of the store inside."""
        self.latest = Notes()
        with self.inner.transaction() as transaction:
            yield _Noting(transaction, self.latest)

    def close(self) -> None:
        """Closes the store inside."""
        self.inner.close()


@final
@dataclass(frozen=True, slots=True)
class Network:
    """How a conversation goes: in per cent, messages that are lost, and that come late."""

    name: str
    #: That the next message is from the other side.
    turns: int = 50
    lost: int = 0
    late: int = 0


ALTERNATING = Network("alternating", turns=100)
RUNS = Network("runs of about five", turns=20)
ONE_SIDED = Network("nearly one-sided", turns=3)
LOSSY = Network("a fifth lost, a tenth late", turns=35, lost=20, late=10)
NETWORKS = (ALTERNATING, RUNS, ONE_SIDED, LOSSY)


@final
class Talk:
    """Two accounts that write to each other, at random but always the same."""

    def __init__(
        self, opens: Callable[[str], Store], seed: int = 1, protocol: Protocol = SIGNAL
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a schedule, not a key
        self.stores = {name: NotingStore(opens(name)) for name in ("alice", "bob")}
        self.accounts = {name: protocol.created(store, name) for name, store in self.stores.items()}
        bob = self.accounts["bob"]
        self.accounts["alice"].connect(bob.address, bob.bundle())

    def _percent(self, share: int) -> bool:
        return self._random.randrange(100) < share

    def go(self, network: Network, messages: int) -> Iterator[tuple[bool, Notes]]:
        """Whether each step received, and what it read and wrote."""
        sender, late = "alice", list[tuple[str, e2ee.Envelope]]()
        for _ in range(messages):
            recipient = "bob" if sender == "alice" else "alice"
            envelope = self.accounts[sender].encrypt(self.accounts[recipient].address, b"text")
            yield False, self.stores[sender].latest
            if self._percent(network.late):
                late.append((sender, envelope))
            elif not self._percent(network.lost):
                yield True, self._receive(sender, envelope)
            if late and self._percent(50):
                yield True, self._receive(*late.pop(0))
            if self._percent(network.turns):
                sender = recipient

    def _receive(self, sender: str, envelope: e2ee.Envelope) -> Notes:
        recipient = "bob" if sender == "alice" else "alice"
        self.accounts[recipient].decrypt(self.accounts[sender].address, envelope)
        return self.stores[recipient].latest
