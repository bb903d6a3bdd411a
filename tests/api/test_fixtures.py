# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stored states of every released format still open (docs/formats.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import e2ee
from tests.api.anchored import Register
from tests.properties.world import is_head, read_rows

#: The most bytes of a sealed head in the newest format.
MAX_HEAD_LEN = 512
FIXTURES = sorted((Path(__file__).parent.parent / "vectors" / "state").glob("account-*.json"))


def stored(fixture: dict[str, Any], anchor: Register | None = None) -> e2ee.MemoryStore:
    """A store with the fixture's rows, and the first of its anchors if it has any."""
    if anchor is None and "anchors" in fixture:
        anchor = register(fixture["anchors"][0])
    store = e2ee.MemoryStore(key=bytes.fromhex(fixture["key"]), anchor=anchor)
    with store.transaction() as transaction:
        transaction.apply(
            [
                (name, 0, revision, bytes.fromhex(sealed))
                for name, revision, sealed in fixture["rows"]
            ]
        )
    return store


def register(value: str) -> Register:
    """An anchor that holds this."""
    made = Register()
    made.value = bytes.fromhex(value)
    return made


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
    assert fixture.get("groups", []) == [str(each).replace("-", "") for each in account.groups()]
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


ANCHORED = [
    (path, place)
    for path in FIXTURES
    for place, _ in enumerate(json.loads(path.read_text()).get("anchors", []))
]


def test_there_is_an_anchor_of_each_version() -> None:
    fixtures = [json.loads(path.read_text())["anchors"][place] for path, place in ANCHORED]

    assert {bytes.fromhex(value)[0] for value in fixtures} == {1, 2}


@pytest.mark.parametrize(("path", "place"), ANCHORED)
def test_what_an_anchor_holds_is_read(path: Path, place: int) -> None:
    fixture = json.loads(path.read_text())
    anchor = register(fixture["anchors"][place])
    before = anchor.count()

    account = e2ee.Account.open(stored(fixture, anchor))
    assert len(account.outbox()) == 1
    account.encrypt("alice", b"goes on")

    assert anchor.count() == before + 1


@pytest.mark.parametrize(("path", "place"), ANCHORED)
def test_an_anchor_of_another_past_is_found(path: Path, place: int) -> None:
    fixture = json.loads(path.read_text())
    anchor = register(fixture["anchors"][place])
    held = anchor.value or b""
    anchor.value = held[:25] + bytes(16) + held[41:]
    account = e2ee.Account.open(stored(fixture, anchor))

    with pytest.raises(e2ee.StoreRollbackError):
        account.encrypt("alice", b"never leaves")
