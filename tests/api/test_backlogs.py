# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many messages in one call of `e2ee.signal`: the same bytes and states as one after the other."""

from __future__ import annotations

import copy
import pickle
import secrets
import threading
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import e2ee
from e2ee import Address, signal

if TYPE_CHECKING:
    from collections.abc import Callable

ALICE, BOB = Address("alice"), Address("bob")
RATCHET, PREKEY = 2, 3

Rows = dict[str, tuple[int, bytes]]
#: More than one thread takes, so that the work is shared where there are cores.
MANY = 150


def names(results: list[bytes | e2ee.E2EEError]) -> list[bytes | str]:
    """Plaintexts as they are, errors by the names of their classes."""
    return [each if isinstance(each, bytes) else type(each).__name__ for each in results]


def one_by_one(reader: signal.SenderKeys, messages: list[bytes]) -> list[bytes | str]:
    """What the messages give one after the other."""
    results: list[bytes | str] = []
    for message in messages:
        try:
            results.append(reader.decrypt(message).release())
        except e2ee.E2EEError as refused:
            results.append(type(refused).__name__)
    return results


class Club:
    """Alice's chain, and two readers who have it."""

    def __init__(self) -> None:
        self.key = signal.StateKey(secrets.token_bytes(32))
        self.id = uuid4()
        self.own = signal.SenderKey.create(self.key, self.id)
        self.readers = [signal.SenderKeys(self.key, ALICE, self.id) for _ in range(2)]
        self.rows: Rows = {}
        for reader in self.readers:
            step = reader.accept(self.own.distribution())
            self.rows.update(step.writes)
            step.release()

    def written(self, count: int) -> list[bytes]:
        """So many messages of Alice."""
        return [self.own.encrypt(b"%d" % number).release() for number in range(count)]

    def mixed(self) -> list[bytes]:
        """Messages out of order, twice, forged, cut, of another group, and too far ahead."""
        first = self.written(MANY)
        messages = [*first[10:], *first[:9], first[3], first[70]]
        messages[40] = messages[40][:-1] + bytes([messages[40][-1] ^ 1])
        messages.insert(60, messages[61][:30])
        other = signal.SenderKey.create(self.key, uuid4())
        messages.insert(80, other.encrypt(b"elsewhere").release())
        stranger = signal.SenderKey.create(self.key, self.id)
        messages.insert(90, stranger.encrypt(b"who is this").release())
        return [*messages, first[9], b""]


@pytest.fixture
def club() -> Club:
    return Club()


def test_a_backlog_of_a_group_gives_what_one_by_one_gives(club: Club) -> None:
    messages = club.mixed()
    alone, together = club.readers

    step = together.decrypt_many(messages)

    expected = one_by_one(alone, messages)
    assert names(step.release()) == expected
    assert {
        "AuthenticationError",
        "DuplicateMessageError",
        "MalformedMessageError",
        "NoSenderKeyError",
    } <= {each for each in expected if isinstance(each, str)}


def test_a_backlog_of_a_group_is_stored_with_its_step(club: Club) -> None:
    messages = club.written(MANY)
    late, other = messages.pop(20), messages.pop(60)
    reader = club.readers[0]

    step = reader.decrypt_many(messages)
    club.rows.update(step.writes)
    step.release()

    records = [club.rows["head"], club.rows["skipped"]]
    loaded = signal.SenderKeys.load(club.key, ALICE, club.id, records)
    again = loaded.decrypt_many([messages[5], late, other, *club.written(1)])
    assert names(again.release()) == ["DuplicateMessageError", b"20", b"61", b"0"]


def test_a_group_message_that_is_forged_in_a_backlog_opens_later(club: Club) -> None:
    messages = club.written(3)
    forged = messages[1][:-1] + bytes([messages[1][-1] ^ 1])
    reader = club.readers[0]

    step = reader.decrypt_many([messages[0], forged, messages[2]])

    assert names(step.release()) == [b"0", "AuthenticationError", b"2"]
    assert reader.decrypt(messages[1]).release() == b"1"


def test_an_empty_backlog_is_a_step_too(club: Club) -> None:
    step = club.readers[0].decrypt_many([])

    assert list(step.writes) == ["head"]
    assert step.release() == []


class Pairs:
    """Sessions of one sender with many others."""

    def __init__(self, count: int) -> None:
        self.key = signal.StateKey(secrets.token_bytes(32))
        self.alice = signal.Device.generate("alice", 1)
        self.bob = signal.Device.generate("bob", 1)
        bundle = self.bob.bundle(reusable=True)
        self.sending = [
            signal.Session.initiate(self.key, self.alice, BOB, bundle) for _ in range(count)
        ]

    def accepted(self, message: bytes) -> tuple[signal.Session, bytes]:
        """The other end of a session, and what its first message says."""
        session, step = signal.Session.accept(self.key, self.bob, ALICE, message)
        return session, step.release()


def messages(results: list[tuple[int, bytes] | e2ee.E2EEError]) -> list[bytes]:
    """All of them; none is an error."""
    assert all(isinstance(each, tuple) for each in results)
    return [each[1] for each in results if isinstance(each, tuple)]


def test_one_text_goes_to_many_sessions() -> None:
    pairs = Pairs(MANY)

    step = signal.encrypt_many([(each, b"to all") for each in pairs.sending])

    rows = step.writes
    parts = ("objects", "skipped", "head")
    places = [(place, part, 1) for place in range(MANY) for part in parts]
    assert [row[:3] for row in rows] == places
    assert len({sealed[1:13] for *_, sealed in rows}) == len(rows)
    sent = step.release()
    assert {each[0] for each in sent if isinstance(each, tuple)} == {PREKEY}
    assert {pairs.accepted(each)[1] for each in messages(sent)} == {b"to all"}


def test_each_session_gets_its_own_text_in_its_place() -> None:
    pairs = Pairs(MANY)
    texts = [b"%d" % number for number in range(MANY)]

    step = signal.encrypt_many(list(zip(pairs.sending, texts, strict=True)))

    assert [pairs.accepted(each)[1] for each in messages(step.release())] == texts


def test_sessions_of_a_spread_are_loaded_from_what_it_writes() -> None:
    pairs = Pairs(2)
    step = signal.encrypt_many([(each, b"x") for each in pairs.sending])
    rows = {(place, name): (revision, sealed) for place, name, revision, sealed in step.writes}
    sent = messages(step.release())

    for place, session in enumerate(pairs.sending):
        records = [rows[place, part] for part in ("head", "objects", "skipped")]
        loaded = signal.Session.load(pairs.key, pairs.alice, BOB, (session.name, records))
        other, _ = pairs.accepted(sent[place])
        more = loaded.encrypt(b"more").release()
        assert other.decrypt(PREKEY, more).release() == b"more"


def test_a_session_that_refuses_does_not_hold_up_the_others() -> None:
    pairs = Pairs(3)
    busy = pairs.sending[1].encrypt(b"not saved yet")

    step = signal.encrypt_many([(each, b"x") for each in pairs.sending])

    assert {place for place, *_ in step.writes} == {0, 2}
    assert [type(each) for each in step.release()] == [tuple, e2ee.StaleSessionError, tuple]
    busy.release()
    assert pairs.sending[1].encrypt(b"saved now").release()


def test_a_session_may_come_once() -> None:
    pairs = Pairs(2)
    first, second = pairs.sending

    results = signal.encrypt_many([(first, b"1"), (second, b"2"), (first, b"3")]).release()

    assert isinstance(results[2], e2ee.StaleSessionError)
    assert [pairs.accepted(each)[1] for each in messages(results[:2])] == [b"1", b"2"]
    assert first.encrypt(b"4").release()


def test_a_spread_is_released_once() -> None:
    pairs = Pairs(2)
    step = signal.encrypt_many([(each, b"x") for each in pairs.sending])

    with pytest.raises(e2ee.StaleSessionError):
        pairs.sending[0].encrypt(b"too early")

    step.release()
    with pytest.raises(e2ee.StaleSessionError):
        step.release()
    assert pairs.sending[0].encrypt(b"now").release()


def test_a_spread_that_is_dropped_leaves_its_sessions_stale() -> None:
    pairs = Pairs(2)

    signal.encrypt_many([(each, b"x") for each in pairs.sending])

    for session in pairs.sending:
        with pytest.raises(e2ee.StaleSessionError):
            session.encrypt(b"y")


def test_a_spread_over_nothing_is_a_step_too() -> None:
    step = signal.encrypt_many([])

    assert step.writes == []
    assert step.release() == []


def test_threads_with_the_same_sessions_do_not_wait_for_each_other_for_ever() -> None:
    pairs = Pairs(MANY)
    steps: list[signal.SpreadStep] = []

    def run(sessions: list[signal.Session]) -> None:
        steps.append(signal.encrypt_many([(each, b"x") for each in sessions]))

    threads = [
        threading.Thread(target=run, args=(sessions,))
        for sessions in (pairs.sending, pairs.sending[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert not any(thread.is_alive() for thread in threads)
    results = [each for step in steps for each in step.release()]
    assert sum(isinstance(each, tuple) for each in results) == MANY


class Waiting:
    """A session, and messages that wait for it."""

    def __init__(self) -> None:
        pairs = Pairs(1)
        self.pairs, self.sending = pairs, pairs.sending[0]
        self.early = [self.sending.encrypt(b"%d" % number).release() for number in range(3)]
        self.receiving, self.first = pairs.accepted(self.early[0])
        answer = self.receiving.encrypt(b"answer").release()
        self.sending.decrypt(RATCHET, answer).release()
        self.late = [self.sending.encrypt(b"%d" % number).release() for number in range(3, 6)]
        self.backlog = [(PREKEY, each) for each in self.early] + [
            (RATCHET, each) for each in self.late[::-1]
        ]


def test_a_backlog_of_a_session_gives_what_one_by_one_gives() -> None:
    waiting = Waiting()
    forged = waiting.late[0][:-1] + bytes([waiting.late[0][-1] ^ 1])

    step = waiting.receiving.decrypt_many(
        [(RATCHET, forged), *waiting.backlog, (RATCHET, waiting.late[1]), (9, b""), (RATCHET, b"")]
    )

    assert names(step.release()) == [
        "AuthenticationError",
        "DuplicateMessageError",
        b"1",
        b"2",
        b"5",
        b"4",
        b"3",
        "DuplicateMessageError",
        "MalformedMessageError",
        "MalformedMessageError",
    ]


def test_a_backlog_of_a_session_is_one_step() -> None:
    waiting = Waiting()
    step = waiting.receiving.decrypt_many(waiting.backlog)

    with pytest.raises(e2ee.StaleSessionError):
        waiting.receiving.encrypt(b"too early")

    saved = step.writes
    assert waiting.receiving.name == waiting.sending.name
    assert saved.keys() >= {"head"}
    step.release()
    with pytest.raises(e2ee.StaleSessionError):
        step.release()
    assert waiting.receiving.encrypt(b"now").release()


def test_a_backlog_that_is_dropped_leaves_its_session_stale() -> None:
    waiting = Waiting()

    waiting.receiving.decrypt_many(waiting.backlog)

    with pytest.raises(e2ee.StaleSessionError):
        waiting.receiving.encrypt(b"x")


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_backlog_cannot_be_copied(duplicate: Callable[[object], object]) -> None:
    step = Waiting().receiving.decrypt_many([])

    with pytest.raises(TypeError):
        duplicate(step)
