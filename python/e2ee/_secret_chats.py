# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats over a store (mtproto_secret_chats.md §1, §5 and §6; docs/storage.md, "Steps").

Nothing here knows a network: what comes is given, and what leaves is returned, after it is durable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from e2ee import _core, _scopes, _upkeep
from e2ee._commits import Commits, handled_before, reading, refuse_joined
from e2ee._secret_chat_values import (
    ChatAcceptance,
    ChatMessage,
    ChatOffer,
    ChatState,
    OutgoingMessage,
    Reception,
    change_of,
    message_of,
    outgoing_of,
    signed,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2ee._commits import Doors
    from e2ee._secret_chat_values import ChatRow, OutgoingRow
    from e2ee.store import Scope, Store

#: The newest layer that can be named: that of mtproto_secret_chats.md §4.
NEWEST_LAYER: Final = 144
#: A number that no message has: there are 2³⁰ at most.
_NO_MESSAGE: Final = 0xFFFF_FFFF


@final
class SecretChats:
    """All secret chats of a client, in a store of their own; made by `create` or `open`.

    Threads may share it, and processes the store: calls about one chat take turns, those about
    different chats of a `PostgresStore` do not, unless it has an anchor (docs/storage.md;
    mtproto_secret_chats.md §1).
    """

    __slots__ = ("_commits", "_inner")

    _commits: Doors
    _inner: _core.SecretChats

    def __init__(self) -> None:
        msg = "use SecretChats.create or SecretChats.open"
        raise TypeError(msg)

    @classmethod
    def create(cls, store: Store, user: str, *, layer: int = NEWEST_LAYER) -> SecretChats:
        """Makes an empty store one of secret chats.

        Args:
            store: Where they live.
            user: A name for whose chats they are; nobody else learns of it.
            layer: The newest layer that the application understands, 73 to 144.

        Raises:
            StoreExistsError: The store holds an account or chats.
            StoreAnchorError: The anchor is another store's.
            InvalidArgumentError: No user can be called so, or there is no such layer.
        """
        refuse_joined(store)
        with store.transaction() as transaction:
            step = _core.SecretChats.create(store.secret, transaction, user, signed(layer, 32))
            transaction.apply(step.writes)
        chats = cls._of(Commits(store), step.release())
        return chats if _scopes.anchor_of(store) is None else cls.open(store)

    @classmethod
    def open(cls, store: Store) -> SecretChats:
        """Opens the secret chats of a store.

        Raises:
            StoreMissingError: The store is empty.
            StoreKeyError: The store was made with another key or passphrase.
            StoreCorruptionError: A record is damaged, missing, or not the one that was stored.
            StoreAnchorError: The store has an anchor, which was not given, or another one was.
            InvalidArgumentError: The store holds an account: `Account.open` opens it.
        """
        with reading(store) as transaction:
            core = _core.SecretChats.open(store.secret, transaction)
            ties = bool(core.tie(transaction).writes)
        chats = cls._of(Commits(store), core)
        if ties:
            chats._commits.commit(core.tie)  # noqa: SLF001 - its own class
        return chats

    @classmethod
    def _of(cls, commits: Doors, core: _core.SecretChats) -> SecretChats:
        chats = object.__new__(cls)
        chats._commits = commits
        chats._inner = core
        return chats

    @property
    def user(self) -> str:
        """Whose chats they are."""
        return self._inner.user

    def offer(self, peer: str, group: _core.DhGroup) -> ChatOffer:
        """Begins a chat (§1).

        Args:
            peer: A name for the other end; nobody else learns of it.
            group: What `messages.getDhConfig` gave; its `random` is not needed.

        Raises:
            InvalidArgumentError: Nobody can be called so.
            TransactionOpenError: The application's transaction is open.
        """
        chat_id, public = self._commits.commit(
            lambda inside: self._inner.offer(inside, peer, group)
        )
        return ChatOffer(chat_id, public)

    def accept(
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
            TransactionOpenError: The application's transaction is open.
        """
        whom = (signed(chat_id, 32), peer)
        public, fingerprint, rows = self._commits.commit(
            lambda inside: self._inner.accept(inside, whom, g_a, group)
        )
        return ChatAcceptance(public, fingerprint, outgoing_of(chat_id, rows))

    def confirm(
        self, chat_id: int, g_b: bytes, key_fingerprint: int
    ) -> tuple[OutgoingMessage, ...]:
        """Takes the answer of `encryptedChat` to an offer (§1); the result is to be sent.

        Raises:
            NoSessionError: Nothing waits for an answer under this number.
            InvalidArgumentError: No number of the server's is like that.
            InvalidKeyError: `g_b` is out of range: close and discard the chat.
            AuthenticationError: The other end has another key: close and discard the chat.
            TransactionOpenError: The application's transaction is open.
        """
        number, fingerprint = signed(chat_id, 32), signed(key_fingerprint, 64)
        rows = self._commits.commit(
            lambda inside: self._inner.confirm(inside, number, g_b, fingerprint)
        )
        return outgoing_of(chat_id, rows)

    def chat(self, chat_id: int) -> SecretChat:
        """One chat.

        Raises:
            NoSessionError: There is none of this number.
            InvalidArgumentError: No number of the server's is like that.
        """
        number = signed(chat_id, 32)
        row = self._commits.read(lambda inside: self._inner.chat(inside, number))
        return SecretChat._of(self._commits, self._inner, row)  # noqa: SLF001 - of this module

    def chats(self) -> list[SecretChat]:
        """All chats, in the order of their numbers, those too that wait for an answer."""
        rows = self._commits.read(self._inner.chats)
        return [SecretChat._of(self._commits, self._inner, row) for row in rows]  # noqa: SLF001 - of this module

    def inbox(self) -> list[ChatMessage]:
        """The messages of all chats that were not handled, oldest first."""
        return [message_of(entry) for entry in self._commits.read(self._inner.inbox)]

    def handled(self, message: ChatMessage) -> None:
        """Takes a message out of the inbox; it can be part of the application's transaction.

        Raises:
            DuplicateMessageError: It is not there any more: somebody else has handled it.
        """
        inbox_id = message.inbox_id
        scope = _scopes.handling(inbox_id)
        if not self._commits.join(lambda inside: self._inner.handled(inside, inbox_id), scope):
            raise handled_before()

    def heal(self) -> list[int]:
        """Closes all chats of a store that was set back; returns their numbers, to be discarded.

        The numbers of messages that a lost past has used cannot be used again. What waits in the
        inbox stays. A store with an anchor agrees with it from then on.

        Raises:
            StoreAnchorError: The store has an anchor, which was not given.
        """
        return self._commits.commit(self._inner.heal)

    rekey = _upkeep.rekey

    def __repr__(self) -> str:
        """The type and the name."""
        return f"SecretChats({self.user!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: two copies would use the same numbers."""
        msg = "secret chats cannot be copied: open them again"
        raise TypeError(msg)


@final
class SecretChat:
    """One secret chat; `SecretChats.chat` gives it (mtproto_secret_chats.md §5).

    Its state lies in the store: any number of these may stand for one chat.
    """

    __slots__ = ("_chat_id", "_commits", "_inner", "_peer")

    _chat_id: int
    _commits: Doors
    _inner: _core.SecretChats
    _peer: str

    def __init__(self) -> None:
        msg = "use SecretChats.chat"
        raise TypeError(msg)

    @classmethod
    def _of(cls, commits: Doors, inner: _core.SecretChats, row: ChatRow) -> SecretChat:
        chat = object.__new__(cls)
        chat._commits = commits
        chat._inner = inner
        chat._chat_id, chat._peer, _ = row
        return chat

    @property
    def chat_id(self) -> int:
        """The number of the chat, as the server knows it."""
        return self._chat_id

    @property
    def peer(self) -> str:
        """The other end's name, as the application has given it."""
        return self._peer

    def state(self) -> ChatState | None:
        """What both ends have agreed on; `None` until the other end has answered.

        Raises:
            NoSessionError: The chat was closed.
        """
        _, _, agreed = self._commits.read(lambda inside: self._inner.chat(inside, self.chat_id))
        return None if agreed is None else state_of(agreed)

    def encrypt(self, message: bytes) -> tuple[OutgoingMessage, ...]:
        """Makes a message; the result is to be sent, in its order.

        A request for the next key may follow it (§6).

        Args:
            message: A TL object of `decryptedMessage` or `decryptedMessageService`, constructor
                first, of a layer that the other end speaks; at most 1 MiB.

        Raises:
            NoSessionError: The chat was closed, or the other end has not answered yet.
            InvalidArgumentError: The bytes are no such object, too long, or a service message that
                this library makes itself.
            SessionExhaustedError: 2³⁰ messages were sent: begin another chat.
            TransactionOpenError: The application's transaction is open.
        """
        return self._leaves(lambda inside: self._inner.encrypt(inside, self.chat_id, message))

    def receive(self, data: bytes) -> Reception:
        """Takes in the bytes of an `encryptedMessage` or `encryptedMessageService` (§5).

        Send all of `outgoing`, handle all `messages`. They are in the inbox, so nothing of them is
        lost if the program stops in between: the update may be acknowledged to the server.

        Raises:
            IgnoredMessageError: It came before, or is under no key of this chat: drop it.
            FatalChatError: The other end, or somebody between, has broken the protocol: `close` the
                chat and send `messages.discardEncryption`.
            NoSessionError: The chat was closed, or the other end has not answered yet.
            TransactionOpenError: The application's transaction is open.
        """
        messages, changes, rows = self._commits.commit(
            lambda inside: self._inner.receive(inside, self.chat_id, data), self._scope()
        )
        return Reception(
            tuple(message_of(entry) for entry in messages),
            tuple(change_of(change) for change in changes),
            outgoing_of(self.chat_id, rows),
        )

    def posted(self, message: OutgoingMessage) -> None:
        """Takes note that the server has a message, and all before it.

        Raises:
            NoSessionError: The chat was closed.
            InvalidArgumentError: It is of another chat, or was not made.
            TransactionOpenError: The application's transaction is open.
        """
        number = message.number if message.chat_id == self.chat_id else _NO_MESSAGE
        self._commits.commit(
            lambda inside: self._inner.posted(inside, self.chat_id, number), self._scope()
        )

    def unposted(self) -> tuple[OutgoingMessage, ...]:
        """What the server may not have, in order: to be sent after the program was started again.

        Raises:
            NoSessionError: The chat was closed, or the other end has not answered yet.
            TransactionOpenError: A transaction goes on, which could still be undone.
        """
        rows = self._commits.read_committed(
            lambda inside: self._inner.unposted(inside, self.chat_id)
        )
        return outgoing_of(self.chat_id, rows)

    def ask_again(self) -> tuple[OutgoingMessage, ...]:
        """Asks once more for messages that are missing, if any are: the first request may be lost.

        Raises:
            NoSessionError: The chat was closed, or the other end has not answered yet.
            TransactionOpenError: The application's transaction is open.
        """
        return self._leaves(lambda inside: self._inner.ask_again(inside, self.chat_id))

    def change_key(self) -> tuple[OutgoingMessage, ...]:
        """Asks for the next key now, before the 100 messages or 7 days are over (§6).

        Raises:
            NoSessionError: The chat was closed, or the other end has not answered yet.
            InvalidArgumentError: An exchange of keys is open already.
            TransactionOpenError: The application's transaction is open.
        """
        return self._leaves(lambda inside: self._inner.change_key(inside, self.chat_id))

    def delete_messages(self, message_ids: Iterable[int]) -> tuple[OutgoingMessage, ...]:
        """Deletes messages of ours at the other end, those too that it has not got yet (§5).

        Raises:
            NoSessionError: The chat was closed, or the other end has not answered yet.
            InvalidArgumentError: No message can be called so.
            TransactionOpenError: The application's transaction is open.
        """
        ids = [signed(each, 64) for each in message_ids]
        return self._leaves(lambda inside: self._inner.delete_messages(inside, self.chat_id, ids))

    def close(self) -> None:
        """Forgets the chat with its keys; what waits in the inbox stays.

        Tell the server by `messages.discardEncryption`.

        Raises:
            NoSessionError: It was closed before.
            TransactionOpenError: The application's transaction is open.
        """
        self._commits.commit(lambda inside: self._inner.close(inside, self.chat_id))

    def _leaves(self, work: _scopes.Work[list[OutgoingRow]]) -> tuple[OutgoingMessage, ...]:
        rows = self._commits.commit(work, self._scope())
        return outgoing_of(self.chat_id, rows)

    def _scope(self) -> Scope | None:
        return _scopes.in_chat(self._commits.store, self.chat_id)

    def __repr__(self) -> str:
        """The type, the number and the peer."""
        return f"SecretChat({self.chat_id}, {self.peer!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: two copies would use the same numbers."""
        msg = "a secret chat cannot be copied: ask for it again"
        raise TypeError(msg)
