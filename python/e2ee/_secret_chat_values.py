# SPDX-License-Identifier: MIT OR Apache-2.0
"""What goes into secret chats and comes out of them (mtproto_secret_chats.md §1 and §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from e2ee._mtproto_picture import KeyPicture
from e2ee._time import from_milliseconds
from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

#: Number, random id, whether it is a service message, and the bytes.
OutgoingRow: TypeAlias = tuple[int, int, bool, bytes]
#: An entry of the inbox: its id, the peer, the chat, the time, and the message.
EntryRow: TypeAlias = tuple[str, str, int, int, tuple[tuple[str, None, int | None], bytes]]
#: Whether we have created the chat, the picture, the fingerprint, both layers, and numbers.
AgreedRow: TypeAlias = tuple[bool, bytes, int, tuple[int, int], tuple[int, int, int, bool]]
#: The number of a chat, the peer, and what both have agreed on.
ChatRow: TypeAlias = tuple[int, str, AgreedRow | None]


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message that is to leave, in the order in which it was given.

    Send it as `messages.sendEncryptedService` if it is a service message, else as
    `messages.sendEncrypted` (or `sendEncryptedFile`), and then call `posted`. Sending it twice does
    no harm: the other end drops what it has (mtproto_secret_chats.md §5).
    """

    chat_id: int
    #: How many messages of ours were made before it in its chat.
    number: int
    #: By which both ends name it; take a fresh one for the request if the server has it already.
    message_id: int
    #: Whether it is a service message.
    service: bool
    #: The bytes for the request.
    data: bytes


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message that came in its turn, with no loss before it; it waits in the inbox.

    The bytes are a TL object of `decryptedMessage` or `decryptedMessageService`, constructor first,
    as the layer has them; `e2ee.mtproto.decode` reads what is common (mtproto_secret_chats.md §3).
    """

    chat_id: int
    #: The other end's name, as the application has given it.
    peer: str
    #: The layer that the sender named.
    layer: int
    #: The TL object.
    body: bytes
    #: When it was taken in.
    received: datetime
    #: By which `handled` knows it.
    inbox_id: str


@dataclass(frozen=True, slots=True)
class LayerChanged:
    """The other end speaks this layer from now on (mtproto_secret_chats.md §4)."""

    layer: int


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """This key is in use from now on (mtproto_secret_chats.md §6): nothing is to be done."""

    key_fingerprint: int


@dataclass(frozen=True, slots=True)
class Reception:
    """What came of a message (mtproto_secret_chats.md §5), all of it durable already."""

    #: For the application, in their order; each stays in the inbox until it is `handled`.
    messages: tuple[ChatMessage, ...]
    #: What the chat has become.
    changes: tuple[LayerChanged | KeyChanged, ...]
    #: What is to be sent, in this order.
    outgoing: tuple[OutgoingMessage, ...]


@dataclass(frozen=True, slots=True)
class ChatOffer:
    """A chat that was begun (mtproto_secret_chats.md §1): for `messages.requestEncryption`."""

    #: The number of the chat: the `random_id` of the request.
    chat_id: int
    #: 256 bytes, big-endian.
    g_a: bytes


@dataclass(frozen=True, slots=True)
class ChatAcceptance:
    """A part in a chat, for `messages.acceptEncryption` (mtproto_secret_chats.md §1)."""

    #: 256 bytes, big-endian.
    g_b: bytes
    #: A signed integer of 64 bits.
    key_fingerprint: int
    #: What is to be sent after the server has taken `g_b`.
    outgoing: tuple[OutgoingMessage, ...]


@dataclass(frozen=True, slots=True)
class ChatState:
    """What both ends of a chat have agreed on (mtproto_secret_chats.md §1, §4 and §5)."""

    #: Whether this end has created it.
    originator: bool
    #: To compare with the other end's, in person: nothing else shows that nobody sits in between.
    picture: KeyPicture
    #: Of the key under which messages leave.
    key_fingerprint: int
    #: The layer of messages that leave.
    layer: int
    #: The layer that the other end speaks, as far as is known.
    their_layer: int
    #: Messages that were made.
    sent: int
    #: Of them, those that the other end has said to have.
    acknowledged: int
    #: Messages that came in their turn.
    received: int
    #: Whether later ones wait for one that is missing.
    missing: bool


def signed(number: int, bits: int) -> int:
    """The number, if TL has it in so many bits.

    Raises:
        InvalidArgumentError: It has not.
    """
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise InvalidArgumentError("a number is out of its range")
    return number


def outgoing_of(chat_id: int, rows: Iterable[OutgoingRow]) -> tuple[OutgoingMessage, ...]:
    """What leaves a chat."""
    return tuple(OutgoingMessage(chat_id, *row) for row in rows)


def message_of(entry: EntryRow) -> ChatMessage:
    """A message from the inbox."""
    inbox_id, peer, chat_id, received_ms, ((_, _, layer), body) = entry
    received = from_milliseconds(received_ms)
    return ChatMessage(chat_id, peer, layer or 0, body, received, inbox_id)


def change_of(change: tuple[str, int]) -> LayerChanged | KeyChanged:
    """What a chat has become."""
    kind, value = change
    return LayerChanged(value) if kind == "layer" else KeyChanged(value)


def state_of(agreed: AgreedRow) -> ChatState:
    """What both ends have agreed on."""
    originator, picture, fingerprint, layers, (sent, acknowledged, received, missing) = agreed
    return ChatState(
        originator,
        KeyPicture.from_bytes(picture),
        fingerprint,
        *layers,
        sent,
        acknowledged,
        received,
        missing=missing,
    )
