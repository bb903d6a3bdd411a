# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two ends of a secret chat, each over a store, and what they say to each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import e2ee
from e2ee import mtproto

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2ee.store import Store

VECTORS = Path(__file__).parents[1] / "vectors" / "mtproto"


def group() -> mtproto.DhGroup:
    """The group that Telegram's servers choose today."""
    found = json.loads((VECTORS / "secret_chat.json").read_text())["dh"]
    return mtproto.DhGroup.from_server(found["g"], bytes.fromhex(found["p"]))


def text(number: int) -> bytes:
    """A `decryptedMessage` of layer 23 without media, which says a number."""
    words = [0x204D3878, number, 0, 0]
    said = b"\x03" + b"%03d" % (number % 1_000)
    head = b"".join(word.to_bytes(4, "little") for word in words)
    return head + said + (0x089F5C4A).to_bytes(4, "little")


@dataclass
class Pair:
    """Alice, who created the chat, and Bob."""

    alice: mtproto.SecretChat
    bob: mtproto.SecretChat
    chats: tuple[mtproto.SecretChats, mtproto.SecretChats]

    def settle(
        self,
        from_alice: Iterable[mtproto.OutgoingMessage] = (),
        from_bob: Iterable[mtproto.OutgoingMessage] = (),
    ) -> tuple[list[bytes], list[bytes]]:
        """Delivers all until nothing is left; what Alice and Bob have opened."""
        waiting = ([*from_bob], [*from_alice])
        opened: tuple[list[bytes], list[bytes]] = ([], [])
        while any(waiting):
            for to, chat in enumerate((self.alice, self.bob)):
                while waiting[to]:
                    reception = chat.receive(waiting[to].pop(0).data)
                    opened[to].extend(message.body for message in reception.messages)
                    waiting[1 - to].extend(reception.outgoing)
        return opened


def begin(first: Store | None = None, second: Store | None = None) -> Pair:
    """A chat in which both ends have said which layer they speak."""
    ours = mtproto.SecretChats.create(first or e2ee.MemoryStore(), "alice")
    theirs = mtproto.SecretChats.create(second or e2ee.MemoryStore(), "bob")
    offer = ours.offer("bob", group())
    acceptance = theirs.accept(offer.chat_id, "alice", offer.g_a, group())
    leaving = ours.confirm(offer.chat_id, acceptance.g_b, acceptance.key_fingerprint)
    chats = (ours, theirs)
    pair = Pair(ours.chat(offer.chat_id), theirs.chat(offer.chat_id), chats)
    pair.settle(leaving, acceptance.outgoing)
    return pair
