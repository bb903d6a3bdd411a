# SPDX-License-Identifier: MIT OR Apache-2.0
"""An account: a user's device with its keys and sessions, over a store (docs/storage.md).

Each call is one transaction of the store. What may leave, leaves after its commit.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, final
from uuid import UUID

from e2ee import _core
from e2ee._opened import message_of, opened_message
from e2ee._sealed import anchors
from e2ee.errors import DuplicateMessageError, SafetyNumberMismatchError, TransactionOpenError
from e2ee.group import Group
from e2ee.values import Address, Contact, Envelope, Message, PreKeyBundle, SafetyNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from e2ee._opened import Entry
    from e2ee._sealed import SenderCertificate
    from e2ee.store import Store, Transaction

_T = TypeVar("_T")


@final
class Account:
    """A user's device; made by `create` or `open`.

    Threads may share it. A peer is an `Address`, or a user name, which means device 1.
    """

    __slots__ = ("_blocks", "_inner", "_store")

    _blocks: list[int]
    _inner: _core.Account
    _store: Store

    def __init__(self) -> None:
        msg = "use Account.create or Account.open"
        raise TypeError(msg)

    @classmethod
    def create(cls, store: Store, user: str, *, device: int = 1) -> Account:
        """Makes an account in an empty store.

        Raises:
            StoreExistsError: The store holds an account.
            InvalidArgumentError: No user or device can be called so.
        """
        owner = Address(user, device)
        with store.transaction() as transaction:
            step = _core.Account.create(store.secret, transaction, owner)
            transaction.apply(step.writes)
        return cls._of(store, step.release())

    @classmethod
    def open(cls, store: Store) -> Account:
        """Opens the account of a store.

        Raises:
            StoreMissingError: The store is empty.
            StoreKeyError: The store was made with another key or passphrase.
            StoreCorruptionError: A record is damaged, missing, or not the one that was stored.
        """
        with store.transaction() as transaction:
            core = _core.Account.open(store.secret, transaction)
        return cls._of(store, core)

    @classmethod
    def _of(cls, store: Store, core: _core.Account) -> Account:
        account = object.__new__(cls)
        account._blocks = []
        account._inner = core
        account._store = store
        return account

    @property
    def user(self) -> str:
        """The user's name."""
        return self._inner.user

    @property
    def device(self) -> int:
        """The device's number."""
        return self._inner.device

    @property
    def address(self) -> Address:
        """User and device."""
        return Address(self.user, self.device)

    @property
    def identity_key(self) -> bytes:
        """The public identity key: a type byte (05) and 32 bytes."""
        return self._inner.identity_key

    def bundle(self, *, reusable: bool = False) -> PreKeyBundle:
        """The public keys for whoever wants to start a session with this device.

        Each call reserves keys that serve one session, and are destroyed by it. A reusable bundle
        has none: it serves many, whose first messages can be opened as long as this device exists
        or, once `refresh_prekeys` has replaced its keys, 30 days more.
        """
        if reusable:
            return PreKeyBundle(self._read(self._inner.reusable_bundle))
        return PreKeyBundle(self._write(self._inner.bundle))

    def prekeys(self) -> PreKeyUpload:
        """All public keys that a server needs which has nothing of this device (signal.md §3).

        Each call makes 100 new one-time keys of each kind; those before stay valid, up to 1,000.
        Use it to register, and `refresh_prekeys` from then on.

        Raises:
            SessionExhaustedError: The numbers of prekeys, 16,777,215, are used up.
        """
        return upload_of(self._write(self._inner.prekeys))

    def refresh_prekeys(
        self, remaining: int | None = None, *, remaining_kyber: int | None = None
    ) -> PreKeyUpload | None:
        """What to upload now, or `None`: call it each day, and when the server says few are left.

        The signed prekey and the last-resort key are replaced when they are two days old; replaced
        ones open first messages for 30 days, and are deleted then. Fewer than 10 one-time keys of a
        kind are made up to 100.

        Args:
            remaining: One-time keys that the server has, of either kind; without it, those that no
                first message has used are counted.
            remaining_kyber: One-time Kyber keys that the server has, if it counts them apart.

        Raises:
            InvalidArgumentError: A number is negative.
            SessionExhaustedError: The numbers of prekeys, 16,777,215, are used up.
        """
        kyber = remaining if remaining_kyber is None else remaining_kyber
        row = self._write(lambda inside: self._inner.refresh_prekeys(inside, remaining, kyber))
        return None if row is None else upload_of(row)

    def connect(self, peer: Address | str, bundle: PreKeyBundle | bytes) -> None:
        """Starts a session with a peer, who may be away.

        The first identity of a peer is trusted; compare safety numbers to know that it is theirs.

        Raises:
            UntrustedIdentityError: The bundle is not of the identity that is trusted.
            BadSignatureError: The bundle was altered.
        """
        whom, encoded = _address(peer), _encoded(bundle)
        self._write(lambda inside: self._inner.connect(inside, whom, encoded))

    def encrypt(self, peer: Address | str, plaintext: bytes) -> Envelope:
        """Encrypts to a peer; the envelope leaves after the session's next state is durable.

        Raises:
            NoSessionError: No session was started with the peer.
        """
        whom = _address(peer)
        return Envelope(self._write(lambda inside: self._inner.encrypt(inside, whom, plaintext)))

    def decrypt(self, sender: Address | str, envelope: Envelope | bytes) -> Message:
        """Decrypts an envelope, at most once: a crash after this call loses the message.

        Use `receive` where that matters.

        Raises:
            DecryptionError: The envelope does not open; the subclass says why.
            NoSenderKeyError: It is to a group, and the sender's invitation did not come yet.
            UntrustedIdentityError: It comes under another identity than the trusted one.
        """
        whom, encoded = _address(sender), _encoded(envelope)
        opened = self._commit(lambda inside: self._inner.decrypt(inside, whom, encoded))
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
        whom, encoded = _address(sender), _encoded(envelope)
        entry = self._commit(lambda inside: self._inner.receive(inside, whom, encoded))
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
        whom, encoded = _address(peer), _encoded(certificate)
        inner = _core.SealedSender(self._inner)
        return Envelope(self._write(lambda inside: inner.encrypt(inside, whom, plaintext, encoded)))

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
        encoded, trusted = _encoded(envelope), anchors(trust_roots, known_signers, revoked_signers)
        inner = _core.SealedSender(self._inner)
        user, device, opened = self._commit(lambda inside: inner.decrypt(inside, encoded, trusted))
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
        encoded, trusted = _encoded(envelope), anchors(trust_roots, known_signers, revoked_signers)
        inner = _core.SealedSender(self._inner)
        entry = self._commit(lambda inside: inner.receive(inside, encoded, trusted))
        with self._handling(entry) as message:
            yield message

    @contextmanager
    def _handling(self, entry: Entry | None) -> Iterator[Message]:
        if entry is None:
            raise DuplicateMessageError("the message was handled before", delivered=True)
        message, thread = message_of(entry), threading.get_ident()
        self._blocks.append(thread)
        try:
            yield message
        finally:
            self._blocks.remove(thread)
        self.handled(message)

    def repair(
        self, sender: Address | str, envelope: Envelope | bytes, sent: datetime | int
    ) -> Envelope:
        """An envelope that asks the sender of one that does not open to send it again.

        Carry it to the sender. It tells the sender's device, the ratchet key that the envelope
        shows, and the time; never why it does not open (signal.md §4.4). Make one after a
        `DecryptionError`, `UnknownPreKeyError`, `NoSessionError` or `NoSenderKeyError`, once for
        each envelope; not after `UntrustedIdentityError`.

        Args:
            sender: Who is said to have sent it.
            envelope: What does not open.
            sent: When it was sent, as the carrier says: milliseconds since 1970, or a time with its
                zone. The sender finds the message by it.

        Raises:
            DuplicateMessageError: The envelope was opened before: nothing is missing.
            InvalidArgumentError: The envelope asks so itself, or is sealed; or the time is none.
            MalformedMessageError: It is no message: ignore it.
        """
        whom, encoded, sent_ms = _address(sender), _encoded(envelope), milliseconds_of(sent)
        return Envelope(
            self._read(lambda inside: self._inner.repair(inside, whom, encoded, sent_ms))
        )

    def reset(self, peer: Address | str) -> None:
        """Ends the session with a peer by hand: to send again, `connect` with a fresh bundle.

        What the peer sent on it before still opens.

        Raises:
            NoSessionError: The peer is not known.
        """
        whom = _address(peer)
        self._write(lambda inside: self._inner.reset(inside, whom))

    def inbox(self) -> list[Message]:
        """The messages that wait to be handled, oldest first."""
        return [message_of(entry) for entry in self._read(self._inner.inbox)]

    def handled(self, message: Message) -> None:
        """Takes a message out of the inbox; one that is not there is no error."""
        inbox_id = message.inbox_id
        if inbox_id is not None:
            self._commit(lambda inside: self._inner.handled(inside, inbox_id))

    def safety_number(
        self, peer: Address | str, *, bundle: PreKeyBundle | bytes | None = None
    ) -> SafetyNumber:
        """What to compare with a peer: under the trusted identity, or the bundle's.

        Raises:
            NoSessionError: The peer is not known, and no bundle is given.
        """
        whom, encoded = _address(peer), None if bundle is None else _encoded(bundle)
        return SafetyNumber.from_scannable(
            self._read(lambda inside: self._inner.safety_number(inside, whom, encoded))
        )

    def verify(
        self,
        peer: Address | str,
        code: SafetyNumber | str | bytes,
        *,
        bundle: PreKeyBundle | bytes | None = None,
    ) -> None:
        """Marks a peer as verified, if the code that they gave in person is ours too.

        With a bundle, its identity is trusted from now on and a session is started with it.

        Args:
            peer: Who gave the code.
            code: The digits, of which spaces and line breaks do not matter, or the bytes that the
                camera read from the peer's QR code.
            bundle: The peer's bundle, if their identity is new.

        Raises:
            SafetyNumberMismatchError: The code is another one. Nothing has changed.
            SafetyNumberVersionError: The scanned code is of another version. Nothing has changed.
            MalformedMessageError: The scanned bytes are no safety number.
            NoSessionError: The peer is not known, and no bundle is given.
        """
        whom, encoded = _address(peer), None if bundle is None else _encoded(bundle)
        given = SafetyNumber("".join(code.split())) if isinstance(code, str) else code

        def work(inside: Transaction) -> _core.Step[None]:
            ours = SafetyNumber.from_scannable(self._inner.safety_number(inside, whom, encoded))
            same = ours.compare(given) if isinstance(given, bytes) else given == ours
            if not same:
                raise SafetyNumberMismatchError("the safety numbers differ")
            if encoded is None:
                return self._inner.mark_verified(inside, whom)
            return self._inner.accept_identity(inside, whom, encoded, verified=True)

        self._write(work)

    def accept_identity(self, peer: Address | str, bundle: PreKeyBundle | bytes) -> None:
        """Trusts the identity of a bundle instead of the one before, and starts a session with it.

        Sessions under the identity before neither send nor receive any more.
        """
        whom, encoded = _address(peer), _encoded(bundle)
        self._write(
            lambda inside: self._inner.accept_identity(inside, whom, encoded, verified=False)
        )

    def forget(self, peer: Address | str) -> None:
        """Forgets a peer: the sessions, and which identity was trusted.

        Raises:
            NoSessionError: The peer is not known.
        """
        whom = _address(peer)
        self._write(lambda inside: self._inner.forget(inside, whom))

    def contacts(self) -> list[Contact]:
        """Every peer, in the order of names."""
        return [
            Contact(Address(user, device), key, verified, *(progress or (None, None)))
            for user, device, key, verified, progress in self._read(self._inner.contacts)
        ]

    def create_group(
        self,
        members: Iterable[Address | str] = (),
        *,
        id: UUID | None = None,  # noqa: A002
    ) -> Group:
        """Makes a group; see `Group`.

        Args:
            members: The devices that shall read what this one writes to the group.
            id: The group's id, the same for all its members; a random one if none is given.

        Raises:
            InvalidArgumentError: A group of this id is known, or this device is among the members.
        """
        encoded, addresses = (
            None if id is None else id.bytes,
            [_address(each) for each in members],
        )
        groups = _core.Groups(self._inner)
        made = self._write(lambda inside: groups.create(inside, encoded, addresses))
        return self.group(UUID(bytes=made))

    def group(self, group_id: UUID) -> Group:
        """A group that this device made or was invited to.

        Raises:
            NoGroupError: It did neither, or has left the group.
        """
        groups = _core.Groups(self._inner)
        self._read(lambda inside: groups.members(inside, group_id.bytes))
        return Group._of(groups, (self._read, self._write), group_id)  # noqa: SLF001

    def groups(self) -> list[UUID]:
        """The ids of all groups, in ascending order."""
        return [UUID(bytes=each) for each in self._read(_core.Groups(self._inner).ids)]

    def _read(self, work: Callable[[Transaction], _T]) -> _T:
        with self._store.transaction() as transaction:
            return work(transaction)

    def _write(self, work: Callable[[Transaction], _core.Step[_T]]) -> _T:
        """Commits a step that a receive block would not undo if it raised: none may be open."""
        if threading.get_ident() in self._blocks:
            raise TransactionOpenError("a receive block is open in this thread")
        return self._commit(work)

    def _commit(self, work: Callable[[Transaction], _core.Step[_T]]) -> _T:
        """Saves a step, and releases its result after the commit; if that fails, nothing leaves."""
        with self._store.transaction() as transaction:
            step = work(transaction)
            transaction.apply(step.writes)
        return step.release()

    def __repr__(self) -> str:
        """The type and the address."""
        return f"Account({str(self.address)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: two copies would use the same message keys."""
        msg = "an account cannot be copied: open it again"
        raise TypeError(msg)


def _address(peer: Address | str) -> Address:
    return Address(peer) if isinstance(peer, str) else peer


def _encoded(value: Envelope | PreKeyBundle | SenderCertificate | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.to_bytes()
