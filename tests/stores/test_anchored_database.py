# SPDX-License-Identifier: MIT OR Apache-2.0
"""A database whose store has an anchor: what a dump that is put back finds, and many workers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, final

import psycopg
import pytest

import e2ee
import e2ee.aio
from tests.api.anchored import Register
from tests.properties import wire
from tests.stores.kinds import KEY, introduced
from tests.stores.protocols import peer_of

if TYPE_CHECKING:
    from tests.stores.protocols import Protocol
    from tests.stores.server import Server

THREADS, MESSAGES = 8, 5
#: What an ordinary role is given.
GRANTS = (
    "GRANT USAGE ON SCHEMA e2ee TO {0}",
    "GRANT SELECT ON e2ee.version TO {0}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON e2ee.record TO {0}",
)


@final
class World:
    """Alice, whose account has a database of its own, and Bob."""

    def __init__(self, running: Server, register: Register, protocol: Protocol) -> None:
        self.bob = protocol.created(e2ee.MemoryStore(), "bob")
        self.alice = protocol.address("alice")
        self.register = register
        self.running = running
        self.database = running.new_database()
        with self.store() as store:
            # From here on her next message is on a chain that the rows hold.
            self.sends(introduced(store, self.bob))

    def store(self, database: str = "", user: str = "e2ee") -> e2ee.PostgresStore:
        """A store of another worker, or on a dump that was put back."""
        place = self.running.to(database or self.database, user=user)
        return e2ee.PostgresStore(place, key=KEY, anchor=self.register)

    def dumped(self) -> str:
        """The database as it is now, in another one; nobody may be connected."""
        return self.running.new_database(template=self.database)

    def sends(self, account: e2ee.Account) -> tuple[bytes, int]:
        """What names the key of a message that Bob has opened."""
        envelope = account.encrypt(peer_of(account), b"text")
        assert self.bob.decrypt(self.alice, envelope).plaintext == b"text"
        return key_of(envelope)


def key_of(envelope: e2ee.Envelope) -> tuple[bytes, int]:
    """What names the key of a message."""
    header = wire.header(envelope.to_bytes())
    return header.ratchet_key, header.index


@pytest.fixture
def world(ours: Server, protocol: Protocol) -> World:
    return World(ours, Register(), protocol)


def refuses(account: e2ee.Account) -> None:
    with pytest.raises(e2ee.StoreRollbackError) as raised:
        account.encrypt(peer_of(account), b"never leaves")
    assert raised.value.timelines is None


def test_a_dump_that_is_put_back_is_refused_heals_and_sends(world: World) -> None:
    dump, on_its_way = world.dumped(), world.bob.encrypt(world.alice, b"still here")
    with world.store() as store:
        used = world.sends(e2ee.Account.open(store))
    with world.store(dump) as store:
        back = e2ee.Account.open(store)

        refuses(back)
        with back.receive(world.bob.address, on_its_way) as message:
            assert message.plaintext == b"still here"
        healed = back.heal()
        assert healed.peers == (world.bob.address,)
        back.connect(world.bob.address, world.bob.bundle())
        assert world.sends(back) != used

    with world.store() as store:
        refuses(e2ee.Account.open(store))


def test_of_two_databases_one_sends(world: World) -> None:
    dump = world.dumped()
    with world.store() as first, world.store(dump) as second:
        alice, clone = e2ee.Account.open(first), e2ee.Account.open(second)

        used = world.sends(clone)

        refuses(alice)
        assert world.sends(clone) != used


def test_a_database_keeps_its_anchor(world: World) -> None:
    place = world.running.to(world.database)

    with (
        e2ee.PostgresStore(place, key=KEY) as store,
        pytest.raises(e2ee.StoreAnchorError),
    ):
        e2ee.Account.open(store)
    with (
        psycopg.connect(place, autocommit=True) as connection,
        pytest.raises(e2ee.StoreAnchorError),
    ):
        e2ee.Account.open(e2ee.PostgresStore.on(connection, key=KEY))


def test_an_older_database_is_tied_when_it_is_opened_with_an_empty_anchor(
    ours: Server, bob: e2ee.Account
) -> None:
    place, register = ours.to(ours.new_database()), Register()
    with e2ee.PostgresStore(place, key=KEY) as store:
        introduced(store, bob)

    with e2ee.PostgresStore(place, key=KEY, anchor=register) as store:
        alice = e2ee.Account.open(store)
        assert register.count() == 1
        alice.encrypt(bob.address, b"sends")

    assert (register.count(), register.timeline()) == (2, 1)


def test_an_ordinary_role_is_told_the_timeline(world: World) -> None:
    user = ordinary_role(world)

    with world.store(user=user) as store:
        world.sends(e2ee.Account.open(store))

    assert world.register.timeline() == 1


def test_a_server_that_keeps_its_timeline_back_is_guarded_by_the_token_alone(
    world: World,
) -> None:
    dump, user = world.dumped(), ordinary_role(world)
    revoked = "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"
    world.running.execute(revoked, database=world.database)

    with world.store(user=user) as store:
        world.sends(e2ee.Account.open(store))
        assert world.register.timeline() is None
    with psycopg.connect(world.running.to(world.database, user=user)) as connection:
        lent = e2ee.PostgresStore.on(connection, key=KEY, anchor=world.register)
        world.sends(e2ee.Account.open(lent))
    with world.store(dump) as store:
        refuses(e2ee.Account.open(store))


def ordinary_role(world: World) -> str:
    """A role that may use the tables, and nothing else."""
    name = f"role_{world.database}"
    world.running.execute(f"CREATE ROLE {name} LOGIN")
    for grant in GRANTS:
        world.running.execute(grant.format(name), database=world.database)
    return name


def until_known(account: e2ee.Account) -> e2ee.Envelope:
    """A message; one that more others overtook than the past has room for is made again."""
    while True:
        with suppress(e2ee.StoreOutcomeUnknownError):
            return account.encrypt(peer_of(account), b"text")


@pytest.mark.parametrize("together", [True, False], ids=["one account", "an account each"])
def test_threads_that_share_an_anchor_all_send(world: World, *, together: bool) -> None:
    with world.store() as store:
        shared = e2ee.Account.open(store)

        def work(_: int) -> list[e2ee.Envelope]:
            account = shared if together else e2ee.Account.open(store)
            return [until_known(account) for _ in range(MESSAGES)]

        with ThreadPoolExecutor(THREADS) as pool:
            sent = [each for some in pool.map(work, range(THREADS)) for each in some]

    assert len({key_of(each) for each in sent}) == THREADS * MESSAGES
    for each in sent:
        assert world.bob.decrypt(world.alice, each).plaintext == b"text"


def test_calls_of_asyncio_leave_after_the_anchor_knows_of_them(world: World) -> None:
    before = world.register.count()

    async def together(store: e2ee.PostgresStore) -> list[e2ee.Envelope]:
        async with await e2ee.aio.Account.open(store) as alice:
            return await asyncio.gather(*(alice.encrypt(world.bob.address, b"x") for _ in range(8)))

    with world.store() as store:
        sent = asyncio.run(together(store))

    assert len({key_of(each) for each in sent}) == 8
    assert world.register.count() > before
