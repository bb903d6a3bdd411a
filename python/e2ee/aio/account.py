# SPDX-License-Identifier: MIT OR Apache-2.0
"""An account for asyncio: `e2ee.Account` in a thread of its own (docs/storage.md, "asyncio")."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, final

import e2ee
from e2ee import _core, _protocols, importing
from e2ee.aio import _batches, _outbox, _trust, _upkeep
from e2ee.aio._block import Block, refuse_block
from e2ee.aio._turns import turns_of
from e2ee.aio.group import Group
from e2ee.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from e2ee._protocols import Core, ProtocolName
    from e2ee._sealed import SenderCertificate
    from e2ee.aio._turns import Turns
    from e2ee.importing import ImportReport, LibsignalRecords
    from e2ee.store import Store
    from e2ee.values import Contact, Envelope, Message, PreKeyBundle

    _T = TypeVar("_T")


@final
class Account:
    """A user's device; made by `create` or `open`, and closed at the end of an `async with`.

    Tasks, event loops and threads may share it. Its methods are those of `e2ee.Account`, whose
    descriptions hold here too; each is a transaction that it may share with other calls. One that
    is cancelled while it waits never was. Cancelled later, it is made, and its result dropped: the
    key of an `encrypt` is spent, a `queue` stands in the outbox, a `receive` in the inbox.

    All raise `StoreError` if the store fails, and `StaleSessionError` after `close`. Those that let
    something leave raise `TransactionOpenError` inside a `receive` block, also in tasks that were
    started there, as long as it is open.
    """

    __slots__ = ("_account", "_turns")

    _account: e2ee.Account
    _turns: Turns

    def __init__(self) -> None:
        msg = "use Account.create or Account.open"
        raise TypeError(msg)

    @classmethod
    async def create(
        cls,
        store: Store,
        user: str,
        *,
        device: int | str = 1,
        protocol: ProtocolName = "signal",
    ) -> Account:
        """Makes an account in an empty store.

        Raises:
            StoreExistsError: The store holds an account.
            InvalidArgumentError: No user or device can be called so, or the store works on a
                connection that was lent: that belongs to the application's thread.
        """
        owner, turns = Address(user, device), turns_of(store)
        create = partial(_protocols.created, protocol, store.secret)
        return await cls._of(
            turns, lambda: turns.together.write(lambda inside: create(inside, owner))
        )

    @classmethod
    async def open(cls, store: Store) -> Account:
        """Opens the account of a store.

        Raises:
            StoreMissingError: The store is empty.
            StoreKeyError: The store was made with another key or passphrase.
            StoreCorruptionError: A record is damaged, missing, or not the one that was stored.
            InvalidArgumentError: The store works on a connection that was lent.
        """
        turns = turns_of(store)
        opens = partial(_core.open_account, store.secret)
        return await cls._of(turns, lambda: turns.together.read(opens))

    @classmethod
    async def _of(cls, turns: Turns, makes: Callable[[], Core]) -> Account:
        try:
            core = await turns.call(makes)
        except BaseException:
            turns.end()
            raise
        account = object.__new__(cls)
        account._account = e2ee.Account._of(turns.together, core)  # noqa: SLF001 - the same account
        account._turns = turns
        return account

    @staticmethod
    async def import_records(
        store: Store,
        user: str,
        records: LibsignalRecords,
        *,
        device: int = 1,
        dry_run: bool = False,
    ) -> ImportReport:
        """Makes an account of what libsignal's stores hold, as `e2ee.Account.import_records`."""
        turns = turns_of(store)
        work = partial(
            importing.import_records, store, user, records, device=device, dry_run=dry_run
        )
        try:
            return await turns.call(work, shares=False)
        finally:
            turns.end()

    async def close(self) -> None:
        """Lets the calls that wait finish, and ends the thread; the store stays open."""
        await self._turns.close()

    async def __aenter__(self) -> Self:
        """The account, which is closed when the block ends."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the account."""
        await self.close()

    @property
    def user(self) -> str:
        """The user's name."""
        return self._account.user

    @property
    def protocol(self) -> ProtocolName:
        """What it speaks."""
        return self._account.protocol

    @property
    def device(self) -> int | str:
        """The device's number, or for Olm its id."""
        return self._account.device

    @property
    def address(self) -> Address:
        """User and device."""
        return self._account.address

    @property
    def identity_key(self) -> bytes:
        """The public identity key: a type byte (05) and 32 bytes; for Olm 32 bytes."""
        return self._account.identity_key

    async def bundle(self, *, reusable: bool = False) -> PreKeyBundle:
        """The public keys for whoever wants to start a session with this device."""
        call = partial(self._account.bundle, reusable=reusable)
        return await (self._call(call) if reusable else self._call_outside(call))

    prekeys = _upkeep.prekeys
    refresh_prekeys = _upkeep.refresh_prekeys
    repair = _upkeep.repair
    reset = _upkeep.reset
    heal = _upkeep.heal
    rekey = _upkeep.rekey
    generate_keys = _upkeep.generate_keys
    mark_keys_as_published = _upkeep.mark_keys_as_published
    mark_verified = _upkeep.mark_verified
    sign_object = _upkeep.sign_object
    export_room_keys = _upkeep.export_room_keys
    import_room_keys = _upkeep.import_room_keys

    async def connect(self, peer: Address | str, bundle: PreKeyBundle | bytes) -> None:
        """Starts a session with a peer, who may be away.

        Raises:
            UntrustedIdentityError: The bundle is not of the identity that is trusted.
            BadSignatureError: The bundle was altered.
        """
        await self._call_outside(partial(self._account.connect, peer, bundle))

    async def encrypt(self, peer: Address | str, plaintext: bytes) -> Envelope:
        """Encrypts to a peer; the envelope leaves after the session's next state is durable.

        Raises:
            NoSessionError: No session was started with the peer.
        """
        return await self._call_outside(partial(self._account.encrypt, peer, plaintext))

    async def decrypt(self, sender: Address | str, envelope: Envelope | bytes) -> Message:
        """Decrypts an envelope, at most once: a crash, or cancelling this, loses the message.

        Use `receive` where that matters.

        Raises:
            DecryptionError: The envelope does not open; the subclass says why.
            E2EEError: As `e2ee.Account.decrypt`.
        """
        return await self._call(partial(self._account.decrypt, sender, envelope))

    def receive(
        self, sender: Address | str, envelope: Envelope | bytes
    ) -> AbstractAsyncContextManager[Message]:
        """Decrypts an envelope; the message waits in the inbox until the block has succeeded.

        At the end of the block the message leaves the inbox, in one transaction with what `queue`,
        `queue_many`, `sent` and `handled` were called for inside, or with none of it: the entries
        of the outbox are there after the block. Nothing is held while the block waits.

        Raises:
            DuplicateMessageError: The message was opened before; `delivered` says whether exactly
                this one was handled. At the end: somebody else has handled it meanwhile.
            DecryptionError: The envelope does not open; the subclass says why.
            E2EEError: As `e2ee.Account.receive`.
        """
        return self._block(partial(self._account.receive, sender, envelope))

    async def encrypt_sealed(
        self, peer: Address | str, plaintext: bytes, certificate: SenderCertificate | bytes
    ) -> Envelope:
        """Encrypts to a peer like `encrypt`, in an envelope that does not show who sent it.

        Raises:
            InvalidCertificateError: The certificate is another device's, or has expired.
            NoSessionError: No session was started with the peer.
        """
        return await self._call_outside(
            partial(self._account.encrypt_sealed, peer, plaintext, certificate)
        )

    async def decrypt_sealed(
        self,
        envelope: Envelope | bytes,
        *,
        trust_roots: Iterable[bytes],
        known_signers: Mapping[int, bytes] = MappingProxyType({}),
        revoked_signers: Collection[int] = (),
    ) -> Message:
        """Decrypts what `receive_sealed` does, at most once: cancelling this loses the message.

        Raises:
            DecryptionError: As in `receive_sealed`, and so are the other errors.
        """
        return await self._call(
            partial(
                self._account.decrypt_sealed,
                envelope,
                trust_roots=tuple(trust_roots),
                known_signers=dict(known_signers),
                revoked_signers=tuple(revoked_signers),
            )
        )

    def receive_sealed(
        self,
        envelope: Envelope | bytes,
        *,
        trust_roots: Iterable[bytes],
        known_signers: Mapping[int, bytes] = MappingProxyType({}),
        revoked_signers: Collection[int] = (),
    ) -> AbstractAsyncContextManager[Message]:
        """Decrypts an envelope of kind "sealed" like `receive`; who sent it is found inside.

        Raises:
            InvalidCertificateError: No trusted server vouches for the sender, or not any more.
            E2EEError: As `e2ee.Account.receive_sealed`.
        """
        return self._block(
            partial(
                self._account.receive_sealed,
                envelope,
                trust_roots=tuple(trust_roots),
                known_signers=dict(known_signers),
                revoked_signers=tuple(revoked_signers),
            )
        )

    async def inbox(self) -> list[Message]:
        """The messages that wait to be handled, oldest first."""
        return await self._call(self._account.inbox)

    async def handled(self, message: Message) -> None:
        """Takes a message out of the inbox; inside a `receive` block at its end.

        Raises:
            DuplicateMessageError: It is not there any more: somebody else has handled it.
        """
        block = Block.around(self._turns)
        if block is None:
            await self._call(partial(self._account.handled, message))
        else:
            await block.handled(message)

    queue = _outbox.queue
    outbox = _outbox.outbox
    sent = _outbox.sent

    encrypt_many = _batches.encrypt_many
    queue_many = _outbox.queue_many
    decrypt_many = _batches.decrypt_many
    receive_many = _batches.receive_many

    safety_number = _trust.safety_number
    verify = _trust.verify
    accept_identity = _trust.accept_identity

    async def forget(self, peer: Address | str) -> None:
        """Forgets a peer: the sessions, and which identity was trusted.

        Raises:
            NoSessionError: The peer is not known.
        """
        await self._call_outside(partial(self._account.forget, peer))

    async def contacts(self) -> list[Contact]:
        """Every peer, in the order of names."""
        return await self._call(self._account.contacts)

    async def create_group(
        self,
        members: Iterable[Address | str] = (),
        *,
        id: UUID | str | None = None,  # noqa: A002 - the word for it
    ) -> Group:
        """Makes a group; see `Group`.

        Raises:
            InvalidArgumentError: A group of this id is known, or this device is among the members.
        """
        call = partial(self._account.create_group, tuple(members), id=id)
        return Group._of(self._turns, await self._call_outside(call))  # noqa: SLF001

    async def group(self, group_id: UUID | str) -> Group:
        """A group that this device made or was invited to.

        Raises:
            NoGroupError: It did neither, or has left the group.
        """
        inner = await self._call(partial(self._account.group, group_id))
        return Group._of(self._turns, inner)  # noqa: SLF001

    async def groups(self) -> list[UUID] | list[str]:
        """The ids of all groups, in ascending order."""
        return await self._call(self._account.groups)

    async def _call(self, call: Callable[[], _T]) -> _T:
        return await self._turns.call(call)

    async def _call_outside(self, call: Callable[[], _T], *, shares: bool = True) -> _T:
        refuse_block(self._turns)
        return await self._turns.call(call, shares=shares)

    def _block(self, receive: Callable[[], AbstractContextManager[Message]]) -> Block:
        return Block(self._turns, self._account, receive)

    def __repr__(self) -> str:
        """The type and the address."""
        return f"Account({str(self.address)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: two copies would use the same message keys."""
        msg = "an account cannot be copied: open it again"
        raise TypeError(msg)
