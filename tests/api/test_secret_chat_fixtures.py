# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats that were stored once open for ever and go on with each other (docs/formats.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import e2ee
from e2ee import mtproto
from e2ee.store import examine
from tests.api.record_secret_chats import picture, shown
from tests.api.secret_chat_pair import Pair, group, text
from tests.properties.world import copy_of

FIXTURES = sorted((Path(__file__).parent.parent / "vectors/state").glob("chats-*.json"))
ALICE, BOB = 0, 1


@pytest.fixture(params=FIXTURES, ids=lambda path: path.stem)
def fixture(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.param.read_text())
    return found


def store_of(fixture: dict[str, Any], end: int) -> e2ee.MemoryStore:
    """One end's store."""
    rows = {name: (revision, bytes.fromhex(row)) for name, revision, row in fixture["rows"][end]}
    return copy_of(rows, bytes.fromhex(fixture["keys"][end]))


@pytest.fixture
def ends(fixture: dict[str, Any]) -> tuple[mtproto.SecretChats, mtproto.SecretChats]:
    return (
        mtproto.SecretChats.open(store_of(fixture, ALICE)),
        mtproto.SecretChats.open(store_of(fixture, BOB)),
    )


def pair_of(
    fixture: dict[str, Any], name: str, ends: tuple[mtproto.SecretChats, mtproto.SecretChats]
) -> Pair:
    """Both ends of a chat."""
    return Pair(ends[ALICE].chat(fixture[name]), ends[BOB].chat(fixture[name]), ends)


def test_there_is_a_fixture() -> None:
    assert FIXTURES


def test_stored_chats_open_as_they_were(
    fixture: dict[str, Any], ends: tuple[mtproto.SecretChats, mtproto.SecretChats]
) -> None:
    ours, theirs = ends

    assert fixture["users"] == [ours.user, theirs.user]
    offered, *agreed = sorted(ours.chats(), key=lambda chat: chat.peer == "bob")
    assert (offered.chat_id, offered.state()) == (fixture["offer"][0], None)
    for chats in (agreed, theirs.chats()):
        assert fixture["pictures"] == {str(chat.chat_id): picture(chat) for chat in chats}
    assert fixture["inbox"] == [message.body.hex() for message in ours.inbox()]


@pytest.mark.parametrize("end", [ALICE, BOB])
def test_the_doctor_finds_nothing(fixture: dict[str, Any], end: int) -> None:
    assert examine(store_of(fixture, end)).findings == ()


def test_a_chat_at_rest_goes_on(
    fixture: dict[str, Any], ends: tuple[mtproto.SecretChats, mtproto.SecretChats]
) -> None:
    pair = pair_of(fixture, "resting", ends)

    opened = pair.settle(pair.alice.encrypt(text(6)), pair.bob.encrypt(text(7)))

    assert opened == ([text(7)], [text(6)])


def test_a_gap_is_filled_and_what_was_not_sent_leaves_as_it_was(
    fixture: dict[str, Any], ends: tuple[mtproto.SecretChats, mtproto.SecretChats]
) -> None:
    pair = pair_of(fixture, "gap", ends)
    unposted = pair.alice.unposted()

    filled = pair.alice.receive(bytes.fromhex(fixture["lost"]))

    assert fixture["unposted"] == shown(unposted)
    assert [message.body for message in filled.messages] == [text(3), text(4)]
    assert unposted[0].number > 0, "what the server has already does not leave again"
    opened = [
        message.body
        for sent in (*unposted, *filled.outgoing, *pair.alice.encrypt(text(8)))
        for message in pair.bob.receive(sent.data).messages
    ]
    assert opened[-1] == text(8)
    assert text(5) not in opened


def test_a_change_of_keys_ends(
    fixture: dict[str, Any], ends: tuple[mtproto.SecretChats, mtproto.SecretChats]
) -> None:
    pair = pair_of(fixture, "changing", ends)
    before = pair.alice.state()

    ((_, _, _, request),) = fixture["request"]
    pair.settle(from_bob=pair.bob.receive(bytes.fromhex(request)).outgoing)
    opened = pair.settle(pair.alice.encrypt(text(9)), pair.bob.encrypt(text(10)))

    ours, theirs = pair.alice.state(), pair.bob.state()
    assert before is not None
    assert ours is not None
    assert theirs is not None
    assert before.key_fingerprint != ours.key_fingerprint == theirs.key_fingerprint
    assert opened == ([text(10)], [text(9)])


def test_an_offer_is_answered(
    fixture: dict[str, Any], ends: tuple[mtproto.SecretChats, mtproto.SecretChats]
) -> None:
    carol = mtproto.SecretChats.create(e2ee.MemoryStore(), "carol")
    chat_id, g_a = fixture["offer"]

    answer = carol.accept(chat_id, "alice", bytes.fromhex(g_a), group())
    leaving = ends[ALICE].confirm(chat_id, answer.g_b, answer.key_fingerprint)

    pair = Pair(ends[ALICE].chat(chat_id), carol.chat(chat_id), (ends[ALICE], carol))
    pair.settle(leaving, answer.outgoing)
    assert pair.settle(pair.alice.encrypt(text(11))) == ([], [text(11)])
