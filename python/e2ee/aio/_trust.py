# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whom an account trusts: `e2ee._trust`, to be awaited.

These functions are methods of `e2ee.aio.Account`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2ee.aio.account import Account
    from e2ee.values import Address, PreKeyBundle, SafetyNumber


async def safety_number(
    self: Account, peer: Address | str, *, bundle: PreKeyBundle | bytes | None = None
) -> SafetyNumber:
    """What to compare with a peer: under the trusted identity, or the bundle's.

    Raises:
        NoSessionError: The peer is not known, and no bundle is given.
    """
    return await self._call(partial(self._account.safety_number, peer, bundle=bundle))


async def verify(
    self: Account,
    peer: Address | str,
    code: SafetyNumber | str | bytes,
    *,
    bundle: PreKeyBundle | bytes | None = None,
) -> None:
    """Marks a peer as verified, if the code that they gave in person is ours too.

    Raises:
        SafetyNumberMismatchError: The code is another one. Nothing has changed.
        E2EEError: As `e2ee.Account.verify`.
    """
    await self._call_outside(partial(self._account.verify, peer, code, bundle=bundle))


async def accept_identity(self: Account, peer: Address | str, bundle: PreKeyBundle | bytes) -> None:
    """Trusts the identity of a bundle instead of the one before, and starts a session."""
    await self._call_outside(partial(self._account.accept_identity, peer, bundle))
