# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats over a store: what they send, open, keep and refuse."""

from __future__ import annotations

import dataclasses
import pickle
import secrets
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import mtproto
from tests.api.anchored import Register
from tests.api.secret_chat_pair import Pair, begin, group, text
from tests.properties.world import put_rows, read_rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pair() -> Pair:
    return begin()


def opened_store(place: Path, key: bytes) -> e2ee.SQLiteStore:
    return e2ee.SQLiteStore(place, key=key)


def test_both_ends_agree_on_a_key_and_its_picture(pair: Pair) -> None:
    ours, theirs = pair.alice.state(), pair.bob.state()

    assert ours is not None
    assert theirs is not None
    assert (ours.originator, theirs.originator) == (True, False)
    assert ours.key_fingerprint == theirs.key_fingerprint
    assert ours.picture == theirs.picture
    assert (ours.layer, ours.their_layer) == (144, 144)


def test_messages_come_in_their_order_in_both_directions(pair: Pair) -> None:
    leaving = [*pair.alice.encrypt(text(1)), *pair.alice.encrypt(text(2))]

    assert pair.settle(leaving, pair.bob.encrypt(text(3))) == ([text(3)], [text(1), text(2)])


def test_a_late_message_is_waited_for(pair: Pair) -> None:
    first, second = (pair.alice.encrypt(text(number)) for number in (1, 2))

    early = pair.bob.receive(second[0].data)
    state = pair.bob.state()
    again = pair.alice.receive(early.outgoing[0].data)

    assert early.messages == ()
    assert state is not None
    assert state.missing
    assert [message.data for message in again.outgoing] == [first[0].data]
    assert pair.settle(again.outgoing) == ([], [text(1), text(2)])


def test_a_repeated_message_is_to_be_ignored(pair: Pair) -> None:
    (message,) = pair.alice.encrypt(text(1))
    pair.bob.receive(message.data)

    with pytest.raises(e2ee.IgnoredMessageError):
        pair.bob.receive(message.data)


@pytest.mark.parametrize("data", [b"", bytes(39), bytes(range(120))])
def test_a_message_of_another_key_is_to_be_ignored(pair: Pair, data: bytes) -> None:
    with pytest.raises(e2ee.IgnoredMessageError):
        pair.bob.receive(data)


@pytest.mark.parametrize("place", [8, 23, 24, 40, -1])
def test_an_altered_message_ends_the_chat_and_changes_nothing(pair: Pair, place: int) -> None:
    (message,) = pair.alice.encrypt(text(1))
    altered = bytearray(message.data)
    altered[place] ^= 1

    with pytest.raises(e2ee.FatalChatError):
        pair.bob.receive(bytes(altered))

    assert pair.settle([message]) == ([], [text(1)])


def test_a_message_stays_in_the_inbox_until_it_is_handled(pair: Pair) -> None:
    leaving = [pair.alice.encrypt(text(number))[0] for number in range(20)]
    pair.settle(leaving)

    waiting = pair.chats[1].inbox()
    assert [message.body for message in waiting] == [text(number) for number in range(20)]
    for message in waiting:
        pair.chats[1].handled(message)
    with pytest.raises(e2ee.DuplicateMessageError):
        pair.chats[1].handled(waiting[0])

    assert pair.chats[1].inbox() == []


def test_the_key_changes_after_a_hundred_messages(pair: Pair) -> None:
    before = pair.alice.state()
    for number in range(101):
        pair.settle(pair.alice.encrypt(text(number)))
    after, theirs = pair.alice.state(), pair.bob.state()

    assert before is not None
    assert after is not None
    assert theirs is not None
    assert before.key_fingerprint != after.key_fingerprint
    assert after.key_fingerprint == theirs.key_fingerprint
    assert before.picture == after.picture


def test_a_key_cannot_be_asked_for_twice(pair: Pair) -> None:
    pair.alice.change_key()

    with pytest.raises(e2ee.InvalidArgumentError):
        pair.alice.change_key()


def test_what_the_server_may_not_have_is_there_after_a_new_start(tmp_path: Path) -> None:
    key, place = secrets.token_bytes(32), tmp_path / "chats.db"
    store = opened_store(place, key)
    pair = begin(store)
    for message in pair.alice.unposted():
        pair.alice.posted(message)
    (leaving,) = pair.alice.encrypt(text(1))
    store.close()

    again = mtproto.SecretChats.open(opened_store(place, key))
    (chat,) = again.chats()

    assert chat.unposted() == (leaving,)
    chat.posted(leaving)
    assert chat.unposted() == ()
    pair.alice = chat
    assert pair.settle([leaving]) == ([], [text(1)])


@pytest.mark.parametrize(("of_another", "number"), [(1, 1), (0, 99)])
def test_only_a_message_of_the_chat_can_be_posted(pair: Pair, of_another: int, number: int) -> None:
    (message,) = pair.alice.encrypt(text(1))
    waiting = pair.alice.unposted()
    chat_id = message.chat_id ^ of_another

    with pytest.raises(e2ee.InvalidArgumentError):
        pair.alice.posted(dataclasses.replace(message, chat_id=chat_id, number=number))

    assert pair.alice.unposted() == waiting


def test_a_request_for_a_key_that_is_deleted_is_sent_all_the_same(pair: Pair) -> None:
    before = pair.alice.state()
    (request,) = pair.alice.change_key()

    leaving = pair.alice.delete_messages([request.message_id])
    pair.settle([request, *leaving])
    after = pair.alice.state()

    assert len(leaving) == 1
    assert before is not None
    assert after is not None
    assert before.key_fingerprint != after.key_fingerprint


def test_a_deletion_before_the_layer_rose_ends_no_chat() -> None:
    ours = mtproto.SecretChats.create(e2ee.MemoryStore(), "alice")
    theirs = mtproto.SecretChats.create(e2ee.MemoryStore(), "bob")
    offer = ours.offer("bob", group())
    answer = theirs.accept(offer.chat_id, "alice", offer.g_a, group())
    ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)
    alice, bob = ours.chat(offer.chat_id), theirs.chat(offer.chat_id)
    for number in (1, 2):
        alice.encrypt(text(number))
    for message in answer.outgoing:
        alice.receive(message.data)

    alice.delete_messages([1])
    opened = [each for sent in alice.unposted() for each in bob.receive(sent.data).messages]

    assert [each.body for each in opened][1] == text(2)
    assert [each.layer for each in opened] == [73, 73, 144]


def test_a_deleted_message_is_not_sent_again(pair: Pair) -> None:
    pair.alice.encrypt(text(1))
    leaving = pair.alice.delete_messages([1])

    _, opened = pair.settle([leaving[-1]])

    assert len(opened) == 2
    assert text(1) not in opened


def test_a_closed_chat_leaves_nothing_but_the_inbox(pair: Pair) -> None:
    pair.settle(pair.alice.encrypt(text(1)))
    pair.bob.close()

    with pytest.raises(e2ee.NoSessionError):
        pair.bob.encrypt(text(2))
    with pytest.raises(e2ee.NoSessionError):
        pair.bob.close()
    assert pair.chats[1].chats() == []
    assert [message.body for message in pair.chats[1].inbox()] == [text(1)]


def test_a_chat_that_waits_for_its_answer_sends_nothing() -> None:
    chats = mtproto.SecretChats.create(e2ee.MemoryStore(), "alice")
    chat = chats.chat(chats.offer("bob", group()).chat_id)

    assert chat.state() is None
    with pytest.raises(e2ee.NoSessionError):
        chat.encrypt(text(1))
    with pytest.raises(e2ee.NoSessionError):
        chat.receive(bytes(64))


def test_another_fingerprint_than_ours_ends_the_beginning() -> None:
    ours = mtproto.SecretChats.create(e2ee.MemoryStore(), "alice")
    theirs = mtproto.SecretChats.create(e2ee.MemoryStore(), "bob")
    offer = ours.offer("bob", group())
    answer = theirs.accept(offer.chat_id, "alice", offer.g_a, group())

    with pytest.raises(e2ee.AuthenticationError):
        ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint ^ 1)
    with pytest.raises(e2ee.InvalidKeyError):
        ours.confirm(offer.chat_id, bytes(256), answer.key_fingerprint)

    assert len(ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)) == 1


def test_a_chat_of_a_known_number_is_not_accepted_again(pair: Pair) -> None:
    offer = pair.chats[0].offer("bob", group())

    with pytest.raises(e2ee.InvalidArgumentError):
        pair.chats[1].accept(pair.bob.chat_id, "alice", offer.g_a, group())


@pytest.mark.parametrize("message", [b"", bytes(3), bytes(5), bytes(1 << 20)])
def test_what_is_no_object_is_not_sent(pair: Pair, message: bytes) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        pair.alice.encrypt(message)


def test_a_store_that_was_set_back_is_found_by_its_anchor_and_healed() -> None:
    key, anchor = secrets.token_bytes(32), Register()
    store = e2ee.MemoryStore(key=key, anchor=anchor)
    pair = begin(store)
    rows = read_rows(store)
    pair.settle(pair.alice.encrypt(text(1)))
    set_back = e2ee.MemoryStore(key=key, anchor=anchor)
    put_rows(set_back, rows)

    chats = mtproto.SecretChats.open(set_back)
    with pytest.raises(e2ee.StoreRollbackError):
        chats.chats()[0].encrypt(text(2))

    assert chats.heal() == [pair.alice.chat_id]
    assert chats.chats() == []
    assert chats.offer("bob", group()).chat_id != 0


def test_chats_are_not_copied(pair: Pair) -> None:
    for each in (pair.alice, pair.chats[0]):
        with pytest.raises(TypeError):
            pickle.dumps(each)


def test_an_account_is_not_opened_as_chats_and_chats_not_as_an_account() -> None:
    accounts, chats = e2ee.MemoryStore(), e2ee.MemoryStore()
    e2ee.Account.create(accounts, "alice")
    mtproto.SecretChats.create(chats, "alice")

    with pytest.raises(e2ee.InvalidArgumentError):
        mtproto.SecretChats.open(accounts)
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.Account.open(chats)


@pytest.mark.parametrize("layer", [-1, 72, 145])
def test_only_layers_of_the_protocol_are_named(layer: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        mtproto.SecretChats.create(e2ee.MemoryStore(), "alice", layer=layer)


@pytest.mark.parametrize("number", [1 << 31, -(1 << 31) - 1, 1 << 63])
def test_a_number_that_no_server_gives_is_out_of_range(pair: Pair, number: int) -> None:
    ours = pair.chats[0]

    for call in (
        lambda: ours.chat(number),
        lambda: ours.accept(number, "bob", bytes(256), group()),
        lambda: ours.confirm(number, bytes(256), 0),
        lambda: ours.confirm(1, bytes(256), number << 32),
        lambda: pair.alice.delete_messages([number << 32]),
        lambda: mtproto.SecretChats.create(e2ee.MemoryStore(), "alice", layer=number),
    ):
        with pytest.raises(e2ee.InvalidArgumentError):
            call()
