# SPDX-License-Identifier: MIT OR Apache-2.0
"""A process that changes the key of Alice's store and is killed at it.

Run as `python -m tests.stores.rekeyer FOLDER MOMENT`. The moment is the number of a write before
which it dies, or one of the words in `MOMENTS`; without one it says `ready`, and changes the key
there and back without end.
"""

import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final, NoReturn, final

import e2ee
from e2ee import mtproto
from e2ee.store import Store, StoreSecret, Transaction, Write
from tests.stores.watched import WatchedStore

KEYS: Final = (bytes(range(32)), bytes(32))
#: After all writes, after the commit, inside of VACUUM, and before what it wrote is in the file.
MOMENTS: Final = ("uncommitted", "committed", "vacuum", "checkpoint")

#: Instructions of SQLite's machine, of which a VACUUM of a small file takes about twice as many.
HALFWAY: Final = 100


def store_with(folder: Path, key: bytes) -> e2ee.SQLiteStore:
    """Alice's store."""
    return e2ee.SQLiteStore(folder / "alice.db", key=key)


def die() -> NoReturn:
    """Ends at once, as in a power cut of the program alone."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@final
class Mortal:
    """A store that dies at its moment."""

    def __init__(self, inner: e2ee.SQLiteStore) -> None:
        self.inner, self.moment = inner, ""
        self.secret, self.close = inner.secret, inner.close
        self._left: Iterator[int] = iter(())

    def dies(self, moment: str) -> None:
        """Says when."""
        self.moment = moment
        self._left = iter(range(int(moment))) if moment.isdigit() else count()

    def _watch(self, _: Write) -> None:
        if next(self._left, None) is None:
            die()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that may end with the process."""
        with WatchedStore(self.inner, self._watch).transaction() as transaction:
            yield transaction
            if self.moment == "uncommitted":
                die()

    def rekeyed(self, secret: StoreSecret) -> bool:
        """Hears that the change is durable, unless it dies before or meanwhile."""
        connection = self.inner._connection  # noqa: SLF001
        if self.moment == "committed":
            die()
        if self.moment == "vacuum":
            left = iter(range(HALFWAY))
            connection.set_progress_handler(lambda: next(left, None) is None and die(), 1)
        if self.moment == "checkpoint":
            connection.set_authorizer(dies_at_checkpoint)
        return self.inner.rekeyed(secret)


def dies_at_checkpoint(_: int, word: str | None, *__: str | None) -> int:
    """Allows all but the last statement of a change."""
    return die() if word == "wal_checkpoint" else sqlite3.SQLITE_OK


def opened(store: Store) -> e2ee.Account | mtproto.SecretChats:
    """What Alice's store holds."""
    try:
        return e2ee.Account.open(store)
    except e2ee.InvalidArgumentError:
        return mtproto.SecretChats.open(store)


def main() -> None:
    """Changes the key, to the end or not."""
    folder, moments = Path(sys.argv[1]), sys.argv[2:]
    with store_with(folder, KEYS[0]) as inner:
        store = Mortal(inner)
        account = opened(store)
        for moment in moments:
            store.dies(moment)
            account.rekey(key=KEYS[1])
            return
        store.dies("never")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            for key in (KEYS[1], KEYS[0]):
                account.rekey(key=key)


if __name__ == "__main__":
    main()
