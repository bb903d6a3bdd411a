# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sender keys that the caller stores: steps, loading, and what goes wrong without them."""

from __future__ import annotations

import copy
import pickle
import secrets
from uuid import UUID, uuid4

import pytest

import e2ee
from e2ee import Address, signal

ALICE, BOB = Address("alice"), Address("bob")
GROUP = 7

Rows = dict[str, tuple[int, bytes]]


class Club:
    """Alice's chain, Bob who has it, and what both have saved."""

    def __init__(self) -> None:
        self.key = signal.StateKey(secrets.token_bytes(32))
        self.id = uuid4()
        self.own = signal.SenderKey.create(self.key, self.id)
        self.received = signal.SenderKeys(self.key, ALICE, self.id)
        self.alice_rows: Rows = {}
        self.bob_rows: Rows = {}
        step = self.received.accept(self.own.distribution())
        self.bob_rows.update(step.writes)
        assert step.release() == b""

    def write(self, plaintext: bytes) -> bytes:
        """Alice encrypts, and saves."""
        step = self.own.encrypt(plaintext)
        assert step.kind == GROUP
        self.alice_rows.update(step.writes)
        return step.release()

    def read(self, message: bytes) -> bytes:
        """Bob decrypts, and saves."""
        step = self.received.decrypt(message)
        self.bob_rows.update(step.writes)
        return step.release()

    def load_own(self, rows: Rows, group: UUID | None = None) -> signal.SenderKey:
        """Alice's chain as it was saved."""
        return signal.SenderKey.load(self.key, group or self.id, rows["sending"])

    def load_received(self, rows: Rows, sender: Address = ALICE) -> signal.SenderKeys:
        """What Bob has, as it was saved."""
        records = [rows["head"], rows["skipped"]]
        return signal.SenderKeys.load(self.key, sender, self.id, records)


@pytest.fixture
def club() -> Club:
    return Club()


def test_messages_open_in_any_order_and_once(club: Club) -> None:
    messages = [club.write(b"%d" % number) for number in range(3)]

    assert [club.read(messages[number]) for number in (2, 0, 1)] == [b"2", b"0", b"1"]
    with pytest.raises(e2ee.DuplicateMessageError):
        club.read(messages[1])


def test_loaded_keys_go_on_where_they_were_saved(club: Club) -> None:
    late, second = club.write(b"late"), club.write(b"second")
    club.read(second)

    club.own, club.received = club.load_own(club.alice_rows), club.load_received(club.bob_rows)

    assert club.read(club.write(b"third")) == b"third"
    assert club.read(late) == b"late"
    with pytest.raises(e2ee.DuplicateMessageError):
        club.read(second)


def test_only_what_changed_is_written(club: Club) -> None:
    assert set(club.own.encrypt(b"").writes) == {"sending"}
    club = Club()
    club.write(b"lost")

    late = club.received.decrypt(club.write(b"text"))

    assert set(late.writes) == {"head", "skipped"}
    late.release()
    assert set(club.received.decrypt(club.write(b"next")).writes) == {"head"}


def test_an_open_step_keeps_a_key_from_going_on(club: Club) -> None:
    message = club.write(b"text")
    steps = [club.own.encrypt(b"open"), club.received.decrypt(message)]

    with pytest.raises(e2ee.StaleSessionError):
        club.own.encrypt(b"next")
    with pytest.raises(e2ee.StaleSessionError):
        club.own.distribution()
    with pytest.raises(e2ee.StaleSessionError):
        club.received.decrypt(message)
    for step in steps:
        step.release()
    assert club.own.distribution()


def test_a_dropped_step_leaves_a_key_stale(club: Club) -> None:
    club.own.encrypt(b"dropped")

    with pytest.raises(e2ee.StaleSessionError):
        club.own.encrypt(b"next")


def test_a_refused_message_changes_nothing(club: Club) -> None:
    message = club.write(b"text")
    for altered in (message[:-1], message[:-1] + bytes([message[-1] ^ 1]), message + b"\0"):
        with pytest.raises(e2ee.E2EEError):
            club.received.decrypt(altered)

    assert club.read(message) == b"text"


def test_a_message_or_an_invitation_of_another_group_is_refused(club: Club) -> None:
    other = Club()

    with pytest.raises(e2ee.NoSenderKeyError):
        club.received.decrypt(other.write(b"text"))
    with pytest.raises(e2ee.InvalidArgumentError):
        club.received.accept(other.own.distribution())
    with pytest.raises(e2ee.MalformedMessageError):
        club.received.accept(b"\x33")
    assert club.read(club.write(b"text")) == b"text"


def test_a_late_joiner_reads_nothing_from_before(club: Club) -> None:
    before = club.write(b"before")
    joiner = signal.SenderKeys(club.key, ALICE, club.id)
    joiner.accept(club.own.distribution()).release()

    with pytest.raises(e2ee.DuplicateMessageError):
        joiner.decrypt(before)
    assert joiner.decrypt(club.write(b"after")).release() == b"after"


def test_records_in_each_others_place_are_damage(club: Club) -> None:
    club.write(b"lost")
    old = dict(club.bob_rows)
    club.read(club.write(b"text"))
    rows = club.bob_rows

    for wrong in (
        rows | {"head": old["head"]},
        rows | {"skipped": old["skipped"]},
        {"head": rows["skipped"], "skipped": rows["head"]},
    ):
        with pytest.raises(e2ee.StoreCorruptionError):
            club.load_received(wrong)
    with pytest.raises(e2ee.StoreCorruptionError):
        club.load_received(rows, BOB)
    with pytest.raises(e2ee.StoreCorruptionError):
        club.load_own(club.alice_rows, uuid4())
    with pytest.raises(e2ee.StoreCorruptionError):
        club.load_own({"sending": (1, club.alice_rows["sending"][1])})


@pytest.mark.parametrize("act", [copy.copy, pickle.dumps])
def test_keys_are_not_copied(club: Club, act: object) -> None:
    assert callable(act)
    for holder in (club.own, club.received):
        with pytest.raises(TypeError):
            act(holder)
