# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats in a terminal, for a Telegram account that Telethon (MIT) is connected with.

    pip install libe2ee telethon
    python secret_chat.py --api-id NUMBER --api-hash TEXT [--with USER]

With --with it begins a chat; it accepts every chat that others begin. What is typed goes to the
chat that was used last; /end discards that one. All state is in the folder --folder: the chats,
sealed under a passphrase; the numbers by which the server lets us use them; and Telethon's session.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, final

from telethon import TelegramClient, errors, events
from telethon.tl import types
from telethon.tl.functions import messages

import e2ee
from e2ee import mtproto
from e2ee.aio import SecretChat, SecretChats

if TYPE_CHECKING:
    from collections.abc import Callable


@final
class AccessHashes:
    """What the server wants to see with the number of a chat: a table of the application's own.

    A chat has one here from when the server has agreed to it.
    """

    def __init__(self, path: Path) -> None:
        self._rows = sqlite3.connect(path, isolation_level=None)
        self._rows.execute(
            "CREATE TABLE IF NOT EXISTS chats (chat_id INTEGER PRIMARY KEY, access_hash INTEGER)"
        )

    def put(self, chat: types.EncryptedChat | types.EncryptedChatWaiting) -> None:
        """Keeps that of a chat."""
        self._rows.execute("REPLACE INTO chats VALUES (?, ?)", (chat.id, chat.access_hash))

    def find(self, chat_id: int) -> types.InputEncryptedChat | None:
        """How requests name a chat."""
        row = self._rows.execute(
            "SELECT access_hash FROM chats WHERE chat_id = ?", (chat_id,)
        ).fetchone()
        return None if row is None else types.InputEncryptedChat(chat_id, row[0])

    def forget(self, chat_id: int) -> None:
        """Drops that of a chat."""
        self._rows.execute("DELETE FROM chats WHERE chat_id = ?", (chat_id,))

    def close(self) -> None:
        """Closes the file."""
        self._rows.close()


@final
class Talk:
    """The secret chats of a client, and what is done with what comes and goes.

    One thing is done at a time, in the order in which the client hears of it: messages leave in
    the order in which they were made.
    """

    def __init__(
        self,
        client: TelegramClient,
        chats: SecretChats,
        hashes: AccessHashes,
        show: Callable[[str], None],
    ) -> None:
        self._client = client
        self._chats = chats
        self._hashes = hashes
        self._show = show
        self._turn = asyncio.Lock()
        #: The chat that was used last.
        self.current: int | None = None
        client.add_event_handler(self.on_encryption, events.Raw(types.UpdateEncryption))
        client.add_event_handler(self.on_message, events.Raw(types.UpdateNewEncryptedMessage))

    async def resume(self) -> None:
        """Goes on where the program ended, or where the connection broke."""
        async with self._turn:
            for message in await self._chats.inbox():
                await self._handle(message)
            for chat in await self._chats.chats():
                if self._hashes.find(chat.chat_id) is None:
                    await self._end(chat.chat_id, "the program ended before it was agreed on")
                elif await chat.state() is not None:
                    await chat.ask_again()
                    await self._post(chat)
                    self.current = chat.chat_id

    async def begin(self, user: str | int) -> int:
        """Asks somebody for a chat."""
        async with self._turn:
            whom = await self._client.get_input_entity(user)
            offer = await self._chats.offer(str(whom.user_id), await self._group())
            request = messages.RequestEncryptionRequest(whom, offer.g_a, random_id=offer.chat_id)
            try:
                self._hashes.put(await self._client(request))
            except errors.RPCError:
                await self._forget(offer.chat_id, "the server did not take it")
                raise
            self._show(f"[{offer.chat_id}] waits for {whom.user_id}")
            return offer.chat_id

    async def say(self, text: str) -> None:
        """Sends a text to the chat that was used last."""
        async with self._turn:
            if self.current is None:
                self._show("there is no chat yet")
                return
            chat = await self._chats.chat(self.current)
            await chat.encrypt(mtproto.Text(text=text).to_bytes())
            await self._post(chat)

    async def end(self) -> None:
        """Ends the chat that was used last."""
        async with self._turn:
            if self.current is not None:
                await self._end(self.current, "you have ended it")

    async def on_encryption(self, update: types.UpdateEncryption) -> None:
        """Somebody asks for a chat, has answered, or has ended it."""
        async with self._turn:
            match update.chat:
                case types.EncryptedChatRequested():
                    await self._accept(update.chat)
                case types.EncryptedChat():
                    await self._confirm(update.chat)
                case types.EncryptedChatDiscarded():
                    await self._forget(update.chat.id, "the other end has ended it")

    async def on_message(self, update: types.UpdateNewEncryptedMessage) -> None:
        """A message came; the server may drop it when it is durable here."""
        async with self._turn:
            await self._receive(update.message)
            # What Telethon has fetched after a pause has no number, and is acknowledged already.
            if update.qts:
                await self._client(messages.ReceivedQueueRequest(update.qts))

    async def _accept(self, asked: types.EncryptedChatRequested) -> None:
        group = await self._group()
        try:
            answer = await self._chats.accept(asked.id, str(asked.admin_id), asked.g_a, group)
        except e2ee.InvalidKeyError:
            await self._discard(asked.id)
            self._show(f"[{asked.id}] refused: what {asked.admin_id} sent is not safe")
            return
        except e2ee.InvalidArgumentError:
            return  # it was announced before
        peer = types.InputEncryptedChat(asked.id, asked.access_hash)
        request = messages.AcceptEncryptionRequest(peer, answer.g_b, answer.key_fingerprint)
        try:
            self._hashes.put(await self._client(request))
        except errors.RPCError:
            await self._forget(asked.id, "it was taken back")
            return
        await self._agreed(asked.id)

    async def _confirm(self, answer: types.EncryptedChat) -> None:
        try:
            await self._chats.confirm(answer.id, answer.g_a_or_b, answer.key_fingerprint)
        except e2ee.NoSessionError:
            return  # nothing waits for it: it was announced before, or is ended
        except (e2ee.InvalidKeyError, e2ee.AuthenticationError):
            await self._end(answer.id, "both ends do not have one key")
            return
        self._hashes.put(answer)
        await self._agreed(answer.id)

    async def _agreed(self, chat_id: int) -> None:
        """Shows the picture, and sends what comes first."""
        self.current = chat_id
        chat = await self._chats.chat(chat_id)
        state = await chat.state()
        if state is not None:
            self._show(
                f"[{chat_id}] with {chat.peer}: compare this with their screen, in person or by"
                f" a call; who sits in between would show you another one\n"
                f"{state.picture.terminal()}\n{state.picture.hex_pairs()}"
            )
        await self._post(chat)

    async def _receive(
        self, message: types.EncryptedMessage | types.EncryptedMessageService
    ) -> None:
        try:
            chat = await self._chats.chat(message.chat_id)
            reception = await chat.receive(message.bytes)
        except e2ee.NoSessionError:
            return  # the chat is ended; or not begun here yet: then we ask for the message later
        except e2ee.IgnoredMessageError:
            return
        except e2ee.FatalChatError:
            await self._end(message.chat_id, "a message was altered or out of place")
            return
        for each in reception.messages:
            await self._handle(each)
        await self._post(chat)

    async def _handle(self, message: mtproto.ChatMessage) -> None:
        """Shows a message; a crash in between shows it again."""
        self._show(f"[{message.chat_id}] {message.peer}: {_decode(message.body)}")
        await self._chats.handled(message)

    async def _post(self, chat: SecretChat) -> None:
        """Gives the server all that it may not have; what fails is given the next time."""
        peer = self._hashes.find(chat.chat_id)
        for message in await chat.unposted():
            try:
                await self._give(peer, message)
            except (errors.EncryptionDeclinedError, errors.EncryptionIdInvalidError):
                await self._end(chat.chat_id, "the other end has ended it")
                return
            await chat.posted(message)

    async def _give(self, peer: types.InputEncryptedChat, message: mtproto.OutgoingMessage) -> None:
        """Gives the server a message, under another number if it was given before."""
        send = (
            messages.SendEncryptedServiceRequest
            if message.service
            else messages.SendEncryptedRequest
        )
        try:
            await self._client(send(peer, message.data, random_id=message.message_id))
        except errors.RandomIdDuplicateError:
            fresh = int.from_bytes(os.urandom(8), "little", signed=True)
            await self._client(send(peer, message.data, random_id=fresh))

    async def _group(self) -> mtproto.DhGroup:
        """The group that the server names, checked."""
        config = await self._client(messages.GetDhConfigRequest(0, 0))
        return mtproto.DhGroup.from_server(config.g, config.p)

    async def _end(self, chat_id: int, why: str) -> None:
        await self._forget(chat_id, why)
        await self._discard(chat_id)

    async def _forget(self, chat_id: int, why: str) -> None:
        """Forgets the keys first: they are the part that matters."""
        try:
            await (await self._chats.chat(chat_id)).close()
        except e2ee.NoSessionError:
            return
        finally:
            self._hashes.forget(chat_id)
            self.current = None if self.current == chat_id else self.current
        self._show(f"[{chat_id}] ended: {why}")

    async def _discard(self, chat_id: int) -> None:
        try:
            await self._client(messages.DiscardEncryptionRequest(chat_id))
        except errors.RPCError:
            return  # the server has done so already


def _decode(body: bytes) -> str:
    """What a message says, as far as this program understands it.

    Nothing of it may move the terminal's cursor, or worse.
    """
    try:
        said = mtproto.decode(body)
    except e2ee.MalformedMessageError:
        return "(nothing that can be read)"
    if not isinstance(said, mtproto.Text):
        return "(something that this program does not show)"
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in said.text
    )


async def open_chats(store: e2ee.store.Store, user: str) -> SecretChats:
    """The chats of a store, which is made one of chats if it is empty."""
    try:
        return await SecretChats.open(store)
    except e2ee.StoreMissingError:
        return await SecretChats.create(store, user)


async def main() -> None:
    """Runs the program."""
    parser = argparse.ArgumentParser(description="secret chats of Telegram in a terminal")
    parser.add_argument("--api-id", type=int, required=True, help="from my.telegram.org")
    parser.add_argument("--api-hash", required=True)
    parser.add_argument("--with", dest="user", help="a user name or a phone number")
    parser.add_argument("--folder", type=Path, default=Path("telegram"))
    asked = parser.parse_args()
    asked.folder.mkdir(mode=0o700, exist_ok=True)
    passphrase = getpass.getpass("passphrase of your secret chats: ")
    client = TelegramClient(asked.folder / "session", asked.api_id, asked.api_hash, catch_up=True)
    hashes = AccessHashes(asked.folder / "access.db")
    with e2ee.SQLiteStore(asked.folder / "chats.db", passphrase=passphrase) as store:
        async with await open_chats(store, "me") as chats:
            # It listens before the client begins to tell what came meanwhile.
            talk = Talk(client, chats, hashes, print)
            async with client:
                await talk.resume()
                if asked.user:
                    await talk.begin(asked.user)
                await converse(talk)
    hashes.close()


async def converse(talk: Talk) -> None:
    """Says what is typed, until the end of the input."""
    while True:
        try:
            line = await asyncio.to_thread(input)
        except EOFError:
            return
        try:
            await (talk.end() if line == "/end" else talk.say(line))
        except ConnectionError:
            print("there is no connection: it is sent with the next text, or the next start")


if __name__ == "__main__":
    asyncio.run(main())
