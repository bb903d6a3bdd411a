# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store in memory: for tests, for trying things out, and for accounts that end with the process.

What is lost with the process is lost: its peers have to start new sessions.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

from e2ee._core import Turn
from e2ee.errors import StaleSessionError, StoreConflictError
from e2ee.store._secret import Key, Passphrase, store_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from e2ee._core import StoreSecret
    from e2ee.store.anchor import Anchor
    from e2ee.store.protocol import Write

    Records = dict[str, tuple[int, bytes]]


@final
class MemoryStore:
    """Keeps sealed records in memory.

    Args:
        key: 32 uniformly random bytes, or what is called for them; random ones if none of the three
            is given. The caller's copy cannot be wiped from here; a `bytearray` that comes from a
            call is.
        passphrase: What a person remembers, or what is called for it, likewise; it is stretched
            when the account is made or opened.
        secret: A `StoreSecret`, from a file descriptor for instance.
        anchor: What finds a copy of the records that is put back: see docs/guides/anchor.md.

    >>> import e2ee
    >>> with e2ee.MemoryStore() as store:
    ...     e2ee.Account.create(store, "alice")
    Account('alice.1')
    """

    __slots__ = ("_anchor", "_records", "_secret", "_turn")

    def __init__(
        self,
        *,
        key: Key | None = None,
        passphrase: Passphrase | None = None,
        secret: StoreSecret | None = None,
        anchor: Anchor | None = None,
    ) -> None:
        if key is None and passphrase is None and secret is None:
            key = secrets.token_bytes(32)
        self._secret = store_secret(key, passphrase, secret)
        self._anchor = anchor
        self._records: Records = {}
        self._turn = Turn()

    @property
    def secret(self) -> StoreSecret:
        """What the records are sealed with."""
        return self._secret

    @property
    def anchor(self) -> Anchor | None:
        """What a copy of the records is found by."""
        return self._anchor

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        """A transaction, which is kept when its block has ended, or undone if that raised.

        Raises:
            TransactionOpenError: One is open in this thread.
        """
        with self._turn:
            transaction = MemoryTransaction(self._records, self._anchor)
            try:
                yield transaction
                transaction.commit()
            finally:
                transaction.end()

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Takes the secret under which the records are sealed from now on: see `Account.rekey`."""
        self._secret = secret
        return True

    @contextmanager
    def snapshot(self) -> Iterator[MemoryTransaction]:
        """The records at one moment, to be read while others go on writing.

        Raises:
            TransactionOpenError: A transaction is open in this thread.
        """
        with self._turn:
            reading = MemoryTransaction(dict(self._records))
        try:
            yield reading
        finally:
            reading.end()

    def close(self) -> None:
        """Forgets all records."""
        if self._turn.is_foreign() or self._turn.is_closed():
            return
        with self._turn:
            self._turn.close()
            self._records.clear()

    def __enter__(self) -> Self:
        """The store, which is closed when the block ends."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the store."""
        self.close()

    def __repr__(self) -> str:
        """The type alone."""
        return "MemoryStore()"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: two copies would use the same message keys."""
        msg = "a store cannot be copied"
        raise TypeError(msg)


@final
class MemoryTransaction:
    """The records of a `MemoryStore`, under the changes that were not committed yet."""

    __slots__ = ("_anchor", "_changes", "_open", "_records")

    def __init__(self, records: Records, anchor: Anchor | None = None) -> None:
        self._anchor = anchor
        self._records = records
        self._changes: dict[str, tuple[int, bytes] | None] = {}
        self._open = True

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """The revision and the sealed bytes of a record, or `None` if there is none."""
        self._check()
        return self._changes[name] if name in self._changes else self._records.get(name)

    def list(self, prefix: str, /) -> list[tuple[str, int]]:
        """Names and revisions of the records whose names begin so, in the order of code points."""
        self._check()
        names = {name for name in (*self._records, *self._changes) if name.startswith(prefix)}
        found = ((name, self.get(name)) for name in sorted(names))
        return [(name, record[0]) for name, record in found if record is not None]

    def apply(self, writes: Sequence[Write], /) -> None:
        """Changes the records.

        Raises:
            StoreConflictError: A record does not have the revision that must be found.
        """
        for name, base, revision, sealed in writes:
            found = self.get(name)
            if base != (0 if found is None else found[0]):
                raise StoreConflictError("another process changed the record")
            if revision is None or sealed is None:
                self._changes[name] = None
            else:
                self._changes[name] = (revision, sealed)

    @property
    def anchor(self) -> Anchor | None:
        """The anchor that the store was given."""
        return self._anchor

    def wrote(self, name: str, /) -> bool:
        """Whether this transaction has written the record."""
        return name in self._changes

    def commit(self) -> None:
        """Puts the changes into the store."""
        for name, record in self._changes.items():
            if record is None:
                self._records.pop(name, None)
            else:
                self._records[name] = record

    def end(self) -> None:
        """Refuses all further use."""
        self._open = False

    def _check(self) -> None:
        if not self._open:
            raise StaleSessionError("the transaction has ended: open another one")
