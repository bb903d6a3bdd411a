# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which records a call is about (docs/formats.md, "Record names"), so that calls run side by side.

A call that turns out to be about others, because a session comes or goes, has the whole account
for itself at a second try: its first step was dropped, which changes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from e2ee.errors import StoreConflictError, StoreOutcomeUnknownError
from e2ee.store.protocol import Scope

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from e2ee import _core
    from e2ee.store import Anchor, Store, Transaction
    from e2ee.values import Address

    _T = TypeVar("_T")
    #: What a call does inside a transaction.
    Work: TypeAlias = Callable[[Transaction], _core.Step[_T]]
#: The kind of an envelope (docs/formats.md, "Envelope") that moves a session that is there.
_RATCHET: Final = 2


def sending(store: Store, peer: Address) -> Scope | None:
    """The sessions with a peer; everything, if the store has an anchor.

    Then all that send change one record.
    """
    return with_peer(peer) if anchor_of(store) is None else None


def with_peer(peer: Address) -> Scope:
    """The sessions with a peer."""
    place = f"{peer.user}/{peer.device}"
    return Scope(f"session/{place}/", ("index", f"peer/{place}"))


def receiving(sender: Address, envelope: bytes) -> Scope | None:
    """The sessions with a sender, the inbox and the ledger; of a first message, everything."""
    if envelope[1:2] != bytes([_RATCHET]):
        return None
    scope = with_peer(sender)
    return Scope(scope.own, scope.reads, ("inbox/", "ledger/"))


def queueing(store: Store, peer: Address) -> Scope | None:
    """The sessions with a peer, and the outbox; everything, as `sending`."""
    scope = sending(store, peer)
    if scope is None:
        return None
    return Scope(scope.own, scope.reads, ("outbox/",))


def in_chat(store: Store, chat_id: int) -> Scope | None:
    """The state of a secret chat, and what is kept beside it; everything, as `sending`.

    A number that begins like this one is another chat's, whose state no call about this one
    changes.
    """
    if anchor_of(store) is not None:
        return None
    reads = ("index", f"chat/{chat_id}")
    return Scope(f"chat-state/{chat_id}", reads, ("chat-sent/", "chat-waiting/", "inbox/"))


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
    # Rows that a session at rest has beside its head may be others, if the store is damaged: it is
    # read anew at the second try, which says so.
    with suppress(StoreConflictError):
        return _saved(store.transaction(), work)
    return _saved(store.transaction(), work)


def released(store: Store, step: _core.Step[_T]) -> _T:
    """The result of a saved step, after the store's anchor was told of it.

    If the anchor was told of other steps meanwhile, the store says whether this one is before them.
    """
    try:
        return step.release()
    except StoreOutcomeUnknownError:
        if anchor_of(store) is None:
            raise
        with store.transaction() as transaction:
            return step.release(transaction)
    finally:
        # One that was released has nothing to end.
        step.end()


def settled(store: Store, step: _core.Step[_T]) -> None:
    """The same for a step that was joined, and is durable: then its result may leave."""
    try:
        step.settle()
    except StoreOutcomeUnknownError:
        if anchor_of(store) is None:
            raise
        with store.transaction() as transaction:
            step.settle(transaction)


def settle(store: Store, steps: list[_core.Step[Any]]) -> None:
    """Takes note that the transaction of these steps is durable; the anchor is told."""
    for step in steps:
        settled(store, step)


def end(steps: list[_core.Step[Any]]) -> None:
    """Takes note that the transaction of these steps has ended, however it did."""
    for step in steps:
        step.end()
    steps.clear()


def anchor_of(store: Store) -> Anchor | None:
    """The anchor of a store; one that knows none has none."""
    return getattr(store, "anchor", None)


def _saved(begins: AbstractContextManager[Transaction], work: Work[_T]) -> _core.Step[_T]:
    step = None
    try:
        with begins as transaction:
            step = work(transaction)
            transaction.apply(step.writes)
    except BaseException:
        if step is not None:
            step.end()
        raise
    return step
