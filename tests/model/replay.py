# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replays paths of the model over the real `Account` and a real store, and compares as it goes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import final

import e2ee
from e2ee._commits import lent_store
from e2ee.store import Store
from tests.model import beside, state
from tests.model.beside import Composer
from tests.model.paths import Path
from tests.model.scenario import Scenario
from tests.model.staged import CutError, Outcome, StagedLentStore, StagedStore, StagedWorker
from tests.model.state import Event, Rows, World
from tests.properties import wire
from tests.properties.world import Rows as StoredRows
from tests.properties.world import copy_of, is_head, put_rows, read_rows
from tests.stores.kinds import introduced
from tests.stores.lent import Application, FileApplication
from tests.stores.protocols import SIGNAL, Protocol, peer_of

KEY = bytes(range(32))
#: The place of whoever looks at the rows.
WATCHER = -1

#: Opens the store of one path, or the application that lends it one: each call is another process,
#: or another connection.
Opens = Callable[[], Store | FileApplication]


class LeftError(Exception):
    """The application's block ends without having handled the message."""


@final
@dataclass(slots=True)
class Stage:
    """What each path begins with: Alice's rows, Bob's, and his messages that are under way."""

    alice: StoredRows
    bob: StoredRows
    envelopes: dict[str, bytes]
    #: With which Alice connects again after healing.
    bundle: bytes

    @classmethod
    def set(cls, names: tuple[str, ...], protocol: Protocol = SIGNAL) -> "Stage":
        """Alice and Bob have talked; one message of each name is under way to her."""
        stores = [e2ee.MemoryStore(key=KEY) for _ in range(2)]
        bob = protocol.created(stores[1], "bob")
        alice = introduced(stores[0], bob)
        envelopes = {name: bob.encrypt(alice.address, name.encode()).to_bytes() for name in names}
        bundle = bob.bundle(reusable=True).to_bytes()
        return cls(read_rows(stores[0]), read_rows(stores[1]), envelopes, bundle)


@final
@dataclass(slots=True)
class Replay:
    """One path, and what came out of the real library on it."""

    stage: Stage
    opens: Opens
    scenario: Scenario
    workers: list[StagedWorker | None] = field(default_factory=list)
    posted: list[tuple[str, bytes]] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    watcher: Store = field(init=False)
    #: The applications of the workers, and last that of the watcher.
    applications: dict[int, Application] = field(default_factory=dict)
    composer: Composer = field(init=False)
    #: Revision of the session and number of ledger entries before the path.
    before: tuple[int, int] = (0, 0)

    def run(self, path: Path) -> int:
        """Replays all events; how many there were."""
        self.composer = Composer(self.scenario.replies)
        self.watcher = self._store(WATCHER)
        put_rows(self.watcher, self.stage.alice)
        revision, _, entries = self._counts()
        self.before = (revision, entries)
        self.workers = [self._opened(place) for place, _ in enumerate(path.worlds[0].workers)]
        try:
            for event, world in zip(path.events, path.worlds, strict=True):
                self._step(event, world)
                if all(worker.phase != state.STEPPED for worker in world.workers):
                    self._compare(world.databases[0])
        finally:
            for place, worker in enumerate(self.workers):
                if worker is not None:
                    worker.abandon()
                    self._closed(place, worker)
        self._end()
        return len(path.events)

    def _store(self, place: int) -> Store:
        opened = self.opens()
        if not isinstance(opened, FileApplication):
            return opened
        self.applications[place] = opened
        return opened.store()

    def _opened(self, place: int) -> StagedWorker:
        store = self._store(place)
        lent = lent_store(store)
        return StagedWorker(StagedStore(store) if lent is None else StagedLentStore(lent))

    def _step(self, event: Event, world: World) -> None:
        """One event."""
        what, place, details = event
        if what == "open":
            self.workers[place] = self._opened(place)
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
            assert what in {"release", "cancel", "lose"}
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
        if place in self.applications:
            return worker.begin(self._beside(place, kind, what))
        if kind == state.HANDLE:
            waiting = worker.account.inbox()
            message = next(each for each in waiting if each.plaintext == what.encode())
            return worker.begin(lambda account: account.handled(message))
        if kind == state.ENCRYPT:
            return worker.begin(lambda account: sent(account, what))
        envelope = self.stage.envelopes[what]
        if kind == state.DECRYPT:
            return worker.begin(
                lambda account: account.decrypt(peer_of(account), envelope).plaintext
            )
        return worker.begin(lambda account: received(account, envelope))

    def _beside(self, place: int, kind: str, what: str) -> Callable[[e2ee.Account], bytes | None]:
        """A call of an application with rows of its own."""
        application, composer = self.applications[place], self.composer
        stops = self._worker(place).store.stops
        if kind == state.QUEUE:
            return lambda account: composer.queue(account, application, stops, what)
        if kind == state.HANDLE:
            waiting = self._worker(place).account.inbox()
            message = next(each for each in waiting if each.plaintext == what.encode())
            return lambda account: composer.handle(account, application, stops, message)
        if kind == state.POST:
            return lambda account: composer.post(account, what)
        if kind == state.SENT:
            outgoing = composer.waiting(self._worker(place).account, what)
            return lambda account: account.sent(outgoing)
        assert kind == state.RECEIVE
        envelope = self.stage.envelopes[what]
        return lambda account: beside.received(account, envelope)

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
        self._closed(place, worker)
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
        if WATCHER in self.applications:
            with self.watcher.transaction() as transaction:
                names = [name.removeprefix("outbox/") for name, _ in transaction.list("outbox/")]
            texts = sorted(self.composer.texts[name] for name in names)
            assert texts == sorted(text for text, _ in rows.outbox)
            assert sorted(self.applications[WATCHER].texts()) == list(rows.application)

    def _counts(self) -> tuple[int, int, int]:
        """The session's revision, and how many rows the inbox and the ledger have."""
        with self.watcher.transaction() as transaction:
            (head,) = (row for row in transaction.list("session/") if is_head(row[0]))
            waiting, entries = (len(transaction.list(name)) for name in ("inbox/", "ledger/"))
        return head[1], waiting, entries

    def _end(self) -> None:
        """Whatever left can be opened by Bob, each under a key of its own."""
        if WATCHER in self.applications:
            self._deliver_all()
        left = {envelope: text for text, envelope in self.posted}
        bob = e2ee.Account.open(copy_of(self.stage.bob, KEY))
        for envelope, text in left.items():
            assert bob.decrypt(peer_of(bob, "alice"), envelope).plaintext == text.encode()
        headers = [wire.header(envelope) for envelope in left]
        assert len({(each.ratchet_key, each.index) for each in headers}) == len(headers)
        # However often a text was posted, and encrypted once.
        assert len(left) == len(set(left.values()))

    def _deliver_all(self) -> None:
        """From wherever the path has ended, everything arrives."""
        account, application = e2ee.Account.open(self.watcher), self.applications[WATCHER]
        self.posted += self.composer.deliver_all(
            account, application, self.stage.envelopes, self.scenario
        )
        texts = {*self.scenario.queues, *(text for _, text in self.scenario.replies)}
        assert {text for text, _ in self.posted} >= texts
        application.close()

    def _closed(self, place: int, worker: StagedWorker) -> None:
        """Closes what only this worker used."""
        if place in self.applications:
            self.applications.pop(place).close()
        elif worker.store.inner is not self.watcher:
            worker.store.close()


def sent(account: e2ee.Account, text: str) -> bytes:
    """A message to Bob."""
    return account.encrypt(peer_of(account), text.encode()).to_bytes()


def opened(account: e2ee.Account, envelope: bytes) -> bytes:
    """What Bob has sent, by the short form."""
    return account.decrypt(peer_of(account), envelope).plaintext


def received(account: e2ee.Account, envelope: bytes) -> bytes:
    """Receives without handling: the message stays in the inbox."""
    block = account.receive(peer_of(account), envelope)
    message = block.__enter__()
    left = LeftError()
    # As a `with` does whose block raises.
    with suppress(LeftError):
        block.__exit__(LeftError, left, None)
    return message.plaintext
