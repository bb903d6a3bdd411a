# SPDX-License-Identifier: MIT OR Apache-2.0
"""An account of Olm as a Matrix client uses it: what is published, claimed and carried."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

import e2ee
from e2ee import matrix
from tests.api.anchored import Register
from tests.stores.olm_people import ALICE, BOB, created, introduced

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def alice() -> e2ee.Account:
    return created(ALICE)


@pytest.fixture
def bob() -> e2ee.Account:
    return created(BOB)


def parts(bundle: e2ee.PreKeyBundle) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two objects of a bundle."""
    value = json.loads(bundle.to_bytes())
    return value["device_keys"], value["one_time_keys"]


@pytest.mark.parametrize("device", ["", "a/b", "a\nb", "x" * 256, "\udc80"])
def test_what_is_no_id_of_a_device_is_refused(device: str) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.Address("@alice:example.org", device)


@pytest.mark.parametrize("device", ["A", "x" * 255, "ß ü.1"])
def test_an_address_shows_the_id_of_its_device(device: str) -> None:
    address = e2ee.Address("@alice:example.org", device)

    assert (address.device, str(address)) == (device, f"@alice:example.org.{device}")
    assert address == e2ee.Address("@alice:example.org", device)
    assert e2ee.Address("@alice:example.org", 1) != e2ee.Address("@alice:example.org", "1")


def test_a_device_of_another_protocol_is_refused(alice: e2ee.Account) -> None:
    signal = e2ee.Account.create(e2ee.MemoryStore(), "alice")

    for call in (
        lambda: alice.encrypt("@bob:example.org", b""),
        lambda: alice.encrypt(e2ee.Address(BOB.user, 1), b""),
        lambda: signal.encrypt(BOB, b""),
        lambda: e2ee.Account.create(e2ee.MemoryStore(), "alice", protocol="olm"),
        lambda: e2ee.Account.create(e2ee.MemoryStore(), "alice", device="A"),
        lambda: e2ee.Account.create(e2ee.MemoryStore(), "alice", protocol="omemo"),  # type: ignore[arg-type]
    ):
        with pytest.raises(e2ee.InvalidArgumentError):
            call()


def test_what_is_uploaded_is_signed_by_the_device(bob: e2ee.Account) -> None:
    upload = bob.generate_keys(3, fallback=True)

    device = str(BOB.device)
    keys = matrix.verify_device_itself(upload.device_keys, user=BOB.user, device_id=device)
    signing_key = keys[f"ed25519:{device}"]
    assert list(upload.one_time_keys) == [
        "signed_curve25519:AAAAAAAAAAE",
        "signed_curve25519:AAAAAAAAAAI",
        "signed_curve25519:AAAAAAAAAAM",
    ]
    for key in [*upload.one_time_keys.values(), *upload.fallback_keys.values()]:
        assert isinstance(key, dict)
        matrix.verify_one_time_key(key, user=BOB.user, device_id=device, signing_key=signing_key)
    (fallback,) = upload.fallback_keys.values()
    assert isinstance(fallback, dict)
    assert fallback["fallback"] is True
    assert bob.generate_keys() == upload
    bob.mark_keys_as_published()
    assert bob.generate_keys() == matrix.KeyUpload(upload.device_keys, {}, {})


def test_more_keys_than_may_wait_are_refused(bob: e2ee.Account) -> None:
    bob.generate_keys(50)

    with pytest.raises(e2ee.InvalidArgumentError):
        bob.generate_keys(1)

    assert len(bob.generate_keys().one_time_keys) == 50


@pytest.mark.parametrize("kind", ["one_time_keys", "fallback_keys"])
def test_a_session_starts_with_what_a_server_gave(
    alice: e2ee.Account, bob: e2ee.Account, kind: str
) -> None:
    upload = bob.generate_keys(1, fallback=True)
    bundle = matrix.make_bundle(upload.device_keys, getattr(upload, kind))

    alice.connect(BOB, bundle.to_bytes())

    assert (bundle.device, bundle.identity_key) == (BOB.device, bob.identity_key)
    assert bundle.reusable == (kind == "fallback_keys")
    assert bob.decrypt(ALICE, alice.encrypt(BOB, b"text")).plaintext == b"text"


def test_a_bundle_serves_one_session_and_a_reusable_one_many(bob: e2ee.Account) -> None:
    once, often = bob.bundle(), bob.bundle(reusable=True)
    people = [created(e2ee.Address("@carol:example.org", f"D{number}")) for number in range(2)]

    assert often == bob.bundle(reusable=True)
    for person in people:
        person.connect(BOB, often)
        assert bob.decrypt(person.address, person.encrypt(BOB, b"text")).plaintext == b"text"
    others = [created(e2ee.Address("@dave:example.org", f"D{number}")) for number in range(2)]
    for person in others:
        person.connect(BOB, once)
    first, second = others
    assert bob.decrypt(first.address, first.encrypt(BOB, b"text")).plaintext == b"text"
    with pytest.raises(e2ee.UnknownPreKeyError):
        bob.decrypt(second.address, second.encrypt(BOB, b"text"))


def swapped(keys: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    """The object with another value in a field."""
    return {**keys, name: value}


@pytest.mark.parametrize("whom", ["device", "key"])
def test_what_the_device_did_not_sign_is_refused(
    alice: e2ee.Account, bob: e2ee.Account, whom: str
) -> None:
    device_keys, one_time_keys = parts(bob.bundle())
    ((name, key),) = one_time_keys.items()
    other = parts(created(BOB).bundle())
    if whom == "device":
        device_keys = swapped(device_keys, "algorithms", [])
    else:
        key = swapped(key, "key", next(iter(other[1].values()))["key"])

    bundle = matrix.make_bundle(device_keys, {name: key})

    with pytest.raises(e2ee.BadSignatureError):
        alice.connect(BOB, bundle)
    assert alice.contacts() == []


def test_the_bundle_of_another_device_is_refused(alice: e2ee.Account, bob: e2ee.Account) -> None:
    with pytest.raises(e2ee.MalformedMessageError):
        alice.connect(e2ee.Address(BOB.user, "OTHER"), bob.bundle())


def test_another_identity_of_a_device_is_refused(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect(BOB, bob.bundle())
    mallory = created(BOB)

    with pytest.raises(e2ee.UntrustedIdentityError) as refused:
        alice.connect(BOB, mallory.bundle())
    mallory.connect(ALICE, alice.bundle())
    with pytest.raises(e2ee.UntrustedIdentityError) as received:
        alice.decrypt(BOB, mallory.encrypt(ALICE, b"text"))

    for error in (refused.value, received.value):
        assert (error.peer, error.identity_key) == (BOB, mallory.identity_key)


@pytest.mark.parametrize(
    "encoded",
    [
        b"{",
        b"{}",
        b'{"device_keys":{},"one_time_keys":{}}',
        b'{"device_keys":{"device_id":"A","keys":{}},"one_time_keys":{"signed_curve25519:A":{}}}',
        b'{"device_keys":{},"one_time_keys":{"curve25519:A":{}}}',
    ],
)
def test_what_is_no_bundle_is_refused(encoded: bytes) -> None:
    with pytest.raises(e2ee.MalformedMessageError):
        e2ee.PreKeyBundle.from_bytes(encoded)


@pytest.mark.parametrize("key", ["", "AAAA", "!" * 43, "A" * 43 + "==="])
def test_what_is_no_key_is_refused(bob: e2ee.Account, key: str) -> None:
    device_keys, one_time_keys = parts(bob.bundle())
    ((name, value),) = one_time_keys.items()

    with pytest.raises(e2ee.InvalidKeyError):
        matrix.make_bundle(device_keys, {name: swapped(value, "key", key)})


def test_an_envelope_becomes_an_event_and_back(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect(BOB, bob.bundle())
    first = alice.encrypt(BOB, b"first")
    bob.decrypt(ALICE, first)
    second = bob.encrypt(ALICE, b"second")

    assert (first.kind, second.kind) == ("prekey", "message")
    assert (first.to_matrix()["type"], second.to_matrix()["type"]) == (0, 1)
    assert "=" not in str(first.to_matrix()["body"])
    for envelope in (first, second):
        assert e2ee.Envelope.from_matrix(envelope.to_matrix()) == envelope
        assert e2ee.Envelope.from_bytes(envelope.to_bytes()) == envelope


@pytest.mark.parametrize(
    "ciphertext",
    [{}, {"type": 2, "body": "AAAA"}, {"type": True, "body": "AAAA"}, {"type": 0, "body": "A!"}],
)
def test_what_is_no_message_of_an_event_is_refused(ciphertext: dict[str, object]) -> None:
    with pytest.raises(e2ee.MalformedMessageError):
        e2ee.Envelope.from_matrix(ciphertext)


def test_an_envelope_of_another_protocol_is_told(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect(BOB, bob.bundle())
    signal = e2ee.Envelope(bytes([1, 2]) + bytes(80))

    with pytest.raises(e2ee.InvalidArgumentError):
        signal.to_matrix()
    with pytest.raises(e2ee.UnsupportedVersionError):
        alice.decrypt(BOB, signal)


ONLY_SIGNAL: dict[str, Callable[[e2ee.Account], object]] = {
    "prekeys": lambda account: account.prekeys(),
    "refresh_prekeys": lambda account: account.refresh_prekeys(),
    "repair": lambda account: account.repair(BOB, b"", datetime.now(UTC)),
    "reset": lambda account: account.reset(BOB),
    "safety_number": lambda account: account.safety_number(BOB),
    "verify": lambda account: account.verify(BOB, "0" * 60),
    "accept_identity": lambda account: account.accept_identity(BOB, b""),
    "encrypt_sealed": lambda account: account.encrypt_sealed(BOB, b"", b""),
    "decrypt_sealed": lambda account: account.decrypt_sealed(b"", trust_roots=[]),
    "create_group": lambda account: account.create_group(),
    "group": lambda account: account.group(UUID(int=0)),
    "groups": lambda account: account.groups(),
}


@pytest.mark.parametrize("name", ONLY_SIGNAL)
def test_what_only_signal_has_says_so(alice: e2ee.Account, name: str) -> None:
    with pytest.raises(e2ee.InvalidArgumentError, match="an account of Olm has no"):
        ONLY_SIGNAL[name](alice)


@pytest.mark.parametrize(
    "call",
    [
        lambda account: account.generate_keys(),
        lambda account: account.mark_keys_as_published(),
        lambda account: account.mark_verified(BOB, bytes(32)),
        lambda account: account.sign_object({}),
    ],
)
def test_what_only_matrix_has_says_so(call: Callable[[e2ee.Account], object]) -> None:
    with pytest.raises(e2ee.InvalidArgumentError, match="only an account of Olm"):
        call(e2ee.Account.create(e2ee.MemoryStore(), "alice"))


def test_an_object_is_signed_for_the_device(bob: e2ee.Account) -> None:
    signed = bob.sign_object({"text": "anything"})

    device_keys, _ = parts(bob.bundle())
    key = device_keys["keys"][f"ed25519:{BOB.device}"]
    matrix.verify_object(signed, key, user=BOB.user, key_id=f"ed25519:{BOB.device}")


def test_a_device_is_verified_once_its_keys_were(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect(BOB, bob.bundle())

    before = alice.contacts()
    alice.mark_verified(BOB, bob.identity_key)
    alice.connect(BOB, bob.bundle())
    bob.decrypt(ALICE, alice.encrypt(BOB, b"text"))

    assert [contact.verified for contact in before] == [False]
    assert [contact.verified for contact in alice.contacts()] == [True]


@pytest.mark.parametrize("key", [bytes(32), bytes(31) + b"\x80"])
def test_another_key_than_the_trusted_one_verifies_nothing(
    alice: e2ee.Account, bob: e2ee.Account, key: bytes
) -> None:
    alice.connect(BOB, bob.bundle())

    with pytest.raises(e2ee.UntrustedIdentityError) as caught:
        alice.mark_verified(BOB, key)

    assert (caught.value.peer, caught.value.identity_key) == (BOB, key)
    assert [contact.verified for contact in alice.contacts()] == [False]


def test_a_device_that_is_not_known_cannot_be_verified(
    alice: e2ee.Account, bob: e2ee.Account
) -> None:
    with pytest.raises(e2ee.NoSessionError):
        alice.mark_verified(BOB, bob.identity_key)


def test_a_forgotten_device_is_unknown(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect(BOB, bob.bundle())
    alice.forget(BOB)

    assert alice.contacts() == []
    with pytest.raises(e2ee.NoSessionError):
        alice.encrypt(BOB, b"text")


#: What an account of Olm does, and whether it spends message keys: then the anchor hears of it.
CALLS: dict[str, tuple[int, Callable[[e2ee.Account, e2ee.Account], object]]] = {
    "encrypt": (1, lambda alice, _: alice.encrypt(BOB, b"x")),
    "encrypt_many": (1, lambda alice, _: alice.encrypt_many([(BOB, b"x"), (BOB, b"y")])),
    "queue": (1, lambda alice, _: alice.queue(BOB, b"x")),
    "queue_many": (1, lambda alice, _: alice.queue_many([(BOB, b"x"), (BOB, b"y")])),
    "decrypt": (0, lambda alice, bob: alice.decrypt(BOB, bob.encrypt(ALICE, b"x"))),
    "receive_many": (0, lambda alice, bob: alice.receive_many([(BOB, bob.encrypt(ALICE, b"x"))])),
    "bundle": (0, lambda alice, _: alice.bundle()),
    "generate_keys": (0, lambda alice, _: alice.generate_keys(1, fallback=True)),
    "connect": (0, lambda alice, bob: alice.connect(BOB, bob.bundle())),
    "forget": (0, lambda alice, _: alice.forget(BOB)),
    "mark_verified": (0, lambda alice, bob: alice.mark_verified(BOB, bob.identity_key)),
    "rekey": (0, lambda alice, _: alice.rekey(key=bytes(32))),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_anchor_hears_of_what_spends_keys(bob: e2ee.Account, name: str) -> None:
    moves, call = CALLS[name]
    register = Register()
    alice = introduced(e2ee.MemoryStore(anchor=register), bob)
    before = register.count()

    call(alice, bob)

    assert register.count() - before == moves
