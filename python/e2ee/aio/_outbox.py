# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is queued, and leaves after its commit: `e2ee._outbox`, to be awaited.

These functions are methods of `e2ee.aio.Account`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from e2ee.aio._block import Block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2ee.aio.account import Account
    from e2ee.values import Address, Outgoing


async def queue(self: Account, peer: Address | str, plaintext: bytes) -> str:
    """Encrypts to a peer into the outbox; the result names the entry there.

    Inside a `receive` block the entry is made at its end, and has this name then.

    Raises:
        NoSessionError: No session was started with the peer.
        UntrustedIdentityError: The session is under another identity than the trusted one.
    """
    block = Block.around(self._turns)
    if block is None:
        return await self._call(partial(self._account.queue, peer, plaintext))
    return await block.queue(peer, plaintext)


async def outbox(
    self: Account, *, peer: Address | str | None = None, limit: int = 64
) -> list[Outgoing]:
    """The envelopes that wait for their carrier, oldest first.

    Raises:
        InvalidArgumentError: The limit is below 1.
    """
    return await self._call_outside(partial(self._account.outbox, peer=peer, limit=limit))


async def sent(self: Account, outgoing: Outgoing | str) -> None:
    """Takes an envelope out of the outbox, after its carrier has taken it; none is no error."""
    block = Block.around(self._turns)
    if block is None:
        await self._call(partial(self._account.sent, outgoing))
    else:
        block.join(partial(self._account.sent, outgoing))


async def queue_many(self: Account, messages: Iterable[tuple[Address | str, bytes]]) -> list[str]:
    """Encrypts many plaintexts into the outbox like `queue`: all of them, or none.

    Raises:
        E2EEError: As `queue`; `place` says which message was refused, from 0.
    """
    block = Block.around(self._turns)
    if block is None:
        return await self._call(partial(self._account.queue_many, tuple(messages)))
    return await block.queue_many(tuple(messages))
