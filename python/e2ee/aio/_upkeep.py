# SPDX-License-Identifier: MIT OR Apache-2.0
"""What keeps an account in working order: `e2ee._upkeep`, to be awaited.

These functions are methods of `e2ee.aio.Account`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from e2ee._heal import Healed
    from e2ee._matrix_account import KeyUpload
    from e2ee.aio.account import Account
    from e2ee.prekeys import PreKeyUpload
    from e2ee.store import StoreSecret
    from e2ee.store._secret import Key, Passphrase
    from e2ee.values import Address, Envelope


async def prekeys(self: Account) -> PreKeyUpload:
    """All public keys that a server needs which has nothing of this device."""
    return await self._call_outside(self._account.prekeys)


async def refresh_prekeys(
    self: Account, remaining: int | None = None, *, remaining_kyber: int | None = None
) -> PreKeyUpload | None:
    """What to upload now, or `None`: call it each day, and when the server says few are left.

    Raises:
        InvalidArgumentError: A number is negative.
    """
    return await self._call_outside(
        partial(self._account.refresh_prekeys, remaining, remaining_kyber=remaining_kyber)
    )


async def repair(
    self: Account, sender: Address | str, envelope: Envelope | bytes, sent: datetime | int
) -> Envelope:
    """An envelope that asks the sender of one that does not open to send it again.

    Raises:
        DuplicateMessageError: The envelope was opened before: nothing is missing.
        E2EEError: As `e2ee.Account.repair`.
    """
    return await self._call(partial(self._account.repair, sender, envelope, sent))


async def reset(self: Account, peer: Address | str) -> None:
    """Ends the session with a peer by hand: to send again, `connect` with a fresh bundle.

    Raises:
        NoSessionError: The peer is not known.
    """
    await self._call_outside(partial(self._account.reset, peer))


async def heal(self: Account) -> Healed:
    """Lets a store that was set back send again, as `e2ee.Account.heal` does.

    Raises:
        StoreRollbackError: This process has seen newer rows: open the account again.
        E2EEError: As `e2ee.Account.heal`.
    """
    return await self._call_outside(self._account.heal)


async def rekey(  # noqa: D417 (self is the account)
    self: Account,
    *,
    key: Key | None = None,
    passphrase: Passphrase | None = None,
    secret: StoreSecret | None = None,
) -> bool:
    """Gives the store another key, as `e2ee.Account.rekey` does; other calls wait meanwhile.

    What is to be called for key or passphrase is called in the account's thread. Cancelled while it
    is under way, it goes on: the store opens with one of both keys.

    Args:
        key: 32 uniformly random bytes, or what is called for them.
        passphrase: What a person remembers, or what is called for it.
        secret: A `StoreSecret`.

    Raises:
        E2EEError: As `e2ee.Account.rekey`.
    """
    call = partial(self._account.rekey, key=key, passphrase=passphrase, secret=secret)
    return await self._call_outside(call, shares=False)


async def generate_keys(self: Account, one_time: int = 0, *, fallback: bool = False) -> KeyUpload:
    """Makes keys for first messages, and returns all that wait to be published."""
    return await self._call_outside(
        partial(self._account.generate_keys, one_time, fallback=fallback)
    )


async def mark_keys_as_published(self: Account) -> None:
    """Says that the server has all keys that waited."""
    await self._call_outside(self._account.mark_keys_as_published)


async def mark_verified(self: Account, peer: Address, identity_key: bytes) -> None:
    """Marks a device as verified, after its keys were.

    Raises:
        E2EEError: As `e2ee.Account.mark_verified`.
    """
    await self._call_outside(partial(self._account.mark_verified, peer, identity_key))


async def sign_object(self: Account, value: Mapping[str, object]) -> dict[str, object]:
    """The object with the signature of this device; others in it stay (olm_megolm.md §8)."""
    return await self._call(partial(self._account.sign_object, value))
