# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee.aio` under cancellation at every wait, and in any interleaving."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import e2ee
import e2ee.aio
from e2ee.aio._block import Block
from e2ee.aio._turns import Call, Turns
from e2ee.store import Store
from tests.api.aio_world import indexes, run, world
from tests.properties.aio_steps import Moment, Script, Strike
from tests.stores.kinds import in_a_file, in_memory, kind_name
from tests.stores.protocols import SIGNAL, Protocol

#: How often the script waits.
WAITS = 11
#: The waits of it that change nothing: the try of a reply, and the list of the outbox.
READING = {3, 5}
PEERS = ("bob", "carol", "dave")


async def struck(
    store: Store, number: int, moment: Moment, protocol: Protocol = SIGNAL
) -> tuple[int, bool]:
    """Cancels a script, and checks what must hold; how often it waited, and whether it was hit."""
    async with world(store, protocol) as at:
        script = Script(at)
        strike = Strike(script, number, moment)
        waits = await strike.run()
        script.check()
        return waits, strike.hit


def test_the_script_waits_so_often() -> None:
    assert run(struck(e2ee.MemoryStore(), -1, Moment.SET)) == (WAITS, False)


@pytest.mark.parametrize("kind", [in_memory, in_a_file], ids=kind_name)
@pytest.mark.parametrize("moment", Moment, ids=lambda moment: moment.name)
@pytest.mark.parametrize("number", range(WAITS))
def test_a_call_can_be_cancelled_at_every_wait(
    number: int,
    moment: Moment,
    kind: Callable[[Path], Store],
    protocol: Protocol,
    tmp_path: Path,
) -> None:
    waits, hit = run(struck(kind(tmp_path), number, moment, protocol))

    inside = moment in {Moment.MADE, Moment.DURABLE}
    assert hit == (not (inside and number in READING))
    assert waits == (number + 1 if hit else WAITS)


def makes_what_was_cancelled(patch: pytest.MonkeyPatch) -> None:
    async def call(turns: Turns, work: Callable[[], object], **options: bool) -> object:
        made = Call(work, **options)
        turns._enter(made, closes=False)  # noqa: SLF001
        return await made.future

    patch.setattr(Turns, "call", call)


def ends_a_block_in_two_commits(patch: pytest.MonkeyPatch) -> None:
    async def leave(block: Block, *raised: object) -> None:
        block._open = not raised  # noqa: SLF001
        for call in block._joined:  # noqa: SLF001
            await block.turns.call(call)

    patch.setattr(Block, "__aexit__", leave)


def shows_a_message_without_the_inbox(patch: pytest.MonkeyPatch) -> None:
    received = Block._received  # noqa: SLF001

    def at_once(block: Block) -> e2ee.Message:
        message = received(block)
        block._account.handled(message)  # noqa: SLF001
        return message

    patch.setattr(Block, "_received", at_once)


def ends_a_block_that_was_cancelled(patch: pytest.MonkeyPatch) -> None:
    async def leave(block: Block, *raised: object) -> None:
        block._open = not raised  # noqa: SLF001
        end = asyncio.ensure_future(block.turns.call(block._end, lone=False))  # noqa: SLF001
        await asyncio.shield(end)

    patch.setattr(Block, "__aexit__", leave)


FAULTS = [
    (makes_what_was_cancelled, 0, Moment.WAITING),
    (ends_a_block_in_two_commits, 4, Moment.DURABLE),
    (ends_a_block_that_was_cancelled, 4, Moment.WAITING),
    (shows_a_message_without_the_inbox, 2, Moment.DURABLE),
]


@pytest.mark.parametrize(("fault", "number", "moment"), FAULTS)
def test_a_planted_fault_is_found(
    fault: Callable[[pytest.MonkeyPatch], None],
    number: int,
    moment: Moment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault(monkeypatch)

    with pytest.raises(AssertionError):
        run(struck(e2ee.MemoryStore(), number, moment))


@settings(max_examples=settings().max_examples // 5)
@given(st.lists(st.tuples(st.sampled_from(PEERS), st.integers(0, 3)), max_size=80))
def test_messages_of_a_session_are_in_the_order_of_calls(senders: list[tuple[str, int]]) -> None:
    called: list[int] = []
    made: dict[int, e2ee.Envelope] = {}
    peers = {name: e2ee.Account.create(e2ee.MemoryStore(), name) for name in PEERS}

    async def send(alice: e2ee.aio.Account, place: int) -> None:
        peer, pauses = senders[place]
        for _ in range(pauses):
            await asyncio.sleep(0)
        called.append(place)
        made[place] = await alice.encrypt(peer, b"%d" % place)

    async def main() -> None:
        async with await e2ee.aio.Account.create(e2ee.MemoryStore(), "alice") as alice:
            for name, peer in peers.items():
                await alice.connect(name, peer.bundle())
            await asyncio.gather(*(send(alice, place) for place in range(len(senders))))

    run(main())

    for name, peer in peers.items():
        order = [place for place in called if senders[place][0] == name]
        envelopes = [made[place] for place in order]
        assert indexes(envelopes) == list(range(len(envelopes)))
        texts = [peer.decrypt("alice", each).plaintext for each in envelopes]
        assert texts == [b"%d" % place for place in order]
