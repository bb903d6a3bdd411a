# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who is in a group: who is invited, who reads what, and what ends a key."""

from uuid import UUID

import pytest

import e2ee
from tests.api.group_people import People, carry

GROUP = UUID("d1d1d1d1-7000-41eb-b32a-33b8a8a487a6")


def test_a_member_is_invited_once(people: People, club: e2ee.Group) -> None:
    assert club.invitations() == []
    people["alice"].connect("dave", people["dave"].bundle())
    club.add("dave")

    assert carry(people, "alice", club) == ["dave"]
    assert club.invitations() == []


def test_writing_waits_for_the_invitations(people: People, club: e2ee.Group) -> None:
    club.add(e2ee.Address("carol", 2))

    with pytest.raises(e2ee.InvitationsPendingError):
        club.encrypt(b"text")

    assert club.pending == (e2ee.Address("carol", 2),)
    assert club.invitations() == []  # there is no session with that device
    club.remove(e2ee.Address("carol", 2))
    carry(people, "alice", club)
    assert people["bob"].decrypt("alice", club.encrypt(b"text")).plaintext == b"text"


def test_a_joiner_reads_nothing_from_before(people: People, club: e2ee.Group) -> None:
    before = club.encrypt(b"before")
    people["alice"].connect("dave", people["dave"].bundle())
    club.add("dave")
    carry(people, "alice", club)

    with pytest.raises(e2ee.DuplicateMessageError) as caught:
        people["dave"].decrypt("alice", before)

    assert not caught.value.delivered
    assert people["dave"].decrypt("alice", club.encrypt(b"after")).plaintext == b"after"


def test_a_removed_member_reads_nothing_from_then_on(people: People, club: e2ee.Group) -> None:
    club.remove("carol")

    with pytest.raises(e2ee.InvitationsPendingError):
        club.encrypt(b"after")
    assert carry(people, "alice", club) == ["bob"]
    envelope = club.encrypt(b"after")
    assert people["bob"].decrypt("alice", envelope).plaintext == b"after"
    with pytest.raises(e2ee.NoSenderKeyError):
        people["carol"].decrypt("alice", envelope)


def test_what_a_removed_member_writes_is_not_opened(people: People, club: e2ee.Group) -> None:
    carols = people["carol"].group(club.id)
    people["carol"].connect("alice", people["alice"].bundle())
    carols.add("alice")
    carry(people, "carol", carols)
    assert people["alice"].decrypt("carol", carols.encrypt(b"in")).plaintext == b"in"

    club.remove("carol")

    with pytest.raises(e2ee.NoSenderKeyError):
        people["alice"].decrypt("carol", carols.encrypt(b"out"))


def test_late_messages_of_the_key_before_still_open(people: People, club: e2ee.Group) -> None:
    late = club.encrypt(b"late")
    club.rotate()
    assert carry(people, "alice", club) == ["bob", "carol"]
    new = club.encrypt(b"new")

    assert people["bob"].decrypt("alice", new).plaintext == b"new"
    assert people["bob"].decrypt("alice", late).plaintext == b"late"


def test_a_lost_invitation_is_made_again(people: People) -> None:
    club = people["alice"].create_group(["bob"])
    club.invitations()  # lost on its way

    envelope = club.encrypt(b"text")
    with pytest.raises(e2ee.NoSenderKeyError):
        people["bob"].decrypt("alice", envelope)
    club.reinvite("bob")
    assert carry(people, "alice", club) == ["bob"]
    assert people["bob"].decrypt("alice", club.encrypt(b"again")).plaintext == b"again"


def test_a_repeated_invitation_opens_no_message_twice(people: People, club: e2ee.Group) -> None:
    envelope = club.encrypt(b"text")
    people["bob"].decrypt("alice", envelope)
    club.reinvite("bob")
    carry(people, "alice", club)

    with pytest.raises(e2ee.DuplicateMessageError):
        people["bob"].decrypt("alice", envelope)


def test_only_members_are_invited_again(club: e2ee.Group) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        club.reinvite("dave")


def test_a_new_identity_of_a_member_ends_the_key(people: People, club: e2ee.Group) -> None:
    old = people["bob"]
    people["bob"] = e2ee.Account.create(e2ee.MemoryStore(), "bob")

    people["alice"].accept_identity("bob", people["bob"].bundle())

    assert club.pending == (e2ee.Address("bob"), e2ee.Address("carol"))
    assert carry(people, "alice", club) == ["bob", "carol"]
    envelope = club.encrypt(b"text")
    assert people["bob"].decrypt("alice", envelope).plaintext == b"text"
    with pytest.raises(e2ee.NoSenderKeyError):
        old.decrypt("alice", envelope)


def test_a_new_bundle_of_the_same_identity_ends_nothing(people: People, club: e2ee.Group) -> None:
    people["alice"].connect("bob", people["bob"].bundle())
    people["alice"].accept_identity("carol", people["carol"].bundle())

    assert club.pending == ()


def test_chains_of_an_identity_before_open_nothing(people: People, club: e2ee.Group) -> None:
    under_way = club.encrypt(b"text")
    alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")

    people["bob"].accept_identity("alice", alice.bundle())

    with pytest.raises(e2ee.NoSenderKeyError):
        people["bob"].decrypt("alice", under_way)


def test_a_forgotten_peer_has_no_key_and_gives_none(people: People, club: e2ee.Group) -> None:
    under_way = club.encrypt(b"text")
    people["bob"].forget("alice")
    people["alice"].forget("bob")

    with pytest.raises(e2ee.NoSenderKeyError):
        people["bob"].decrypt("alice", under_way)
    assert club.pending == (e2ee.Address("bob"), e2ee.Address("carol"))
    assert carry(people, "alice", club) == ["carol"]
    people["alice"].connect("bob", people["bob"].bundle())
    assert carry(people, "alice", club) == ["bob"]
    assert people["bob"].decrypt("alice", club.encrypt(b"again")).plaintext == b"again"


def test_a_group_that_was_left_is_forgotten(people: People, club: e2ee.Group) -> None:
    bobs = people["bob"].group(club.id)
    bobs.leave()

    assert people["bob"].groups() == []
    with pytest.raises(e2ee.NoGroupError):
        people["bob"].group(club.id)
    with pytest.raises(e2ee.NoGroupError):
        bobs.encrypt(b"text")
    with pytest.raises(e2ee.NoSenderKeyError):
        people["bob"].decrypt("alice", club.encrypt(b"text"))


def test_leaving_leaves_no_row(people: People) -> None:
    store = e2ee.MemoryStore()
    bob = e2ee.Account.create(store, "bob")
    people["alice"].forget("bob")
    people["alice"].connect("bob", bob.bundle())
    club = people["alice"].create_group(["bob"])
    for _, invitation in club.invitations():
        bob.decrypt("alice", invitation)

    bob.group(club.id).leave()

    with store.transaction() as transaction:
        assert transaction.list("chain/") == transaction.list("group/") == []


def test_a_group_begins_again_after_it_was_left(people: People, club: e2ee.Group) -> None:
    before = club.encrypt(b"before")
    people["bob"].decrypt("alice", before)
    people["bob"].group(club.id).leave()
    club.reinvite("bob")
    carry(people, "alice", club)

    assert people["bob"].decrypt("alice", club.encrypt(b"again")).plaintext == b"again"
    with pytest.raises(e2ee.DuplicateMessageError):
        people["bob"].decrypt("alice", before)


def test_another_process_may_begin_a_group_again() -> None:
    store, alices = e2ee.MemoryStore(), e2ee.MemoryStore()
    alice, bob = e2ee.Account.create(alices, "alice"), e2ee.Account.create(store, "bob")
    alice.connect("bob", bob.bundle())
    club, second = alice.create_group(["bob"]), e2ee.Account.open(store)
    ((_, invitation),) = club.invitations()
    bob.decrypt("alice", invitation)
    for _ in range(30):
        bob.decrypt("alice", club.encrypt(b"text"))

    second.group(club.id).leave()
    club.reinvite("bob")
    ((_, invitation),) = club.invitations()
    second.decrypt("alice", invitation)

    assert bob.decrypt("alice", club.encrypt(b"again")).plaintext == b"again"


def test_a_group_lives_in_its_store(people: People) -> None:
    store = e2ee.MemoryStore()
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", people["bob"].bundle())
    club = alice.create_group(["bob"], id=GROUP)
    people["alice"] = alice
    carry(people, "alice", club)
    first = club.encrypt(b"first")

    club = e2ee.Account.open(store).group(GROUP)

    assert (club.members, club.pending) == ((e2ee.Address("bob"),), ())
    second = club.encrypt(b"second")
    assert people["bob"].decrypt("alice", second).plaintext == b"second"
    assert people["bob"].decrypt("alice", first).plaintext == b"first"


def test_a_group_of_an_id_is_made_once(people: People) -> None:
    people["alice"].create_group(id=GROUP)

    with pytest.raises(e2ee.InvalidArgumentError):
        people["alice"].create_group(id=GROUP)


def test_ids_are_random_and_listed_in_order(people: People) -> None:
    made = [people["alice"].create_group().id for _ in range(5)]

    assert people["alice"].groups() == sorted(made)
    assert {UUID(str(each)).version for each in made} == {4}


def test_this_device_is_no_member(people: People) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        people["alice"].create_group(["bob", "alice"])
    club = people["alice"].create_group([e2ee.Address("alice", 2)])
    with pytest.raises(e2ee.InvalidArgumentError):
        club.add("alice")

    assert club.members == (e2ee.Address("alice", 2),)


def test_members_are_listed_once_and_in_order(people: People) -> None:
    club = people["alice"].create_group(["carol", "bob", e2ee.Address("bob", 2), "bob"])

    assert club.members == (e2ee.Address("bob"), e2ee.Address("bob", 2), e2ee.Address("carol"))


def test_who_was_no_member_is_removed_without_a_new_key(people: People, club: e2ee.Group) -> None:
    club.remove("dave")

    assert club.pending == ()
    assert people["bob"].decrypt("alice", club.encrypt(b"text")).plaintext == b"text"


def test_two_processes_use_no_message_key_twice(people: People) -> None:
    store = e2ee.MemoryStore()
    first = e2ee.Account.create(store, "erin")
    first.connect("bob", people["bob"].bundle())
    first.create_group(["bob"], id=GROUP)
    second = e2ee.Account.open(store)
    clubs = [first.group(GROUP), second.group(GROUP)]
    for _, invitation in clubs[1].invitations():
        people["bob"].decrypt("erin", invitation)

    envelopes = [clubs[number % 2].encrypt(b"%d" % number) for number in range(6)]
    read = [people["bob"].decrypt("erin", envelope).plaintext for envelope in envelopes]

    assert read == [b"%d" % number for number in range(6)]
    clubs[0].rotate()
    with pytest.raises(e2ee.InvitationsPendingError):
        clubs[1].encrypt(b"under the key before")


def test_verifying_a_new_identity_ends_the_key_too(people: People, club: e2ee.Group) -> None:
    bundle = e2ee.Account.create(e2ee.MemoryStore(), "carol").bundle()

    people["alice"].verify(
        "carol", people["alice"].safety_number("carol", bundle=bundle), bundle=bundle
    )

    assert club.pending == (e2ee.Address("bob"), e2ee.Address("carol"))
