# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a store is: names, revisions and sealed bytes, changed by compare-and-set.

A store need not be trusted with more than keeping what was committed: the bytes are sealed, and
what is damaged, exchanged or taken away is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from e2ee._core import StoreSecret
    from e2ee.store.anchor import Anchor

#: Record name, the revision that must be found (0: none may exist), and the new revision with the
#: sealed bytes, or twice `None` to delete the record.
Write: TypeAlias = tuple[str, int, int | None, bytes | None]

#: The new revision and sealed bytes of a record, its name, the revision and the sealed bytes that
#: must be found; and the name, the revision and the sealed bytes of another record.
Exchanged: TypeAlias = tuple[int, bytearray, str, int, bytearray, str, int, bytearray]

_T = TypeVar("_T")


@final
@dataclass(frozen=True, slots=True)
class Scope:
    """Which records a transaction is about, for stores where several run side by side.

    Whoever shares a store agrees on its scopes: two have the same `own`, or no record in common.

    Args:
        own: How the names of the records begin that it has for itself; not empty.
        reads: Names of other records that it is likely to read, and does not change.
        loose: How the names of records begin that it may add, or take one of them away, while
            others do the same: their names never meet.
    """

    own: str
    reads: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()

    def allows(self, writes: Sequence[Write]) -> bool:
        """Whether a transaction about these records may change those.

        No more than one may be taken away that others may take away too: so none of two waits for
        the other.
        """
        others = [write for write in writes if not write[0].startswith(self.own)]
        gone = sum(revision is None for _, _, revision, _ in others)
        return gone <= 1 and all(name.startswith(self.loose) for name, _, _, _ in others)


class Reading(Protocol):
    """Records as they are at one moment."""

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """The revision and the sealed bytes of a record, or `None` if there is none."""

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """Names and revisions of the records whose names begin so, in the order of code points."""


class Transaction(Reading, Protocol):
    """Reading and changing in one piece; used by one thread, until its block ends."""

    def apply(self, writes: Sequence[Write], /) -> None:
        """Changes the records.

        Raises:
            StoreConflictError: A record does not have the revision that must be found.
        """


class AnchoredTransaction(Transaction, Protocol):
    """A transaction of a store that has an anchor."""

    @property
    def anchor(self) -> Anchor | None:
        """The anchor that the store was given."""

    def wrote(self, name: str, /) -> bool | None:
        """Whether this transaction has written the record, so that it is not durable yet.

        `None` if that is not known: it is part of a longer one, in which others have come before.
        """


class ReplicatedTransaction(AnchoredTransaction, Protocol):
    """A transaction of a store that has an anchor, in a database that may fail over."""

    @property
    def timeline(self) -> tuple[int, int] | None:
        """What the server has in common with its standbys, and the number of its timeline.

        A server that takes over from another has a greater number. `None` if it is not known.
        """


class Store(Protocol):
    """Something that keeps records for one account."""

    @property
    def secret(self) -> StoreSecret:
        """What the records are sealed with."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction, which is durable when its block has ended, or undone if that raised.

        No other transaction, of this process or another, sees or changes the records meanwhile.

        Raises:
            TransactionOpenError: One is open in this thread.
        """

    def close(self) -> None:
        """Ends the use of the store."""


class LentStore(Store, Protocol):
    """A store on a connection that stays the application's, whose rows are beside ours.

    `transaction` raises `TransactionOpenError` while the application's own is open.
    """

    def in_transaction(self) -> bool:
        """Whether a transaction is open on the connection; asked of it, never remembered."""

    def joined(self) -> AbstractContextManager[Transaction]:
        """A part of the application's transaction, which is undone alone if its block raises.

        What it has written is durable when the application has committed.
        """


class RekeyableStore(Store, Protocol):
    """A store that can be told of another secret, as `Account.rekey` has to."""

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Takes the secret under which the records are sealed from now on; they are already.

        Returns:
            Whether nothing that was sealed under the secret before is left where the store keeps
            its records.
        """


class SharedStore(Store, Protocol):
    """A store whose transactions run side by side, if they are about different records."""

    def beside(self, scope: Scope) -> AbstractContextManager[Transaction]:
        """A transaction that has the records of its scope for itself, and finds others at rest.

        Changing others raises `StoreConflictError`, and may be repeated in `transaction`, which
        has the whole account for itself.

        Raises:
            TransactionOpenError: One is open in this thread.
        """


class ExchangingStore(Store, Protocol):
    """A store that can change one record in a single step, if it and another one are as known."""

    def exchange(self, work: Callable[[Callable[[Exchanged], bool]], _T | None]) -> _T | None:
        """Calls the work with what makes one change, if both records are found to the last byte.

        No other thread changes the records meanwhile. When what the work is given returns, the
        change is durable, or was not made: it says which.

        Returns:
            What the work returns; `None` if this store makes no changes so.

        Raises:
            TransactionOpenError: A transaction is open in this thread.
        """
