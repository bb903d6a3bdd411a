# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bots of matrix-nio and mautrix, whose recorded stores are taken over, and who go on here."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import matrix_stores, olm
from tests.api.recorded_stores import NAMES, Recorded, recorded
from tests.interop.matrix.parties import to_bytes, to_text

if TYPE_CHECKING:
    from pathlib import Path

    from e2ee.matrix_stores import ImportedDevice


@pytest.fixture
def key() -> olm.StateKey:
    return olm.StateKey(secrets.token_bytes(32))


@pytest.fixture(params=NAMES)
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Recorded:
    return recorded(request.param, tmp_path)


def expected_rows(held: Recorded) -> list[tuple[str, str, str, str]]:
    """The rows of the report, in no order, from what the programs themselves said."""
    story, known = held.story, held.story.expected
    rows = [("account", f"{story.people['bot']['user']} {story.people['bot']['device']}")]
    rows += [("session", each) for ids in known["sessions"].values() for each in ids]
    rows += [("inbound group session", f"{each[0]} {each[1]}") for each in known["received"]]
    rows += [("outbound group session", " ".join(each)) for each in known["sent"]]
    rows += [("device", f"{each[0]} {each[1]}") for each in known["devices"]]
    rows += [("cross-signing key", f"{each[0]} {each[1]}") for each in known["cross_signing_keys"]]
    if "second" in known:
        ids, room_key = story.people["second"], " ".join(known["second"])
        rows.append(("account", f"{ids['user']} {ids['device']}"))
        rows += [(f"{way}bound group session", room_key) for way in ("in", "out")]
    found = [(*row, "imported", "") for row in rows]
    if known.get("redacted"):
        reason = "there is no key: it was withheld from the program, or deleted by it"
        name = " ".join(known["redacted"])
        found.append(("inbound group session", name, "refused", reason))
    return sorted(found)


def the_bot(held: Recorded, key: olm.StateKey) -> ImportedDevice:
    return held.imported(key).devices[0]


def test_the_recordings_are_there() -> None:
    assert NAMES == [
        "matrix-nio-0.25.2",
        "matrix-nio-0.26.0",
        "mautrix-0.11.4",
        "mautrix-0.21.1",
    ]


def test_a_dry_run_reports_every_record_and_gives_nothing(
    held: Recorded, key: olm.StateKey
) -> None:
    path = held.file("bot")

    found = matrix_stores.import_store(path, key, pickle_key=held.story.pickle_key, dry_run=True)

    rows = [(row.kind, row.name, row.outcome, row.reason) for row in found.report.rows]
    assert expected_rows(held) == sorted(rows)
    assert (held.story.program, held.story.version) == (found.program, found.version)
    assert found.devices == ()
    assert found.report == held.imported(key).report


def test_the_account_is_the_bots(held: Recorded, key: olm.StateKey) -> None:
    bot, ids = the_bot(held, key), held.story.people["bot"]

    assert bot.account is not None
    assert (ids["user"], ids["device"]) == (bot.user_id, bot.device_id)
    assert ids["curve25519"] == to_text(bot.account.identity_key)
    assert ids["ed25519"] == to_text(bot.account.signing_key)
    assert bot.is_published
    assert bot.sync_token == "token"  # noqa: S105 (what a server calls so)
    assert sorted(bot.encrypted_rooms) == held.story.expected["encrypted_rooms"]


def test_sessions_come_in_the_order_of_their_use(held: Recorded, key: olm.StateKey) -> None:
    bot, carol = the_bot(held, key), to_bytes(held.story.people["carol"]["curve25519"])

    found = {
        to_text(peer): [to_text(session.session_id) for session in sessions]
        for peer, sessions in bot.sessions.items()
    }

    assert held.story.expected["sessions"] == found
    assert len(found[held.story.people["dave"]["curve25519"]]) == 2
    assert {peer for peer, [last, *_] in bot.sessions.items() if not last.has_received} == {carol}


def test_room_keys_come_with_what_was_said_of_them(held: Recorded, key: olm.StateKey) -> None:
    bot = the_bot(held, key)

    received = [
        [
            each.room_id,
            to_text(each.session.session_id),
            to_text(each.sender_key),
            None if each.signing_key is None else to_text(each.signing_key),
            each.session.first_known_index,
            [to_text(link) for link in each.forwarding_chain],
        ]
        for each in bot.received
    ]
    sent = [[each.room_id, to_text(each.session.session_id)] for each in bot.sent]

    assert held.story.expected["received"] == received
    assert held.story.expected["sent"] == sent
    assert [each.session.is_signed for each in bot.received] == [
        each.forwarding_chain == () for each in bot.received
    ]
    assert all(each.is_shared for each in bot.sent)


def test_decisions_about_devices_come_along(held: Recorded, key: olm.StateKey) -> None:
    bot = the_bot(held, key)

    devices = [
        [
            each.user_id,
            each.device_id,
            to_text(each.identity_key),
            to_text(each.signing_key),
            each.trust,
        ]
        for each in bot.known_devices
    ]
    keys = [[each.user_id, each.usage, to_text(each.key)] for each in bot.cross_signing_keys]

    assert held.story.expected["devices"] == devices
    assert held.story.expected["cross_signing_keys"] == keys
    assert {each.trust for each in bot.known_devices} >= {"verified", "unset", "blacklisted"}


def test_what_was_written_to_the_bot_opens(held: Recorded, key: olm.StateKey) -> None:
    opened = held.happens.read_recorded(held.story, held.moved(key))

    assert opened == 10


def test_the_recorded_messages_are_really_opened(held: Recorded, key: olm.StateKey) -> None:
    moved, other = held.moved(key), held.moved(key, "carol")
    held.story.after["eve"] = held.story.after["dave"]

    # A message that was never sent, and the bot's messages with somebody else's states.
    with pytest.raises((AssertionError, e2ee.E2EEError)):
        held.happens.read_recorded(held.story, moved)
    with pytest.raises((AssertionError, KeyError, e2ee.E2EEError)):
        held.happens.read_recorded(held.story, other)


@pytest.mark.parametrize("name", ["alice", "carol", "dave"])
def test_the_others_open_what_is_written_here(held: Recorded, key: olm.StateKey, name: str) -> None:
    bot, other = held.moved(key), held.moved(key, name)
    ours, theirs = (held.story.people[each]["curve25519"] for each in ("bot", name))

    for text in ("first", "second"):
        assert other.receive(ours, *bot.encrypt(theirs, text)) == text
        assert bot.receive(theirs, *other.encrypt(ours, text)) == text


def test_the_bot_goes_on_writing_to_its_room(held: Recorded, key: olm.StateKey) -> None:
    if held.story.program == "matrix-nio":
        assert the_bot(held, key).sent == ()  # this program keeps none
        return
    bot, alice = held.moved(key), held.moved(key, "alice")
    [[room, session_id]] = held.story.expected["sent"]

    message = bot.write(room, "text")

    assert alice.read(session_id, message, "$event") == "text"


def test_decisions_in_files_beside_the_store_are_read(tmp_path: Path, key: olm.StateKey) -> None:
    held = recorded("matrix-nio-0.26.0", tmp_path)

    [bot] = held.imported(key, "alice").devices[0].known_devices

    assert (bot.user_id, bot.trust) == ("@bot:example.org", "verified")


def test_a_message_that_was_opened_before_the_move_is_of_one_event(
    tmp_path: Path, key: olm.StateKey
) -> None:
    held = recorded("mautrix-0.21.1", tmp_path)
    session_id, message = held.story.before["opened"]
    [found] = [
        each.session
        for each in the_bot(held, key).received
        if to_text(each.session.session_id) == session_id
    ]
    step = found.save()
    step.release()
    records = [step.writes[part] for part in ("head", "events")]
    loaded = olm.InboundGroupSession.load(key, found.session_id, records)

    for session in (found, loaded):
        with pytest.raises(e2ee.DuplicateMessageError):
            session.decrypt(to_bytes(message), "$another")
        assert session.decrypt(to_bytes(message), "$hello").release() == (0, b"hello")


def test_all_accounts_of_a_file_are_given(tmp_path: Path, key: olm.StateKey) -> None:
    held = recorded("mautrix-0.21.1", tmp_path)

    bot, second = held.imported(key).devices

    assert (bot.user_id, second.user_id) == ("@bot:example.org", "@second:example.org")
    assert second.known_devices == bot.known_devices
    assert second.sessions == {}
    assert [each.room_id for each in second.sent] == ["!room4:example.org"]


def test_everything_can_be_saved_before_it_is_used(held: Recorded, key: olm.StateKey) -> None:
    bot = the_bot(held, key)
    alice, message = held.moved(key, "alice"), b"text"
    ours, theirs = (to_bytes(held.story.people[name]["curve25519"]) for name in ("bot", "alice"))

    [session, *_] = bot.sessions[theirs]
    step = session.save()
    step.release()
    records = [step.writes[part] for part in ("head", "chains", "skipped")]
    again = olm.Session.load(key, (session.name, records))

    sent = again.encrypt(message)
    kind = sent.kind
    assert kind is not None
    assert alice.receive(to_text(ours), kind, to_text(sent.release())) == "text"
