# SPDX-License-Identifier: MIT OR Apache-2.0
"""The outbox: what is queued leaves after its commit, and again with the same bytes if it must.

These functions are methods of `e2ee.Account` (docs/storage.md, "Outbox").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2ee import _core, _scopes
from e2ee._given import address_of
from e2ee._time import from_milliseconds
from e2ee.errors import InvalidArgumentError
from e2ee.values import Address, Envelope, Outgoing

if TYPE_CHECKING:
    from e2ee.account import Account


def queue(self: Account, peer: Address | str, plaintext: bytes) -> str:
    """Encrypts to a peer into the outbox; the result names the entry there.

    It can be part of the application's transaction, on a connection that the store was given, or of
    a `receive` block: then it is undone with it. The envelope can be had from `outbox` after the
    commit, and is the same each time.

    Raises:
        NoSessionError: No session was started with the peer.
        UntrustedIdentityError: The session is under another identity than the trusted one.
    """
    return queue_as(self, peer, plaintext, None)


def queue_as(self: Account, peer: Address | str, plaintext: bytes, outbox_id: str | None) -> str:
    """Like `queue`; the entry may get the name of an earlier one whose step was dropped."""
    whom, outbox = address_of(peer), _core.Outbox(self._inner)
    scope = _scopes.queueing(self._commits.store, whom)
    return self._commits.join(
        lambda inside: outbox.queue(inside, whom, plaintext, outbox_id), scope
    )


def outbox(  # noqa: D417 (self is the account)
    self: Account, *, peer: Address | str | None = None, limit: int = 64
) -> list[Outgoing]:
    """The envelopes that wait for their carrier, oldest first.

    Give each to the carrier, then call `sent`. If the process ends in between, the same bytes are
    here again: the recipient knows a message that comes twice. Do so before sending more: what
    waits while the conversation turns more than five times does not open any more.

    Args:
        peer: Of whom to list envelopes only.
        limit: How many at most.

    Raises:
        TransactionOpenError: A transaction is open that may still be undone.
        StoreRollbackError: The store was set back or runs twice, as its anchor says.
        InvalidArgumentError: The limit is below 1.
    """
    if limit < 1:
        raise InvalidArgumentError("the limit is 1 at least")
    whom = None if peer is None else address_of(peer)
    held = _core.Outbox(self._inner)
    rows = self._commits.read_committed(lambda inside: held.entries(inside, whom, limit))
    return [
        Outgoing(name, Address(*recipient), from_milliseconds(queued), Envelope(envelope))
        for name, recipient, queued, envelope in rows
    ]


def sent(self: Account, outgoing: Outgoing | str) -> None:
    """Takes an envelope out of the outbox, after its carrier has taken it; none is no error."""
    name = outgoing if isinstance(outgoing, str) else outgoing.id
    held = _core.Outbox(self._inner)
    self._commits.join(lambda inside: held.sent(inside, name), _scopes.posting(name))
