# SPDX-License-Identifier: MIT OR Apache-2.0
"""What one end of a secret chat has said, sent and opened, as a model knows it.

The model sees what a carrier sees: numbers, and bytes whose first 8 name the key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from e2ee import mtproto
from tests.properties.world import FaultyStore

if TYPE_CHECKING:
    import e2ee

#: Bytes that name the key, and those with the message key behind it.
FINGERPRINT_LEN = 8
HEADER_LEN = 24
#: `decryptedMessageService`, a random id, and `DeleteMessages` with a vector (§3).
SERVICE = (0x73164160).to_bytes(4, "little")
DELETION = (0x65614304).to_bytes(4, "little") + (0x1CB5C415).to_bytes(4, "little")
ACTION = slice(12, None)


def deletion(random_ids: list[int]) -> bytes:
    """The action that deletes these messages."""
    ids = b"".join(each.to_bytes(8, "little", signed=True) for each in random_ids)
    return DELETION + len(random_ids).to_bytes(4, "little") + ids


@dataclass(slots=True, eq=False)
class Said:
    """A message that the other end's application has to see, and what may stand in its place."""

    number: int
    #: The whole message, or an action of a service message whose random id nobody knows yet.
    body: bytes
    is_action: bool = False
    #: Under which random ids it was deleted before the other end was known to have it.
    deleted: set[int] = field(default_factory=set)

    def allows(self, opened: bytes) -> bool:
        """Whether this may be what the other end has opened."""
        action = opened[ACTION] if opened.startswith(SERVICE) else b""
        if action in {deletion([each]) for each in self.deleted}:
            return True
        return (action if self.is_action else opened) == self.body


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """Bytes on their way."""

    sender: str
    number: int
    wire: bytes


@dataclass(slots=True)
class End:
    """One of the two, over a store that outlives its processes."""

    inner: e2ee.MemoryStore
    store: FaultyStore = field(init=False)
    chats: mtproto.SecretChats = field(init=False)
    chat: mtproto.SecretChat = field(init=False)
    #: What its application has said, in the order of the numbers.
    said: list[Said] = field(default_factory=list)
    #: Of each number, the bytes and the random id.
    wires: list[bytes] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    #: Numbers whose bytes may be others than were seen last.
    replaceable: set[int] = field(default_factory=set)
    #: The keys under which it has made messages, the oldest first, and how many under each.
    keys: list[bytes] = field(default_factory=list)
    made: dict[bytes, int] = field(default_factory=dict)
    #: Numbers of the other end that it has taken in.
    got: set[int] = field(default_factory=set)
    #: How many messages it has opened, and those that wait to be handled.
    opened: int = 0
    inbox: dict[str, mtproto.ChatMessage] = field(default_factory=dict)
    #: What the carrier has, of which the chat was not told yet.
    to_post: list[mtproto.OutgoingMessage] = field(default_factory=list)

    def start(self) -> None:
        """A process that opens the store."""
        self.store = FaultyStore(self.inner)
        self.chats = mtproto.SecretChats.open(self.store)
        (self.chat,) = self.chats.chats()
        self.to_post.clear()

    def state(self) -> mtproto.ChatState:
        """What both ends have agreed on."""
        state = self.chat.state()
        assert state is not None
        return state

    def leaves(self, message: mtproto.OutgoingMessage) -> None:
        """Notes a message that leaves: a new one, or one that left before, as it was."""
        key = message.data[:FINGERPRINT_LEN]
        if message.number >= len(self.wires):
            assert message.number == len(self.wires), "a message was made that never left"
            self.made_under(key)
            self.wires.append(message.data)
            self.ids.append(message.message_id)
        elif message.data != self.wires[message.number]:
            assert message.number in self.replaceable, "a message that left has changed"
            assert key == self.wires[message.number][:FINGERPRINT_LEN]
            self.replaceable.discard(message.number)
            self.wires[message.number] = message.data
            self.ids[message.number] = message.message_id

    def made_under(self, key: bytes) -> None:
        """Notes the key of a new message, which is none that was replaced before."""
        if not self.keys or self.keys[-1] != key:
            assert key not in self.keys, "a new message is under a key that was replaced"
            self.keys.append(key)
        self.made[key] = self.made.get(key, 0) + 1

    def deletes(self, numbers: list[int]) -> list[int]:
        """Notes that messages are being deleted; their random ids."""
        said = {each.number: each for each in self.said}
        for number in numbers:
            if number in said:
                said[number].deleted.add(self.ids[number])
                self.replaceable.add(number)
        return [self.ids[number] for number in numbers]

    def opens(self, body: bytes, sender: End) -> None:
        """Notes a message that was opened, which must be the next one that was said."""
        assert self.opened < len(sender.said), "a message was opened that nobody has said"
        assert sender.said[self.opened].allows(body), "another message was opened than was said"
        self.opened += 1
