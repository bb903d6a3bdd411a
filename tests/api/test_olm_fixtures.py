# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stored accounts and sessions of Olm, of every released format, still open (docs/formats.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from e2ee import DuplicateMessageError, UnknownPreKeyError, olm

FIXTURES = sorted((Path(__file__).parent.parent / "vectors" / "state").glob("olm-[0-9].json"))
every_fixture = pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)


def fixture_of(path: Path) -> tuple[dict[str, Any], olm.StateKey]:
    """A fixture, and the key that seals its records."""
    fixture = json.loads(path.read_text())
    return fixture, olm.StateKey(bytes.fromhex(fixture["key"]))


def account_of(fixture: dict[str, Any], key: olm.StateKey) -> olm.Account:
    """The fixture's account."""
    revision, record = fixture["account"]
    return olm.Account.load(key, revision, bytes.fromhex(record))


def test_there_is_a_fixture() -> None:
    assert FIXTURES


@every_fixture
def test_a_stored_account_opens_as_it_was(path: Path) -> None:
    fixture, key = fixture_of(path)

    account = account_of(fixture, key)

    assert fixture["identity_key"] == account.identity_key.hex()
    assert fixture["signing_key"] == account.signing_key.hex()
    waiting = {str(number): each.hex() for number, each in account.one_time_keys.items()}
    assert fixture["one_time_keys"] == waiting
    assert account.fallback_key is not None
    assert fixture["fallback_key"] == [account.fallback_key[0], account.fallback_key[1].hex()]


@every_fixture
def test_a_stored_account_accepts_first_messages(path: Path) -> None:
    fixture, key = fixture_of(path)
    account = account_of(fixture, key)
    sender = bytes.fromhex(fixture["sender_identity_key"])

    opened = [
        olm.Session.accept(key, account, sender, bytes.fromhex(message))[1].release().decode()
        for message, _ in fixture["firsts"]
    ]

    assert [text for _, text in fixture["firsts"]] == opened
    with pytest.raises(UnknownPreKeyError):
        olm.Session.accept(key, account, sender, bytes.fromhex(fixture["firsts"][0][0]))


@every_fixture
def test_a_stored_account_knows_what_it_accepted_under_fallback_keys(path: Path) -> None:
    fixture, key = fixture_of(path)
    account, version = account_of(fixture, key), int(path.stem.split("-")[1])
    sender = bytes.fromhex(fixture["sender_identity_key"])
    accepted = [bytes.fromhex(message) for message in fixture.get("accepted", [])]
    assert len(accepted) == (0 if version == 1 else 2)

    for message in accepted:
        with pytest.raises(DuplicateMessageError):
            olm.Session.accept(key, account, sender, message)


@every_fixture
def test_a_stored_session_opens_what_is_late_and_what_is_next(path: Path) -> None:
    fixture, key = fixture_of(path)
    name, parts = fixture["session"]
    records = [(revision, bytes.fromhex(sealed)) for revision, sealed in parts]

    session = olm.Session.load(key, (name, records))

    assert fixture["sender_identity_key"] == session.their_identity_key.hex()
    for kind, message, text in fixture["messages"]:
        assert text == session.decrypt(kind, bytes.fromhex(message)).release().decode()
