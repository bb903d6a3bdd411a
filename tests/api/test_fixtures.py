# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stored states of every released format still open (docs/formats.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import e2ee
from tests.properties.world import is_head, read_rows

#: The most bytes of a sealed head in the newest format.
MAX_HEAD_LEN = 512
FIXTURES = sorted((Path(__file__).parent.parent / "vectors" / "state").glob("account-*.json"))


def stored(fixture: dict[str, Any]) -> e2ee.MemoryStore:
    """A store with the fixture's rows."""
    store = e2ee.MemoryStore(key=bytes.fromhex(fixture["key"]))
    with store.transaction() as transaction:
        transaction.apply(
            [
                (name, 0, revision, bytes.fromhex(sealed))
                for name, revision, sealed in fixture["rows"]
            ]
        )
    return store


def opened(fixture: dict[str, Any]) -> e2ee.Account:
    """The fixture's account, in a store of its own."""
    return e2ee.Account.open(stored(fixture))


def test_there_is_a_fixture() -> None:
    assert FIXTURES


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_stored_account_opens_as_it_was(path: Path) -> None:
    fixture = json.loads(path.read_text())

    account = opened(fixture)

    assert (fixture["user"], fixture["device"]) == (account.user, account.device)
    assert fixture["identity_key"] == account.identity_key.hex()
    contacts = [
        [contact.address.user, contact.address.device, contact.verified]
        for contact in account.contacts()
    ]
    assert fixture["contacts"] == contacts
    assert fixture["safety_number_with_alice"] == account.safety_number("alice").digits
    assert fixture.get("groups", []) == [each.hex for each in account.groups()]
    assert fixture["inbox"] == [message.plaintext.decode() for message in account.inbox()]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_its_sessions_go_on(path: Path) -> None:
    fixture = json.loads(path.read_text())
    account = opened(fixture)

    for sender, envelope, plaintext in fixture["envelopes"]:
        assert account.decrypt(sender, bytes.fromhex(envelope)).plaintext.decode() == plaintext
    account.encrypt("alice", b"goes on")
    for group_id in account.groups():
        account.group(group_id).encrypt(b"goes on")


def session_rows(store: e2ee.MemoryStore) -> dict[str, int]:
    """Names and sizes of the records of sessions."""
    rows = read_rows(store)
    return {name: len(row[1]) for name, row in rows.items() if name.startswith("session/")}


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_its_sessions_are_rewritten_by_their_next_change_and_leave_no_record(path: Path) -> None:
    fixture = json.loads(path.read_text())
    store = stored(fixture)
    account = e2ee.Account.open(store)
    before = session_rows(store)
    account.contacts()
    assert before == session_rows(store)

    for sender, envelope, plaintext in fixture["envelopes"]:
        assert account.decrypt(sender, bytes.fromhex(envelope)).plaintext.decode() == plaintext
    account.encrypt("alice", b"rewrites the session")

    after = session_rows(store)
    moved = [name for name in after if is_head(name) and name.startswith("session/alice/")]
    assert {name for name in before if is_head(name)} <= {name for name in after if is_head(name)}
    assert min(after[name] for name in moved) <= MAX_HEAD_LEN
    again = e2ee.Account.open(store)
    again.encrypt("alice", b"goes on")
    for contact in again.contacts():
        again.forget(contact.address)
    assert session_rows(store) == {}
