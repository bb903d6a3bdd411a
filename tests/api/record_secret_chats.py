# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes a fixture of a store of secret chats, as it is stored today (docs/formats.md).

    python -m tests.api.record_secret_chats tests/vectors/state/chats-1.json

It is written once, with the code that still writes that format, and never changed.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import e2ee
from e2ee import mtproto
from tests.api.secret_chat_pair import Pair, begin, group, text
from tests.properties.world import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable


def record() -> dict[str, Any]:
    """Alice, with a chat offered, one at rest, one with a gap, and one that changes its key."""
    keys = [secrets.token_bytes(32) for _ in range(2)]
    stores = [e2ee.MemoryStore(key=key) for key in keys]
    resting = begin(*stores)
    resting.settle(resting.alice.encrypt(text(1)), resting.bob.encrypt(text(2)))
    gap, changing = another(resting), another(resting)
    offer = resting.chats[0].offer("carol", group())
    lost, early = gap.bob.encrypt(text(3))[0], gap.bob.encrypt(text(4))[0]
    gap.alice.encrypt(text(5))
    gap.alice.delete_messages([5])
    gap.alice.receive(early.data)
    for message in gap.alice.unposted()[:1]:
        gap.alice.posted(message)
    request = changing.alice.change_key()
    return {
        "what": "Two stores of secret chats, identity record of version 64, made by this project "
        "before its first release; they must open for ever, and go on with each other.",
        "spec": "docs/formats.md",
        "keys": [key.hex() for key in keys],
        "users": [chats.user for chats in resting.chats],
        "offer": [offer.chat_id, offer.g_a.hex()],
        "resting": resting.alice.chat_id,
        "gap": gap.alice.chat_id,
        "changing": changing.alice.chat_id,
        "pictures": {chat.chat_id: picture(chat) for chat in resting.chats[1].chats()},
        "inbox": [message.body.hex() for message in resting.chats[0].inbox()],
        "lost": lost.data.hex(),
        "unposted": shown(gap.alice.unposted()),
        "request": shown(request),
        "rows": [
            [[name, row[0], row[1].hex()] for name, row in sorted(read_rows(store).items())]
            for store in stores
        ],
    }


def another(pair: Pair) -> Pair:
    """Another chat between the two, in which both have said which layer they speak."""
    ours, theirs = pair.chats
    offer = ours.offer("bob", group())
    answer = theirs.accept(offer.chat_id, "alice", offer.g_a, group())
    leaving = ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)
    made = Pair(ours.chat(offer.chat_id), theirs.chat(offer.chat_id), pair.chats)
    made.settle(leaving, answer.outgoing)
    return made


def picture(chat: mtproto.SecretChat) -> str:
    """The picture of a chat's first key."""
    state = chat.state()
    assert state is not None
    return state.picture.to_bytes().hex()


def shown(messages: Iterable[mtproto.OutgoingMessage]) -> list[list[object]]:
    """Messages that leave."""
    return [[each.number, each.random_id, each.service, each.data.hex()] for each in messages]


if __name__ == "__main__":
    with Path(sys.argv[1]).open("x", encoding="utf-8") as file:
        file.write(json.dumps(record(), indent=1) + "\n")
