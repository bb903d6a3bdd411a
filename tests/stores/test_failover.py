# SPDX-License-Identifier: MIT OR Apache-2.0
"""A database fails over to a real standby, which has everything or lacks the newest commits.

docs/storage.md, "Fail-over". With an anchor a standby that was behind is refused, and the error
says what happened; without one, a message key is used twice (N3 in docs/threats.md).
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, final

import psycopg
import pytest

import e2ee
from tests.api.anchored import Register
from tests.properties import wire
from tests.stores.kinds import KEY, introduced
from tests.stores.protocols import peer_of
from tests.stores.standby import Pair, standing_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2ee.store import Anchor
    from tests.stores.protocols import Protocol


@final
class World:
    """Alice, whose account is in a database with a standby, and Bob."""

    def __init__(self, pair: Pair, anchor: Anchor | None, protocol: Protocol) -> None:
        self.anchor = anchor
        self.bob = protocol.created(e2ee.MemoryStore(), "bob")
        self.pair = pair
        self.stores: list[e2ee.PostgresStore] = []
        self.alice = introduced(self.store(), self.bob)
        # From here on her next message is on a chain that the rows hold.
        self.sends(self.alice)
        pair.catch_up()

    def store(self, conninfo: str | None = None) -> e2ee.PostgresStore:
        """A store of another worker."""
        place = conninfo or self.pair.conninfo
        self.stores.append(e2ee.PostgresStore(place, key=KEY, anchor=self.anchor))
        return self.stores[-1]

    def sends(self, account: e2ee.Account) -> tuple[bytes, int]:
        """What names the key of a message that Bob has opened."""
        envelope = account.encrypt(peer_of(account), b"text")
        assert self.bob.decrypt(self.alice.address, envelope).plaintext == b"text"
        return key_of(envelope)

    def close(self) -> None:
        """Closes all stores."""
        for store in self.stores:
            store.close()


def key_of(envelope: e2ee.Envelope) -> tuple[bytes, int]:
    """What names the key of a message."""
    header = wire.header(envelope.to_bytes())
    return header.ratchet_key, header.index


@pytest.fixture
def pair() -> Iterator[Pair]:
    with standing_by() as pair:
        yield pair


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
def world(pair: Pair, register: Register, protocol: Protocol) -> Iterator[World]:
    with closing(World(pair, register, protocol)) as made:
        yield made


def refused(account: e2ee.Account, timelines: tuple[int, int]) -> None:
    with pytest.raises(e2ee.StoreRollbackError) as raised:
        account.encrypt(peer_of(account), b"never leaves")
    assert raised.value.timelines == timelines


def test_a_standby_that_was_behind_is_refused_and_healed(world: World, register: Register) -> None:
    world.pair.cut()
    lost = world.sends(world.alice)
    on_its_way = world.bob.encrypt(world.alice.address, b"still here")
    world.pair.fail_over()
    again = e2ee.Account.open(world.store())

    refused(world.alice, (1, 2))
    refused(again, (1, 2))
    with pytest.raises(e2ee.StoreRollbackError) as raised:
        again.outbox()

    assert "failed over" in str(raised.value)
    with again.receive(world.bob.address, on_its_way) as message:
        assert message.plaintext == b"still here"
    again.heal()
    again.connect(world.bob.address, world.bob.bundle())
    assert world.sends(again) != lost
    assert register.timeline() == 2


def test_a_standby_that_lacks_nothing_goes_on(world: World, register: Register) -> None:
    before = world.sends(world.alice)
    assert register.timeline() == 1
    world.pair.catch_up()
    world.pair.fail_over()

    after = {world.sends(world.alice), world.sends(e2ee.Account.open(world.store()))}

    assert len(after | {before}) == 3
    assert register.timeline() == 2


def test_a_server_that_was_taken_over_from_is_refused_before_anything_is_missing(
    world: World,
) -> None:
    world.pair.promote()
    standby = e2ee.Account.open(world.store(world.pair.standby.conninfo))
    assert standby.outbox() == []

    refused(world.alice, (2, 1))
    refused(e2ee.Account.open(world.store(world.pair.primary.conninfo)), (2, 1))

    world.sends(standby)


def test_of_two_servers_that_both_live_the_one_that_sends_first_goes_on(world: World) -> None:
    world.pair.promote()
    standby = e2ee.Account.open(world.store(world.pair.standby.conninfo))

    world.sends(world.alice)

    refused(standby, (1, 2))
    world.sends(world.alice)


def test_a_process_that_received_on_a_server_that_is_lost_is_told_of_the_fail_over(
    world: World,
) -> None:
    world.pair.cut()
    world.alice.decrypt(world.bob.address, world.bob.encrypt(world.alice.address, b"forgotten"))
    world.pair.fail_over()

    refused(world.alice, (1, 2))
    # Nobody else knows: no generation moves when something is received.
    world.sends(e2ee.Account.open(world.store()))


def test_a_lent_connection_to_a_standby_that_was_behind_is_refused(world: World) -> None:
    world.pair.cut()
    world.sends(world.alice)
    world.pair.fail_over()

    with psycopg.connect(world.pair.standby.conninfo, autocommit=True) as connection:
        store = e2ee.PostgresStore.on(connection, key=KEY, anchor=world.anchor)
        refused(e2ee.Account.open(store), (1, 2))


def test_without_an_anchor_a_standby_that_was_behind_uses_a_key_twice(
    pair: Pair, protocol: Protocol
) -> None:
    with closing(World(pair, None, protocol)) as world:
        pair.cut()
        lost = world.sends(world.alice)
        pair.fail_over()

        again = e2ee.Account.open(world.store())

        assert key_of(again.encrypt(world.bob.address, b"another text")) == lost
