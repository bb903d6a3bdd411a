# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many messages in one call: `e2ee._batches`, to be awaited.

These functions are methods of `e2ee.aio.Account`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2ee.aio.account import Account
    from e2ee.errors import E2EEError
    from e2ee.values import Address, Envelope, Message


async def encrypt_many(
    self: Account, messages: Iterable[tuple[Address | str, bytes]]
) -> list[Envelope]:
    """Encrypts many plaintexts, each to its peer, in one transaction: all of them, or none.

    Raises:
        E2EEError: As `encrypt`; `place` says which message was refused, from 0.
    """
    return await self._call_outside(partial(self._account.encrypt_many, tuple(messages)))


async def decrypt_many(
    self: Account, envelopes: Iterable[tuple[Address | str, Envelope | bytes]]
) -> list[Message | E2EEError]:
    """Decrypts many envelopes, each of its sender, in one transaction, each at most once."""
    return await self._call_outside(partial(self._account.decrypt_many, tuple(envelopes)))


async def receive_many(
    self: Account, envelopes: Iterable[tuple[Address | str, Envelope | bytes]]
) -> list[Message | E2EEError]:
    """Decrypts many envelopes into the inbox, where they wait until `handled` is called."""
    return await self._call_outside(partial(self._account.receive_many, tuple(envelopes)))
