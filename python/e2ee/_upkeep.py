# SPDX-License-Identifier: MIT OR Apache-2.0
"""What keeps an account in working order: prekeys, repair (signal.md §3 and §4.4), another key.

These functions are methods of `e2ee.Account`; `rekey` is one of `e2ee.mtproto.SecretChats` too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2ee._core import Rekeying
from e2ee._given import address_of, encoded_of
from e2ee._protocols import signal_of
from e2ee._time import to_milliseconds
from e2ee.errors import InvalidArgumentError
from e2ee.prekeys import OneTimePreKey, PreKeyUpload, SignedPreKey
from e2ee.store._secret import store_secret
from e2ee.values import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from e2ee import _core
    from e2ee._secret_chats import SecretChats
    from e2ee.account import Account
    from e2ee.store import StoreSecret
    from e2ee.store._secret import Key, Passphrase
    from e2ee.values import Address


def prekeys(self: Account) -> PreKeyUpload:
    """All public keys that a server needs which has nothing of this device (signal.md §3).

    Each call makes 100 new one-time keys of each kind; those before stay valid, up to 1,000.
    Use it to register, and `refresh_prekeys` from then on.

    Raises:
        SessionExhaustedError: The numbers of prekeys, 16,777,215, are used up.
    """
    return _upload(self._commits.write(signal_of(self._inner).prekeys))


def refresh_prekeys(  # noqa: D417 (self is the account)
    self: Account, remaining: int | None = None, *, remaining_kyber: int | None = None
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
    core = signal_of(self._inner)
    kyber = remaining if remaining_kyber is None else remaining_kyber
    row = self._commits.write(lambda inside: core.refresh_prekeys(inside, remaining, kyber))
    return None if row is None else _upload(row)


def repair(  # noqa: D417 (self is the account)
    self: Account, sender: Address | str, envelope: Envelope | bytes, sent: datetime | int
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
    whom, encoded, sent_ms = address_of(sender), encoded_of(envelope), to_milliseconds(sent)
    core = signal_of(self._inner)
    return Envelope(self._commits.read(lambda inside: core.repair(inside, whom, encoded, sent_ms)))


def reset(self: Account, peer: Address | str) -> None:
    """Ends the session with a peer by hand: to send again, `connect` with a fresh bundle.

    What the peer sent on it before still opens.

    Raises:
        NoSessionError: The peer is not known.
    """
    whom, core = address_of(peer), signal_of(self._inner)
    self._commits.write(lambda inside: core.reset(inside, whom))


def rekey(  # noqa: D417 (self is the account, or the chats)
    self: Account | SecretChats,
    *,
    key: Key | None = None,
    passphrase: Passphrase | None = None,
    secret: StoreSecret | None = None,
) -> bool:
    """Gives the store another key: every record is sealed anew, in one transaction.

    Give exactly one of the three, as to a store. If the process dies, the store has one key or the
    other, never a part under each. This object and its store go on with the new key; whoever else
    has the store open gets `StaleSessionError`, and opens it again. What somebody holds who took
    both store and key before, they keep: see docs/storage.md, "Keys".

    Args:
        key: 32 uniformly random bytes, or what is called for them.
        passphrase: What a person remembers, or what is called for it.
        secret: A `StoreSecret`.

    Returns:
        Whether nothing under the key before is left where the store keeps its records. If not:
        after another connection was in the way, repeat `SQLiteStore.scrub`; of a database, see
        docs/storage.md.

    Raises:
        InvalidArgumentError: The key is the one that the store has; or the store is of a kind whose
            key cannot be changed.
        TransactionOpenError: A transaction or a receive block is open in this thread.
        StoreOutcomeUnknownError: The connection broke during the commit: the store opens with one
            of both keys; this object goes on.
        StoreCorruptionError: A record does not open; the key is the one before.
    """
    chosen = store_secret(key, passphrase, secret)
    store = self._commits.store
    rekeyed: Callable[[StoreSecret], bool] | None = getattr(store, "rekeyed", None)
    if rekeyed is None:
        raise InvalidArgumentError("the key of a store of this kind cannot be changed")
    with self._commits.alone() as transaction:
        change = Rekeying(self._inner, transaction, chosen)
        while writes := change.next(transaction):
            transaction.apply(writes)
    change.release()
    return rekeyed(chosen)


def _upload(row: _core._Upload) -> PreKeyUpload:
    owner, signed, last_resort, one_time, one_time_kyber, gone = row
    return PreKeyUpload(
        *owner,
        SignedPreKey(*signed),
        SignedPreKey(*last_resort),
        tuple(OneTimePreKey(*each) for each in one_time),
        tuple(SignedPreKey(*each) for each in one_time_kyber),
        tuple(gone),
    )
