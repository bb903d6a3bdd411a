# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats by `telethon-secret-chat`, in batches within one event loop, without a network."""

import asyncio
import logging
import math
from collections import defaultdict
from typing import Any

from telethon.tl import types
from telethon.tl.functions import messages
from telethon.tl.types import messages as replies
from telethon_secret_chat import SecretChatManager, secretTL
from telethon_secret_chat.secret_chat_manager import patch_tlobjects

from benches.chats import GENERATOR, PRIME

CHAT = 1


class Client:
    """What stands for a `TelegramClient`: it keeps what was asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.asked: dict[str, Any] = {}
        self._log: defaultdict[str, logging.Logger] = defaultdict(
            lambda: logging.getLogger("silent")
        )

    def add_event_handler(self, _: object) -> None:
        """Nothing: updates are given to the methods themselves."""

    async def get_input_entity(self, _: object) -> types.InputUser:
        """Anybody."""
        return types.InputUser(1, 1)

    async def __call__(self, request: Any) -> object:  # noqa: ANN401 (any request)
        """What the server replies."""
        self.asked[type(request).__name__] = request
        match request:
            case messages.GetDhConfigRequest():
                return replies.DhConfig(GENERATOR, PRIME, 1, b"")
            case messages.RequestEncryptionRequest():
                return types.EncryptedChatWaiting(CHAT, 0, None, 1, 2)
        return None


class Plugin:
    """Both ends of a chat."""

    def __init__(self) -> None:
        patch_tlobjects()
        self._loop = asyncio.new_event_loop()
        self.agree()

    def agree(self) -> None:
        """A key, and both ends' first message, as ours make it."""
        self._loop.run_until_complete(self._agree())

    async def _agree(self) -> None:
        ends = [Client(self._loop), Client(self._loop)]
        self._ours, self._theirs = (SecretChatManager(client) for client in ends)
        await self._ours.start_secret_chat(1)
        g_a = ends[0].asked["RequestEncryptionRequest"].g_a
        await self._theirs.accept_secret_chat(
            types.EncryptedChatRequested(CHAT, 0, None, 1, 2, g_a)
        )
        answer = ends[1].asked["AcceptEncryptionRequest"]
        made = types.EncryptedChat(CHAT, 0, None, 1, 2, answer.g_b, answer.key_fingerprint)
        await self._ours.finish_secret_chat_creation(made)
        for end in (self._ours, self._theirs):
            chat = end.get_secret_chat(CHAT)
            # MTProto 2.0, without a change of keys, and without an answer to each message.
            chat.mtproto, chat.ttr, chat.created = 2, 1 << 60, math.inf

    def close(self) -> None:
        """Ends the event loop."""
        self._loop.close()

    def encrypt(self, text: str, count: int) -> list[bytes]:
        """So many messages, as they go to the wire."""
        return self._loop.run_until_complete(self._encrypt(text, count))

    async def _encrypt(self, text: str, count: int) -> list[bytes]:
        chat = self._ours.get_secret_chat(CHAT)
        chat.outgoing.clear()
        encrypt, make = self._ours.encrypt_secret_message, secretTL.DecryptedMessage
        return [await encrypt(chat, make(0, text)) for _ in range(count)]

    def decrypt(self, data: list[bytes]) -> None:
        """Reads them from the wire."""
        self._loop.run_until_complete(self._decrypt(data))

    async def _decrypt(self, data: list[bytes]) -> None:
        file = types.EncryptedFileEmpty()
        for each in data:
            made = types.EncryptedMessage(CHAT, None, each, file, 0)
            await self._theirs.handle_encrypted_update(types.UpdateNewEncryptedMessage(made, 0))
