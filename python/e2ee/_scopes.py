# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which records a call is about (docs/formats.md, "Record names"), so that calls run side by side.

A call that turns out to be about others, because a session comes or goes, has the whole account
for itself at a second try: its first step was dropped, which changes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from e2ee.errors import StoreConflictError
from e2ee.store.protocol import Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from e2ee import _core
    from e2ee.store import Store, Transaction
    from e2ee.values import Address

    _T = TypeVar("_T")
    #: What a call does inside a transaction.
    Work: TypeAlias = Callable[[Transaction], _core.Step[_T]]
#: The kind of an envelope (docs/formats.md, "Envelope") that moves a session that is there.
_RATCHET: Final = 2


def sending(peer: Address) -> Scope:
    """The sessions with a peer."""
    place = f"{peer.user}/{peer.device}"
    return Scope(f"session/{place}/", ("index", f"peer/{place}"))


def receiving(sender: Address, envelope: bytes) -> Scope | None:
    """The sessions with a sender, the inbox and the ledger; of a first message, everything."""
    if envelope[1:2] != bytes([_RATCHET]):
        return None
    scope = sending(sender)
    return Scope(scope.own, scope.reads, ("inbox/", "ledger/"))


def queueing(peer: Address) -> Scope:
    """The sessions with a peer, and the outbox."""
    scope = sending(peer)
    return Scope(scope.own, scope.reads, ("outbox/",))


def posting(outbox_id: str) -> Scope:
    """One envelope in the outbox."""
    return Scope(f"outbox/{outbox_id}")


def handling(inbox_id: str) -> Scope:
    """One message in the inbox."""
    return Scope(f"inbox/{inbox_id}")


def saved(store: Store, scope: Scope | None, work: Work[_T]) -> _core.Step[_T]:
    """A step after its commit."""
    beside = None if scope is None else getattr(store, "beside", None)
    if beside is not None:
        with suppress(StoreConflictError):
            return _saved(beside(scope), work)
    return _saved(store.transaction(), work)


def _saved(begins: AbstractContextManager[Transaction], work: Work[_T]) -> _core.Step[_T]:
    with begins as transaction:
        step = work(transaction)
        transaction.apply(step.writes)
    return step
