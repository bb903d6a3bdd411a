# SPDX-License-Identifier: MIT OR Apache-2.0
"""What holds of calls that wait together, each as a check that a planted fault must fail."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import e2ee
import e2ee.aio
from e2ee.aio._turns import MAX_GROUP
from e2ee.store import Store
from tests.api.aio_world import World, indexes, reached, world
from tests.api.watched import Fault, Place
from tests.stores.protocols import SIGNAL, Protocol

Check = Callable[[World], Awaitable[None]]
COUNT = 40
TEXTS = [b"%d" % number for number in range(COUNT)]


def encrypts(at: World, texts: Iterable[bytes] = TEXTS) -> list[Awaitable[e2ee.Envelope]]:
    return [at.alice.encrypt(at.bob.address, text) for text in texts]


async def one_commit(at: World) -> None:
    """As many calls as fit are one commit; one more is another."""
    before = at.store.commits
    full = await at.together(*encrypts(at, [b"x"] * MAX_GROUP))
    assert at.store.commits == before + 1
    more = await at.together(*encrypts(at, [b"x"] * (MAX_GROUP + 1)))
    assert at.store.commits == before + 3
    assert at.opens(full + more) == [b"x"] * (2 * MAX_GROUP + 1)


async def own_commits(at: World) -> None:
    """Calls that do not wait together have a commit each."""
    before = at.store.commits
    for text in TEXTS[:3]:
        await at.alice.encrypt(at.bob.address, text)
    assert at.store.commits == before + 3


async def order(at: World) -> None:
    """Results are those of their calls, and messages have their places in the order of calls."""
    envelopes = await at.together(*encrypts(at))
    first = indexes(envelopes)[0]
    assert indexes(envelopes) == list(range(first, first + COUNT))
    assert at.opens(envelopes) == TEXTS


async def durable_first(at: World) -> None:
    """No call has a result as long as the commit is not made."""
    gate = at.store.gate(Place.MADE)
    calls = [asyncio.ensure_future(each) for each in encrypts(at)]
    await reached(gate)
    await asyncio.sleep(0.02)
    early = [call.done() for call in calls]
    gate.open()
    await asyncio.gather(*calls)
    assert not any(early)


async def unknown_is_silent(at: World) -> None:
    """A commit of unknown outcome is raised by every call, and no key is used again."""
    left = []
    for fault in (Fault.UNDONE, Fault.DONE, Fault.FULL):
        at.store.faults.append(fault)
        refused = await at.together(
            *encrypts(at, TEXTS[:5]), at.alice.encrypt(at.address("nobody"), b"x")
        )
        kind = e2ee.StoreUnavailableError
        assert [isinstance(each, kind) for each in refused] == [True] * 6
        assert len(set(map(id, refused))) == 6, "each call has its own error"
        left += await at.together(*encrypts(at, TEXTS[:5]))
    assert len(set(indexes(left))) == len(left)
    assert at.opens(left) == TEXTS[:5] * 3


async def made_anew(at: World) -> None:
    """After a conflict all is read again: what another process has sent meanwhile counts."""
    other = e2ee.Account.open(at.store.inner)
    gate = await at.busy()
    calls = [asyncio.ensure_future(each) for each in encrypts(at)]
    await asyncio.sleep(0)
    at.store.faults.append(Fault.CONFLICT)
    between = at.store.gate(Place.MADE)
    again = at.store.gate(Place.BEGIN)
    gate.open()
    between.open()
    await reached(again)
    quicker = other.encrypt(at.bob.address, b"quicker")
    again.open()
    envelopes = await asyncio.gather(*calls)
    assert len({*indexes(envelopes), *indexes([quicker])}) == COUNT + 1
    assert at.opens([quicker, *envelopes]) == [b"quicker", *TEXTS]


async def refused_alone(at: World) -> None:
    """What is refused has changed nothing, and does not hold up the others."""
    before = at.store.commits
    first, lost, second, wrong, third = await at.together(
        at.alice.encrypt(at.bob.address, b"1"),
        at.alice.encrypt(at.address("nobody"), b"x"),
        at.alice.encrypt(at.bob.address, b"2"),
        at.alice.encrypt(at.bob.address, "no bytes"),  # type: ignore[arg-type] # a mistake
        at.alice.encrypt(at.bob.address, b"3"),
    )
    assert (type(lost), type(wrong)) == (e2ee.NoSessionError, TypeError)
    assert at.store.commits == before + 1
    assert at.opens([first, second, third]) == [b"1", b"2", b"3"]


async def refused_late(at: World) -> None:
    """A block's end that is refused after its first step leaves nothing; the others go on."""
    carol = e2ee.Account.create(
        e2ee.MemoryStore(), "carol", device=at.bob.device, protocol=at.bob.protocol
    )
    await at.alice.connect(carol.address, carol.bundle())
    block = at.alice.receive(at.bob.address, at.from_bob(b"question"))
    message = await block.__aenter__()
    await at.alice.queue(at.bob.address, b"reply")
    await at.alice.queue(carol.address, b"copy")
    # Another process, so that the block does not know.
    e2ee.Account.open(at.store.inner).forget(carol.address)
    first, end, second = await at.together(
        asyncio.create_task(at.alice.contacts()),
        block.__aexit__(None, None, None),
        asyncio.create_task(at.alice.inbox()),
    )
    assert isinstance(end, e2ee.NoSessionError)
    assert [each.address.user for each in first] == ["bob"]
    assert second == [message] == await at.alice.inbox()
    assert await at.alice.outbox() == []


CHECKS: list[Check] = [
    one_commit,
    own_commits,
    order,
    durable_first,
    unknown_is_silent,
    made_anew,
    refused_alone,
    refused_late,
]


def check_name(value: object) -> str:
    return getattr(value, "__name__", str(value))


async def holds(check: Check, inner: Store, protocol: Protocol = SIGNAL) -> None:
    async with world(inner, protocol) as at:
        await check(at)
