# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many messages of a room as one step, beside the same one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import olm as python_olm
from tests.capi import olm
from tests.capi.objects import StateKey, check, ffi, lib

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = bytes(range(32))
Messages = list[tuple[bytes, "str | None"]]
Results = list["tuple[int, bytes] | e2ee.E2EEError"]


class Room:
    """A ratchet, and what of it was shared from its third message on."""

    def __init__(self) -> None:
        self.key = StateKey(KEY)
        self.own = olm.OutboundGroupSession.create(self.key)
        self.early = [self.own.encrypt(b"early %d" % number).release() for number in range(2)]
        self.session_key = self.own.session_key()
        self.late = [self.own.encrypt(b"late %d" % number).release() for number in range(100)]

    def reader(self) -> olm.InboundGroupSession:
        """A member, who has opened nothing."""
        session, step = olm.InboundGroupSession.accept(self.key, self.session_key)
        step.release()
        return session

    def backlog(self) -> Messages:
        """Messages that open and those that are refused, for each reason."""
        forged = self.late[4][:-1] + bytes([self.late[4][-1] ^ 1])
        other, late = olm.OutboundGroupSession.create(self.key), self.late
        return [
            *((late[0], "$0"), (late[7], None), (late[3], "$3")),
            (late[0], "$another"),
            (late[0], "$0"),
            (self.early[1], "$early"),
            (forged, "$4"),
            (other.encrypt(b"of another session").release(), "$other"),
            *((b"", None), (b"noise", "$noise"), (late[3], None)),
            *((late[99], "$99"), (late[4], "$4"), (late[7], "$7")),
        ]


@pytest.fixture
def room() -> Room:
    return Room()


def one_by_one(session: olm.InboundGroupSession, messages: Messages) -> Results:
    """Index and plaintext of each message, or the error."""
    found: Results = []
    for message, event_id in messages:
        try:
            found.append(session.decrypt(message, event_id).release())
        except e2ee.E2EEError as error:
            found.append(error)
    return found


def told(results: Sequence[tuple[int, bytes] | e2ee.E2EEError]) -> list[object]:
    """The results, with the classes of their errors, so that they can be compared."""
    return [type(each) if isinstance(each, e2ee.E2EEError) else each for each in results]


def test_many_messages_open_as_one_by_one(room: Room) -> None:
    messages, together, alone = room.backlog(), room.reader(), room.reader()

    opened = told(together.decrypt_many(messages).release())

    assert told(one_by_one(alone, messages)) == opened
    expected: list[object] = [(2, b"late 0"), (9, b"late 7"), (5, b"late 3")]
    assert [*expected, e2ee.DuplicateMessageError, (2, b"late 0")] == opened[:5]
    assert e2ee.UnknownMessageIndexError == opened[5]
    assert [e2ee.AuthenticationError] * 2 == opened[6:8]
    assert [e2ee.MalformedMessageError, e2ee.UnsupportedVersionError] == opened[8:10]
    assert opened[10:] == [(5, b"late 3"), (101, b"late 99"), (6, b"late 4"), (9, b"late 7")]
    again: Messages = [(message, "$again") for message, _ in messages]
    assert told(one_by_one(alone, again)) == told(together.decrypt_many(again).release())


def test_the_same_opens_in_python(room: Room) -> None:
    messages = room.backlog()
    session, step = python_olm.InboundGroupSession.accept(
        python_olm.StateKey(KEY), room.session_key
    )
    step.release()

    here, there = room.reader().decrypt_many(messages), session.decrypt_many(messages)

    assert set(there.writes) == set(here.writes) == {"head", "events"}
    assert told(there.release()) == told(here.release())


def test_what_a_backlog_writes_is_loaded_again(room: Room) -> None:
    step = room.reader().decrypt_many(room.backlog())
    parts = [step.writes[part] for part in ("head", "events")]

    loaded = olm.InboundGroupSession.load(room.key, room.own.session_id, parts)

    with pytest.raises(e2ee.DuplicateMessageError):
        loaded.decrypt(room.late[99], "$another")
    assert loaded.decrypt(room.late[99], "$99").release() == (101, b"late 99")


def test_indices_stay_when_results_are_gone(room: Room) -> None:
    step = room.reader().decrypt_many(
        [(room.late[1], "$1"), (b"noise", "$2"), (room.late[2], "$3")]
    )

    before = [step.index_at(place) for place in range(4)]
    step.release()

    assert before == [3, None, 4, None]
    assert before == [step.index_at(place) for place in range(4)]


def test_other_steps_have_no_index_at_a_place(room: Room) -> None:
    index, reader = ffi.new("uint32_t *"), room.reader()
    one = reader.decrypt(room.late[0], None)
    one.release()
    many = reader.decrypt_many([(room.late[0], None)])

    with pytest.raises(e2ee.InvalidArgumentError):
        check(lib.e2ee_step_message_index_at(one.pointer, 0, index))
    with pytest.raises(e2ee.InvalidArgumentError):
        check(lib.e2ee_step_message_index(many.pointer, index))
    many.release()
    written = room.own.encrypt(b"text")
    with pytest.raises(e2ee.InvalidArgumentError):
        check(lib.e2ee_step_message_index_at(written.pointer, 0, index))


def test_no_message_is_a_step_too(room: Room) -> None:
    reader = room.reader()
    step = reader.decrypt_many([])

    with pytest.raises(e2ee.StaleSessionError):
        reader.decrypt_many([])

    assert step.release() == []


def test_an_event_that_is_no_text_refuses_the_call(room: Room) -> None:
    array, _kept = olm.events_of([(room.late[0], "$0"), (room.late[1], "$1")])
    place, broken = ffi.new("e2ee_step **"), ffi.from_buffer(b"\xff")
    array[1].event_id, array[1].event_id_len = ffi.cast("char *", broken), 1
    reader = room.reader()

    with pytest.raises(e2ee.InvalidArgumentError):
        check(lib.e2ee_olm_inbound_group_session_decrypt_many(reader.pointer, array, 2, place))

    assert reader.decrypt(room.late[0], "$another").release() == (2, b"late 0")
