# SPDX-License-Identifier: MIT OR Apache-2.0
"""Accounts: conversations, the inbox, and whom they trust."""

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

import e2ee

Pair = tuple[e2ee.Account, e2ee.Account]


def test_a_conversation_goes_both_ways(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect("bob", bob.bundle())
    first = alice.encrypt("bob", b"Meet me at noon.")
    with bob.receive("alice", first) as message:
        opened = message
    answer = bob.encrypt("alice", b"Where?")

    assert opened.plaintext == b"Meet me at noon."
    assert opened.sender == e2ee.Address("alice")
    assert alice.decrypt("bob", answer).plaintext == b"Where?"
    assert (first.kind, answer.kind) == ("prekey", "message")


def test_everything_travels_as_bytes(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect("bob", bob.bundle().to_bytes())
    envelope = alice.encrypt("bob", b"Hello.").to_bytes()

    assert bob.decrypt("alice", envelope).plaintext == b"Hello."


def test_both_may_start_at_the_same_time(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect("bob", bob.bundle())
    bob.connect("alice", alice.bundle())
    to_bob, to_alice = alice.encrypt("bob", b"from alice"), bob.encrypt("alice", b"from bob")

    assert bob.decrypt("alice", to_bob).plaintext == b"from alice"
    assert alice.decrypt("bob", to_alice).plaintext == b"from bob"
    for turn in range(3):
        text = b"turn %d" % turn
        assert bob.decrypt("alice", alice.encrypt("bob", text)).plaintext == text
        assert alice.decrypt("bob", bob.encrypt("alice", text)).plaintext == text


def test_a_reusable_bundle_serves_many(bob: e2ee.Account) -> None:
    bundle = bob.bundle(reusable=True)
    assert bundle.reusable

    for name in ("carol", "dave"):
        sender = e2ee.Account.create(e2ee.MemoryStore(), name)
        sender.connect("bob", bundle)
        assert bob.decrypt(name, sender.encrypt("bob", name.encode())).plaintext == name.encode()


def test_late_messages_open(pair: Pair) -> None:
    alice, bob = pair
    envelopes = [alice.encrypt("bob", b"%d" % index) for index in range(5)]

    opened = [bob.decrypt("alice", envelope).plaintext for envelope in reversed(envelopes)]

    assert opened == [b"4", b"3", b"2", b"1", b"0"]


def test_devices_are_peers_of_their_own(alice: e2ee.Account) -> None:
    phone = e2ee.Account.create(e2ee.MemoryStore(), "bob", device=2)
    address = e2ee.Address("bob", 2)
    alice.connect(address, phone.bundle())

    assert phone.address == address
    assert phone.decrypt("alice", alice.encrypt(address, b"2")).plaintext == b"2"
    with pytest.raises(e2ee.NoSessionError):
        alice.encrypt("bob", b"1")


def test_a_message_waits_until_its_block_succeeds(pair: Pair) -> None:
    alice, bob = pair
    envelope = alice.encrypt("bob", b"important")
    before = datetime.now(UTC)

    with pytest.raises(KeyError), bob.receive("alice", envelope):
        raise KeyError
    (waiting,) = bob.inbox()
    with bob.receive("alice", envelope) as again:
        pass

    assert again == waiting
    assert again.plaintext == b"important"
    assert again.received is not None
    assert abs(again.received - before) < timedelta(minutes=1)
    assert bob.inbox() == []


def test_a_handled_message_is_known_when_it_comes_again(pair: Pair) -> None:
    alice, bob = pair
    envelope = alice.encrypt("bob", b"once")
    with bob.receive("alice", envelope):
        pass

    with pytest.raises(e2ee.DuplicateMessageError) as caught, bob.receive("alice", envelope):
        pass

    assert caught.value.delivered


def test_a_message_that_was_decrypted_is_a_plain_duplicate(pair: Pair) -> None:
    alice, bob = pair
    envelope = alice.encrypt("bob", b"once")
    bob.decrypt("alice", envelope)

    with pytest.raises(e2ee.DuplicateMessageError) as caught, bob.receive("alice", envelope):
        pass

    assert not caught.value.delivered


def test_a_message_can_be_handled_from_the_inbox(pair: Pair) -> None:
    alice, bob = pair
    with pytest.raises(KeyError), bob.receive("alice", alice.encrypt("bob", b"later")):
        raise KeyError
    (waiting,) = bob.inbox()

    bob.handled(waiting)

    assert bob.inbox() == []


@pytest.mark.parametrize(
    "send",
    [
        lambda bob, _: bob.encrypt("alice", b""),
        lambda bob, _: bob.bundle(),
        lambda bob, alice: bob.connect("alice", alice.bundle()),
        lambda bob, alice: bob.accept_identity("alice", alice.bundle()),
        lambda bob, _: bob.verify("alice", bob.safety_number("alice")),
        lambda bob, _: bob.forget("alice"),
    ],
    ids=["encrypt", "bundle", "connect", "accept_identity", "verify", "forget"],
)
def test_nothing_is_sent_inside_a_receive_block(
    pair: Pair, send: Callable[[e2ee.Account, e2ee.Account], None]
) -> None:
    alice, bob = pair
    with (
        bob.receive("alice", alice.encrypt("bob", b"ping")) as message,
        pytest.raises(e2ee.TransactionOpenError),
    ):
        send(bob, alice)

    assert message.plaintext == b"ping"
    assert alice.decrypt("bob", bob.encrypt("alice", b"pong")).plaintext == b"pong"


def test_an_unchanged_envelope_is_refused_from_another_sender(pair: Pair) -> None:
    alice, bob = pair
    envelope = alice.encrypt("bob", b"hi")

    with pytest.raises(e2ee.NoSessionError):
        bob.decrypt("carol", envelope)

    assert bob.decrypt("alice", envelope).plaintext == b"hi"


def test_a_changed_envelope_changes_nothing(pair: Pair) -> None:
    alice, bob = pair
    envelope = alice.encrypt("bob", b"hi").to_bytes()
    changed = envelope[:-1] + bytes([envelope[-1] ^ 1])

    with pytest.raises(e2ee.AuthenticationError):
        bob.decrypt("alice", changed)

    assert bob.decrypt("alice", envelope).plaintext == b"hi"


@pytest.mark.parametrize("size", [0, 1, 79, 80, 200_000])
def test_every_size_comes_back(pair: Pair, size: int) -> None:
    alice, bob = pair

    envelope = alice.encrypt("bob", b"\x80" * size)

    assert bob.decrypt("alice", envelope).plaintext == b"\x80" * size


def test_both_see_the_same_safety_number(pair: Pair) -> None:
    alice, bob = pair

    number = alice.safety_number("bob")

    assert number == bob.safety_number("alice")
    assert number == alice.safety_number("bob", bundle=bob.bundle())


def test_verify_takes_the_digits_as_people_type_them(pair: Pair) -> None:
    alice, bob = pair
    typed = str(bob.safety_number("alice")).replace(" ", "\n ")

    alice.verify("bob", typed)

    (contact,) = alice.contacts()
    assert contact.verified
    assert contact.address == e2ee.Address("bob")
    assert contact.identity_key == bob.identity_key


def test_another_code_verifies_nothing(pair: Pair) -> None:
    alice, _ = pair

    with pytest.raises(e2ee.SafetyNumberMismatchError):
        alice.verify("bob", "0" * 60)

    (contact,) = alice.contacts()
    assert not contact.verified


def test_a_new_identity_is_refused_until_it_is_accepted(pair: Pair, mallory: e2ee.Account) -> None:
    alice, _ = pair
    bundle = mallory.bundle()

    with pytest.raises(e2ee.UntrustedIdentityError) as caught:
        alice.connect("bob", bundle)
    alice.accept_identity("bob", bundle)

    assert caught.value.peer == e2ee.Address("bob")
    assert caught.value.identity_key == mallory.identity_key
    assert mallory.decrypt("alice", alice.encrypt("bob", b"new")).plaintext == b"new"


def test_a_message_never_changes_who_is_trusted(pair: Pair, mallory: e2ee.Account) -> None:
    alice, bob = pair
    mallory.connect("alice", alice.bundle())

    with pytest.raises(e2ee.UntrustedIdentityError) as caught:
        alice.decrypt("bob", mallory.encrypt("alice", b"I am bob"))

    assert caught.value.identity_key == mallory.identity_key
    assert bob.decrypt("alice", alice.encrypt("bob", b"still you")).plaintext == b"still you"


def test_a_compared_code_accepts_a_new_identity(pair: Pair, mallory: e2ee.Account) -> None:
    alice, old = pair
    bundle = mallory.bundle()
    mallory.connect("alice", alice.bundle())

    alice.verify("bob", mallory.safety_number("alice"), bundle=bundle)

    (contact,) = alice.contacts()
    assert (contact.identity_key, contact.verified) == (mallory.identity_key, True)
    with pytest.raises((e2ee.UntrustedIdentityError, e2ee.AuthenticationError)):
        alice.decrypt("bob", old.encrypt("alice", b"from the identity before"))


def test_a_forgotten_peer_is_unknown(pair: Pair) -> None:
    alice, bob = pair

    alice.forget("bob")

    assert alice.contacts() == []
    with pytest.raises(e2ee.NoSessionError):
        alice.encrypt("bob", b"")
    alice.connect("bob", bob.bundle())
    assert bob.decrypt("alice", alice.encrypt("bob", b"again")).plaintext == b"again"


def test_contacts_come_in_the_order_of_names(alice: e2ee.Account) -> None:
    for name in ("zoe", "bob", "Émile"):
        alice.connect(name, e2ee.Account.create(e2ee.MemoryStore(), name).bundle())

    assert [contact.address.user for contact in alice.contacts()] == ["bob", "zoe", "Émile"]


def test_an_account_is_opened_again_with_all_it_had(bob: e2ee.Account) -> None:
    store = e2ee.MemoryStore()
    alice = e2ee.Account.create(store, "alice", device=3)
    alice.connect("bob", bob.bundle())

    again = e2ee.Account.open(store)

    assert (again.user, again.device) == ("alice", 3)
    assert again.identity_key == alice.identity_key
    envelope = again.encrypt("bob", b"hi")
    assert bob.decrypt(e2ee.Address("alice", 3), envelope).plaintext == b"hi"


def test_two_opened_accounts_of_one_store_see_each_other(bob: e2ee.Account) -> None:
    store = e2ee.MemoryStore()
    first = e2ee.Account.create(store, "alice")
    second = e2ee.Account.open(store)
    first.connect("bob", bob.bundle())

    envelopes = [account.encrypt("bob", b"x") for account in (second, first, second)]

    assert [bob.decrypt("alice", envelope).plaintext for envelope in envelopes] == [b"x"] * 3


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_an_account_cannot_be_copied(
    alice: e2ee.Account, duplicate: Callable[[object], object]
) -> None:
    with pytest.raises(TypeError):
        duplicate(alice)


def test_an_account_is_not_made_by_its_class() -> None:
    with pytest.raises(TypeError):
        e2ee.Account()


def test_the_repr_shows_the_address_alone(alice: e2ee.Account) -> None:
    assert repr(alice) == "Account('alice.1')"
