# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two people verify each other, by short strings and by QR codes (olm_megolm.md §4)."""

from __future__ import annotations

import base64
import pickle

import pytest

from e2ee import (
    AuthenticationError,
    InvalidArgumentError,
    InvalidKeyError,
    MalformedMessageError,
    StaleSessionError,
    UnsupportedVersionError,
    matrix,
)

ALICE, BOB = ("@alice:example.org", "ADEV"), ("@bob:example.org", "BDEV")
START = matrix.canonical_json({"method": "m.sas.v1"})
KEYS = {"ed25519:ADEV": "the key of a device", "ed25519:MASTER": "the master key"}
METHODS = ("hkdf-hmac-sha256.v2", "hkdf-hmac-sha256")
AGREEMENTS = ("curve25519-hkdf-sha256", "curve25519")


def text(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def both() -> tuple[matrix.Sas, matrix.Sas]:
    acceptor = matrix.SasAcceptor()
    starter = matrix.SasStarter(acceptor.commitment(START))
    starts, accepts = starter.public_key, acceptor.public_key
    ours = starter.agree(accepts, START, ours=ALICE, theirs=BOB, transaction="txn")
    return ours, acceptor.agree(starts, ours=BOB, theirs=ALICE, transaction="txn")


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_both_see_the_same(agreement: str) -> None:
    ours, theirs = both()

    emoji = ours.emoji(agreement=agreement)

    assert emoji == theirs.emoji(agreement=agreement)
    assert len(emoji) == 7
    assert all(0 <= number < 64 and name for number, name in emoji)
    decimal = ours.decimal(agreement=agreement)
    assert decimal == theirs.decimal(agreement=agreement)
    assert all(1_000 <= number <= 9_191 for number in decimal)


def test_someone_in_the_middle_is_seen() -> None:
    between = matrix.SasAcceptor()
    starter = matrix.SasStarter(between.commitment(START))
    starts = starter.public_key
    ours = starter.agree(between.public_key, START, ours=ALICE, theirs=BOB, transaction="txn")
    seen = between.agree(starts, ours=BOB, theirs=ALICE, transaction="txn")
    to_bob, _ = both()

    assert ours.emoji() == seen.emoji()
    assert ours.emoji() != to_bob.emoji()


def test_a_key_that_was_not_committed_to_is_refused() -> None:
    starter = matrix.SasStarter(matrix.SasAcceptor().commitment(START))

    with pytest.raises(AuthenticationError):
        starter.agree(
            matrix.SasAcceptor().public_key, START, ours=ALICE, theirs=BOB, transaction="txn"
        )


def test_each_side_agrees_once() -> None:
    acceptor = matrix.SasAcceptor()
    key = matrix.SasAcceptor().public_key
    acceptor.agree(key, ours=BOB, theirs=ALICE, transaction="txn")

    with pytest.raises(StaleSessionError):
        acceptor.agree(key, ours=BOB, theirs=ALICE, transaction="txn")
    with pytest.raises(StaleSessionError):
        _ = acceptor.public_key


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (text(bytes(32)), InvalidKeyError),
        (text(b"\xff" * 32), InvalidKeyError),
        (text(bytes(31)), MalformedMessageError),
        ("", MalformedMessageError),
        ("ä", MalformedMessageError),
    ],
)
def test_a_key_that_is_none_is_refused(key: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        matrix.SasAcceptor().agree(key, ours=BOB, theirs=ALICE, transaction="txn")


def test_a_commitment_that_is_none_is_malformed() -> None:
    with pytest.raises(MalformedMessageError):
        matrix.SasStarter("AAAA")


@pytest.mark.parametrize("method", METHODS)
def test_keys_are_vouched_for(method: str) -> None:
    ours, theirs = both()
    mac, keys = ours.mac_keys(KEYS, method=method)

    assert sorted(theirs.verify_keys(mac, keys, KEYS, method=method)) == sorted(KEYS)
    known = {"ed25519:ADEV": KEYS["ed25519:ADEV"], "ed25519:OTHER": "another"}
    assert theirs.verify_keys(mac, keys, known, method=method) == ["ed25519:ADEV"]


@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_vouched_for_verifies_nothing(method: str) -> None:
    ours, theirs = both()
    mac, keys = ours.mac_keys(KEYS, method=method)
    fewer = {"ed25519:ADEV": mac["ed25519:ADEV"]}

    for wrong_mac, wrong_keys, known in (
        (mac, keys, {}),
        (mac, keys, KEYS | {"ed25519:MASTER": "another"}),
        (fewer, keys, KEYS),
        (mac, mac["ed25519:ADEV"], KEYS),
        (mac | {"ed25519:ADEV": mac["ed25519:MASTER"]}, keys, KEYS),
        ({}, keys, KEYS),
    ):
        with pytest.raises(AuthenticationError):
            theirs.verify_keys(wrong_mac, wrong_keys, known, method=method)
    with pytest.raises(AuthenticationError):
        ours.verify_keys(mac, keys, KEYS, method=method)


def test_an_unknown_agreement_or_method_is_refused() -> None:
    ours, _ = both()

    for call in (
        lambda: ours.emoji(agreement="x25519"),
        lambda: ours.decimal(agreement=""),
        lambda: ours.mac_keys(KEYS, method="hmac-sha256"),
        lambda: ours.verify_keys({}, "", KEYS, method="hmac-sha256"),
    ):
        with pytest.raises(InvalidArgumentError):
            call()


def code(mode: str = "other-user") -> matrix.VerificationCode:
    return matrix.VerificationCode(
        mode, transaction="$event", shown_key=text(b"1" * 32), expected_key=text(b"2" * 32)
    )


@pytest.mark.parametrize("mode", ["other-user", "self-trusting", "self-untrusted"])
def test_a_code_is_shown_and_scanned(mode: str) -> None:
    shown = code(mode)

    scanned = matrix.VerificationCode.from_bytes(shown.to_bytes())

    assert (scanned.mode, scanned.transaction) == (mode, "$event")
    assert (scanned.shown_key, scanned.expected_key) == (text(b"1" * 32), text(b"2" * 32))
    assert shown.was_scanned(scanned.secret)
    assert not shown.was_scanned(code().secret)
    assert not shown.was_scanned("no base64")
    assert scanned.to_bytes() == shown.to_bytes()


def test_what_is_no_code_is_refused() -> None:
    whole = code().to_bytes()

    for wrong in (b"", b"MATRIX", whole[:-9], b"N" + whole[1:]):
        with pytest.raises(MalformedMessageError):
            matrix.VerificationCode.from_bytes(wrong)
    with pytest.raises(UnsupportedVersionError):
        matrix.VerificationCode.from_bytes(whole[:6] + b"\x03" + whole[7:])
    with pytest.raises(InvalidArgumentError):
        code("another")
    with pytest.raises(MalformedMessageError):
        matrix.VerificationCode("other-user", transaction="", shown_key="", expected_key="")


@pytest.mark.parametrize(
    "holder",
    [*both(), matrix.SasAcceptor(), matrix.SasStarter(text(bytes(32))), code()],
    ids=lambda each: type(each).__name__,
)
def test_what_holds_secrets_cannot_be_pickled_and_shows_nothing(holder: object) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(holder)
    assert " object at " in repr(holder)
