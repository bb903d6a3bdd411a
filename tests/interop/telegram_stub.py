# SPDX-License-Identifier: MIT OR Apache-2.0
"""A server of Telegram as far as secret chats see it, and clients of it without a network.

Every request, answer and update becomes bytes and is read again by Telethon's own classes, so that
a field of a wrong type, or out of its range, does not pass.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from telethon import errors, utils
from telethon.extensions import BinaryReader
from telethon.tl import types
from telethon.tl.functions import messages

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from telethon.tl import TLObject, TLRequest

    Handler: TypeAlias = Callable[[TLObject], Awaitable[None]]

NOW: Final = datetime(2026, 11, 29, tzinfo=UTC)
VECTOR: Final = 0x1CB5C415
TRUE: Final = 0x997275B5


@dataclass
class Faults:
    """What happens to messages on their way, each with its probability."""

    lost: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    #: How many requests reach the server before the line breaks; `None`: it holds.
    requests: int | None = None
    #: Whether one bit of the next message is another one.
    altered: bool = False


@dataclass
class Room:
    """A chat, as the server knows it."""

    ends: tuple[int, int]
    #: What each end has to show.
    hashes: tuple[int, int]
    g_a: bytes
    #: What was given, to be refused if it comes again.
    numbers: set[tuple[int, int]] = field(default_factory=set)

    def other(self, user: int) -> int:
        """The other end."""
        return self.ends[1 - self.ends.index(user)]

    def access_hash(self, user: int) -> int:
        """What an end has to show."""
        return self.hashes[self.ends.index(user)]


@final
class Server:
    """Routes what clients ask for; updates wait until `deliver`."""

    def __init__(self, g: int, p: bytes, choose: random.Random) -> None:
        self.faults = Faults()
        self.group = (g, p)
        self.choose = choose
        self.rooms: dict[int, Room] = {}
        #: For each user, what its client has not been told.
        self.updates: dict[int, deque[bytes]] = {}
        #: How often each kind of request came.
        self.counts: dict[str, int] = {}
        #: The last message that each user has said to have.
        self.acknowledged: dict[int, int] = {}
        self._qts: dict[int, int] = {}

    def ask(self, user: int, data: bytes) -> bytes:
        """The answer to a request."""
        if self.faults.requests is not None:
            if self.faults.requests == 0:
                raise ConnectionError
            self.faults.requests -= 1
        request = whole(data)
        self.counts[type(request).__name__] = self.counts.get(type(request).__name__, 0) + 1
        match request:
            case messages.GetDhConfigRequest():
                random_bytes = self.choose.randbytes(request.random_length)
                return bytes(types.messages.DhConfig(*self.group, 1, random_bytes))
            case messages.RequestEncryptionRequest():
                return self._request(user, request)
            case messages.AcceptEncryptionRequest():
                return self._accept(user, request)
            case messages.DiscardEncryptionRequest():
                return self._discard(user, request)
            case messages.SendEncryptedRequest() | messages.SendEncryptedServiceRequest():
                return self._send(user, request)
            case messages.ReceivedQueueRequest():
                self.acknowledged[user] = request.max_qts
                return struct.pack("<Ii", VECTOR, 0)
        raise AssertionError(request)

    def _request(self, user: int, request: messages.RequestEncryptionRequest) -> bytes:
        whom = request.user_id.user_id
        hashes = (self.choose.getrandbits(62), -self.choose.getrandbits(62))
        room = Room((user, whom), hashes, request.g_a)
        self.rooms[request.random_id] = room
        self._tell_chat(
            whom,
            types.EncryptedChatRequested(request.random_id, hashes[1], NOW, user, whom, room.g_a),
        )
        return bytes(types.EncryptedChatWaiting(request.random_id, hashes[0], NOW, user, whom))

    def _accept(self, user: int, request: messages.AcceptEncryptionRequest) -> bytes:
        chat_id, room = request.peer.chat_id, self._room(user, request.peer, request)
        rest = (NOW, *room.ends)
        other = room.other(user)
        self._tell_chat(
            other,
            types.EncryptedChat(
                chat_id, room.access_hash(other), *rest, request.g_b, request.key_fingerprint
            ),
        )
        theirs = (room.g_a, request.key_fingerprint)
        return bytes(types.EncryptedChat(chat_id, room.access_hash(user), *rest, *theirs))

    def _discard(self, user: int, request: messages.DiscardEncryptionRequest) -> bytes:
        room = self.rooms.pop(request.chat_id, None)
        if room is None:
            raise errors.EncryptionAlreadyDeclinedError(request)
        self._tell_chat(room.other(user), types.EncryptedChatDiscarded(request.chat_id))
        return struct.pack("<I", TRUE)

    def _send(
        self,
        user: int,
        request: messages.SendEncryptedRequest | messages.SendEncryptedServiceRequest,
    ) -> bytes:
        room = self._room(user, request.peer, request)
        if (user, request.random_id) in room.numbers:
            raise errors.RandomIdDuplicateError(request)
        room.numbers.add((user, request.random_id))
        carried = (request.peer.chat_id, NOW, self._on_the_way(request.data))
        if isinstance(request, messages.SendEncryptedServiceRequest):
            message = types.EncryptedMessageService(*carried, request.random_id)
        else:
            file = types.EncryptedFileEmpty()
            message = types.EncryptedMessage(*carried, file, request.random_id)
        self._tell_message(room.other(user), message)
        return bytes(types.messages.SentEncryptedMessage(NOW))

    def _room(self, user: int, peer: types.InputEncryptedChat, request: TLRequest) -> Room:
        room = self.rooms.get(peer.chat_id)
        if room is None or peer.access_hash != room.access_hash(user):
            raise errors.EncryptionIdInvalidError(request)
        return room

    def _on_the_way(self, data: bytes) -> bytes:
        if not self.faults.altered:
            return data
        self.faults.altered = False
        return data[:-1] + bytes([data[-1] ^ 1])

    def _tell_chat(self, user: int, chat: TLObject) -> None:
        self._queue(user).append(bytes(types.UpdateEncryption(chat, NOW)))

    def _tell_message(self, user: int, message: TLObject) -> None:
        self._qts[user] = self._qts.get(user, 0) + 1
        update = bytes(types.UpdateNewEncryptedMessage(message, self._qts[user]))
        queue, dice = self._queue(user), self.choose.random
        if dice() < self.faults.lost:
            return
        queue.append(update)
        if dice() < self.faults.twice:
            queue.append(update)
        if dice() < self.faults.late and len(queue) > 1:
            queue[-1], queue[-2] = queue[-2], queue[-1]

    def _queue(self, user: int) -> deque[bytes]:
        return self.updates.setdefault(user, deque())

    async def deliver(self, *clients: Client) -> None:
        """Tells clients what happened, until nothing happens any more."""
        while any(self._queue(client.user) for client in clients):
            for client in clients:
                queue = self._queue(client.user)
                told = [client.told(whole(update)) for update in queue]
                queue.clear()
                # Side by side, as Telethon calls its handlers.
                await asyncio.gather(*told)


@final
class Client:
    """Stands for `telethon.TelegramClient`."""

    def __init__(self, server: Server, user: int) -> None:
        self.user = user
        self._server = server
        self._handlers: list[tuple[Handler, Any]] = []

    def add_event_handler(self, handler: Handler, event: Any) -> None:  # noqa: ANN401 - Telethon's
        """Keeps a handler and its filter."""
        self._handlers.append((handler, event))

    async def get_input_entity(self, user: Any) -> types.InputPeerUser:  # noqa: ANN401 - Telethon's
        """Whom a number means."""
        return types.InputPeerUser(user, 1) if isinstance(user, int) else user

    async def __call__(self, request: TLRequest) -> Any:  # noqa: ANN401 - of the request's kind
        """Asks the server."""
        await request.resolve(self, utils)
        answer = BinaryReader(self._server.ask(self.user, bytes(request)))
        await asyncio.sleep(0)
        result = request.read_result(answer)
        assert answer.tell_position() == len(answer.get_bytes()), "bytes behind an answer"
        return result

    async def told(self, update: TLObject) -> None:
        """Calls the handlers of an update."""
        for handler, event in self._handlers:
            if event.filter(update):
                await handler(update)


def whole(data: bytes) -> Any:  # noqa: ANN401 - whatever its constructor says
    """The one object that bytes are."""
    reader = BinaryReader(data)
    found = reader.tgread_object()
    assert reader.tell_position() == len(data), "bytes behind an object"
    return found
