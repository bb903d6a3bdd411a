# SPDX-License-Identifier: MIT OR Apache-2.0
"""An account: a user's device with its keys and sessions, over a store (docs/storage.md).

Each call is one transaction of the store. What may leave, leaves after its commit.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from e2ee import (
    _batches,
    _core,
    _groups,
    _heal,
    _matrix_account,
    _matrix_rooms,
    _outbox,
    _protocols,
    _scopes,
    _trust,
    _upkeep,
    importing,
)
from e2ee._commits import Commits, handled_before, reading, refuse_joined
from e2ee._given import address_of, encoded_of
from e2ee._opened import contact_of, message_of, opened_message
from e2ee._sealed import anchors
from e2ee.values import Address, Contact, Envelope, Message, PreKeyBundle, envelope_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from e2ee._commits import Doors
    from e2ee._opened import Entry
    from e2ee._protocols import Core, ProtocolName
    from e2ee._sealed import SenderCertificate
    from e2ee.store import Store

_at_rest: Final = _core.encrypt_at_rest


@final
class Account:
    """A user's device; made by `create` or `open`.

    Threads may share it. A peer is an `Address`, or a user name, which means device 1. Devices of
    Matrix, which speak Olm, have no numbers: there a peer is an `Address`.
    """

    __slots__ = ("_commits", "_inner")

    _commits: Doors
    _inner: Core

    def __init__(self) -> None:
        msg = "use Account.create or Account.open"
        raise TypeError(msg)

    @classmethod
    def create(
        cls,
        store: Store,
        user: str,
        *,
        device: int | str = 1,
        protocol: ProtocolName = "signal",
    ) -> Account:
        """Makes an account in an empty store.

        Args:
            store: Where it lives.
            user: The user's name.
            device: The device: a number of 1 to 127, or for Olm the id that the server gave.
            protocol: What it speaks: "signal", or "olm" with Matrix clients (olm_megolm.md §1).

        Raises:
            StoreExistsError: The store holds an account.
            StoreAnchorError: The anchor is another store's.
            InvalidArgumentError: No user or device can be called so.
        """
        owner = Address(user, device)
        refuse_joined(store)
        with store.transaction() as transaction:
            step = _protocols.created(protocol, store.secret, transaction, owner)
            transaction.apply(step.writes)
        account = cls._of(Commits(store), step.release())
        return account if _scopes.anchor_of(store) is None else cls.open(store)

    import_records = staticmethod(importing.import_records)

    @classmethod
    def open(cls, store: Store) -> Account:
        """Opens the account of a store, of whatever protocol it is.

        Raises:
            StoreMissingError: The store is empty.
            StoreKeyError: The store was made with another key or passphrase.
            StoreCorruptionError: A record is damaged, missing, or not the one that was stored.
            StoreAnchorError: The store has an anchor, which was not given, or another one was.
            InvalidArgumentError: The store holds secret chats: `e2ee.mtproto.SecretChats.open`
                opens it.
        """
        with reading(store) as transaction:
            core = _core.open_account(store.secret, transaction)
            ties = bool(core.tie(transaction).writes)
        account = cls._of(Commits(store), core)
        if ties:
            account._commits.commit(core.tie)  # noqa: SLF001 - its own class
        return account

    @classmethod
    def _of(cls, commits: Doors, core: Core) -> Account:
        account = object.__new__(cls)
        account._commits = commits
        account._inner = core
        return account

    @property
    def user(self) -> str:
        """The user's name."""
        return self._inner.user

    @property
    def protocol(self) -> ProtocolName:
        """What it speaks."""
        return _protocols.name_of(self._inner)

    @property
    def device(self) -> int | str:
        """The device's number, or for Olm its id."""
        return self._inner.device

    @property
    def address(self) -> Address:
        """User and device."""
        return Address(self.user, self.device)

    @property
    def identity_key(self) -> bytes:
        """The public identity key: a type byte (05) and 32 bytes; for Olm 32 bytes (Curve25519)."""
        return self._inner.identity_key

    def bundle(self, *, reusable: bool = False) -> PreKeyBundle:
        """The public keys for whoever wants to start a session with this device.

        Each call reserves keys that serve one session, and are destroyed by it. A reusable bundle
        has none: it serves many, whose first messages can be opened as long as this device exists
        or, once `refresh_prekeys` has replaced its keys, 30 days more.

        That of Olm is JSON: an object with `device_keys`, and in `one_time_keys` one key, or the
        fallback key if it is reusable, all under the device's signature (olm_megolm.md §8).
        """
        core = self._inner
        if not isinstance(core, _core.Account):
            return _matrix_account.bundle_of(self, reusable=reusable)
        if reusable:
            return PreKeyBundle(self._commits.read(core.reusable_bundle))
        return PreKeyBundle(self._commits.write(core.bundle))

    prekeys = _upkeep.prekeys
    refresh_prekeys = _upkeep.refresh_prekeys
    repair = _upkeep.repair
    reset = _upkeep.reset
    rekey = _upkeep.rekey
    heal = _heal.heal
    generate_keys = _matrix_account.generate_keys
    mark_keys_as_published = _matrix_account.mark_keys_as_published
    mark_verified = _matrix_account.mark_verified
    sign_object = _matrix_account.sign_object
    export_room_keys = _matrix_rooms.export_room_keys
    import_room_keys = _matrix_rooms.import_room_keys

    def connect(self, peer: Address | str, bundle: PreKeyBundle | bytes) -> None:
        """Starts a session with a peer, who may be away.

        The first identity of a peer is trusted; compare safety numbers to know that it is theirs.

        Raises:
            UntrustedIdentityError: The bundle is not of the identity that is trusted.
            BadSignatureError: The bundle was altered.
        """
        whom, encoded, core = address_of(peer), encoded_of(bundle), self._inner
        if isinstance(core, _core.Account):
            self._commits.write(lambda inside: core.connect(inside, whom, encoded))
        else:
            keys = _matrix_account.verified_keys(whom, encoded)
            self._commits.write(lambda inside: core.connect(inside, whom, *keys))

    def encrypt(self, peer: Address | str, plaintext: bytes) -> Envelope:
        """Encrypts to a peer; the envelope leaves after the session's next state is durable.

        Raises:
            NoSessionError: No session was started with the peer.
            StoreRollbackError: The store was set back or runs twice, as its anchor says.
        """
        made = self._commits.exchange(lambda change: _at_rest(self._inner, peer, plaintext, change))
        if made is None:
            whom = address_of(peer)
            scope = _scopes.sending(self._commits.store, whom)
            made = self._commits.write(
                lambda inside: self._inner.encrypt(inside, whom, plaintext), scope
            )
        return envelope_of(made)

    def decrypt(self, sender: Address | str, envelope: Envelope | bytes) -> Message:
        """Decrypts an envelope, at most once: a crash after this call loses the message.

        Use `receive` where that matters.

        Raises:
            DecryptionError: The envelope does not open; the subclass says why.
            NoSenderKeyError: It is to a group, and the sender's invitation did not come yet.
            UntrustedIdentityError: It comes under another identity than the trusted one.
        """
        whom, encoded = address_of(sender), encoded_of(envelope)
        scope = _scopes.receiving(whom, encoded)
        opened = self._commits.commit(
            lambda inside: self._inner.decrypt(inside, whom, encoded), scope
        )
        return opened_message(whom, opened)

    @contextmanager
    def receive(self, sender: Address | str, envelope: Envelope | bytes) -> Iterator[Message]:
        """Decrypts an envelope; the message waits in the inbox until the block has succeeded.

        If the block raises, or the process ends, the message stays there: `inbox` shows it, and so
        does `receive` if the envelope is delivered again. Within the block this thread cannot send.

        Raises:
            DuplicateMessageError: The message was opened before; `delivered` says whether exactly
                this one was handled.
            RepairLimitError: The peer asked too often to send something again.
            DecryptionError: The envelope does not open; the subclass says why.
            NoSenderKeyError: It is to a group, and the sender's invitation did not come yet.
            UntrustedIdentityError: It comes under another identity than the trusted one.
        """
        whom, encoded = address_of(sender), encoded_of(envelope)
        scope = _scopes.receiving(whom, encoded)
        entry = self._commits.commit(
            lambda inside: self._inner.receive(inside, whom, encoded), scope
        )
        with self._handling(entry) as message:
            yield message

    def encrypt_sealed(
        self, peer: Address | str, plaintext: bytes, certificate: SenderCertificate | bytes
    ) -> Envelope:
        """Encrypts to a peer like `encrypt`, in an envelope that does not show who sent it.

        The certificate is this device's, as the server issued it; the peer opens the envelope with
        `receive_sealed` (signal.md §10).

        Raises:
            InvalidCertificateError: The certificate is another device's, or has expired.
            MalformedMessageError: It is no certificate.
            NoSessionError: No session was started with the peer.
        """
        whom, encoded = address_of(peer), encoded_of(certificate)
        inner = _core.SealedSender(_protocols.signal_of(self._inner))
        scope = _scopes.sending(self._commits.store, whom)
        made = self._commits.write(
            lambda inside: inner.encrypt(inside, whom, plaintext, encoded), scope
        )
        return Envelope(made)

    def decrypt_sealed(
        self,
        envelope: Envelope | bytes,
        *,
        trust_roots: Iterable[bytes],
        known_signers: Mapping[int, bytes] = MappingProxyType({}),
        revoked_signers: Collection[int] = (),
    ) -> Message:
        """Decrypts what `receive_sealed` does, at most once: a crash after this loses the message.

        Raises:
            DecryptionError: As in `receive_sealed`, and so are the other errors.
        """
        encoded, trusted = (
            encoded_of(envelope),
            anchors(trust_roots, known_signers, revoked_signers),
        )
        inner = _core.SealedSender(_protocols.signal_of(self._inner))
        user, device, opened = self._commits.commit(
            lambda inside: inner.decrypt(inside, encoded, trusted)
        )
        return opened_message(Address(user, device), opened)

    @contextmanager
    def receive_sealed(
        self,
        envelope: Envelope | bytes,
        *,
        trust_roots: Iterable[bytes],
        known_signers: Mapping[int, bytes] = MappingProxyType({}),
        revoked_signers: Collection[int] = (),
    ) -> Iterator[Message]:
        """Decrypts an envelope of kind "sealed" like `receive`; who sent it is found inside.

        The sender has the name under which this account knows the account that the certificate
        names, or else its UUID as text (docs/storage.md, "Sealed messages").

        Args:
            envelope: The envelope.
            trust_roots: The public keys of the roots that certify servers, 33 bytes each.
            known_signers: Server certificates that certificates may name by their numbers.
            revoked_signers: The numbers of server certificates that count no more.

        Raises:
            InvalidCertificateError: No trusted server vouches for the sender, or not any more.
            SelfSendError: This device sent it.
            UntrustedIdentityError: The certified identity is another one than the trusted one.
            DuplicateMessageError: The message was opened before, as in `receive`.
            DecryptionError: The envelope does not open; the subclass says why.
        """
        encoded, trusted = (
            encoded_of(envelope),
            anchors(trust_roots, known_signers, revoked_signers),
        )
        inner = _core.SealedSender(_protocols.signal_of(self._inner))
        entry = self._commits.commit(lambda inside: inner.receive(inside, encoded, trusted))
        with self._handling(entry) as message:
            yield message

    @contextmanager
    def _handling(self, entry: Entry | None) -> Iterator[Message]:
        if entry is None:
            raise handled_before()
        message = message_of(entry)
        inbox_id = message.inbox_id or ""
        with self._commits.handling(inbox_id, lambda inside: self._inner.handled(inside, inbox_id)):
            yield message

    def inbox(self) -> list[Message]:
        """The messages that wait to be handled, oldest first."""
        return [message_of(entry) for entry in self._commits.read(self._inner.inbox)]

    def handled(self, message: Message) -> None:
        """Takes a message out of the inbox; it can be part of the application's transaction.

        Raises:
            DuplicateMessageError: It is not there any more: somebody else has handled it.
        """
        inbox_id = message.inbox_id
        if inbox_id is None or self._commits.handles(inbox_id):
            return
        scope = _scopes.handling(inbox_id)
        if not self._commits.join(lambda inside: self._inner.handled(inside, inbox_id), scope):
            raise handled_before()

    queue = _outbox.queue
    outbox = _outbox.outbox
    sent = _outbox.sent

    encrypt_many = _batches.encrypt_many
    queue_many = _batches.queue_many
    decrypt_many = _batches.decrypt_many
    receive_many = _batches.receive_many

    safety_number = _trust.safety_number
    verify = _trust.verify
    accept_identity = _trust.accept_identity

    def forget(self, peer: Address | str) -> None:
        """Forgets a peer: the sessions, and which identity was trusted.

        Raises:
            NoSessionError: The peer is not known.
        """
        whom = address_of(peer)
        self._commits.write(lambda inside: self._inner.forget(inside, whom))

    def contacts(self) -> list[Contact]:
        """Every peer, in the order of names."""
        return [contact_of(row) for row in self._commits.read(self._inner.contacts)]

    create_group = _groups.create_group
    group = _groups.group
    groups = _groups.groups

    def __repr__(self) -> str:
        """The type and the address."""
        return f"Account({str(self.address)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: two copies would use the same message keys."""
        msg = "an account cannot be copied: open it again"
        raise TypeError(msg)
