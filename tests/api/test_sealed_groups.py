# SPDX-License-Identifier: MIT OR Apache-2.0
"""One sealed message for a whole group: split by a server, opened by each member."""

from __future__ import annotations

from uuid import UUID

import pytest

import e2ee
from e2ee import signal
from tests.api.sealed_world import World, account

MEMBERS = ("bob", "carol")


class Club(World):
    """Alice's group of Bob and Carol, who know her."""

    def __init__(self) -> None:
        super().__init__()
        self.carol = account("carol")
        self.alice.connect("carol", self.carol.bundle())
        self.group = self.alice.create_group(MEMBERS)
        for member, invitation in self.group.invitations():
            self.account(member.user).decrypt("alice", invitation)

    def account(self, name: str) -> e2ee.Account:
        """A member."""
        return {"alice": self.alice, "bob": self.bob, "carol": self.carol}[name]

    def sent(self, plaintext: bytes, excluded: tuple[str, ...] = ()) -> bytes:
        """A message of Alice's for the server."""
        certificate = self.certify(self.alice)
        return self.group.encrypt_sealed(plaintext, certificate, excluded=excluded)

    def service_id(self, name: str) -> str:
        """What the server knows a member by."""
        return self.certify(self.account(name)).sender.user


@pytest.fixture
def club() -> Club:
    return Club()


def test_each_member_opens_its_part(club: Club) -> None:
    recipients = {each.service_id: each for each in signal.fan_out(club.sent(b"Hello, all."))}

    assert set(recipients) == {club.service_id(name) for name in MEMBERS}
    for name in MEMBERS:
        envelope = recipients[club.service_id(name)].envelope
        with club.account(name).receive_sealed(envelope, trust_roots=club.roots) as message:
            assert (message.sender.user, message.plaintext) == ("alice", b"Hello, all.")
            assert (message.content, message.group) == ("group", club.group.id)


def test_a_part_opens_for_its_member_alone_and_once(club: Club) -> None:
    recipients = {each.service_id: each for each in signal.fan_out(club.sent(b"text"))}
    envelope = recipients[club.service_id("carol")].envelope

    with pytest.raises(e2ee.AuthenticationError):
        club.bob.decrypt_sealed(envelope, trust_roots=club.roots)
    club.carol.decrypt_sealed(envelope, trust_roots=club.roots)
    with pytest.raises(e2ee.DuplicateMessageError):
        club.carol.decrypt_sealed(envelope, trust_roots=club.roots)


def test_an_excluded_member_gets_nothing_and_is_named(club: Club) -> None:
    sent = club.sent(b"not for Carol", excluded=("carol", "nobody"))

    assert [each.service_id for each in signal.fan_out(sent)] == [club.service_id("bob")]
    assert signal.left_out(sent) == [club.service_id("carol")]


def test_a_server_is_told_the_registration_ids_of_the_devices(club: Club) -> None:
    devices = [each.devices for each in signal.fan_out(club.sent(b"text"))]

    assert [[device for device, _ in each] for each in devices] == [[1], [1]]
    assert all(0 < number < 1 << 14 for each in devices for _, number in each)


def test_the_sent_form_names_recipients_but_no_sender(club: Club) -> None:
    sent = club.sent(b"a text to look for")
    issued = club.certify(club.alice)

    hidden = [
        club.alice.identity_key[1:],
        issued.sender.user.encode(),
        UUID(str(club.group.id)).bytes,
    ]
    assert [part for part in [*hidden, b"a text to look for"] if part in sent] == []


def test_every_flipped_bit_of_a_part_is_refused_but_those_of_the_minor_version(club: Club) -> None:
    (part,) = signal.fan_out(club.sent(b"text", excluded=("carol",)))
    whole, opened = part.envelope.to_bytes(), []

    for bit in range(len(whole) * 8):
        altered = bytearray(whole)
        altered[bit // 8] ^= 1 << (bit % 8)
        try:
            club.bob.decrypt_sealed(bytes(altered), trust_roots=club.roots)
        except e2ee.DuplicateMessageError:
            opened.append(bit)
        except e2ee.E2EEError:
            pass
        else:
            opened.append(bit)

    assert opened == [16, 17, 18, 19]


def test_sealed_and_open_messages_of_a_group_share_one_key(club: Club) -> None:
    envelope = club.group.encrypt(b"open")
    (part,) = signal.fan_out(club.sent(b"sealed", excluded=("carol",)))

    opened = club.bob.decrypt_sealed(part.envelope, trust_roots=club.roots)

    assert opened.plaintext == b"sealed"
    assert club.bob.decrypt("alice", envelope).plaintext == b"open"


def test_nobody_is_left_to_write_to(club: Club) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        club.sent(b"text", excluded=MEMBERS)


def test_two_identities_of_one_user_cannot_be_addressed_in_one_message(club: Club) -> None:
    tablet = account("bob", device=2)
    club.alice.connect(e2ee.Address("bob", 2), tablet.bundle())
    club.group.add(e2ee.Address("bob", 2))
    club.group.invitations()

    with pytest.raises(e2ee.InvalidArgumentError):
        club.sent(b"text")


def test_a_member_without_an_invitation_stops_the_message(club: Club) -> None:
    club.alice.connect("dave", account("dave").bundle())
    club.group.add("dave")

    with pytest.raises(e2ee.InvitationsPendingError):
        club.sent(b"text")


def test_the_certificate_must_be_ones_own(club: Club) -> None:
    with pytest.raises(e2ee.InvalidCertificateError):
        club.group.encrypt_sealed(b"text", club.certify(club.bob))
