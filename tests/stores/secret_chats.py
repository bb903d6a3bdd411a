# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store with secret chats of every kind, and what must go on whatever befalls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import e2ee
from e2ee import mtproto
from tests.api.secret_chat_pair import begin, group, text
from tests.properties.world import copy_of, read_rows
from tests.stores.kinds import KEY

if TYPE_CHECKING:
    from e2ee.store import Store
    from tests.properties.world import Rows


@final
@dataclass(frozen=True, slots=True)
class State:
    """Alice's rows: a chat that is offered to Carol, and one with Bob in the middle of it.

    There her message 1 is not acknowledged, his message 2 was lost, his message 3 waits for it, and
    his message 4 is in her inbox.
    """

    rows: Rows
    #: Bob's, under the same key.
    peer: Rows
    #: The number of the chat with Bob.
    chat_id: int
    offer: mtproto.ChatOffer
    #: What Bob's server has kept back.
    lost: bytes
    #: What Alice's server may not have.
    unposted: tuple[mtproto.OutgoingMessage, ...]

    def check(self, chats: mtproto.SecretChats) -> None:
        """All that was there is there, and goes on in both directions."""
        bob = mtproto.SecretChats.open(copy_of(self.peer, KEY)).chat(self.chat_id)
        alice = chats.chat(self.chat_id)

        assert {chat.chat_id for chat in chats.chats()} == {self.chat_id, self.offer.chat_id}
        assert [message.body for message in chats.inbox()] == [text(4)]
        assert alice.unposted() == self.unposted
        taken = alice.receive(self.lost)
        assert [message.body for message in taken.messages] == [text(2), text(3)]
        opened = [
            message.body
            for sent in (*self.unposted, *taken.outgoing, *alice.encrypt(text(5)))
            for message in bob.receive(sent.data).messages
        ]
        assert opened == [text(1), text(5)]
        self._answer(chats)

    def _answer(self, chats: mtproto.SecretChats) -> None:
        """Carol answers the offer."""
        carol = mtproto.SecretChats.create(e2ee.MemoryStore(), "carol")
        chat_id = self.offer.chat_id
        answer = carol.accept(chat_id, "alice", self.offer.g_a, group())
        for sent in chats.confirm(chat_id, answer.g_b, answer.key_fingerprint):
            carol.chat(chat_id).receive(sent.data)
        for sent in chats.chat(chat_id).encrypt(text(6)):
            carol.chat(chat_id).receive(sent.data)
        assert [message.body for message in carol.inbox()] == [text(6)]


def make_state(store: Store | None = None) -> State:
    """Lets it happen, in a store under the key of the tests."""
    ours = e2ee.MemoryStore(key=KEY) if store is None else store
    theirs = e2ee.MemoryStore(key=KEY)
    pair = begin(ours, theirs)
    pair.settle(from_bob=pair.bob.encrypt(text(4)))
    for message in pair.alice.unposted():
        pair.alice.posted(message)
    offer = pair.chats[0].offer("carol", group())
    pair.alice.encrypt(text(1))
    (lost,), (early,) = pair.bob.encrypt(text(2)), pair.bob.encrypt(text(3))
    pair.alice.receive(early.data)
    unposted = pair.alice.unposted()
    return State(read_rows(ours), read_rows(theirs), pair.alice.chat_id, offer, lost.data, unposted)


def chats_of(rows: Rows, key: bytes = KEY) -> mtproto.SecretChats:
    """The chats of a copy of these rows."""
    return mtproto.SecretChats.open(copy_of(rows, key))
