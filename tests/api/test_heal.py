# SPDX-License-Identifier: MIT OR Apache-2.0
"""An account whose store was set back is healed: nothing that the lost past may have used sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final
from uuid import UUID

import pytest

import e2ee
from tests.properties import wire
from tests.properties.world import Rows, copy_of, read_rows
from tests.stores.protocols import SIGNAL, Protocol

KEY = bytes(range(32))
CLUB = UUID(int=9)


def healed(
    account: e2ee.Account,
) -> tuple[list[tuple[str, int | str]], list[bytes] | list[str], list[str]]:
    """Heals an account, and says what that ended."""
    return account._commits.commit(account._inner.heal)  # noqa: SLF001 - the public call needs an anchor


def header(envelope: e2ee.Envelope) -> wire.Header:
    """What names the message key of an envelope."""
    return wire.header(envelope.to_bytes())


@final
@dataclass
class SetBack:
    """Alice, whose store is older than what Bob and Carol have seen of her."""

    alice: e2ee.Account
    bob: e2ee.Account
    carol: e2ee.Account
    #: What Alice sent in the past that is lost, and what was on its way to her.
    lost: list[e2ee.Envelope]
    from_bob: e2ee.Envelope
    rows: Rows

    @property
    def in_groups(self) -> bool:
        """Whether there is a group, as Signal's accounts have them."""
        return self.alice.protocol == "signal"


def found_club(alice: e2ee.Account, bob: e2ee.Account) -> None:
    """A group of both, who have invited each other."""
    for _, invitation in alice.create_group(["bob"], id=CLUB).invitations():
        bob.decrypt("alice", invitation)
    bob.group(CLUB).add("alice")
    for _, invitation in bob.group(CLUB).invitations():
        alice.decrypt("bob", invitation)


def everybody(world: SetBack) -> tuple[list[tuple[str, int | str]], list[bytes], list[str]]:
    """What healing ends if there is nothing that it cannot heal."""
    peers = [(each.user, each.device) for each in (world.bob, world.carol)]
    return peers, [CLUB.bytes] if world.in_groups else [], []


@pytest.fixture
def world(protocol: Protocol) -> SetBack:
    store = e2ee.MemoryStore(key=KEY)
    alice = protocol.created(store, "alice")
    bob, carol = (protocol.created(e2ee.MemoryStore(), name) for name in ("bob", "carol"))
    alice.connect(bob.address, bob.bundle())
    bob.decrypt(alice.address, alice.encrypt(bob.address, b"Hello."))
    alice.decrypt(bob.address, bob.encrypt(alice.address, b"Hello."))
    alice.connect(carol.address, carol.bundle())
    if protocol is SIGNAL:
        found_club(alice, bob)
    # From here on Alice's next message is on a chain that the rows hold.
    bob.decrypt(alice.address, alice.encrypt(bob.address, b"More."))
    rows = read_rows(store)
    lost = [alice.encrypt(bob.address, b"%d" % number) for number in range(3)]
    lost.append(alice.encrypt(carol.address, b"first"))
    if protocol is SIGNAL:
        lost.append(alice.group(CLUB).encrypt(b"to all"))
    back = e2ee.Account.open(copy_of(rows, KEY))
    return SetBack(back, bob, carol, lost, bob.encrypt(alice.address, b"on its way"), rows)


def test_healing_says_what_it_ended(world: SetBack) -> None:
    assert healed(world.alice) == everybody(world)


def test_nothing_is_sent_before_a_fresh_bundle(world: SetBack) -> None:
    healed(world.alice)

    for peer in (world.bob, world.carol):
        with pytest.raises(e2ee.NoSessionError):
            world.alice.encrypt(peer.address, b"never leaves")
    if not world.in_groups:
        return
    with pytest.raises(e2ee.InvitationsPendingError):
        world.alice.group(CLUB).encrypt(b"never leaves")
    assert world.alice.group(CLUB).invitations() == []


def test_what_is_on_its_way_opens_and_wakes_no_session(world: SetBack) -> None:
    healed(world.alice)

    assert world.alice.decrypt(world.bob.address, world.from_bob).plaintext == b"on its way"

    with pytest.raises(e2ee.NoSessionError):
        world.alice.encrypt(world.bob.address, b"never leaves")


def test_new_sessions_use_no_key_again(world: SetBack) -> None:
    healed(world.alice)

    world.alice.connect(world.bob.address, world.bob.bundle())
    new = [world.alice.encrypt(world.bob.address, b"new %d" % number) for number in range(3)]

    used = {header(each) for each in world.lost[:4]}
    assert used.isdisjoint(map(header, new))
    for number, each in enumerate(new):
        assert world.bob.decrypt(world.alice.address, each).plaintext == b"new %d" % number
    answer = world.bob.encrypt(world.alice.address, b"answer")
    assert world.alice.decrypt(world.bob.address, answer).plaintext == b"answer"


@pytest.mark.parametrize("protocol", [SIGNAL], ids=["signal"])
def test_a_group_goes_on_under_another_key(world: SetBack) -> None:
    healed(world.alice)
    world.alice.connect(world.bob.address, world.bob.bundle())
    for _, invitation in world.alice.group(CLUB).invitations():
        world.bob.decrypt(world.alice.address, invitation)

    new = world.alice.group(CLUB).encrypt(b"to all again")

    assert world.bob.decrypt(world.alice.address, new).plaintext == b"to all again"
    assert world.bob.decrypt(world.alice.address, world.lost[4]).plaintext == b"to all"
    from_bob = world.bob.group(CLUB).encrypt(b"from Bob")
    assert world.alice.decrypt(world.bob.address, from_bob).plaintext == b"from Bob"


def test_one_time_keys_that_were_given_away_open_nothing(
    world: SetBack, protocol: Protocol
) -> None:
    bundle = world.alice.bundle()
    healed(world.alice)
    dora = protocol.created(e2ee.MemoryStore(), "dora")
    dora.connect(world.alice.address, bundle)

    with pytest.raises(e2ee.UnknownPreKeyError):
        world.alice.decrypt(dora.address, dora.encrypt(world.alice.address, b"first"))

    dora.connect(world.alice.address, world.alice.bundle())
    sent = dora.encrypt(world.alice.address, b"again")
    assert world.alice.decrypt(dora.address, sent).plaintext == b"again"


def test_a_reusable_bundle_from_before_still_opens_first_messages(
    world: SetBack, protocol: Protocol
) -> None:
    bundle = world.alice.bundle(reusable=True)
    healed(world.alice)
    dora = protocol.created(e2ee.MemoryStore(), "dora")
    dora.connect(world.alice.address, bundle)

    sent = dora.encrypt(world.alice.address, b"first")
    assert world.alice.decrypt(dora.address, sent).plaintext == b"first"
    # The session is a new one: it sends under keys that no past has used.
    sent = world.alice.encrypt(dora.address, b"answer")
    assert dora.decrypt(world.alice.address, sent).plaintext == b"answer"


def test_what_healing_says_is_still_so_after_opening_again(world: SetBack) -> None:
    healed(world.alice)
    again = e2ee.Account.open(world.alice._commits.store)  # noqa: SLF001 - the same rows

    with pytest.raises(e2ee.NoSessionError):
        again.encrypt(world.bob.address, b"never leaves")
    assert [contact.address.user for contact in again.contacts()] == ["bob", "carol"]
    assert healed(again) == everybody(world)


def test_without_healing_a_key_is_used_twice(world: SetBack) -> None:
    assert header(world.alice.encrypt(world.bob.address, b"another text")) == header(world.lost[0])
