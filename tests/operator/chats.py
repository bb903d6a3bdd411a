# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats: what is seized of them, what their owner is shown, and how the operator tries it.

The messages are seized as the carrier has them, with the public values of the agreement. What the
rows hold opens nothing is in `test_secret_chats.py`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import e2ee
from e2ee import mtproto
from e2ee.store import examine
from tests.api.secret_chat_pair import Pair, begin, group, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown
    from tests.operator.seized import Seized

ROW = "chat "
#: Of a message that says a plaintext: constructor, two words of its number, lifetime.
_HEAD = (0x204D3878, 7, 0, 0)
_NO_MEDIA = 0x089F5C4A


def message_of(said: bytes) -> bytes:
    """A `decryptedMessage` of layer 23 that says these 24 bytes."""
    head = b"".join(word.to_bytes(4, "little") for word in _HEAD)
    filled = bytes([len(said)]) + said
    filled += bytes(-len(filled) % 4)
    return head + filled + _NO_MEDIA.to_bytes(4, "little")


def seize_chats(seized: Seized) -> None:
    """A chat, with messages read, waiting and under way, and what began it."""
    ours = mtproto.SecretChats.create(e2ee.MemoryStore(), "alice")
    theirs = mtproto.SecretChats.create(e2ee.MemoryStore(), "bob")
    offer = ours.offer("bob", group())
    answer = theirs.accept(offer.chat_id, "alice", offer.g_a, group())
    sent = [*ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)]
    alice, bob = ours.chat(offer.chat_id), theirs.chat(offer.chat_id)
    for _ in range(3):
        sent += alice.encrypt(message_of(seized.text()))
    sent += alice.change_key()
    for each in sent:
        bob.receive(each.data)
    sent += [*answer.outgoing, *bob.encrypt(message_of(seized.text()))]
    sent += alice.encrypt(message_of(seized.text()))
    wires = [offer.g_a, answer.g_b, *(each.data for each in sent)]
    seized.beside |= {f"{ROW}{number}": wire for number, wire in enumerate(wires)}


def of_chats() -> Shown:
    """Each attribute and method of what is public, with what it returns."""
    store = e2ee.MemoryStore()
    pair = begin(store)
    ours, alice = pair.chats[0], pair.alice
    offer = ours.offer("carol", group())
    carol = mtproto.SecretChats.create(e2ee.MemoryStore(), "carol")
    answer = carol.accept(offer.chat_id, "alice", offer.g_a, group())
    confirmed = ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)
    raised = carol.chat(offer.chat_id).receive(confirmed[0].data)
    sent = [*alice.encrypt(text(1)), *alice.delete_messages([1])]
    reception = alice.receive(pair.bob.encrypt(text(2))[0].data)
    (message,) = reception.messages
    state = alice.state()
    assert state is not None
    seen = examine(store, names=True).chats[0]
    changed = [*raised.changes, mtproto.KeyChanged(1)]
    every = (message, reception, state, sent[0], offer, answer, seen, *changed)
    values: Shown = {
        (type(value).__name__, field.name): shown_of(getattr(value, field.name))
        for value in every
        for field in fields(value)
    }
    prime = group()
    calls: dict[tuple[str, str], object] = {
        ("SecretChats", "accept"): answer,
        ("SecretChats", "chat"): repr(alice),
        ("SecretChats", "chats"): repr(ours.chats()),
        ("SecretChats", "confirm"): confirmed,
        ("SecretChats", "create"): repr(carol),
        ("SecretChats", "inbox"): ours.inbox(),
        ("SecretChats", "offer"): offer,
        ("SecretChats", "open"): repr(mtproto.SecretChats.open(store)),
        ("SecretChats", "rekey"): ours.rekey(key=bytes(32)),
        ("SecretChats", "user"): ours.user,
        ("SecretChat", "ask_again"): alice.ask_again(),
        ("SecretChat", "change_key"): alice.change_key(),
        ("SecretChat", "chat_id"): alice.chat_id,
        ("SecretChat", "delete_messages"): sent,
        ("SecretChat", "encrypt"): sent,
        ("SecretChat", "peer"): alice.peer,
        ("SecretChat", "receive"): reception,
        ("SecretChat", "state"): shown_of(state),
        ("SecretChat", "unposted"): alice.unposted(),
        ("KeyPicture", "from_bytes"): mtproto.KeyPicture.from_bytes(bytes(36)).to_bytes(),
        ("KeyPicture", "to_bytes"): state.picture.to_bytes(),
    }
    calls |= {("DhGroup", name): getattr(prime, name) for name in public_names(mtproto.DhGroup)}
    alice.posted(sent[0])
    ours.handled(message)
    alice.close()
    gone: Shown = dict.fromkeys(
        [("SecretChat", "posted"), ("SecretChats", "handled"), ("SecretChat", "close")]
    )
    return values | calls | gone | {("SecretChats", "heal"): ours.heal()}


def shown_of(value: object) -> object:
    """What an attribute shows: of a picture, its bytes."""
    return value.to_bytes() if isinstance(value, mtproto.KeyPicture) else value


def public_names(kind: type) -> Iterator[str]:
    """The public attributes of a class."""
    yield from (name for name in dir(kind) if not name.startswith("_"))


def chat_acts(operator: Operator, act: Callable[[Pair, bytes], object]) -> Iterator[Act]:
    """Tries something with a chat of the operator's, between both names, and every blob."""
    pair = begin()
    for blob in operator.blobs:
        yield partial(act, pair, blob)


def received(pair: Pair, blob: bytes) -> list[object]:
    """What both ends make of a blob."""
    found: list[object] = []
    for chat in (pair.alice, pair.bob):
        with suppress(e2ee.E2EEError):
            found.append(chat.receive(blob))
    return found


def accepted(pair: Pair, blob: bytes) -> list[object]:
    """An answer of the operator's to a blob, and what it sends then."""
    ours = pair.chats[0]
    number = 1 + max(chat.chat_id for chat in ours.chats())
    answer = ours.accept(number, "bob", blob, group())
    return [answer, ours.chat(number).encrypt(message_of(bytes(24)))]


def confirmed(pair: Pair, blob: bytes) -> object:
    """A blob as the answer to an offer."""
    ours = pair.chats[0]
    offer = ours.offer("bob", group())
    try:
        return ours.confirm(offer.chat_id, blob, 0)
    finally:
        ours.chat(offer.chat_id).close()


def rekeyed(pair: Pair, blob: bytes) -> bool:
    """A blob as the key of a store."""
    return pair.chats[0].rekey(key=blob[:32])


#: For every public callable that takes bytes, how the operator tries it.
CHATS: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "ChatAcceptance": lambda o: o.value_acts(lambda b: mtproto.ChatAcceptance(b[:9], 0, ()).g_b),
    "ChatMessage": lambda o: o.value_acts(
        lambda b: mtproto.ChatMessage(1, "bob", 73, b, datetime.now(UTC), "")
    ),
    "ChatOffer": lambda o: o.value_acts(lambda b: mtproto.ChatOffer(1, b)),
    "DhGroup.__new__": lambda o: o.value_acts(lambda b: repr(mtproto.DhGroup(3, b))),
    "KeyPicture": lambda o: o.value_acts(lambda b: mtproto.KeyPicture(b).to_bytes()),
    "KeyPicture.from_bytes": lambda o: o.value_acts(
        lambda b: mtproto.KeyPicture.from_bytes(b).to_bytes()
    ),
    "OutgoingMessage": lambda o: o.value_acts(
        lambda b: mtproto.OutgoingMessage(1, 1, 1, service=False, data=b)
    ),
    "SecretChat.encrypt": lambda o: chat_acts(o, lambda pair, b: pair.alice.encrypt(b)),
    "SecretChat.receive": lambda o: chat_acts(o, received),
    "SecretChats.accept": lambda o: chat_acts(o, accepted),
    "SecretChats.confirm": lambda o: chat_acts(o, confirmed),
    "SecretChats.offer": lambda o: chat_acts(
        o, lambda pair, b: pair.chats[0].offer("bob", group(), server_random=b)
    ),
    "SecretChats.rekey": lambda o: chat_acts(o, rekeyed),
}
