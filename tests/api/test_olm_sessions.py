# SPDX-License-Identifier: MIT OR Apache-2.0
"""Olm sessions that the caller stores: steps, loading, and what goes wrong."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest

from e2ee import (
    AuthenticationError,
    DuplicateMessageError,
    E2EEError,
    MalformedMessageError,
    MessageTooFarAheadError,
    StaleSessionError,
    StoreCorruptionError,
    UnsupportedVersionError,
    olm,
)
from tests.api.olm_pair import NORMAL, PARTS, PREKEY, Pair, one_time_key

#: olm_megolm.md §1.4.
MAX_JUMP = 2_000


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_first_messages_are_prekey_messages_until_the_answer(pair: Pair) -> None:
    step = pair.sending.encrypt(b"again")
    assert step.kind == PREKEY
    assert pair.receiving.decrypt(PREKEY, step.release()).release() == b"again"
    before = pair.sending.has_received

    pair.answer()

    assert (before, pair.sending.has_received) == (False, True)
    step = pair.sending.encrypt(b"now normal")
    assert step.kind == NORMAL
    assert pair.receiving.decrypt(NORMAL, step.release()).release() == b"now normal"


def test_both_ends_name_the_session_alike(pair: Pair) -> None:
    assert pair.sending.session_id == pair.receiving.session_id
    assert len(pair.sending.session_id) == 32
    assert pair.sending.session_id.hex() == pair.sending.name
    assert pair.sending.their_identity_key == pair.bob.identity_key
    assert pair.receiving.their_identity_key == pair.alice.identity_key


def test_a_session_knows_its_prekey_messages(pair: Pair) -> None:
    other = Pair()

    assert pair.receiving.matches(pair.send(b"more"))
    assert pair.sending.matches(pair.first)
    assert not other.receiving.matches(pair.first)
    with pytest.raises(MalformedMessageError):
        pair.receiving.matches(b"\x03")
    with pytest.raises(UnsupportedVersionError):
        pair.receiving.matches(b"\x04" + pair.first[1:])


def test_a_session_starts_from_a_later_message(pair: Pair) -> None:
    account = olm.Account.generate()
    session = olm.Session.initiate(
        pair.key,
        pair.alice,
        identity_key=account.identity_key,
        one_time_key=one_time_key(account),
    )
    early, late = (session.encrypt(text).release() for text in (b"early", b"late"))

    receiving, step = olm.Session.accept(pair.key, account, None, late)

    assert step.release() == b"late"
    assert receiving.decrypt(PREKEY, early).release() == b"early"


def test_a_loaded_session_goes_on_where_it_was_saved(pair: Pair) -> None:
    session = pair.load(pair.saved)

    message = session.encrypt(b"after loading").release()

    assert pair.receiving.decrypt(PREKEY, message).release() == b"after loading"


def test_an_ordinary_message_rewrites_the_head_alone(pair: Pair) -> None:
    pair.answer()
    step = pair.sending.encrypt(b"text")
    assert list(step.writes) == ["head"]

    opened = pair.receiving.decrypt(NORMAL, step.release())

    assert set(opened.writes) == {"head", "chains"}
    opened.release()
    opened = pair.receiving.decrypt(NORMAL, pair.send(b"text"))
    assert list(opened.writes) == ["head"]
    opened.release()


def test_an_open_step_keeps_the_session_from_going_on(pair: Pair) -> None:
    step = pair.sending.encrypt(b"open")

    with pytest.raises(StaleSessionError):
        pair.sending.encrypt(b"too early")

    step.release()
    pair.sending.encrypt(b"now").release()
    with pytest.raises(StaleSessionError):
        step.release()


def test_a_dropped_step_leaves_the_session_stale(pair: Pair) -> None:
    step = pair.sending.encrypt(b"dropped")
    del step

    with pytest.raises(StaleSessionError):
        pair.sending.encrypt(b"after it")
    pair.load(pair.saved).encrypt(b"loaded again").release()


def test_a_refused_message_changes_nothing(pair: Pair) -> None:
    message = pair.send(b"intact")
    damaged = message[:-1] + bytes([message[-1] ^ 1])

    with pytest.raises(AuthenticationError):
        pair.receiving.decrypt(PREKEY, damaged)
    assert pair.receiving.decrypt(PREKEY, message).release() == b"intact"
    with pytest.raises(DuplicateMessageError):
        pair.receiving.decrypt(PREKEY, message)
    with pytest.raises(MalformedMessageError):
        pair.receiving.decrypt(NORMAL, b"")
    for kind in (2, 9):
        with pytest.raises(MalformedMessageError):
            pair.receiving.decrypt(kind, message)


def test_many_messages_open_as_one_step(pair: Pair) -> None:
    messages = [(PREKEY, pair.send(text)) for text in (b"one", b"two", b"three")]

    step = pair.receiving.decrypt_many([messages[2], (NORMAL, b"noise"), *messages[:2]])

    assert set(step.writes) == {"head", "skipped"}
    opened = step.release()
    assert [opened[0], *opened[2:]] == [b"three", b"one", b"two"]
    assert isinstance(opened[1], E2EEError)


@pytest.mark.parametrize("ahead", [MAX_JUMP - 1, MAX_JUMP, MAX_JUMP + 1])
def test_a_message_may_be_as_far_ahead_as_the_limit(pair: Pair, ahead: int) -> None:
    for _ in range(ahead):
        pair.sending.encrypt(b"lost").release()
    far = pair.send(b"far")

    if ahead > MAX_JUMP:
        with pytest.raises(MessageTooFarAheadError):
            pair.receiving.decrypt(PREKEY, far)
    else:
        assert pair.receiving.decrypt(PREKEY, far).release() == b"far"


@pytest.mark.parametrize("part", PARTS)
def test_mixed_parts_are_found(pair: Pair, part: str) -> None:
    older = dict(pair.saved)
    pair.answer()
    pair.receiving.encrypt(b"lost").release()
    step = pair.sending.decrypt(NORMAL, pair.receiving.encrypt(b"late").release())
    pair.saved.update(step.writes)
    step.release()
    pair.receiving.decrypt(NORMAL, pair.send(b"turn")).release()
    pair.answer()

    assert all(older[each][0] < pair.saved[each][0] for each in PARTS)
    with pytest.raises(StoreCorruptionError):
        pair.load({**pair.saved, part: older[part]})
    with pytest.raises(StoreCorruptionError):
        olm.Session.load(pair.key, ("00" * 32, [pair.saved[each] for each in PARTS]))
    pair.load(pair.saved)


def test_nothing_can_be_copied(pair: Pair) -> None:
    step = pair.sending.encrypt(b"step")
    for thing in (pair.bob, pair.sending, step):
        with pytest.raises(TypeError):
            copy.copy(thing)
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    step.release()


def test_threads_never_share_a_step(pair: Pair) -> None:
    messages: list[bytes] = []
    refused: list[StaleSessionError] = []

    def work() -> None:
        for _ in range(200):
            try:
                messages.append(pair.sending.encrypt(b"from a thread").release())
            except StaleSessionError as error:
                refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(messages) + len(refused) == 800
    assert len(set(messages)) == len(messages)
    for message in messages:
        assert pair.receiving.decrypt(PREKEY, message).release() == b"from a thread"
