# SPDX-License-Identifier: MIT OR Apache-2.0
"""The plugin `telethon-secret-chat` in a process of its own, as `matrix/process.py` drives it.

    python -m tests.interop.telegram.peer GROUP

GROUP is the generator and the prime, hexadecimal. Requests come as JSON lines; what the plugin
refuses is answered with the name of its exception.
"""

from __future__ import annotations

import asyncio
import copy
import io
import json
import sys
import time
from hashlib import sha1, sha256
from typing import Any, Final

from telethon.tl import types
from telethon_secret_chat import SecretChatManager, secretTL
from telethon_secret_chat.secret_chat_manager import patch_tlobjects
from telethon_secret_chat.storage.memory import SecretMemorySession

from tests.interop.telegram.client import Client

#: Older than what the plugin takes for the beginning of a chat.
_OLD_SECONDS: Final = 60
ACTIONS: Final = {
    "ttl": secretTL.DecryptedMessageActionSetMessageTTL,
    "read": secretTL.DecryptedMessageActionReadMessages,
    "delete": secretTL.DecryptedMessageActionDeleteMessages,
    "screenshot": secretTL.DecryptedMessageActionScreenshotMessages,
    "flush": lambda _: secretTL.DecryptedMessageActionFlushHistory(),
    "typing": lambda _: secretTL.DecryptedMessageActionTyping(secretTL.SendMessageTypingAction()),
    "noop": lambda _: secretTL.DecryptedMessageActionNoop(),
    "resend": lambda value: secretTL.DecryptedMessageActionResend(*value),
}


class Session(SecretMemorySession):  # type: ignore[misc] # untyped
    """Chats in memory, which begin as they are told to."""

    def __init__(self, *, mtproto: int, old: bool) -> None:
        super().__init__()
        self._mtproto, self._old = mtproto, old

    def save_chat(self, chat: Any, temp: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002
        """Keeps a chat."""
        if not temp:
            chat.mtproto = self._mtproto
            chat.created = time.time() - (_OLD_SECONDS if self._old else 0)
        super().save_chat(chat, temp)


class Plugin:
    """One chat of one client."""

    def __init__(self, group: tuple[int, bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._group, self._loop = group, loop
        self._opened: list[Any] = []

    def new(
        self, *, mtproto: int = 2, old: bool = False, rekeys: bool = True, counts: bool = True
    ) -> None:
        """Begins anew, with what its changes of keys need.

        With `rekeys`, there is what its own methods look for and nobody makes; with `counts`, the
        count that it goes by begins again with a key.
        """
        self._counts = counts
        self._client = Client(self._group, self._loop)
        self._manager = SecretChatManager(
            self._client, Session(mtproto=mtproto, old=old), auto_accept=True
        )
        if rekeys:
            self._manager._temp_rekeyed_secret_chats = {}  # noqa: SLF001 - its own methods do
        self._manager.add_secret_event_handler(func=self._keep)
        self._opened.clear()

    async def _keep(self, event: Any) -> None:  # noqa: ANN401
        self._opened.append(event.decrypted_event)

    @property
    def _chat(self) -> Any:  # noqa: ANN401
        (chat,) = self._manager.session.secret_chats.values()
        return chat

    def request(self) -> list[Any]:
        """Asks for a chat; its number and `g_a`."""
        number = self._run(self._manager.start_secret_chat(1))
        assert self._client.agreement is not None
        return [number, self._client.agreement[0].hex()]

    def accept(self, number: int, g_a: str) -> list[Any]:
        """Takes part in a chat; `g_b`, the fingerprint, and what leaves."""
        self._update_chat(types.EncryptedChatRequested(number, 0, None, 1, 2, bytes.fromhex(g_a)))
        assert self._client.agreement is not None
        g_b, fingerprint = self._client.agreement
        return [g_b.hex(), fingerprint, self._leaving()]

    def answer(self, number: int, g_b: str, fingerprint: int) -> list[Any]:
        """Takes the answer to its request; what leaves."""
        g_b_bytes = bytes.fromhex(g_b)
        self._update_chat(types.EncryptedChat(number, 0, None, 1, 2, g_b_bytes, fingerprint))
        return self._leaving()

    def state(self) -> list[Any]:
        """The fingerprint of the key, and its picture."""
        key = self._chat.auth_key
        digest = sha1(key, usedforsecurity=False).digest()
        fingerprint = int.from_bytes(digest[-8:], "little", signed=True)
        return [fingerprint, (digest[:16] + sha256(key).digest()[:20]).hex()]

    def say(self, text: str, ttl: int) -> list[Any]:
        """A text; its TL object, and what leaves."""
        self._run(self._manager.send_secret_message(self._chat.id, text, ttl))
        return self._made()

    def serve(self, action: str, value: Any) -> list[Any]:  # noqa: ANN401
        """A service message; the same."""
        message = secretTL.DecryptedMessageService(action=ACTIONS[action](value))
        data = self._run(self._manager.encrypt_secret_message(self._chat, message))
        self._client.outgoing.append((True, data))
        return self._made()

    def rekey(self) -> list[Any]:
        """Asks for the next key; what leaves."""
        self._run(self._manager.rekey(self._chat))
        return self._leaving()

    def receive(self, data: str, *, service: bool) -> list[Any]:
        """Takes in a message; what it has opened, as TL objects, and what leaves."""
        self._deliver(bytes.fromhex(data), service=service)
        opened, self._opened[:] = [bytes(each).hex() for each in self._opened], []
        return [opened, self._leaving()]

    def taken(self, messages: list[str]) -> list[int]:
        """How many of them are taken, each by a chat that has seen none; and how many panicked."""
        chats, before = self._manager.session.secret_chats, copy.deepcopy(self._chat)
        taken = panicked = 0
        for data in messages:
            try:
                self._deliver(bytes.fromhex(data), service=False)
                taken += 1
            except BaseException as error:
                panicked += type(error).__name__ == "PanicException"
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise
            chats.clear()
            chats[before.id] = copy.deepcopy(before)
        self._opened.clear()
        self._leaving()
        return [taken, panicked]

    def send_file(self, content: str) -> list[Any]:
        """A document: its ciphertext, its fingerprint, its TL object, and what leaves."""
        data = bytes.fromhex(content)
        self._client.parts.clear()
        sent = self._manager.send_secret_document(
            self._chat, io.BytesIO(data), b"", 0, 0, "file", "text/plain", len(data)
        )
        self._run(sent)
        stored = b"".join(self._client.parts).hex()
        return [stored, self._client.fingerprint, *self._made()]

    def read_file(self, data: str, stored: str, fingerprint: int) -> str:
        """Takes in a message with a document; the file, as far as it is one."""
        file = types.EncryptedFile(1, 0, len(stored) // 2, 1, fingerprint)
        self._deliver(bytes.fromhex(data), service=False, file=file)
        self._client.file = bytes.fromhex(stored)
        message = self._opened.pop()
        got: bytes = self._run(self._manager.download_secret_media(message))
        return got[: message.media.size].hex()

    def closed(self) -> bool:
        """Whether it has closed the chat."""
        return self._client.closed

    def _deliver(self, data: bytes, *, service: bool, file: Any = None) -> None:  # noqa: ANN401
        number = self._chat.id
        made = (
            types.EncryptedMessageService(number, None, data, 0)
            if service
            else types.EncryptedMessage(number, None, data, file or types.EncryptedFileEmpty(), 0)
        )
        key = self._chat.auth_key
        self._run(self._handled(types.UpdateNewEncryptedMessage(made, 0)))
        if self._counts and not self._client.closed and self._chat.auth_key != key:
            self._chat.ttr = 100

    def _update_chat(self, chat: object) -> None:
        self._run(self._handled(types.UpdateEncryption(chat, None)))

    async def _handled(self, update: object) -> None:
        assert self._client.handler is not None
        await self._client.handler(update)
        # What it has begun meanwhile.
        await asyncio.sleep(0)

    def _made(self) -> list[Any]:
        made = self._chat.outgoing[self._chat.out_seq_no].message
        return [bytes(made).hex(), self._leaving()]

    def _leaving(self) -> list[Any]:
        leaving = [[service, data.hex()] for service, data in self._client.outgoing]
        self._client.outgoing.clear()
        return leaving

    def _run(self, work: Any) -> Any:  # noqa: ANN401
        return self._loop.run_until_complete(work)


def main() -> None:
    """Answers until the input ends."""
    generator, prime = sys.argv[1].split("/")
    patch_tlobjects()
    loop = asyncio.new_event_loop()
    plugin = Plugin((int(generator), bytes.fromhex(prime)), loop)
    for line in sys.stdin:
        operation, arguments, options = json.loads(line)
        assert not operation.startswith("_")
        try:
            reply = {"ok": getattr(plugin, operation)(*arguments, **options)}
        except Exception as error:  # noqa: BLE001 (whatever it raises)
            reply = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
