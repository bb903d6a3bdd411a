# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sessions that the caller stores: steps, loading, and what goes wrong without them."""

from __future__ import annotations

import copy
import pickle
import secrets
import threading

import pytest

from e2ee import (
    Address,
    AuthenticationError,
    DuplicateMessageError,
    InvalidArgumentError,
    MalformedMessageError,
    StaleSessionError,
    StoreCorruptionError,
    UnknownPreKeyError,
    signal,
)

ALICE, BOB = Address("alice"), Address("bob")
RATCHET, PREKEY = 2, 3


class Pair:
    """Two devices with a session between them, saved in two dictionaries."""

    def __init__(self) -> None:
        self.key = signal.StateKey(secrets.token_bytes(32))
        self.alice = signal.Device.generate("alice", 1)
        self.bob = signal.Device.generate("bob", 1)
        self.sending = signal.Session.initiate(self.key, self.alice, BOB, self.bob.bundle())
        self.saved: dict[str, tuple[int, bytes]] = {}
        self.first = self.send(b"first")
        self.receiving, step = signal.Session.accept(self.key, self.bob, ALICE, self.first)
        assert step.release() == b"first"

    def send(self, plaintext: bytes) -> bytes:
        """Encrypts on Alice's session, and saves."""
        step = self.sending.encrypt(plaintext)
        self.saved.update(step.writes)
        return step.release()

    def load(self, saved: dict[str, tuple[int, bytes]]) -> signal.Session:
        """Alice's session as it was saved."""
        records = [saved[part] for part in ("head", "objects", "skipped")]
        return signal.Session.load(self.key, self.alice, BOB, (self.sending.name, records))


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_first_messages_are_prekey_messages_until_the_answer(pair: Pair) -> None:
    step = pair.sending.encrypt(b"again")
    assert step.kind == PREKEY
    assert pair.receiving.decrypt(PREKEY, step.release()).release() == b"again"

    answer = pair.receiving.encrypt(b"answer")
    assert answer.kind == RATCHET
    assert pair.sending.decrypt(RATCHET, answer.release()).release() == b"answer"
    step = pair.sending.encrypt(b"now plain")
    assert step.kind == RATCHET
    step.release()


def test_a_loaded_session_goes_on_where_it_was_saved(pair: Pair) -> None:
    session = pair.load(pair.saved)

    message = session.encrypt(b"after loading").release()

    assert pair.receiving.decrypt(PREKEY, message).release() == b"after loading"


def test_an_open_step_keeps_the_session_from_going_on(pair: Pair) -> None:
    step = pair.sending.encrypt(b"open")

    with pytest.raises(StaleSessionError):
        pair.sending.encrypt(b"too early")

    step.release()
    pair.sending.encrypt(b"now").release()


def test_a_step_is_released_once(pair: Pair) -> None:
    step = pair.sending.encrypt(b"once")
    step.release()

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
        pair.receiving.decrypt(RATCHET, b"")
    with pytest.raises(MalformedMessageError):
        pair.receiving.decrypt(9, message)


def test_one_time_keys_serve_one_session(pair: Pair) -> None:
    with pytest.raises(UnknownPreKeyError):
        signal.Session.accept(pair.key, pair.bob, ALICE, pair.first)


def test_a_device_is_loaded_as_it_was_sealed(pair: Pair) -> None:
    revision, record = pair.bob.seal(pair.key)
    loaded = signal.Device.load(pair.key, revision, record)
    session = signal.Session.initiate(pair.key, pair.alice, BOB, loaded.bundle(reusable=True))
    message = session.encrypt(b"to the loaded one").release()

    _, step = signal.Session.accept(pair.key, loaded, ALICE, message)

    assert loaded.identity_key == pair.bob.identity_key
    assert step.release() == b"to the loaded one"


@pytest.mark.parametrize("part", ["head", "objects", "skipped"])
def test_mixed_parts_are_found(pair: Pair, part: str) -> None:
    older = dict(pair.saved)
    answer = pair.receiving.encrypt(b"answer").release()
    step = pair.sending.decrypt(RATCHET, answer)
    pair.saved.update(step.writes)
    step.release()
    for _ in range(2):
        pair.receiving.encrypt(b"lost").release()
    step = pair.sending.decrypt(RATCHET, pair.receiving.encrypt(b"late").release())
    pair.saved.update(step.writes)
    step.release()

    with pytest.raises(StoreCorruptionError):
        pair.load({**pair.saved, part: older[part]})
    pair.load(pair.saved)


def test_another_key_opens_nothing(pair: Pair) -> None:
    other = signal.StateKey(bytes(32))
    revision, record = pair.bob.seal(pair.key)

    with pytest.raises(StoreCorruptionError):
        signal.Device.load(other, revision, record)


def test_a_state_key_has_32_bytes() -> None:
    for length in (0, 31, 33):
        with pytest.raises(InvalidArgumentError):
            signal.StateKey(bytes(length))


def test_nothing_can_be_copied(pair: Pair) -> None:
    step = pair.sending.encrypt(b"step")
    for thing in (pair.key, pair.bob, pair.sending, step):
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
