# SPDX-License-Identifier: MIT OR Apache-2.0
"""Accounts of Olm that were stored once open for ever (docs/formats.md)."""

import json
from pathlib import Path
from typing import Any

import pytest

import e2ee
from tests.api.test_fixtures import stored
from tests.stores.olm_people import ALICE

FIXTURES = sorted((Path(__file__).parent.parent / "vectors/state").glob("olm-account-*.json"))


@pytest.fixture(params=FIXTURES, ids=lambda path: path.stem)
def fixture(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.param.read_text())
    return found


def test_there_is_a_fixture() -> None:
    assert FIXTURES


def test_a_stored_account_opens_as_it_was(fixture: dict[str, Any]) -> None:
    account = e2ee.Account.open(stored(fixture))

    assert (fixture["user"], fixture["device"]) == (account.user, account.device)
    assert account.protocol == "olm"
    assert fixture["identity_key"] == account.identity_key.hex()
    contacts = [[each.address.user, each.address.device] for each in account.contacts()]
    assert fixture["contacts"] == contacts
    assert fixture["inbox"] == [message.plaintext.decode() for message in account.inbox()]
    assert fixture["outbox"] == [each.envelope.to_bytes().hex() for each in account.outbox()]


def test_its_sessions_and_keys_go_on(fixture: dict[str, Any]) -> None:
    account = e2ee.Account.open(stored(fixture))

    for user, device, envelope, plaintext in fixture["envelopes"]:
        message = account.decrypt(e2ee.Address(user, device), bytes.fromhex(envelope))
        assert message.plaintext.decode() == plaintext
        if "contents" in fixture:
            assert message.content == fixture["contents"].pop(0)
    account.encrypt(ALICE, b"goes on")


def test_what_was_handled_is_not_shown_again(fixture: dict[str, Any]) -> None:
    account = e2ee.Account.open(stored(fixture))

    with (
        pytest.raises(e2ee.DuplicateMessageError) as refused,
        account.receive(ALICE, bytes.fromhex(fixture["handled"])),
    ):
        pass
    assert refused.value.delivered


def test_its_rooms_go_on(fixture: dict[str, Any]) -> None:
    account = e2ee.Account.open(stored(fixture))
    assert account.groups() == fixture.get("rooms", [])

    for room_id in fixture.get("rooms", []):
        room = account.group(room_id)
        assert fixture["members"] == [[each.user, each.device] for each in room.members]
        # Time ends the session that was stored.
        room.rotate()
        invited = [member for member, _ in room.invitations()]
        assert tuple(invited) == room.members
        assert room.encrypt(b"text").kind == "group"
        assert account.export_room_keys() == fixture["room_keys"]
        user, device, envelope = fixture["silenced"]
        with pytest.raises(e2ee.NoSenderKeyError):
            account.decrypt(e2ee.Address(user, device), bytes.fromhex(envelope))
