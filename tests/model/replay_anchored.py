# SPDX-License-Identifier: MIT OR Apache-2.0
"""Replays paths with an anchor over the real `Account`: rows that are put back, and clones.

A worker stops once more than without an anchor: between its commit and its result, when the anchor
was told. A worker that lives through a fail-over knows more than the model's, and may refuse where
that goes on: then it is opened again, as `StoreRollbackError` says.
"""

from dataclasses import dataclass, field
from typing import final

import e2ee
from tests.api.anchored import Register
from tests.model import state
from tests.model.actions import first
from tests.model.paths import Path
from tests.model.replay import KEY, Stage, received, sent
from tests.model.scenario import Scenario
from tests.model.staged import GENERATION, CutError, Outcome, StagedStore, StagedWorker
from tests.model.state import Event, Token, World
from tests.properties import wire
from tests.properties.world import Rows, copy_of, put_rows, read_rows
from tests.stores.protocols import peer_of


@final
@dataclass(slots=True)
class AnchoredReplay:
    """One path, and what came out of the real library on it."""

    stage: Stage
    scenario: Scenario
    register: Register = field(default_factory=Register)
    #: What the path calls databases: rows, each with stores of the workers on it.
    rows: list[e2ee.MemoryStore] = field(default_factory=list)
    workers: dict[int, StagedWorker] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    posted: list[tuple[str, bytes]] = field(default_factory=list)
    #: The rows as they are when nobody changes them, and their copy.
    latest: Rows = field(default_factory=dict)
    copied: Rows = field(default_factory=dict)
    #: What the anchor has held for each token of the model.
    told: dict[Token, bytes | None] = field(default_factory=dict)
    before: int = 0
    #: The tokens of workers that ask the rows whether their steps count.
    asking: dict[int, Token] = field(default_factory=dict)
    #: How often the rows were refused, and how often a step counted though it was overtaken.
    refusals: int = 0
    overtaken: int = 0

    def run(self, path: Path) -> int:
        """Replays all events; how many there were."""
        self._add_rows(self.stage.alice)
        # Ties the rows to the anchor.
        e2ee.Account.open(self.rows[0])
        self.latest = read_rows(self.rows[0])
        self.before = self.latest[GENERATION][0]
        for place in range(self.scenario.workers):
            self._open(place, 0)
        before = first(self.scenario)
        try:
            for event, world in zip(path.events, path.worlds, strict=True):
                self._step(event, world, before)
                before = world
                taken = {each.database for each in world.workers if each.phase == state.STEPPED}
                self._answer(world, taken)
                if not taken:
                    self._compare(world)
        finally:
            for worker in self.workers.values():
                worker.abandon()
        self._end()
        return len(path.events)

    def _add_rows(self, rows: Rows) -> None:
        store = e2ee.MemoryStore(key=KEY, anchor=self.register)
        put_rows(store, rows)
        self.rows.append(store)

    def _open(self, place: int, database: int) -> None:
        self.workers[place] = StagedWorker(StagedStore(self.rows[database]))

    def _step(self, event: Event, world: World, before: World) -> None:
        """One event, between two states of the model."""
        what, place, details = event
        if what == "open":
            self._open(place, world.workers[place].database)
        elif what == "begin":
            self._begin(place, details[0], world)
        elif what == "commit":
            assert details == ("done",)
            assert self.workers[place].go_on() == state.CONFIRMED
            if world.workers[place].phase == state.IDLE:
                assert self.workers[place].finish() is None
        elif what == "confirm":
            self._confirm(place, details[0], before)
        elif what == "heal":
            self._heal(place, world)
        elif what == "crash":
            self._crash(place)
        elif what == "release":
            self._release(place, details)
        else:
            self._befall(what, world, before)

    def _begin(self, place: int, call: str, world: World) -> None:
        """Starts a call, which goes as far as the model's."""
        expected = world.workers[place].phase
        if self._called(place, call) != expected:
            assert isinstance(self.workers[place].finish(), e2ee.StoreRollbackError)
            self._open(place, world.workers[place].database)
            assert self._called(place, call) == expected

    def _called(self, place: int, call: str) -> str:
        self.outcomes.pop(place, None)
        worker = self.workers[place]
        kind, what = call.split(" ")
        if kind == state.ENCRYPT:
            return worker.begin(lambda account: sent(account, what))
        if kind == state.HANDLE:
            waiting = worker.account.inbox()
            message = next(each for each in waiting if each.plaintext == what.encode())
            return worker.begin(lambda account: account.handled(message))
        assert kind == state.RECEIVE
        return worker.begin(lambda account: received(account, self.stage.envelopes[what]))

    def _confirm(self, place: int, answer: str, before: World) -> None:
        """The anchor is told; a worker that was overtaken asks the rows whether its step counts."""
        assert self.workers[place].go_on() == state.CONFIRMED
        if answer == "refused":
            tokens = before.workers[place].tokens
            assert tokens is not None
            # It waits for the rows if another worker has them.
            self.workers[place].let_go_on()
            self.asking[place] = tokens[1]

    def _answer(self, world: World, taken: set[int]) -> None:
        """Who asks the rows is answered as soon as nobody has them.

        The model gives all of these steps up. One counts that the rows have in their past; or that
        the anchor knew, on behalf of its worker, before rows without it were healed.
        """
        free = [each for each in self.asking if world.workers[each].database not in taken]
        for place in free:
            token = self.asking.pop(place)
            outcome, rows = self.workers[place].ended(), world.rows(place)
            if isinstance(outcome, bytes):
                assert token[0] == rows.token[0] or token in {rows.before, *self.told}
                self.overtaken += 1
            else:
                assert isinstance(outcome, e2ee.StoreOutcomeUnknownError)

    def _held(self, world: World) -> bytes | None:
        """What the anchor holds for the model's token, now if it never did before."""
        return self.told.setdefault(world.anchor, self.register.read())

    def _heal(self, place: int, world: World) -> None:
        """Where the model heals, nothing can be sent; then a new session can."""
        self._open(place, world.workers[place].database)
        account = self.workers[place].account
        try:
            account.encrypt(peer_of(account), b"never leaves")
        except e2ee.StoreRollbackError:
            self.refusals += 1
        else:
            msg = "the rows are of another past, and were not refused"
            raise AssertionError(msg)
        account.heal()
        account.connect(peer_of(account), self.stage.bundle)

    def _crash(self, place: int) -> None:
        """The process ends where it stands."""
        worker = self.workers.pop(place)
        if worker.is_busy():
            worker.finish(CutError())

    def _befall(self, what: str, world: World, before: World) -> None:
        """Something befalls the rows."""
        if what == "copy":
            self.copied = self.latest
        elif what == "fail over":
            for worker in self.workers.values():
                if worker.stage == state.STEPPED:
                    worker.finish(CutError())
            self._answer(before, set())
            put_rows(self.rows[0], self.copied)
        elif what == "restore":
            for place in list(self.workers):
                self._crash(place)
            put_rows(self.rows[0], self.copied)
        else:
            assert what == "clone"
            self._add_rows(self.copied)
            self._open(len(world.workers) - 1, len(self.rows) - 1)

    def _release(self, place: int, details: tuple[str, ...]) -> None:
        """What the call hands out; a call with more than one result has ended with the first."""
        worker = self.workers[place]
        if worker.is_busy():
            self.outcomes[place] = worker.finish()
        outcome, (kind, what) = self.outcomes[place], details
        if kind == state.POST:
            assert isinstance(outcome, bytes)
            self.posted.append((what, outcome))
        else:
            repeated = isinstance(outcome, e2ee.DuplicateMessageError)
            assert repeated or outcome == what.encode()

    def _compare(self, world: World) -> None:
        """Rows and anchor have moved exactly as the model's have."""
        for store, rows in zip(self.rows, world.databases, strict=True):
            found = read_rows(store)
            assert found[GENERATION][0] == self.before + rows.token[1]
            waiting = [name for name in found if name.startswith("inbox/")]
            assert len(waiting) == len(rows.inbox)
        self.latest = read_rows(self.rows[0])
        assert self.register.read() == self._held(world)
        assert len(set(self.told.values())) == len(self.told)

    def _end(self) -> None:
        """Whatever left can be opened by Bob, each under a key of its own."""
        bob = e2ee.Account.open(copy_of(self.stage.bob, KEY))
        for text, envelope in self.posted:
            assert bob.decrypt(peer_of(bob, "alice"), envelope).plaintext == text.encode()
        headers = [wire.header(envelope) for _, envelope in self.posted]
        assert len({(each.ratchet_key, each.index) for each in headers}) == len(headers)
