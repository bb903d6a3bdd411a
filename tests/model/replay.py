# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replays paths of the model over the real `Account` and a real store, and compares as it goes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import final

import e2ee
from e2ee.store import Store
from tests.model import state
from tests.model.paths import Path
from tests.model.staged import CutError, Outcome, StagedStore, StagedWorker
from tests.model.state import Event, Rows, World
from tests.properties import wire
from tests.properties.world import Rows as StoredRows
from tests.properties.world import copy_of, is_head, put_rows, read_rows

KEY = bytes(range(32))

#: Opens the store of one path: each call is another process, or another connection.
Opens = Callable[[], Store]


class LeftError(Exception):
    """The application's block ends without having handled the message."""


@final
@dataclass(slots=True)
class Stage:
    """What each path begins with: Alice's rows, Bob's, and his messages that are under way."""

    alice: StoredRows
    bob: StoredRows
    envelopes: dict[str, bytes]

    @classmethod
    def set(cls, names: tuple[str, ...]) -> "Stage":
        """Alice and Bob have talked; one message of each name is under way to her."""
        stores = [e2ee.MemoryStore(key=KEY) for _ in range(2)]
        alice = e2ee.Account.create(stores[0], "alice")
        bob = e2ee.Account.create(stores[1], "bob")
        alice.connect("bob", bob.bundle())
        bob.decrypt("alice", alice.encrypt("bob", b"Hello, Bob."))
        alice.decrypt("bob", bob.encrypt("alice", b"Hello, Alice."))
        envelopes = {name: bob.encrypt("alice", name.encode()).to_bytes() for name in names}
        return cls(read_rows(stores[0]), read_rows(stores[1]), envelopes)


@final
@dataclass(slots=True)
class Replay:
    """One path, and what came out of the real library on it."""

    stage: Stage
    opens: Opens
    workers: list[StagedWorker | None] = field(default_factory=list)
    posted: list[tuple[str, bytes]] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    watcher: Store = field(init=False)
    #: Revision of the session and number of ledger entries before the path.
    before: tuple[int, int] = (0, 0)

    def run(self, path: Path) -> int:
        """Replays all events; how many there were."""
        self.watcher = self.opens()
        put_rows(self.watcher, self.stage.alice)
        revision, _, entries = self._counts()
        self.before = (revision, entries)
        self.workers = [self._opened() for _ in path.worlds[0].workers]
        try:
            for event, world in zip(path.events, path.worlds, strict=True):
                self._step(event, world)
                if all(worker.phase != state.STEPPED for worker in world.workers):
                    self._compare(world.databases[0])
        finally:
            for worker in self.workers:
                if worker is not None:
                    worker.abandon()
                    self._closed(worker)
        self._end()
        return len(path.events)

    def _opened(self) -> StagedWorker:
        return StagedWorker(StagedStore(self.opens()))

    def _step(self, event: Event, world: World) -> None:
        """One event."""
        what, place, details = event
        if what == "open":
            self.workers[place] = self._opened()
        elif what == "begin":
            assert self._begin(place, details[0]) == world.workers[place].phase
        elif what == "commit":
            self._commit(place, details[0], ends=world.workers[place].phase == state.IDLE)
        elif what == "roll back":
            cut = CutError()
            assert self._worker(place).finish(cut) is cut
        elif what == "crash":
            self._crash(place)
        else:
            assert what in {"release", "cancel"}
            self._release(place, details)

    def _worker(self, place: int) -> StagedWorker:
        worker = self.workers[place]
        assert worker is not None
        return worker

    def _begin(self, place: int, call: str) -> str:
        """Starts a call; the stage at which it stops."""
        self.outcomes.pop(place, None)
        worker = self._worker(place)
        kind, what = call.split(" ")
        if kind == state.HANDLE:
            waiting = worker.account.inbox()
            message = next(each for each in waiting if each.plaintext == what.encode())
            return worker.begin(lambda account: account.handled(message))
        if kind == state.ENCRYPT:
            return worker.begin(lambda account: account.encrypt("bob", what.encode()).to_bytes())
        envelope = self.stage.envelopes[what]
        if kind == state.DECRYPT:
            return worker.begin(lambda account: account.decrypt("bob", envelope).plaintext)
        return worker.begin(lambda account: received(account, envelope))

    def _commit(self, place: int, outcome: str, *, ends: bool) -> None:
        """The commit ends as the path says; the locks of our stores leave no conflict."""
        worker, lost = self._worker(place), e2ee.StoreUnavailableError("nobody knows")
        if outcome == "unknown, undone":
            assert worker.finish(lost) is lost
            return
        assert outcome in {"done", "unknown, kept"}
        assert worker.go_on() == state.CONFIRMED
        if outcome == "unknown, kept":
            assert worker.finish(lost) is lost
        elif ends:
            assert worker.finish() is None

    def _crash(self, place: int) -> None:
        """The process ends where it stands."""
        worker = self._worker(place)
        if worker.is_busy():
            worker.finish(CutError())
        self._closed(worker)
        self.workers[place] = None

    def _release(self, place: int, details: tuple[str, ...]) -> None:
        """What the call hands out; a call with more than one result has ended with the first."""
        worker = self._worker(place)
        if worker.is_busy():
            self.outcomes[place] = worker.finish()
        assert place in self.outcomes, "nothing is there to be released"
        outcome = self.outcomes[place]
        if not details:
            return
        kind, what = details
        if kind == state.POST:
            assert isinstance(outcome, bytes)
            self.posted.append((what, outcome))
        elif kind == state.SHOW:
            assert outcome == what.encode()
        else:
            repeated = isinstance(outcome, e2ee.DuplicateMessageError)
            assert repeated or outcome == what.encode()

    def _compare(self, rows: Rows) -> None:
        """The store has moved exactly as the model's rows have."""
        revision, waiting, entries = self._counts()
        expected = (self.before[0] + rows.revision - 1, len(rows.inbox))
        assert (revision, waiting) == expected
        assert entries == self.before[1] + len(rows.ledger)

    def _counts(self) -> tuple[int, int, int]:
        """The session's revision, and how many rows the inbox and the ledger have."""
        with self.watcher.transaction() as transaction:
            (head,) = (row for row in transaction.list("session/") if is_head(row[0]))
            waiting, entries = (len(transaction.list(name)) for name in ("inbox/", "ledger/"))
        return head[1], waiting, entries

    def _end(self) -> None:
        """Whatever left can be opened by Bob, each under a key of its own."""
        bob = e2ee.Account.open(copy_of(self.stage.bob, KEY))
        for text, envelope in self.posted:
            assert bob.decrypt("alice", envelope).plaintext == text.encode()
        headers = [wire.header(envelope) for _, envelope in self.posted]
        assert len({(each.ratchet_key, each.index) for each in headers}) == len(headers)

    def _closed(self, worker: StagedWorker) -> None:
        """Closes what only this worker used."""
        if worker.store.inner is not self.watcher:
            worker.store.close()


def received(account: e2ee.Account, envelope: bytes) -> bytes:
    """Receives without handling: the message stays in the inbox."""
    block = account.receive("bob", envelope)
    message = block.__enter__()
    left = LeftError()
    # As a `with` does whose block raises.
    with suppress(LeftError):
        block.__exit__(LeftError, left, None)
    return message.plaintext
