# SPDX-License-Identifier: MIT OR Apache-2.0
"""Durable encryption over PostgreSQL, beside bare commits of as many bytes on the same server.

Run as `python -m benches.database [SECONDS]`. Each worker is a process of its own with one
connection; all of them begin at the same moment. *bare* is one UPDATE of a row of the worker's own,
as large as what a message rewrites, in a transaction of its own. *encrypt* is `Account.encrypt`
of 64 bytes: to a peer of the worker's own, to one peer that all workers write to, or with the
account locked as a whole.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

import e2ee
from e2ee.store import PostgresStore, Store, StoreSecret, Transaction
from tests.properties.world import is_head
from tests.stores.server import server, stop

ROOT = Path(__file__).parents[1]
KEY = bytes(32)
PLAINTEXT = bytes(64)
WORKERS = (1, 4, 16)
MODES = ("bare", "encrypt, own peer", "encrypt, one peer", "encrypt, account locked")
#: Seconds until all processes are there.
AHEAD = 4.0
BARE = b"UPDATE bare SET revision = revision + 1, sealed = %s WHERE number = %s"


class Alone:
    """A store that locks the account as a whole for every transaction."""

    def __init__(self, inner: PostgresStore) -> None:
        self._inner = inner

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self._inner.secret

    def transaction(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - passed through
        """The same."""
        return self._inner.transaction()

    def close(self) -> None:
        """Closes it."""
        self._inner.close()


def prepare(conninfo: str) -> None:
    """An account with a session for each worker, and rows for the bare commits."""
    with PostgresStore(conninfo, key=KEY) as store:
        alice = e2ee.Account.create(store, "alice")
        for number in range(max(WORKERS)):
            peer = e2ee.Account.create(e2ee.MemoryStore(), f"peer{number}")
            alice.connect(peer.user, peer.bundle())
            peer.decrypt("alice", alice.encrypt(peer.user, PLAINTEXT))
            alice.decrypt(peer.user, peer.encrypt("alice", PLAINTEXT))
            alice.encrypt(peer.user, PLAINTEXT)
        size = head_size(store)
    with psycopg.connect(conninfo, autocommit=True) as link:
        link.execute(
            "CREATE TABLE bare (number int PRIMARY KEY, revision bigint, sealed bytea) "
            "WITH (fillfactor = 70)"
        )
        for number in range(max(WORKERS)):
            link.execute("INSERT INTO bare VALUES (%s, 1, %s)", (number, bytes(size)))


def head_size(store: PostgresStore) -> int:
    """The bytes that a message rewrites."""
    with store.transaction() as transaction:
        return max(len(row_of(transaction, name)) for name, _ in heads(transaction))


def heads(transaction: Transaction) -> list[tuple[str, int]]:
    """The heads of all sessions."""
    return [row for row in transaction.list("session/") if is_head(row[0])]


def row_of(transaction: Transaction, name: str) -> bytes:
    """The bytes of a row that is there."""
    row = transaction.get(name)
    assert row is not None
    return row[1]


def work(conninfo: str, mode: str, number: int) -> Callable[[], object]:
    """What a worker does again and again."""
    if mode == "bare":
        link = psycopg.connect(conninfo, autocommit=True)
        (size,) = link.execute("SELECT max(length(sealed)) FROM bare").fetchone() or (0,)
        row = os.urandom(size)
        return lambda: link.execute(BARE, (row, number), prepare=True, binary=True)
    inner = PostgresStore(conninfo, key=KEY, timeout=60)
    store: Store = Alone(inner) if mode.endswith("locked") else inner
    alice = e2ee.Account.open(store)
    peer = "peer0" if mode.endswith("one peer") else f"peer{number}"
    return lambda: alice.encrypt(peer, PLAINTEXT)


def worker(conninfo: str, mode: str, number: str, start: str, seconds: str) -> None:
    """Works from `start` on, and says how long each call took."""
    act = work(conninfo, mode, int(number))
    for _ in range(10):
        act()
    time.sleep(max(0, float(start) - time.time()))
    end, times = time.perf_counter() + float(seconds), []
    while (before := time.perf_counter()) < end:
        act()
        times.append(time.perf_counter() - before)
    sys.stdout.write(json.dumps(times))


def measured(conninfo: str, mode: str, workers: int, seconds: float) -> tuple[float, float]:
    """Calls in a second by all workers, and the median of a call in µs."""
    start = str(time.time() + AHEAD)
    command = [sys.executable, "-m", "benches.database", conninfo, mode]
    running = [
        subprocess.Popen(  # noqa: S603 - this file
            [*command, str(number), start, str(seconds)], cwd=ROOT, stdout=subprocess.PIPE
        )
        for number in range(workers)
    ]
    times: list[float] = []
    for process in running:
        said, _ = process.communicate()
        assert process.returncode == 0
        times += json.loads(said)
    return len(times) / seconds, statistics.median(times) * 1e6


def table(seconds: float) -> None:
    """Measures everything, and prints it."""
    running = server()
    conninfo = running.to(running.new_database())
    prepare(conninfo)
    (version,) = running.execute("SHOW server_version")[0]
    sys.stdout.write(f"PostgreSQL {version}, load {os.getloadavg()[0]:.1f}\n")
    sys.stdout.write(f"{'':<26}" + "".join(f"{each:>5} workers: /s     µs" for each in WORKERS))
    for mode in MODES:
        sys.stdout.write(f"\n{mode:<26}")
        for workers in WORKERS:
            rate, median = measured(conninfo, mode, workers, seconds)
            sys.stdout.write(f"{rate:>17,.0f}{median:>7,.0f}")
            sys.stdout.flush()
    sys.stdout.write("\n")
    stop()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        worker(*sys.argv[1:])
    else:
        table(float(sys.argv[1]) if sys.argv[1:] else 5.0)
