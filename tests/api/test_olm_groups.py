# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rooms of a Matrix account over every kind of store (olm_megolm.md §2 and §8)."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
import e2ee.aio
from tests.api.olm_rooms import (
    CAROL,
    ROOM,
    acquainted,
    invite,
    read,
    shared,
)
from tests.stores.kinds import KINDS, kind_name
from tests.stores.olm_people import ALICE, BOB, created

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2ee.store import RekeyableStore, Store

OTHER: Final = bytes(31) + b"\x01"


@pytest.fixture
def bob() -> e2ee.Account:
    return created(BOB)


@pytest.fixture(params=KINDS, ids=kind_name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RekeyableStore]:
    kind: Callable[[Path], RekeyableStore] = request.param
    with closing(kind(tmp_path)) as made:
        yield made


@pytest.fixture
def alice(store: Store, bob: e2ee.Account) -> e2ee.Account:
    return acquainted(store, bob)


def test_members_read_what_is_written_after_each_opening(store: Store, bob: e2ee.Account) -> None:
    _, room = shared(store, bob)

    for number in range(20):
        envelope = room.encrypt(b"%d" % number)
        room = e2ee.Account.open(store).group(ROOM)
        assert read(bob, ALICE, envelope) == b"%d" % number

    assert (room.id, room.members, room.pending) == (ROOM, (BOB,), ())
    assert e2ee.Account.open(store).groups() == [ROOM]
    assert bob.groups() == [ROOM]


def test_nobody_is_left_out_silently(alice: e2ee.Account, bob: e2ee.Account) -> None:
    room = alice.create_group([BOB, CAROL], id=ROOM)

    with pytest.raises(e2ee.InvitationsPendingError):
        room.encrypt(b"text")
    invite(room, ALICE, bob)
    with pytest.raises(e2ee.InvitationsPendingError):
        room.encrypt(b"text")

    assert room.pending == (CAROL,)
    room.remove(CAROL)
    invite(room, ALICE, bob)
    assert read(bob, ALICE, room.encrypt(b"text")) == b"text"


def test_a_message_to_a_room_waits_and_is_known_again(store: Store, bob: e2ee.Account) -> None:
    alice = acquainted(store, bob)
    room = bob.create_group([ALICE], id=ROOM)
    ((_, invitation),) = room.invitations()
    envelope = room.encrypt(b"text")
    forged = e2ee.Envelope(envelope.to_bytes()[:-1] + bytes([envelope.to_bytes()[-1] ^ 1]))

    with pytest.raises(e2ee.NoSenderKeyError), alice.receive(BOB, envelope):
        pass
    with alice.receive(BOB, invitation) as message:
        assert (message.content, message.group) == ("invitation", ROOM)
    (waiting,) = alice.receive_many([(BOB, envelope)])
    assert isinstance(waiting, e2ee.Message)
    again = e2ee.Account.open(store)
    assert again.inbox() == [waiting]
    with again.receive(BOB, envelope) as message:
        assert (message.content, message.plaintext) == ("group", b"text")
    with pytest.raises(e2ee.DuplicateMessageError) as refused, again.receive(BOB, envelope):
        pass
    assert refused.value.delivered
    with pytest.raises(e2ee.DuplicateMessageError):
        again.decrypt(BOB, envelope)
    with pytest.raises(e2ee.AuthenticationError):
        again.decrypt(BOB, forged)


def test_batches_hold_invitations_and_messages(alice: e2ee.Account, bob: e2ee.Account) -> None:
    room = bob.create_group([ALICE], id=ROOM)
    ((_, invitation),) = room.invitations()
    texts = [b"%d" % number for number in range(30)]
    envelopes = [room.encrypt(text) for text in texts]

    opened = alice.decrypt_many([(BOB, each) for each in [invitation, *envelopes, envelopes[0]]])

    assert isinstance(opened[-1], e2ee.DuplicateMessageError)
    messages = [each for each in opened if isinstance(each, e2ee.Message)]
    assert [each.plaintext for each in messages] == [b"", *texts]
    assert [each.content for each in messages] == ["invitation", *["group"] * len(texts)]


def test_a_message_is_not_whose_the_carrier_says(alice: e2ee.Account, bob: e2ee.Account) -> None:
    room = bob.create_group([ALICE], id=ROOM)
    invitation = room.invitations()[0][1]
    alice.decrypt(BOB, invitation)
    carol = created(CAROL)
    carol.connect(ALICE, alice.bundle())
    alice.decrypt(CAROL, carol.encrypt(ALICE, b"Hello."))
    envelope = room.encrypt(b"text")

    for sender in (CAROL, e2ee.Address("@eve:example.org", "EVE")):
        with pytest.raises(e2ee.UntrustedIdentityError) as refused:
            alice.decrypt(sender, envelope)
        assert refused.value.peer == sender

    assert read(alice, BOB, envelope) == b"text"


def test_who_is_removed_reads_nothing_more(alice: e2ee.Account, bob: e2ee.Account) -> None:
    carol = created(CAROL)
    alice.connect(CAROL, carol.bundle())
    room = alice.create_group([BOB, CAROL], id=ROOM)
    invite(room, ALICE, bob, carol)
    assert read(carol, ALICE, room.encrypt(b"all")) == b"all"

    room.remove(CAROL)

    assert (room.members, room.pending) == ((BOB,), (BOB,))
    invite(room, ALICE, bob)
    envelope = room.encrypt(b"without carol")
    assert read(bob, ALICE, envelope) == b"without carol"
    with pytest.raises(e2ee.NoSenderKeyError):
        carol.decrypt(ALICE, envelope)


def test_a_key_ends_after_as_many_messages_as_the_room_asks_for(
    store: Store, bob: e2ee.Account
) -> None:
    _, room = shared(store, bob)
    room.rotate_after(messages=3, period=timedelta(days=1))
    first = [room.encrypt(b"%d" % number) for number in range(3)]

    with pytest.raises(e2ee.InvitationsPendingError):
        room.encrypt(b"3")
    again = e2ee.Account.open(store).group(ROOM)
    assert again.pending == (BOB,)
    invite(again, ALICE, bob)

    assert read(bob, ALICE, again.encrypt(b"3")) == b"3"
    assert [read(bob, ALICE, each) for each in reversed(first)] == [b"2", b"1", b"0"]


@pytest.mark.parametrize(("messages", "pending"), [(-1, (BOB,)), (0, (BOB,)), (1 << 70, ())])
def test_what_a_server_asks_for_is_bounded(
    messages: int, pending: tuple[e2ee.Address, ...], bob: e2ee.Account
) -> None:
    _, room = shared(e2ee.MemoryStore(), bob)

    room.rotate_after(messages=messages, period=timedelta.max)

    assert read(bob, ALICE, room.encrypt(b"one")) == b"one"
    assert room.pending == pending


def test_a_key_that_may_have_been_taken_is_ended_by_hand(store: Store, bob: e2ee.Account) -> None:
    _, room = shared(store, bob)
    before = room.encrypt(b"before").to_matrix()["session_id"]

    room.rotate()
    invite(room, ALICE, bob)

    after = room.encrypt(b"after")
    assert after.to_matrix()["session_id"] != before
    assert read(bob, ALICE, after) == b"after"
    room.reinvite(BOB)
    assert room.pending == (BOB,)


def test_a_device_that_is_forgotten_needs_another_key(
    alice: e2ee.Account, bob: e2ee.Account
) -> None:
    room = alice.create_group([BOB], id=ROOM)
    invite(room, ALICE, bob)

    alice.forget(BOB)

    assert room.pending == (BOB,)
    assert room.invitations() == []
    alice.connect(BOB, bob.bundle())
    invite(room, ALICE, bob)
    assert read(bob, ALICE, room.encrypt(b"text")) == b"text"


def test_ids_are_those_of_the_accounts_protocol(alice: e2ee.Account) -> None:
    signal = e2ee.Account.create(e2ee.MemoryStore(), "alice")
    club = signal.create_group()

    with pytest.raises(e2ee.InvalidArgumentError):
        alice.create_group()
    assert not isinstance(club.id, str)
    with pytest.raises(e2ee.InvalidArgumentError):
        alice.group(club.id)
    with pytest.raises(e2ee.InvalidArgumentError):
        signal.group(ROOM)
    with pytest.raises(e2ee.InvalidArgumentError):
        club.rotate_after(messages=1)
    with pytest.raises(e2ee.InvalidArgumentError):
        signal.export_room_keys()
    room = alice.create_group(id=ROOM)
    with pytest.raises(e2ee.InvalidArgumentError):
        room.encrypt_sealed(b"text", b"certificate")
    for wrong in ("", "a\0b", "x" * 256):
        with pytest.raises(e2ee.InvalidArgumentError):
            alice.create_group(id=wrong)
    with pytest.raises(e2ee.InvalidArgumentError):
        alice.create_group(id=ROOM)
    with pytest.raises(e2ee.InvalidArgumentError):
        room.add(ALICE)
