# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats for asyncio: `e2ee.mtproto.SecretChats` in a thread of its own.

docs/storage.md, "asyncio"; the protocol is that of mtproto_secret_chats.md.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, final

from e2ee import _core, _scopes, mtproto
from e2ee._secret_chats import NEWEST_LAYER
from e2ee.aio._turns import turns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from e2ee._secret_chat_values import (
        ChatAcceptance,
        ChatMessage,
        ChatOffer,
        ChatState,
        OutgoingMessage,
        Reception,
    )
    from e2ee.aio._together import Together
    from e2ee.aio._turns import Turns
    from e2ee.store import Store, StoreSecret
    from e2ee.store._secret import Key, Passphrase


@final
class SecretChats:
    """All secret chats of a client, closed at the end of an `async with`.

    Made by `create` or `open`. Tasks, event loops and threads may share it. Its methods are those
    of `e2ee.mtproto.SecretChats`, whose descriptions hold here too. Each is a transaction that it
    may share with calls for any of the chats. One that is cancelled while it waits never was.
    Cancelled later, it is made, and its result dropped: what was to be sent is in `unposted`, and
    what came in the `inbox`.

    Messages of one chat are made and taken in in the order of the calls. In which order a program
    sends what they return is its own affair: one task at a time should do that for a chat.

    All raise `StoreError` if the store fails, and `StaleSessionError` after `close`.
    """

    __slots__ = ("_chats", "_turns")

    _chats: mtproto.SecretChats
    _turns: Turns

    def __init__(self) -> None:
        msg = "use SecretChats.create or SecretChats.open"
        raise TypeError(msg)

    @classmethod
    async def create(cls, store: Store, user: str, *, layer: int = NEWEST_LAYER) -> SecretChats:
        """Makes an empty store one of secret chats.

        Raises:
            StoreExistsError: The store holds an account or chats.
            InvalidArgumentError: No user can be called so, there is no such layer, or the store
                works on a connection that was lent: that belongs to the application's thread.
            E2EEError: As `e2ee.mtproto.SecretChats.create`.
        """
        turns = turns_of(store)
        creates = partial(_created, turns.together, user, layer)
        chats = await cls._of(turns, creates)
        if _scopes.anchor_of(store) is not None:
            await chats.close()
            return await cls.open(store)
        return chats

    @classmethod
    async def open(cls, store: Store) -> SecretChats:
        """Opens the secret chats of a store.

        Raises:
            StoreMissingError: The store is empty.
            InvalidArgumentError: The store holds an account, or works on a connection that was
                lent.
            E2EEError: As `e2ee.mtproto.SecretChats.open`.
        """
        turns = turns_of(store)
        return await cls._of(turns, partial(_opened, turns.together))

    @classmethod
    async def _of(cls, turns: Turns, makes: Callable[[], _core.SecretChats]) -> SecretChats:
        try:
            core = await turns.call(makes)
        except BaseException:
            turns.end()
            raise
        chats = object.__new__(cls)
        chats._chats = mtproto.SecretChats._of(turns.together, core)  # noqa: SLF001 - the same chats
        chats._turns = turns
        return chats

    async def close(self) -> None:
        """Lets the calls that wait finish, and ends the thread; the store stays open."""
        await self._turns.close()

    async def __aenter__(self) -> Self:
        """The chats, which are closed when the block ends."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the thread; the chats themselves stay."""
        await self.close()

    @property
    def user(self) -> str:
        """Whose chats they are."""
        return self._chats.user

    async def offer(self, peer: str, group: _core.DhGroup) -> ChatOffer:
        """Begins a chat (§1).

        Raises:
            InvalidArgumentError: Nobody can be called so.
        """
        return await self._turns.call(partial(self._chats.offer, peer, group))

    async def accept(
        self,
        chat_id: int,
        peer: str,
        g_a: bytes,
        group: _core.DhGroup,
    ) -> ChatAcceptance:
        """Takes part in a chat that `encryptedChatRequested` announced (§1).

        Raises:
            InvalidKeyError: `g_a` is out of range: discard the chat.
            InvalidArgumentError: There is a chat of this number, or nobody can be called so.
        """
        return await self._turns.call(partial(self._chats.accept, chat_id, peer, g_a, group))

    async def confirm(
        self, chat_id: int, g_b: bytes, key_fingerprint: int
    ) -> tuple[OutgoingMessage, ...]:
        """Takes the answer of `encryptedChat` to an offer (§1); the result is to be sent.

        Raises:
            NoSessionError: Nothing waits for an answer under this number.
            InvalidKeyError: `g_b` is out of range: close and discard the chat.
            AuthenticationError: The other end has another key: close and discard the chat.
        """
        return await self._turns.call(partial(self._chats.confirm, chat_id, g_b, key_fingerprint))

    async def chat(self, chat_id: int) -> SecretChat:
        """One chat.

        Raises:
            NoSessionError: There is none of this number.
        """
        inner = await self._turns.call(partial(self._chats.chat, chat_id))
        return SecretChat._of(self._turns, inner)  # noqa: SLF001 - of this module

    async def chats(self) -> list[SecretChat]:
        """All chats, in the order of their numbers, those too that wait for an answer."""
        inner = await self._turns.call(self._chats.chats)
        return [SecretChat._of(self._turns, each) for each in inner]  # noqa: SLF001 - of this module

    async def inbox(self) -> list[ChatMessage]:
        """The messages of all chats that were not handled, oldest first."""
        return await self._turns.call(self._chats.inbox)

    async def handled(self, message: ChatMessage) -> None:
        """Takes a message out of the inbox.

        Raises:
            DuplicateMessageError: It is not there any more: somebody else has handled it.
        """
        await self._turns.call(partial(self._chats.handled, message))

    async def heal(self) -> list[int]:
        """Closes all chats of a store that was set back; returns their numbers, to be discarded.

        Raises:
            E2EEError: As `e2ee.mtproto.SecretChats.heal`.
        """
        return await self._turns.call(self._chats.heal)

    async def rekey(
        self,
        *,
        key: Key | None = None,
        passphrase: Passphrase | None = None,
        secret: StoreSecret | None = None,
    ) -> bool:
        """Gives the store another key, as `e2ee.mtproto.SecretChats.rekey` does; other calls wait.

        Args:
            key: 32 uniformly random bytes, or what is called for them.
            passphrase: What a person remembers, or what is called for it.
            secret: A `StoreSecret`.

        Raises:
            E2EEError: As `e2ee.mtproto.SecretChats.rekey`.
        """
        call = partial(self._chats.rekey, key=key, passphrase=passphrase, secret=secret)
        return await self._turns.call(call, shares=False)

    def __repr__(self) -> str:
        """The type and the name."""
        return f"SecretChats({self.user!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: two copies would use the same numbers."""
        msg = "secret chats cannot be copied: open them again"
        raise TypeError(msg)


@final
class SecretChat:
    """One secret chat; `SecretChats.chat` gives it.

    Its methods are those of `e2ee.mtproto.SecretChat`, whose descriptions hold here too; any number
    of these may stand for one chat. Those that need a chat which both ends have agreed on raise
    `NoSessionError` if it was closed, or the other end has not answered yet.
    """

    __slots__ = ("_chat", "_turns")

    _chat: mtproto.SecretChat
    _turns: Turns

    def __init__(self) -> None:
        msg = "use SecretChats.chat"
        raise TypeError(msg)

    @classmethod
    def _of(cls, turns: Turns, inner: mtproto.SecretChat) -> SecretChat:
        chat = object.__new__(cls)
        chat._turns = turns
        chat._chat = inner
        return chat

    @property
    def chat_id(self) -> int:
        """The number of the chat, as the server knows it."""
        return self._chat.chat_id

    @property
    def peer(self) -> str:
        """The other end's name, as the application has given it."""
        return self._chat.peer

    async def state(self) -> ChatState | None:
        """What both ends have agreed on; `None` until the other end has answered."""
        return await self._turns.call(self._chat.state)

    async def encrypt(self, message: bytes) -> tuple[OutgoingMessage, ...]:
        """Makes a message; the result is to be sent, in its order.

        Raises:
            InvalidArgumentError: The bytes are no such object, too long, or a service message that
                this library makes itself.
            SessionExhaustedError: 2³⁰ messages were sent: begin another chat.
        """
        return await self._turns.call(partial(self._chat.encrypt, message))

    async def receive(self, data: bytes) -> Reception:
        """Takes in the bytes of an `encryptedMessage` or `encryptedMessageService` (§5).

        Raises:
            IgnoredMessageError: It came before, or is under no key of this chat: drop it.
            FatalChatError: The other end, or somebody between, has broken the protocol: `close` the
                chat and send `messages.discardEncryption`.
        """
        return await self._turns.call(partial(self._chat.receive, data))

    async def posted(self, message: OutgoingMessage) -> None:
        """Takes note that the server has a message, and all before it.

        Raises:
            InvalidArgumentError: It is of another chat, or was not made.
        """
        await self._turns.call(partial(self._chat.posted, message))

    async def unposted(self) -> tuple[OutgoingMessage, ...]:
        """What the server may not have, in order: to be sent after a new start."""
        return await self._turns.call(self._chat.unposted)

    async def ask_again(self) -> tuple[OutgoingMessage, ...]:
        """Asks once more for messages that are missing, if any are."""
        return await self._turns.call(self._chat.ask_again)

    async def change_key(self) -> tuple[OutgoingMessage, ...]:
        """Asks for the next key now, before the 100 messages or 7 days are over (§6).

        Raises:
            InvalidArgumentError: An exchange of keys is open already.
        """
        return await self._turns.call(self._chat.change_key)

    async def delete_messages(self, message_ids: Iterable[int]) -> tuple[OutgoingMessage, ...]:
        """Deletes messages of ours at the other end, those too that it has not got yet (§5)."""
        return await self._turns.call(partial(self._chat.delete_messages, tuple(message_ids)))

    async def close(self) -> None:
        """Forgets the chat with its keys; what waits in the inbox stays.

        Tell the server by `messages.discardEncryption`.

        Raises:
            NoSessionError: It was closed before.
        """
        await self._turns.call(self._chat.close)

    def __repr__(self) -> str:
        """The type, the number and the peer."""
        return f"SecretChat({self.chat_id}, {self.peer!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: two copies would use the same numbers."""
        msg = "a secret chat cannot be copied: ask for it again"
        raise TypeError(msg)


def _created(together: Together, user: str, layer: int) -> _core.SecretChats:
    secret = together.store.secret
    return together.write(lambda inside: _core.SecretChats.create(secret, inside, user, layer))


def _opened(together: Together) -> _core.SecretChats:
    """The chats of a store, which are tied to its anchor if they were not."""
    core = together.read(partial(_core.SecretChats.open, together.store.secret))
    together.write(core.tie)
    return core
