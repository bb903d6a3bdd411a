# SPDX-License-Identifier: MIT OR Apache-2.0
"""An anchor outside a store finds copies of it before they send (docs/storage.md, "Anchor")."""

from __future__ import annotations

from typing import final

import pytest

import e2ee
from tests.api.anchored import Register
from tests.properties import wire
from tests.properties.world import Rows, put_rows, read_rows
from tests.stores.kinds import introduced
from tests.stores.protocols import Protocol, peer_of

KEY = bytes(range(32))


@final
class World:
    """Alice, whose store has an anchor, and Bob."""

    def __init__(self, protocol: Protocol) -> None:
        self.register = Register()
        self.store = e2ee.MemoryStore(key=KEY, anchor=self.register)
        self.bob = protocol.created(e2ee.MemoryStore(), "bob")
        self.alice = introduced(self.store, self.bob)

    def copy(self, rows: Rows | None = None) -> e2ee.MemoryStore:
        """Another store with the same rows and the same anchor: a clone."""
        store = e2ee.MemoryStore(key=KEY, anchor=self.register)
        put_rows(store, read_rows(self.store) if rows is None else rows)
        return store

    def sends(self, account: e2ee.Account, text: bytes = b"text") -> wire.Header:
        """What names the key of a message that Bob has opened."""
        envelope = account.encrypt(peer_of(account), text)
        assert self.bob.decrypt(self.alice.address, envelope).plaintext == text
        return wire.header(envelope.to_bytes())


@pytest.fixture
def world(protocol: Protocol) -> World:
    return World(protocol)


def refuses_to_send(account: e2ee.Account) -> None:
    with pytest.raises(e2ee.StoreRollbackError):
        account.encrypt(peer_of(account), b"never leaves")


def test_each_sending_transaction_moves_the_anchor_and_receiving_does_not(world: World) -> None:
    before = world.register.count()

    world.sends(world.alice)
    sent = world.register.count()
    world.alice.decrypt(world.bob.address, world.bob.encrypt(world.alice.address, b"answer"))

    assert (before + 1, before + 1) == (sent, world.register.count())


def test_of_two_clones_one_sends(world: World) -> None:
    clone = e2ee.Account.open(world.copy())

    used = {world.sends(world.alice)}

    refuses_to_send(clone)
    with pytest.raises(e2ee.StoreRollbackError):
        clone.outbox()
    assert world.sends(world.alice) not in used


def test_the_clone_that_sends_first_stops_the_original(world: World) -> None:
    clone = e2ee.Account.open(world.copy())

    world.sends(clone)

    refuses_to_send(world.alice)


def test_a_store_that_was_put_back_receives_heals_and_sends_after_connect(world: World) -> None:
    rows, on_its_way = read_rows(world.store), world.bob.encrypt(world.alice.address, b"still here")
    used = {world.sends(world.alice), world.sends(world.alice)}
    back = e2ee.Account.open(world.copy(rows))

    refuses_to_send(back)
    with back.receive(world.bob.address, on_its_way) as message:
        assert message.plaintext == b"still here"
    healed = back.heal()

    assert healed.peers == (world.bob.address,)
    with pytest.raises(e2ee.NoSessionError):
        back.encrypt(world.bob.address, b"not on the old session")
    back.connect(world.bob.address, world.bob.bundle())
    assert world.sends(back) not in used
    refuses_to_send(world.alice)


def test_a_worker_that_dies_before_the_anchor_is_told_is_done_for_by_the_next(
    world: World,
) -> None:
    world.register.fails = ["before"]
    count = world.register.count()
    with pytest.raises(ConnectionError):
        world.alice.encrypt(world.bob.address, b"never leaves")
    assert world.register.count() == count

    used = world.sends(e2ee.Account.open(world.store))

    assert world.register.count() == count + 2
    assert world.sends(world.alice) != used


def test_an_anchor_that_fails_after_it_took_the_step_does_no_harm(world: World) -> None:
    world.register.fails = ["after"]
    with pytest.raises(ConnectionError):
        world.alice.encrypt(world.bob.address, b"never leaves")

    world.sends(world.alice)


def test_healing_that_dies_before_the_anchor_is_told_is_completed_by_the_next(
    world: World,
) -> None:
    rows = read_rows(world.store)
    world.sends(world.alice)
    store = world.copy(rows)
    world.register.fails = ["before"]
    with pytest.raises(ConnectionError):
        e2ee.Account.open(store).heal()

    again = e2ee.Account.open(store)
    again.connect(world.bob.address, world.bob.bundle())

    world.sends(again)
    refuses_to_send(world.alice)


def test_a_clone_that_overtakes_between_commit_and_anchor_stops_the_result(world: World) -> None:
    clone = e2ee.Account.open(world.copy())
    told = world.register.advance

    def overtaken(old: bytes | None, new: bytes, /) -> bool:
        world.register.advance = told  # type: ignore[method-assign]
        clone.encrypt(world.bob.address, b"quicker")
        return told(old, new)

    world.register.advance = overtaken  # type: ignore[method-assign]
    with pytest.raises(e2ee.StoreOutcomeUnknownError):
        world.alice.encrypt(world.bob.address, b"never leaves")

    refuses_to_send(world.alice)
    world.sends(clone)


def test_a_worker_that_others_overtook_still_sends(world: World) -> None:
    others = [e2ee.Account.open(world.store) for _ in range(3)]
    told, used = world.register.advance, list[wire.Header]()

    def overtaken(old: bytes | None, new: bytes, /) -> bool:
        world.register.advance = told  # type: ignore[method-assign]
        used.extend(
            wire.header(each.encrypt(world.bob.address, b"x").to_bytes()) for each in others
        )
        return told(old, new)

    world.register.advance = overtaken  # type: ignore[method-assign]
    used.append(world.sends(world.alice))

    assert len({(each.ratchet_key, each.index) for each in used}) == len(used)


def test_a_store_keeps_its_anchor(world: World) -> None:
    without = e2ee.MemoryStore(key=KEY)
    put_rows(without, read_rows(world.store))

    with pytest.raises(e2ee.StoreAnchorError):
        e2ee.Account.open(without)


def test_another_stores_anchor_is_refused(world: World, protocol: Protocol) -> None:
    other = World(protocol)
    store = e2ee.MemoryStore(key=KEY, anchor=other.register)
    put_rows(store, read_rows(world.store))

    with pytest.raises(e2ee.StoreAnchorError):
        e2ee.Account.open(store)
    with pytest.raises(e2ee.StoreAnchorError):
        protocol.created(e2ee.MemoryStore(anchor=other.register), "carol")


@pytest.mark.parametrize("value", [b"", b"\x02" + bytes(40), bytes(41), b"\x01" * 42])
def test_an_anchor_that_holds_something_else_is_refused(world: World, value: bytes) -> None:
    world.register.value = value

    with pytest.raises(e2ee.StoreAnchorError):
        world.alice.encrypt(world.bob.address, b"never leaves")
    with pytest.raises(e2ee.StoreAnchorError):
        e2ee.Account.open(world.store)


def test_an_anchor_that_was_lost_is_a_mismatch_and_heals(world: World) -> None:
    world.register.value = None
    refuses_to_send(world.alice)

    world.alice.heal()
    world.alice.connect(world.bob.address, world.bob.bundle())

    world.sends(world.alice)


def test_a_lost_generation_is_damage(world: World) -> None:
    rows = read_rows(world.store)
    del rows["generation"]

    with pytest.raises(e2ee.StoreCorruptionError):
        e2ee.Account.open(world.copy(rows)).encrypt(world.bob.address, b"never leaves")


def test_an_older_generation_in_a_newer_store_is_found(world: World) -> None:
    old = read_rows(world.store)["generation"]
    world.sends(world.alice)
    rows = read_rows(world.store) | {"generation": old}

    refuses_to_send(e2ee.Account.open(world.copy(rows)))


def test_an_older_store_is_tied_when_it_is_opened_with_an_empty_anchor(
    protocol: Protocol,
) -> None:
    plain, register = e2ee.MemoryStore(key=KEY), Register()
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    protocol.created(plain, "alice").connect(bob.address, bob.bundle())
    before = read_rows(plain)
    tied = e2ee.MemoryStore(key=KEY, anchor=register)
    put_rows(tied, before)

    alice = e2ee.Account.open(tied)
    assert register.count() == 1
    alice.encrypt(bob.address, b"sends")

    again = e2ee.MemoryStore(key=KEY, anchor=register)
    put_rows(again, before)
    refuses_to_send(e2ee.Account.open(again))


def test_a_process_without_the_anchor_stops_when_the_store_gets_one(protocol: Protocol) -> None:
    store, register = e2ee.MemoryStore(key=KEY), Register()
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    alice = protocol.created(store, "alice")
    alice.connect(bob.address, bob.bundle())
    tied = e2ee.MemoryStore(key=KEY, anchor=register)
    put_rows(tied, read_rows(store))
    e2ee.Account.open(tied)
    put_rows(store, read_rows(tied))

    with pytest.raises(e2ee.StoreAnchorError):
        alice.encrypt(bob.address, b"never leaves")
