# SPDX-License-Identifier: MIT OR Apache-2.0
"""Group sessions of Megolm without a store, each step saved by the caller."""

from __future__ import annotations

import copy
import pickle
import secrets
from typing import final

import pytest

import e2ee
from e2ee import olm

Rows = dict[str, tuple[int, bytes]]


@final
class Room:
    """A sender and a receiver, with the rows that each has saved."""

    def __init__(self) -> None:
        self.key = olm.StateKey(secrets.token_bytes(32))
        self.own = olm.OutboundGroupSession.create(self.key)
        self.own_rows: Rows = {}
        self.rows: Rows = {}
        self.received, step = olm.InboundGroupSession.accept(self.key, self.own.session_key())
        self.rows.update(step.writes)
        assert step.release() == b""

    def write(self, text: bytes) -> bytes:
        """Encrypts and saves."""
        step = self.own.encrypt(text)
        self.own_rows.update(step.writes)
        return step.release()

    def read(self, message: bytes, event_id: str | None = None) -> tuple[int, bytes]:
        """Opens and saves."""
        step = self.received.decrypt(message, event_id)
        self.rows.update(step.writes)
        return step.release()

    def load(self) -> None:
        """Both sessions as they were saved."""
        session_id = self.own.session_id
        self.own = olm.OutboundGroupSession.load(self.key, session_id, self.own_rows["sending"])
        records = [self.rows["head"], self.rows["events"]]
        self.received = olm.InboundGroupSession.load(self.key, session_id, records)


@pytest.fixture
def room() -> Room:
    return Room()


def test_messages_open_in_any_order_and_again_with_their_indices(room: Room) -> None:
    messages = [room.write(b"%d" % number) for number in range(3)]

    assert [room.read(messages[number]) for number in (2, 0, 1, 2)] == [
        (2, b"2"),
        (0, b"0"),
        (1, b"1"),
        (2, b"2"),
    ]


def test_a_message_opens_as_one_event_only(room: Room) -> None:
    message = room.write(b"text")

    assert room.read(message, "$first") == (0, b"text")
    assert room.read(message, "$first") == (0, b"text")
    with pytest.raises(e2ee.DuplicateMessageError):
        room.read(message, "$second")


def test_loaded_sessions_go_on_and_know_their_events(room: Room) -> None:
    message = room.write(b"text")
    room.read(message, "$first")

    room.load()

    assert room.own.message_index == 1
    assert room.read(room.write(b"next"), "$next") == (1, b"next")
    with pytest.raises(e2ee.DuplicateMessageError):
        room.read(message, "$second")


def test_records_of_another_key_session_or_time_are_refused(room: Room) -> None:
    room.read(room.write(b"text"), "$first")
    old = room.rows["events"]
    room.read(room.write(b"text"), "$second")
    records = [room.rows["head"], room.rows["events"]]
    session_id = room.own.session_id

    for key, name, rows in (
        (olm.StateKey(bytes(32)), session_id, records),
        (room.key, bytes(32), records),
        (room.key, session_id, [room.rows["head"], old]),
    ):
        with pytest.raises(e2ee.StoreCorruptionError):
            olm.InboundGroupSession.load(key, name, rows)
    with pytest.raises(e2ee.StoreCorruptionError):
        olm.OutboundGroupSession.load(room.key, bytes(32), room.own_rows["sending"])
    with pytest.raises(e2ee.InvalidArgumentError):
        olm.OutboundGroupSession.load(room.key, b"short", room.own_rows["sending"])


def test_only_what_must_be_saved_is_written(room: Room) -> None:
    assert set(room.rows) == {"head", "events"}
    assert set(room.own.encrypt(b"").writes) == {"sending"}
    room = Room()
    message = room.write(b"text")

    silent = room.received.decrypt(message, None)
    assert silent.writes == {}
    silent.release()
    assert set(room.received.decrypt(message, "$first").writes) == {"head", "events"}


def test_an_open_step_keeps_a_session_from_going_on(room: Room) -> None:
    message = room.write(b"text")
    sent, opened = room.own.encrypt(b"open"), room.received.decrypt(message, None)

    with pytest.raises(e2ee.StaleSessionError):
        room.own.encrypt(b"next")
    with pytest.raises(e2ee.StaleSessionError):
        room.own.session_key()
    with pytest.raises(e2ee.StaleSessionError):
        room.received.decrypt(message, None)
    sent.release()
    opened.release()
    with pytest.raises(e2ee.StaleSessionError):
        opened.release()
    assert room.own.session_key()


def test_a_dropped_step_leaves_a_session_stale(room: Room) -> None:
    room.own.encrypt(b"dropped")

    with pytest.raises(e2ee.StaleSessionError):
        room.own.encrypt(b"next")


def test_a_refused_message_changes_nothing(room: Room) -> None:
    message = room.write(b"text")
    for altered in (message[:-1], message[:-1] + bytes([message[-1] ^ 1]), message + b"\0"):
        with pytest.raises(e2ee.E2EEError):
            room.received.decrypt(altered, "$forged")
    with pytest.raises(e2ee.AuthenticationError):
        room.received.decrypt(Room().write(b"text"), None)

    assert room.read(message, "$honest") == (0, b"text")


def test_a_late_joiner_reads_nothing_from_before(room: Room) -> None:
    before = room.write(b"before")
    late, step = olm.InboundGroupSession.accept(room.key, room.own.session_key())
    step.release()

    assert late.first_known_index == 1
    with pytest.raises(e2ee.UnknownMessageIndexError):
        late.decrypt(before, None)
    with pytest.raises(e2ee.UnknownMessageIndexError):
        late.export_at(0)


def test_an_export_opens_from_its_index_on_and_is_not_signed(room: Room) -> None:
    messages = [room.write(b"%d" % number) for number in range(3)]

    other, step = olm.InboundGroupSession.accept_export(room.key, room.received.export_at(1))
    step.release()

    assert (room.received.is_signed, other.is_signed) == (True, False)
    assert other.session_id == room.own.session_id
    assert other.decrypt(messages[1], None).release() == (1, b"1")
    with pytest.raises(e2ee.UnknownMessageIndexError):
        other.decrypt(messages[0], None)


def test_merging_takes_the_earlier_index_and_the_signature(room: Room) -> None:
    signed = room.own.session_key()
    first = room.write(b"first")
    other, step = olm.InboundGroupSession.accept_export(room.key, room.received.export_at(5))
    step.release()

    other.merge(room.received.export_at(2)).release()
    assert (other.first_known_index, other.is_signed) == (2, False)
    merged = other.merge(signed)
    assert set(merged.writes) == {"head"}
    merged.release()

    assert (other.first_known_index, other.is_signed) == (0, True)
    assert other.decrypt(first, None).release() == (0, b"first")
    with pytest.raises(e2ee.InvalidKeyError):
        other.merge(Room().own.session_key())


@pytest.mark.parametrize("accept", ["accept", "accept_export"])
@pytest.mark.parametrize(
    ("shared", "error"),
    [
        (b"", e2ee.MalformedMessageError),
        (b"\x03" + bytes(228), e2ee.UnsupportedVersionError),
        (b"\x01\x02", e2ee.E2EEError),
    ],
    ids=["none", "version", "short"],
)
def test_what_is_no_key_is_refused(
    room: Room, accept: str, shared: bytes, error: type[e2ee.E2EEError]
) -> None:
    with pytest.raises(error):
        getattr(olm.InboundGroupSession, accept)(room.key, shared)


def test_a_session_key_with_another_signature_is_refused(room: Room) -> None:
    key = room.own.session_key()

    with pytest.raises(e2ee.BadSignatureError):
        olm.InboundGroupSession.accept(room.key, key[:-1] + bytes([key[-1] ^ 1]))
    with pytest.raises(e2ee.UnsupportedVersionError):
        olm.InboundGroupSession.accept_export(room.key, key)


def test_many_at_once_give_what_one_after_the_other_does(room: Room) -> None:
    messages = [room.write(b"%d" % number) for number in range(150)]
    messages[3], messages[90] = messages[90], messages[3]
    waiting: list[tuple[bytes, str | None]] = [
        (message, f"${place}") for place, message in enumerate(messages)
    ]
    waiting += [(messages[5], "$other"), (messages[5], None), (b"noise", None)]

    step = room.received.decrypt_many(waiting)
    results = step.release()

    assert results[:3] == [(0, b"0"), (1, b"1"), (2, b"2")]
    assert (results[3], results[90]) == ((90, b"90"), (3, b"3"))
    assert [type(each) for each in results[-3:]] == [
        e2ee.DuplicateMessageError,
        tuple,
        e2ee.UnsupportedVersionError,
    ]
    assert set(step.writes) == {"head", "events"}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_nothing_of_a_room_can_be_copied(room: Room, duplicate: object) -> None:
    assert callable(duplicate)
    steps = [room.received.decrypt(room.write(b""), None), room.own.encrypt(b"")]
    for each in (room.own, room.received, olm.Pickles.libolm(b"key"), *steps):
        with pytest.raises(TypeError):
            duplicate(each)
