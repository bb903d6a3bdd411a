# SPDX-License-Identifier: MIT OR Apache-2.0
"""The values: what they accept, how they compare, and what they show."""

import dataclasses
from datetime import UTC, datetime

import pytest

import e2ee

DIGITS = "1234567890" * 6


def test_an_address_shows_user_and_device() -> None:
    assert str(e2ee.Address("alice")) == "alice.1"
    assert str(e2ee.Address("alice", 7)) == "alice.7"


@pytest.mark.parametrize("user", ["a", "x" * 255, "ü" * 127, "a.1", "a/b"])
def test_a_name_is_accepted(user: str) -> None:
    assert e2ee.Address(user).user == user


@pytest.mark.parametrize("user", ["", "x" * 256, "ü" * 128, "a\n", "\x00", "\ud800"])
def test_a_name_is_refused(user: str) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.Address(user)


@pytest.mark.parametrize("device", [1, 2, 127])
def test_a_device_is_accepted(device: int) -> None:
    assert e2ee.Address("a", device).device == device


@pytest.mark.parametrize("device", [-1, 0, 128, 257, 2**32 + 1, 2**80])
def test_a_device_is_refused(device: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.Address("a", device)


def test_names_with_the_separator_are_peers_of_their_own(alice: e2ee.Account) -> None:
    names = ["bob", "bob/1", "bob/1/1", "peer/bob"]
    accounts = {name: e2ee.Account.create(e2ee.MemoryStore(), name) for name in names}
    for name, account in accounts.items():
        alice.connect(name, account.bundle())

    for name, account in accounts.items():
        envelope = alice.encrypt(name, name.encode())
        assert account.decrypt("alice", envelope).plaintext == name.encode()
    assert [contact.address.user for contact in alice.contacts()] == sorted(names)


def test_an_envelope_is_its_bytes(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect("bob", bob.bundle())
    envelope = alice.encrypt("bob", b"secret")

    again = e2ee.Envelope.from_bytes(envelope.to_bytes())

    assert again == envelope
    assert len(again) == len(envelope.to_bytes())
    assert repr(again) == f"Envelope(kind='prekey', {len(again)} bytes)"


@pytest.mark.parametrize(
    ("encoded", "refusal"),
    [
        (b"", e2ee.MalformedMessageError),
        (b"\x01", e2ee.MalformedMessageError),
        (b"\x01\x04abc", e2ee.MalformedMessageError),
        (b"\x01\x02" + bytes((16 << 20) + 4095), e2ee.MalformedMessageError),
        (b"\x02\x02abc", e2ee.UnsupportedVersionError),
    ],
    ids=["empty", "no kind", "unknown kind", "too long", "version"],
)
def test_what_is_no_envelope_is_refused(encoded: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        e2ee.Envelope.from_bytes(encoded)


def test_an_envelope_takes_bytes_only() -> None:
    with pytest.raises(TypeError):
        e2ee.Envelope.from_bytes("text")  # type: ignore[arg-type]


def test_a_message_does_not_show_its_plaintext() -> None:
    message = e2ee.Message(e2ee.Address("a"), b"secret", datetime(2030, 1, 1, tzinfo=UTC), "id")

    assert "secret" not in repr(message)
    assert message.plaintext == b"secret"


def test_a_bundle_shows_what_is_public(bob: e2ee.Account) -> None:
    bundle = bob.bundle()

    again = e2ee.PreKeyBundle.from_bytes(bundle.to_bytes())

    assert again == bundle
    assert (again.identity_key, again.device, again.reusable) == (bob.identity_key, 1, False)
    assert repr(again) == (
        f"PreKeyBundle(identity_key={bob.identity_key.hex()}, device=1, reusable=False)"
    )


def test_bundles_reserve_keys_of_their_own(bob: e2ee.Account) -> None:
    assert bob.bundle() != bob.bundle()
    assert bob.bundle(reusable=True) == bob.bundle(reusable=True)


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_cut_bundle_is_refused(bob: e2ee.Account, cut: int) -> None:
    with pytest.raises((e2ee.MalformedMessageError, e2ee.InvalidKeyError)):
        e2ee.PreKeyBundle.from_bytes(bob.bundle().to_bytes()[:cut])


def test_a_longer_bundle_is_refused(bob: e2ee.Account) -> None:
    with pytest.raises(e2ee.MalformedMessageError):
        e2ee.PreKeyBundle.from_bytes(bob.bundle().to_bytes() + b"\x00")


def test_safety_numbers_compare() -> None:
    assert e2ee.SafetyNumber(DIGITS) == e2ee.SafetyNumber(DIGITS)
    assert e2ee.SafetyNumber(DIGITS) != e2ee.SafetyNumber("0" * 60)
    assert e2ee.SafetyNumber(DIGITS) != DIGITS
    assert len({e2ee.SafetyNumber(DIGITS), e2ee.SafetyNumber(DIGITS)}) == 1


@pytest.mark.parametrize(
    "digits", ["", "1" * 59, "1" * 61, "1" * 59 + "x", "\u0661" * 60, "1" * 60 + "\n"]
)
def test_what_is_no_safety_number_is_refused(digits: str) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.SafetyNumber(digits)


def test_a_safety_number_shows_in_groups() -> None:
    number = e2ee.SafetyNumber(DIGITS)

    assert str(number) == " ".join(["12345", "67890"] * 6)


@pytest.mark.parametrize(
    "value", [e2ee.Address("a"), e2ee.SafetyNumber(DIGITS), e2ee.Envelope(b"\x01\x02")]
)
def test_values_do_not_change(value: e2ee.Address | e2ee.SafetyNumber | e2ee.Envelope) -> None:
    name = dataclasses.fields(value)[0].name

    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, "other")
