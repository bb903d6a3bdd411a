# SPDX-License-Identifier: MIT OR Apache-2.0
"""One chat between `e2ee.mtproto.SecretChats` and the plugin, and the carrier in between."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import e2ee
from e2ee import mtproto
from tests.interop.matrix_talk import DifferenceError
from tests.interop.telegram import objects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from e2ee.mtproto import OutgoingMessage, SecretChat, SecretChats

#: The layer of which the plugin says that it speaks it: with another one it names a lower layer
#: than before (see `defects.py`).
LAYER: Final = 101
OURS, THEIRS = "ours", "theirs"
#: Turns after which both ends only answer each other.
_ENDLESS: Final = 200

#: As the plugin's process has it: whether it is a service message, and the bytes.
Leaving = list[tuple[bool, str]]


@dataclass(slots=True)
class World:
    """What all chats of a run have."""

    random: Random
    peer: Any
    group: mtproto.DhGroup
    counts: Counter[str]

    def expect(self, wanted: object, got: object, what: str) -> None:
        """Counts a check, or raises."""
        if wanted != got:
            msg = f"{what}: {wanted!r} is not {got!r}"
            raise DifferenceError(msg)
        self.counts[what] += 1

    def refused(self, kind: type[Exception], work: Callable[[], object], what: str) -> None:
        """Counts an error of this kind, or raises."""
        try:
            work()
        except kind:
            self.counts[what] += 1
            return
        msg = f"{what}: it was accepted"
        raise DifferenceError(msg)

    def number(self) -> int:
        """A random id."""
        return self.random.randrange(-(1 << 63), 1 << 63)

    def words(self) -> str:
        """A text, of a length at which TL or the padding changes now and then."""
        length = self.random.choice([1, 3, 16, 64, 253, 254, 300, 5_000])
        return "".join(self.random.choices("abcäß€😀 ", k=length))

    def action(self) -> tuple[str, objects.Value]:
        """A service message and its value."""
        action = self.random.choice([*objects.ACTIONS])
        if action == "ttl":
            return action, self.random.randrange(0, 100_000)
        if action in {"flush", "typing"}:
            return action, None
        return action, [self.number() for _ in range(self.random.randint(1, 5))]


@dataclass(slots=True)
class Talk:
    """A chat, and what is under way in it."""

    world: World
    store: e2ee.MemoryStore
    chats: SecretChats
    chat: SecretChat
    #: Whether we have created it.
    originator: bool
    #: TL objects that the other side has said, in order, and those that we have.
    from_them: list[bytes] = field(default_factory=list)
    from_us: list[bytes] = field(default_factory=list)
    to_us: deque[str] = field(default_factory=deque)
    to_them: deque[OutgoingMessage] = field(default_factory=deque)

    @classmethod
    def begin(cls, world: World, *, originator: bool, layer: int = LAYER) -> Talk:
        """Agrees on a key; what follows is under way."""
        store = e2ee.MemoryStore()
        chats = mtproto.SecretChats.create(store, OURS, layer=layer)
        if originator:
            offer = chats.offer(THEIRS, world.group)
            g_b, fingerprint, theirs = world.peer.accept(offer.chat_id, offer.g_a.hex())
            ours = chats.confirm(offer.chat_id, bytes.fromhex(g_b), fingerprint)
            number = offer.chat_id
        else:
            number, g_a = world.peer.request()
            answer = chats.accept(number, THEIRS, bytes.fromhex(g_a), world.group)
            theirs = world.peer.answer(number, answer.g_b.hex(), answer.key_fingerprint)
            ours = answer.outgoing
        talk = cls(world, store, chats, chats.chat(number), originator)
        talk.leave(ours)
        talk.arrive(theirs)
        role = "chats that we created" if originator else "chats that they created"
        world.counts[role] += 1
        return talk

    def state(self) -> mtproto.ChatState:
        """What we take the chat for."""
        state = self.chat.state()
        assert state is not None
        return state

    def leave(self, messages: Iterable[OutgoingMessage]) -> None:
        """What we have made is under way."""
        self.to_them.extend(messages)

    def arrive(self, leaving: Leaving) -> None:
        """What they have made is under way."""
        self.to_us.extend(data for _, data in leaving)

    def say(self, words: str | None = None) -> None:
        """We say something, or these words."""
        world, number = self.world, self.world.number()
        if words is None and world.random.random() < 0.3:
            action, value = world.action()
            message = objects.service(number, action, value)
            world.counts["service messages to them"] += 1
        else:
            message = objects.text(number, words or world.words(), world.random.choice([0, 60]))
            world.counts["texts to them"] += 1
        self.from_us.append(message)
        self.leave(self.chat.encrypt(message))

    def hear(self, words: str | None = None) -> None:
        """They say something, or these words."""
        world = self.world
        if words is None and world.random.random() < 0.3:
            made, leaving = world.peer.serve(*world.action())
            world.counts["service messages to us"] += 1
        else:
            made, leaving = world.peer.say(words or world.words(), world.random.choice([0, 60]))
            world.counts["texts to us"] += 1
        self.from_them.append(bytes.fromhex(made))
        self.arrive(leaving)

    def to_peer(self) -> None:
        """The next of our messages comes to them."""
        message = self.to_them.popleft()
        opened, leaving = self.world.peer.receive(message.data.hex(), service=message.service)
        self.arrive(leaving)
        for each in opened:
            self.world.expect(self.from_us.pop(0).hex(), each, "message opened by them")
        self.chat.posted(message)

    def take(self, data: str) -> mtproto.Reception:
        """A message of theirs comes to us."""
        reception = self.chat.receive(bytes.fromhex(data))
        for message in reception.messages:
            self.world.expect(self.from_them.pop(0), message.body, "message opened by us")
            self.chats.handled(message)
        for change in reception.changes:
            self.world.counts[f"seen by us: {type(change).__name__}"] += 1
        self.leave(reception.outgoing)
        return reception

    def to_ours(self) -> None:
        """The next of their messages comes to us."""
        self.take(self.to_us.popleft())

    def settle(self) -> None:
        """All that is under way comes to its end.

        Raises:
            DifferenceError: It does not.
        """
        for _ in range(_ENDLESS):
            if not (self.to_us or self.to_them):
                return
            if self.to_us:
                self.to_ours()
            if self.to_them:
                self.to_peer()
        msg = "messages without an end"
        raise DifferenceError(msg)

    def agree(self) -> None:
        """Both have the same key, and nothing is left to be opened."""
        fingerprint, _ = self.world.peer.state()
        self.world.expect(self.state().key_fingerprint, fingerprint, "same key at both ends")
        self.world.expect(([], []), (self.from_us, self.from_them), "nothing was lost")

    def reopen(self) -> None:
        """The program ends, and goes on from the store."""
        number = self.chat.chat_id
        self.chats = mtproto.SecretChats.open(self.store)
        self.chat = self.chats.chat(number)
        self.world.counts["stores opened again"] += 1
