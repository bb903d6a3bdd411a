# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stored group sessions of Megolm, of every released format, still open (docs/formats.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from e2ee import DuplicateMessageError, UnknownMessageIndexError, olm
from tests.api import record_state

FIXTURES = sorted((Path(__file__).parent.parent / "vectors" / "state").glob("megolm-*.json"))
every_fixture = pytest.mark.parametrize(
    "fixture", [json.loads(path.read_text()) for path in FIXTURES], ids=[p.stem for p in FIXTURES]
)
Fixture = dict[str, Any]
unhex = bytes.fromhex


def senders(fixture: Fixture) -> list[olm.OutboundGroupSession]:
    """The fixture's outbound sessions."""
    key = olm.StateKey(unhex(fixture["key"]))
    return [
        olm.OutboundGroupSession.load(
            key, unhex(each["session_id"]), (each["record"][0], unhex(each["record"][1]))
        )
        for each in fixture["outbound"]
    ]


def readers(fixture: Fixture) -> list[olm.InboundGroupSession]:
    """The fixture's inbound sessions."""
    key = olm.StateKey(unhex(fixture["key"]))
    return [
        olm.InboundGroupSession.load(
            key,
            unhex(each["session_id"]),
            [(revision, unhex(sealed)) for revision, sealed in each["records"]],
        )
        for each in fixture["inbound"]
    ]


def test_there_is_a_fixture() -> None:
    assert FIXTURES


@every_fixture
def test_a_stored_sender_goes_on_and_its_readers_follow(fixture: Fixture) -> None:
    for own, reader, stored in zip(
        senders(fixture), readers(fixture), fixture["outbound"], strict=True
    ):
        assert own.message_index == stored["message_index"]

        message = own.encrypt(b"next").release()

        assert reader.decrypt(message, "$next").release() == (stored["message_index"], b"next")


@every_fixture
def test_a_stored_reader_is_what_it_was(fixture: Fixture) -> None:
    for reader, stored in zip(readers(fixture), fixture["inbound"], strict=True):
        assert reader.session_id.hex() == stored["session_id"]
        assert reader.first_known_index == stored["first_known_index"]
        assert reader.is_signed == stored["is_signed"]
        for message, index in stored["waiting"]:
            opened = reader.decrypt(unhex(message), f"$late{index}").release()
            assert opened == (index, b"message %d" % index)
        for message in stored["unknown"]:
            with pytest.raises(UnknownMessageIndexError):
                reader.decrypt(unhex(message), None)


@every_fixture
def test_a_stored_reader_knows_its_events(fixture: Fixture) -> None:
    for reader, stored in zip(readers(fixture), fixture["inbound"], strict=True):
        assert stored["events"]
        for message, event, index in stored["events"]:
            opened = reader.decrypt(unhex(message), event).release()
            assert opened == (index, b"message %d" % index)
            with pytest.raises(DuplicateMessageError):
                reader.decrypt(unhex(message), "$other")


@pytest.mark.parametrize("kind", record_state.KINDS)
def test_what_is_stored_today_can_be_recorded_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "fixture.json"

    record_state.main(kind, str(path))

    assert json.loads(path.read_text())["spec"] == "docs/formats.md"
    with pytest.raises(FileExistsError):
        record_state.main(kind, str(path))
