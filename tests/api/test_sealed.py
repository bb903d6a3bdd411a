# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sealed sender: what recipients see, what carriers do not, and who may vouch for whom."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import signal
from tests.api.sealed_world import World, account

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of an envelope before the message, and the version byte behind them.
HEAD = 2


@pytest.fixture
def world() -> World:
    return World()


def uuid_of(world: World, sender: e2ee.Account) -> str:
    """The service id that a name is certified as."""
    return world.certify(sender).sender.user


def test_a_sealed_message_shows_its_sender_to_the_recipient(world: World) -> None:
    envelope = world.sealed(b"text")

    with world.bob.receive_sealed(envelope, trust_roots=world.roots) as message:
        assert (e2ee.Address("alice"), b"text") == (message.sender, message.plaintext)
        assert [message] == world.bob.inbox()

    assert envelope.kind == "sealed"
    assert message.content == "message"
    assert world.bob.inbox() == []


def test_a_sealed_envelope_shows_neither_sender_nor_text(world: World) -> None:
    certificate = world.certify(world.alice)
    stranger = account("carol")
    stranger.connect("bob", world.bob.bundle())
    later = world.alice.encrypt_sealed("bob", b"a text to look for", certificate)
    first = stranger.encrypt_sealed("bob", b"a text to look for", world.certify(stranger))

    for sender, envelope in ((world.alice, later), (stranger, first)):
        seen = envelope.to_bytes()
        issued = world.certify(sender)
        parts = [
            sender.identity_key[1:],
            issued.sender.user.encode(),
            uuid.UUID(issued.sender.user).bytes,
            sender.user.encode(),
            world.signer.certificate,
            b"a text to look for",
        ]
        assert [part for part in parts if part in seen] == []


def test_a_first_message_can_be_sealed_and_answered(world: World) -> None:
    carol = account("carol")
    carol.connect("bob", world.bob.bundle())

    message = world.opened(world.sealed(b"who am I?", carol))

    assert message.sender == e2ee.Address(uuid_of(world, carol))
    answer = world.bob.encrypt(message.sender, b"somebody")
    assert carol.decrypt("bob", answer).plaintext == b"somebody"


def test_whoever_is_met_by_id_and_then_by_name_loses_no_message(world: World) -> None:
    carol = account("carol")
    carol.connect("bob", world.bob.bundle())
    first = world.opened(world.sealed(b"1", carol))
    carol.decrypt("bob", world.bob.encrypt(first.sender, b"2"))
    by_id = world.sealed(b"3", carol)
    world.bob.connect("carol", carol.bundle())
    again = world.sealed(b"4", carol)

    assert first.sender == world.opened(by_id).sender
    carol.decrypt("bob", world.bob.encrypt("carol", b"5"))
    by_name = world.sealed(b"6", carol)

    assert world.opened(by_name).sender == e2ee.Address("carol")
    assert world.opened(again).sender == first.sender


def test_a_repeated_delivery_is_known_under_whichever_name_it_was_opened(world: World) -> None:
    carol = account("carol")
    carol.connect("bob", world.bob.bundle())
    envelope = world.sealed(b"1", carol)
    with world.bob.receive_sealed(envelope, trust_roots=world.roots) as message:
        assert message.sender.user == uuid_of(world, carol)
    world.bob.connect("carol", carol.bundle())

    with (
        pytest.raises(e2ee.DuplicateMessageError) as caught,
        world.bob.receive_sealed(envelope, trust_roots=world.roots),
    ):
        pass

    assert caught.value.delivered


def test_a_new_device_of_a_known_user_has_the_known_name(world: World) -> None:
    tablet = account("alice", device=2)
    tablet.connect("bob", world.bob.bundle())

    assert world.opened(world.sealed(b"1", tablet)).sender == e2ee.Address("alice", 2)


def test_another_device_of_our_own_has_our_name(world: World) -> None:
    tablet = account("bob", device=2)
    tablet.connect("bob", world.bob.bundle())

    assert world.opened(world.sealed(b"1", tablet)).sender == e2ee.Address("bob", 2)


@pytest.mark.parametrize("form", [str.lower, str.upper], ids=["lower", "upper"])
def test_a_name_that_is_a_service_id_stays_as_the_application_writes_it(
    world: World, form: Callable[[str], str]
) -> None:
    name = form("9d0652a3-dcc3-4d11-975f-74d61598733f")
    carol = account(name)
    world.bob.connect(name, carol.bundle())
    carol.decrypt("bob", world.bob.encrypt(name, b"1"))

    assert world.opened(world.sealed(b"2", carol)).sender.user == name


def test_an_exception_leaves_the_message_in_the_inbox(world: World) -> None:
    envelope = world.sealed(b"text")

    with (
        pytest.raises(InterruptedError),
        world.bob.receive_sealed(envelope, trust_roots=world.roots),
    ):
        raise InterruptedError

    (waiting,) = world.bob.inbox()
    assert (waiting.sender.user, waiting.plaintext) == ("alice", b"text")
    with world.bob.receive_sealed(envelope, trust_roots=world.roots) as message:
        assert message == waiting
    assert world.bob.inbox() == []


def test_a_message_that_was_handled_is_told_from_a_new_one(world: World) -> None:
    envelope = world.sealed(b"text")
    with world.bob.receive_sealed(envelope, trust_roots=world.roots):
        pass

    with (
        pytest.raises(e2ee.DuplicateMessageError) as caught,
        world.bob.receive_sealed(envelope, trust_roots=world.roots),
    ):
        pass

    assert caught.value.delivered


def test_a_block_of_a_sealed_message_is_open_like_any_other(world: World) -> None:
    with (
        pytest.raises(e2ee.TransactionOpenError),
        world.bob.receive_sealed(world.sealed(b"1"), trust_roots=world.roots),
    ):
        world.bob.encrypt("alice", b"2")


def test_sealed_and_open_messages_share_one_session(world: World) -> None:
    envelopes = [world.sealed(b"1"), world.alice.encrypt("bob", b"2"), world.sealed(b"3")]

    assert world.opened(envelopes[2]).plaintext == b"3"
    assert world.bob.decrypt("alice", envelopes[1]).plaintext == b"2"
    assert world.opened(envelopes[0]).plaintext == b"1"


def test_every_flipped_bit_is_refused_but_those_of_the_minor_version(world: World) -> None:
    whole = world.sealed(b"text").to_bytes()
    opened = []

    for bit in range(len(whole) * 8):
        altered = bytearray(whole)
        altered[bit // 8] ^= 1 << (bit % 8)
        try:
            world.opened(bytes(altered))
        except e2ee.DuplicateMessageError:
            opened.append(bit)
        except e2ee.E2EEError:
            pass
        else:
            opened.append(bit)

    # tests/vectors/deviations.json, "unauthenticated": the low nibble, and major version 0 for 1.
    assert opened == [8 * HEAD + bit for bit in range(5)]


def test_every_cut_and_every_longer_envelope_is_refused(world: World) -> None:
    whole = world.sealed(b"text").to_bytes()

    for altered in (*(whole[:length] for length in range(len(whole))), whole + b"\0"):
        with pytest.raises((e2ee.MalformedMessageError, e2ee.AuthenticationError)):
            world.opened(altered)

    assert world.opened(whole).plaintext == b"text"


def test_only_its_recipient_opens_it(world: World) -> None:
    envelope = world.sealed(b"text")

    with pytest.raises(e2ee.AuthenticationError):
        account("bob").decrypt_sealed(envelope, trust_roots=world.roots)


def test_it_does_not_open_without_its_seal_or_as_another_kind(world: World) -> None:
    sealed, plain = world.sealed(b"1"), world.alice.encrypt("bob", b"2")

    with pytest.raises(e2ee.MalformedMessageError):
        world.bob.decrypt("alice", sealed)
    with pytest.raises(e2ee.MalformedMessageError):
        world.opened(plain)


@pytest.mark.parametrize(
    ("trust_roots", "revoked"),
    [("none", ()), ("other", ()), ("server", ()), ("ours", (7,))],
    ids=["no root", "another root", "the server as a root", "revoked"],
)
def test_a_sender_for_whom_nobody_vouches_is_refused(
    world: World, trust_roots: str, revoked: tuple[int, ...]
) -> None:
    other = signal.TrustRoot.generate().public_key
    server = world.signer.certificate[-33 - 66 : -66]
    roots = {"none": [], "other": [other], "server": [server], "ours": world.roots}[trust_roots]

    with pytest.raises(e2ee.InvalidCertificateError):
        world.bob.decrypt_sealed(world.sealed(b"text"), trust_roots=roots, revoked_signers=revoked)


def test_one_of_several_roots_is_enough(world: World) -> None:
    roots = [signal.TrustRoot.generate().public_key, world.root.public_key]
    known = {7: world.signer.certificate}

    message = world.bob.decrypt_sealed(
        world.sealed(b"text"), trust_roots=roots, known_signers=known, revoked_signers=[8]
    )

    assert message.plaintext == b"text"


def test_a_message_whose_certificate_expired_on_the_way_is_refused(world: World) -> None:
    certificate = world.certify(world.alice, timedelta(seconds=0.5))
    envelope = world.alice.encrypt_sealed("bob", b"late", certificate)

    while datetime.now(UTC) <= certificate.expires:
        time.sleep(0.05)

    with pytest.raises(e2ee.InvalidCertificateError):
        world.opened(envelope)


def test_nobody_seals_with_an_expired_certificate(world: World) -> None:
    certificate = world.certify(world.alice, timedelta(seconds=-1))

    with pytest.raises(e2ee.InvalidCertificateError):
        world.alice.encrypt_sealed("bob", b"text", certificate)


@pytest.mark.parametrize(
    "other",
    [{"user": "carol"}, {"device": 2}, {"identity_key": None}],
    ids=lambda each: next(iter(each)),
)
def test_nobody_seals_with_the_certificate_of_another(
    world: World, other: dict[str, object]
) -> None:
    other = {name: value or world.bob.identity_key for name, value in other.items()}
    certificate = world.certify(world.alice, **other)  # type: ignore[arg-type]

    with pytest.raises(e2ee.InvalidCertificateError):
        world.alice.encrypt_sealed("bob", b"text", certificate)

    assert world.opened(world.sealed(b"the session is as before")).plaintext


def test_a_certificate_of_garbage_and_a_stranger_are_refused_before_sealing(world: World) -> None:
    with pytest.raises(e2ee.MalformedMessageError):
        world.alice.encrypt_sealed("bob", b"text", b"garbage")
    with pytest.raises(e2ee.NoSessionError):
        world.alice.encrypt_sealed("carol", b"text", world.certify(world.alice))


def test_a_certificate_travels_as_bytes(world: World) -> None:
    encoded = world.certify(world.alice).to_bytes()

    envelope = world.alice.encrypt_sealed("bob", b"text", encoded)

    assert world.opened(envelope.to_bytes()).plaintext == b"text"


def test_a_message_of_this_very_device_is_refused(world: World) -> None:
    world.bob.connect("bob", world.bob.bundle())
    envelope = world.bob.encrypt_sealed("bob", b"to myself", world.certify(world.bob))

    with pytest.raises(e2ee.SelfSendError):
        world.opened(envelope)


def test_a_certified_identity_does_not_replace_the_trusted_one(world: World) -> None:
    impostor = account("alice")
    impostor.connect("bob", world.bob.bundle())
    envelope = world.sealed(b"text", impostor)
    (contact,) = world.bob.contacts()

    with pytest.raises(e2ee.UntrustedIdentityError) as caught:
        world.opened(envelope)

    assert caught.value.peer == e2ee.Address("alice")
    assert caught.value.identity_key == impostor.identity_key
    assert world.bob.contacts() == [contact]
    assert contact.identity_key == world.alice.identity_key


def test_the_largest_plaintext_is_sealed_and_a_larger_one_refused(world: World) -> None:
    carol = account("carol")
    carol.connect("bob", world.bob.bundle())
    largest = bytes(16 << 20)

    assert world.opened(world.sealed(largest, carol)).plaintext == largest
    with pytest.raises(e2ee.InvalidArgumentError):
        world.sealed(largest + b"\0", carol)


def test_sizes_are_rounded_under_the_seal_too(world: World) -> None:
    sizes = {len(world.sealed(bytes(length))) for length in range(70)}

    assert len(sizes) == 1
