# SPDX-License-Identifier: MIT OR Apache-2.0
"""Alice, who is asynchronous, over a store that is watched, and Bob, with whom she has talked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, final

import e2ee
import e2ee.aio
from e2ee.store import Store
from tests.api.watched import Gate, Place, Watched
from tests.properties import wire
from tests.stores.kinds import introduced
from tests.stores.protocols import SIGNAL, Protocol, peer_of

_T = TypeVar("_T")


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Runs a coroutine that must end soon."""
    return asyncio.run(asyncio.wait_for(main, 60))


@final
@dataclass(frozen=True, slots=True)
class World:
    """The two, and Alice's store."""

    alice: e2ee.aio.Account
    bob: e2ee.Account
    store: Watched

    def address(self, name: str) -> e2ee.Address:
        """Whom a name means."""
        return peer_of(self.bob, name)

    def from_bob(self, text: bytes) -> e2ee.Envelope:
        """What Bob sends."""
        return self.bob.encrypt(self.alice.address, text)

    async def busy(self) -> Gate:
        """Keeps the thread busy with a call that changes nothing, until the gate is opened."""
        gate = self.store.gate(Place.BEGIN)
        call = asyncio.ensure_future(self.alice.contacts())
        await reached(gate)
        call.add_done_callback(asyncio.Future.exception)
        return gate

    async def together(self, *calls: Awaitable[Any]) -> list[Any]:
        """The outcomes of calls that wait at the same time."""
        gate = await self.busy()
        waiting = [asyncio.ensure_future(call) for call in calls]
        await asyncio.sleep(0)
        gate.open()
        return await asyncio.gather(*waiting, return_exceptions=True)

    def opens(self, envelopes: Iterable[e2ee.Envelope]) -> list[bytes]:
        """What Bob reads."""
        return [self.bob.decrypt(self.alice.address, envelope).plaintext for envelope in envelopes]


async def reached(gate: Gate) -> None:
    """Waits until the thread waits."""
    assert await asyncio.to_thread(gate.reached.wait, 20), "nothing came to the gate"


@asynccontextmanager
async def world(inner: Store, protocol: Protocol = SIGNAL) -> AsyncIterator[World]:
    """The two over a store, which is closed at the end."""
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    introduced(inner, bob)
    store = Watched(inner)
    try:
        async with await e2ee.aio.Account.open(store) as alice:
            yield World(alice, bob, store)
    finally:
        inner.close()


def indexes(envelopes: Iterable[e2ee.Envelope]) -> list[int]:
    """The places of messages in their chains."""
    return [wire.header(each.to_bytes()).index for each in envelopes]
