# SPDX-License-Identifier: MIT OR Apache-2.0
"""All that can happen to an asynchronous account at the same time, in any mixture.

Rounds of calls run side by side; some are cancelled after some steps of the event loop, commits
fail in each way, and another process uses the same account. At the end no key was used twice,
nothing that left is lost, and each message to Alice was handled or can be.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import e2ee
import e2ee.aio
from e2ee.aio import _turns
from e2ee.aio._together import Together
from e2ee.aio._turns import Call
from e2ee.store import Store
from tests.api.aio_world import World, run, world
from tests.api.watched import Fault
from tests.properties.aio_steps import Ledger, gone
from tests.stores.kinds import in_a_file, in_memory
from tests.stores.protocols import OLM, SIGNAL, Protocol

KINDS_OF_CALLS = ("encrypt", "queue", "receive", "reply", "post", "batch", "other process")
#: A kind of call, and after how many steps of the event loop it is cancelled.
CALL = st.tuples(st.sampled_from(KINDS_OF_CALLS), st.none() | st.integers(0, 12))
FAULT = st.sampled_from([None, None, None, *Fault])
ROUND = st.tuples(st.lists(CALL, min_size=1, max_size=10), st.lists(FAULT, max_size=3))


Calls = Sequence[tuple[str, int | None]]
Rounds = Sequence[tuple[Calls, Sequence[Fault | None]]]


@final
@dataclass(frozen=True, slots=True)
class Mixture:
    """Alice's calls, and what she and the carrier know."""

    at: World
    ledger: Ledger
    #: What Bob has sent, by text; and whether a reply must be there if it is gone.
    incoming: dict[bytes, e2ee.Envelope]
    replied: set[bytes]
    numbers: list[int]

    def text(self) -> bytes:
        """A text that was not used before."""
        self.numbers[0] += 1
        return b"%d" % self.numbers[0]

    async def call(self, kind: str) -> None:
        """One call, to its end."""
        alice, text = self.at.alice, self.text()
        if kind == "encrypt":
            self.ledger.leaves(text, await alice.encrypt(self.at.bob.address, text))
        elif kind == "queue":
            await alice.queue(self.at.bob.address, text)
        elif kind in {"receive", "reply"}:
            await self.receive(text, reply=kind == "reply")
        elif kind == "post":
            for outgoing in await alice.outbox():
                self.ledger.leaves(b"", outgoing.envelope)
                await alice.sent(outgoing)
        elif kind == "batch":
            for envelope in await alice.encrypt_many([(self.at.bob.address, text)] * 3):
                self.ledger.leaves(text, envelope)
        else:
            other = e2ee.Account.open(self.at.store.inner)
            self.ledger.leaves(text, other.encrypt(self.at.bob.address, text))

    async def receive(self, text: bytes, *, reply: bool) -> None:
        """Receives a message, and may reply in the same block."""
        self.incoming[text] = self.at.from_bob(text)
        if reply:
            self.replied.add(text)
        async with self.at.alice.receive(self.at.bob.address, self.incoming[text]) as message:
            assert message.plaintext == text
            if reply:
                await self.at.alice.queue(self.at.bob.address, b"reply to " + text)

    async def round(self, calls: Calls, faults: Sequence[Fault | None]) -> None:
        """Calls that run side by side."""
        self.at.store.faults.extend(faults)
        await asyncio.gather(*(self.attempt(*each) for each in calls))
        self.at.store.faults.clear()

    async def attempt(self, kind: str, steps: int | None) -> None:
        """A call that may be cancelled, or fail as the store does."""
        task = asyncio.ensure_future(self.call(kind))
        for _ in range(steps or 0):
            await asyncio.sleep(0)
        if steps is not None:
            task.cancel()
        with suppress(asyncio.CancelledError, e2ee.StoreUnavailableError, e2ee.StoreConflictError):
            await task

    def check(self) -> None:
        """What must hold in the end, as another process sees it."""
        alice = e2ee.Account.open(self.at.store.inner)
        for outgoing in alice.outbox(limit=1_000):
            self.ledger.leaves(b"", outgoing.envelope)
        for _ in range(3):
            text = self.text()
            self.ledger.leaves(text, alice.encrypt(self.at.bob.address, text))
        read = {}
        for encoded, text in reversed(self.ledger.left.items()):
            read[encoded] = self.at.bob.decrypt(self.at.alice.address, encoded).plaintext
            assert read[encoded] == text or not text, "another text"
        texts = list(read.values())
        for text, envelope in self.incoming.items():
            if gone(alice, envelope):
                assert texts.count(b"reply to " + text) == (text in self.replied)
            else:
                assert b"reply to " + text not in texts, "a reply left before its message did"


async def mixed(store: Store, rounds: Rounds, protocol: Protocol = SIGNAL) -> None:
    """Rounds over a store, and the check."""
    async with world(store, protocol) as at:
        mixture = Mixture(at, Ledger(), {}, set(), [0])
        for calls, faults in rounds:
            await mixture.round(calls, faults)
        await at.alice.contacts()
        mixture.check()


@pytest.mark.parametrize(
    ("kind", "protocol"),
    [(in_memory, SIGNAL), (in_a_file, SIGNAL), (in_memory, OLM)],
    ids=["signal-in_memory", "signal-in_a_file", "olm-in_memory"],
)
# Each example is many calls.
@settings(max_examples=settings().max_examples // 5)
@given(rounds=st.lists(ROUND, min_size=1, max_size=5))
def test_any_mixture_keeps_what_was_promised(
    kind: Callable[[Path], Store],
    protocol: Protocol,
    rounds: Rounds,
) -> None:
    with TemporaryDirectory() as folder:
        run(mixed(kind(Path(folder)), rounds, protocol))


#: A round in which all kinds of calls meet, with and without a failing commit.
EVERYTHING: Calls = [(kind, None) for kind in KINDS_OF_CALLS] * 2
FIXED: Rounds = [
    (EVERYTHING, [fault]) for fault in (None, Fault.UNDONE, Fault.CONFLICT, Fault.DONE)
] * 3


def hands_out_what_was_undone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_turns, "_fail", lambda _calls, _error: None)


def remembers_steps_over_a_conflict(patch: pytest.MonkeyPatch) -> None:
    make = Call.make

    def once(call: Call) -> None:
        if call.result is None and call.error is None:
            make(call)

    patch.setattr(Call, "make", once)


def keeps_tries(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Together, "tried", lambda _together, call: call())


@pytest.mark.parametrize(
    "fault", [hands_out_what_was_undone, remembers_steps_over_a_conflict, keeps_tries]
)
def test_a_planted_fault_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(mixed(e2ee.MemoryStore(), FIXED))
    fault(monkeypatch)

    with pytest.raises((AssertionError, e2ee.E2EEError)):
        run(mixed(e2ee.MemoryStore(), FIXED))
