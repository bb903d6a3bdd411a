# SPDX-License-Identifier: MIT OR Apache-2.0
"""A script of an asynchronous account that is cancelled at one of its waits, and what must hold.

`Moment` says how far the call has come when it is cancelled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from enum import Enum
from typing import Any, final

import e2ee
from e2ee.aio._turns import Call
from tests.api.aio_world import World
from tests.api.watched import PATIENCE, Gate, Place
from tests.properties import wire
from tests.properties.world import Rows, read_rows
from tests.stores.protocols import peer_of


class Moment(Enum):
    """How far a call has come."""

    WAITING = "it waits for its turn"
    MADE = "its steps are made, and not committed"
    DURABLE = "it is committed, and the caller does not know"
    SET = "its result is there, and the caller did not run yet"


@final
class Waits:
    """A coroutine whose waits are counted; `before` and `during` are told the number of each."""

    def __init__(
        self,
        inner: Coroutine[Any, Any, None],
        before: Callable[[int], None],
        during: Callable[[int, Any], None],
    ) -> None:
        self._inner = inner
        self._before = before
        self._during = during
        self.count = 0

    def __await__(self) -> Generator[Any, Any, None]:
        inner = self._inner.__await__()
        go: Callable[[], Any] = inner.__next__
        while True:
            self._before(self.count)
            try:
                waited = go()
            except StopIteration:
                return
            self._during(self.count, waited)
            self.count += 1
            try:
                yield waited
                go = inner.__next__
            except BaseException as error:  # noqa: BLE001 - passed on, as an await does
                go = _raising(inner, error)


def _raising(inner: Any, error: BaseException) -> Callable[[], Any]:  # noqa: ANN401 - a generator
    return lambda: inner.throw(error)


@final
class Ledger:
    """What has left and what was handled, and whether that may be."""

    def __init__(self) -> None:
        self.left: dict[bytes, bytes] = {}
        self.handled: set[bytes] = set()
        self._keys: dict[wire.Header, bytes] = {}

    def leaves(self, text: bytes, envelope: e2ee.Envelope) -> None:
        """An envelope is given to the carrier."""
        encoded = envelope.to_bytes()
        key = wire.header(encoded)
        assert self._keys.setdefault(key, encoded) == encoded, "a key was used twice"
        self.left[encoded] = text

    def opened_by(self, bob: e2ee.Account) -> None:
        """The recipient opens all that has left, in any order."""
        for encoded, text in reversed(self.left.items()):
            assert bob.decrypt(peer_of(bob, "alice"), encoded).plaintext == text, "another text"


@final
class Script:
    """Alice sends, queues, receives, posts; Bob has written to her before."""

    REPLY = b"reply"

    def __init__(self, at: World) -> None:
        self.at = at
        self.ledger = Ledger()
        self.incoming = [at.from_bob(b"in %d" % number) for number in range(3)]

    async def run(self) -> None:
        """All of it."""
        alice, ledger = self.at.alice, self.ledger
        ledger.leaves(b"out", await alice.encrypt(self.at.bob.address, b"out"))
        await alice.queue(self.at.bob.address, b"queued")
        async with alice.receive(self.at.bob.address, self.incoming[0]) as message:
            await alice.queue(self.at.bob.address, self.REPLY)
            assert message.plaintext == b"in 0"
        ledger.handled.add(message.plaintext)
        for outgoing in await alice.outbox():
            self._post(outgoing)
            await alice.sent(outgoing)
        many = await alice.encrypt_many([(self.at.bob.address, b"a"), (self.at.bob.address, b"b")])
        for text, envelope in zip((b"a", b"b"), many, strict=True):
            ledger.leaves(text, envelope)
        for message in of_type(await alice.receive_many([(self.at.bob.address, self.incoming[1])])):
            await alice.handled(message)
            ledger.handled.add(message.plaintext)

    def _post(self, outgoing: e2ee.Outgoing) -> bytes:
        """Gives the oldest entry of the outbox to the carrier; the second is the reply."""
        left = self.ledger.left
        text = self.REPLY if b"queued" in left.values() else b"queued"
        text = left.get(outgoing.envelope.to_bytes(), text)
        self.ledger.leaves(text, outgoing.envelope)
        return text

    def check(self) -> None:
        """What must hold, whenever it was cancelled; another process looks at it."""
        alice = e2ee.Account.open(self.at.store.inner)
        waiting = {message.plaintext for message in alice.inbox()}
        for number, envelope in enumerate(self.incoming):
            text = b"in %d" % number
            if text in self.ledger.handled:
                assert text not in waiting, "a message that was handled waits again"
            elif not gone(alice, envelope):
                continue
            elif number == 0:
                queued = {*self.ledger.left.values(), *self._posts(alice)}
                assert self.REPLY in queued, "a message is gone without its reply"
        self._posts(alice)
        for text in (b"x", b"y", b"z"):
            self.ledger.leaves(text, alice.encrypt(self.at.bob.address, text))
        self.ledger.opened_by(self.at.bob)

    def _posts(self, alice: e2ee.Account) -> list[bytes]:
        """Posts what waits in the outbox, as the next process does."""
        texts = []
        for outgoing in alice.outbox():
            texts.append(self._post(outgoing))
            alice.sent(outgoing)
        return texts


def of_type(messages: Iterable[object]) -> list[e2ee.Message]:
    """The messages, of which none may be an error."""
    found = [each for each in messages if isinstance(each, e2ee.Message)]
    assert len(found) == len(list(messages))
    return found


def gone(alice: e2ee.Account, envelope: e2ee.Envelope) -> bool:
    """Whether a message was handled before; if not, it can be received."""
    (outcome,) = alice.receive_many([(peer_of(alice), envelope)])
    if isinstance(outcome, e2ee.Message):
        return False
    assert isinstance(outcome, e2ee.DuplicateMessageError)
    assert outcome.delivered, "a message is lost"
    return True


@final
class Strike:
    """Cancels a script at one wait, at one moment."""

    def __init__(self, script: Script, number: int, moment: Moment) -> None:
        self._script = script
        self._number = number
        self._moment = moment
        self._gate: Gate | None = None
        self._rows: Rows = {}
        self._strikes: asyncio.Future[None] | None = None
        self.hit = False

    async def run(self) -> int:
        """Runs the script until it is cancelled, or to its end; how often it has waited."""
        waits = Waits(self._script.run(), self._before, self._during)
        self._task = asyncio.ensure_future(until(waits))
        await asyncio.wait([self._task])
        if self._strikes is not None:
            await self._strikes
        assert self._task.cancelled() or self._task.exception() is None, self._task
        return waits.count

    def _before(self, number: int) -> None:
        store = self._script.at.store
        if number == self._number + 1 and self._gate is not None:
            # Nothing was committed.
            store.gates.clear()
        if number != self._number:
            return
        if self._moment is Moment.WAITING:
            self._rows = read_rows(store.inner)
            self._gate = Gate(Place.BEGIN)
            # The thread waits, and for nothing else.
            turns = self._script.at.alice._turns  # noqa: SLF001
            turns._enter(Call(self._gate.wait), closes=False)  # noqa: SLF001
            turns._start()  # noqa: SLF001
            assert self._gate.reached.wait(PATIENCE), "the thread does not work"
        elif self._moment is not Moment.SET:
            place = Place.MADE if self._moment is Moment.MADE else Place.DURABLE
            self._gate = store.gate(place)

    def _during(self, number: int, waited: asyncio.Future[object]) -> None:
        if number != self._number:
            return
        if self._gate is None:
            # Told before the task itself is.
            waited.add_done_callback(lambda _: self._cancel())
        else:
            self._strikes = asyncio.ensure_future(self._strike(self._gate, waited))

    async def _strike(self, gate: Gate, waited: asyncio.Future[object]) -> None:
        while not (gate.reached.is_set() or waited.done()):  # noqa: ASYNC110 - of a thread
            await asyncio.sleep(0.0005)
        if gate.reached.is_set():
            self._cancel()
            await asyncio.sleep(0)
        self._script.at.store.gates.clear()
        gate.open()
        if self._moment is Moment.WAITING:
            await asyncio.wait([self._task])
            await self._script.at.alice.contacts()
            assert read_rows(self._script.at.store.inner) == self._rows, "it never was"

    def _cancel(self) -> None:
        self.hit = self._task.cancel()


async def until(waits: Awaitable[None]) -> None:
    """Waits as a task does."""
    await waits
