# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a server and a thief of rows hold of secret chats opens nothing without their keys."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import mtproto
from tests.api.secret_chat_pair import group
from tests.operator.chats import message_of
from tests.properties.world import copy_of, put_rows, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.properties.world import Rows


@dataclass(slots=True)
class Taken:
    """What was taken, and what it may not reveal."""

    chat_id: int = 0
    #: What began the chat: both public values, and the fingerprint.
    agreed: tuple[bytes, bytes, int] = (b"", b"", 0)
    wires: list[bytes] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    #: Not taken.
    keys: list[bytes] = field(default_factory=list)
    plaintexts: list[bytes] = field(default_factory=list)

    def text(self) -> bytes:
        """A message with a text that stands nowhere else."""
        self.plaintexts.append(secrets.token_bytes(24))
        return message_of(self.plaintexts[-1])


@pytest.fixture(scope="module")
def taken() -> Taken:
    """Messages that were read, that wait in an inbox or for others, and that are under way."""
    found = Taken(keys=[secrets.token_bytes(32) for _ in range(2)])
    stores = [e2ee.MemoryStore(key=key) for key in found.keys]
    ours, theirs = (
        mtproto.SecretChats.create(store, name)
        for store, name in zip(stores, ("alice", "bob"), strict=True)
    )
    offer = ours.offer("bob", group())
    answer = theirs.accept(offer.chat_id, "alice", offer.g_a, group())
    found.chat_id = offer.chat_id
    found.agreed = (offer.g_a, answer.g_b, answer.key_fingerprint)
    leaving = [*ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)]
    ends = (ours.chat(offer.chat_id), theirs.chat(offer.chat_id))
    for message in answer.outgoing:
        ends[0].receive(message.data)
    for sender, receiver in (ends, ends[::-1]):
        for _ in range(3):
            leaving += sender.encrypt(found.text())
        late = sender.encrypt(found.text())
        early = sender.encrypt(found.text())
        asked = [
            request
            for message in (*leaving, *early)
            for request in receiver.receive(message.data).outgoing
        ]
        for request in asked:
            # What is sent again does not arrive.
            sender.receive(request.data)
        found.wires += [request.data for request in asked]
        found.wires += [message.data for message in (*leaving, *late, *early)]
        leaving = []
    found.wires += [message.data for message in answer.outgoing]
    ours.handled(ours.inbox()[0])
    ours.offer("carol", group())
    found.rows = [read_rows(store) for store in stores]
    return found


def chats_of_the_operator(taken: Taken) -> Iterator[mtproto.SecretChat]:
    """Chats of the operator's of the same number, which take the public values for a peer's."""
    g_a, g_b, fingerprint = taken.agreed
    for public in (g_a, g_b):
        chats = mtproto.SecretChats.create(e2ee.MemoryStore(), "mallory")
        chats.accept(taken.chat_id, "alice", public, group())
        yield chats.chat(taken.chat_id)
        begun = mtproto.SecretChats.create(e2ee.MemoryStore(), "mallory")
        offer = begun.offer("bob", group())
        with pytest.raises(e2ee.AuthenticationError):
            begun.confirm(offer.chat_id, public, fingerprint)


def test_no_plaintext_stands_in_what_was_taken(taken: Taken) -> None:
    every = [sealed for rows in taken.rows for _, sealed in rows.values()] + taken.wires
    names = [name.encode() for rows in taken.rows for name in rows]

    assert len(taken.plaintexts) == 10
    assert [text for text in taken.plaintexts for each in every if text in each] == []
    assert [who for who in (b"alice", b"bob", b"carol") for each in names if who in each] == []


def test_no_chat_under_the_same_number_opens_a_message(taken: Taken) -> None:
    opened = []
    for chat in chats_of_the_operator(taken):
        for wire in taken.wires:
            with suppress(e2ee.IgnoredMessageError):
                opened.append(chat.receive(wire))

    assert opened == []


def test_no_other_key_opens_the_rows(taken: Taken) -> None:
    for rows in taken.rows:
        for key in (bytes(32), bytes(range(32)), rows["store"][1][:32]):
            with pytest.raises(e2ee.StoreKeyError):
                mtproto.SecretChats.open(copy_of(rows, key))


def test_a_row_in_a_store_of_the_operators_opens_nothing(taken: Taken) -> None:
    opened = 0
    for rows in taken.rows:
        for name, row in rows.items():
            store = e2ee.MemoryStore()
            mtproto.SecretChats.create(store, "alice")
            put_rows(store, {**read_rows(store), name: row})
            with suppress(e2ee.StoreError):
                chats = mtproto.SecretChats.open(store)
                opened += len(chats.inbox()) + len(chats.chats())

    assert opened == 0


def test_a_message_that_was_altered_anywhere_ends_the_chat_or_is_ignored(taken: Taken) -> None:
    bob = mtproto.SecretChats.open(copy_of(taken.rows[1], taken.keys[1])).chat(taken.chat_id)
    ends = {e2ee.IgnoredMessageError: 0, e2ee.FatalChatError: 0}
    wire = taken.wires[0]
    for place in range(len(wire)):
        altered = wire[:place] + bytes([wire[place] ^ 1]) + wire[place + 1 :]
        with pytest.raises((e2ee.IgnoredMessageError, e2ee.FatalChatError)) as refused:
            bob.receive(altered)
        ends[refused.type] += 1

    assert ends == {e2ee.IgnoredMessageError: 8, e2ee.FatalChatError: len(wire) - 8}


def test_with_the_keys_it_would_be_found(taken: Taken) -> None:
    owners = [
        mtproto.SecretChats.open(copy_of(rows, key))
        for rows, key in zip(taken.rows, taken.keys, strict=True)
    ]

    bodies = b"|".join(message.body for owner in owners for message in owner.inbox())
    assert [len(owner.inbox()) for owner in owners] == [2, 3]
    assert sum(text in bodies for text in taken.plaintexts) == 5
