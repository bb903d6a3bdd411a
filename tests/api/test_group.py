# SPDX-License-Identifier: MIT OR Apache-2.0
"""Groups over a store: one envelope, which opens for the members, once, and for nobody else."""

import pickle
from uuid import UUID

import pytest

import e2ee
from tests.api.group_people import People, carry

GROUP = UUID("d1d1d1d1-7000-41eb-b32a-33b8a8a487a6")


def test_one_envelope_opens_for_every_member(people: People, club: e2ee.Group) -> None:
    envelope = club.encrypt(b"Hello, all.")

    assert envelope.kind == "group"
    for name in ("bob", "carol"):
        with people[name].receive("alice", envelope) as message:
            assert message.plaintext == b"Hello, all."
            assert (message.content, message.group) == ("group", club.id)
            assert message.sender == e2ee.Address("alice")


def test_nobody_else_opens_it(people: People, club: e2ee.Group) -> None:
    people["alice"].connect("dave", people["dave"].bundle())
    people["dave"].decrypt("alice", people["alice"].encrypt("dave", b""))

    with pytest.raises(e2ee.NoSenderKeyError):
        people["dave"].decrypt("alice", club.encrypt(b"secret"))


def test_an_invitation_makes_the_group_known(people: People, club: e2ee.Group) -> None:
    assert people["bob"].groups() == [club.id]
    assert people["bob"].group(club.id).members == ()
    assert people["dave"].groups() == []


def test_an_invitation_waits_in_the_inbox_without_a_text(people: People) -> None:
    club = e2ee.Group.create(people["alice"], ["bob"], id=GROUP)
    ((member, invitation),) = club.invitations()

    with people["bob"].receive("alice", invitation) as message:
        assert people["bob"].inbox() == [message]

    assert member == e2ee.Address("bob")
    assert (message.content, message.group, message.plaintext) == ("invitation", GROUP, b"")


def test_messages_open_in_any_order_and_once(people: People, club: e2ee.Group) -> None:
    envelopes = [club.encrypt(b"%d" % number) for number in range(4)]

    for number in (2, 0, 3, 1):
        assert people["bob"].decrypt("alice", envelopes[number]).plaintext == b"%d" % number
    for envelope in envelopes:
        with pytest.raises(e2ee.DuplicateMessageError):
            people["bob"].decrypt("alice", envelope)


def test_a_repeated_delivery_is_known(people: People, club: e2ee.Group) -> None:
    envelope = club.encrypt(b"text")
    with pytest.raises(ZeroDivisionError), people["bob"].receive("alice", envelope):
        raise ZeroDivisionError
    with people["bob"].receive("alice", envelope) as message:
        assert message.plaintext == b"text"

    with (
        pytest.raises(e2ee.DuplicateMessageError) as caught,
        people["bob"].receive("alice", envelope),
    ):
        pytest.fail("it was handled")

    assert caught.value.delivered


@pytest.mark.parametrize("place", [1, 2, 4, 10, 21, 26, 40, -70, -64, -32, -1])
def test_an_altered_message_is_refused_and_changes_nothing(
    people: People, club: e2ee.Group, place: int
) -> None:
    envelope = bytearray(club.encrypt(b"text").to_bytes())
    envelope[place] ^= 1
    original = bytes(envelope[:place]) + bytes([envelope[place] ^ 1])
    original += bytes(envelope[len(original) :])

    with pytest.raises((e2ee.MalformedMessageError, e2ee.DecryptionError, e2ee.NoSenderKeyError)):
        people["bob"].decrypt("alice", bytes(envelope))

    assert people["bob"].decrypt("alice", original).plaintext == b"text"


def test_a_message_is_only_its_senders(people: People, club: e2ee.Group) -> None:
    bobs = people["bob"].group(club.id)
    bobs.add("carol")
    carry(people, "bob", bobs)

    with pytest.raises(e2ee.NoSenderKeyError):
        people["carol"].decrypt("bob", club.encrypt(b"text"))


def test_an_invitation_is_for_one_device(people: People) -> None:
    club = people["alice"].create_group(["bob"])
    ((_, invitation),) = club.invitations()

    with pytest.raises(e2ee.E2EEError):
        people["carol"].decrypt("alice", invitation)

    assert people["carol"].groups() == []


def test_a_text_that_looks_like_an_invitation_is_a_text(people: People, club: e2ee.Group) -> None:
    looks = bytes.fromhex("330a10") + bytes(16) + b"\x81"

    message = people["bob"].decrypt("alice", people["alice"].encrypt("bob", looks))

    assert (message.content, message.plaintext) == ("message", looks)
    assert people["bob"].groups() == [club.id]


def test_a_group_without_members_encrypts(people: People) -> None:
    assert people["alice"].create_group().encrypt(b"to nobody").kind == "group"


def test_no_group_is_changed_inside_a_receive_block(people: People, club: e2ee.Group) -> None:
    with people["bob"].receive("alice", club.encrypt(b"text")):
        with pytest.raises(e2ee.TransactionOpenError):
            people["bob"].group(club.id).rotate()
        with pytest.raises(e2ee.TransactionOpenError):
            people["bob"].group(club.id).encrypt(b"text")


def test_a_plaintext_has_its_limit(club: e2ee.Group) -> None:
    limit = 16 << 20
    assert len(club.encrypt(bytes(limit))) > limit

    with pytest.raises(e2ee.InvalidArgumentError):
        club.encrypt(bytes(limit + 1))


def test_sizes_are_rounded(club: e2ee.Group) -> None:
    assert len({len(club.encrypt(bytes(size))) for size in range(79)}) == 1
    assert len({len(club.encrypt(bytes(size))) for size in range(78, 82)}) == 2


def test_a_group_is_not_copied(club: e2ee.Group) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(club)
    with pytest.raises(TypeError):
        e2ee.Group()

    assert repr(club) == f"Group('{club.id}')"
