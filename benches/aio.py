# SPDX-License-Identifier: MIT OR Apache-2.0
"""Messages per second of `e2ee.aio`, beside the synchronous API and bare commits.

Run as `python -m benches.aio [SECONDS] [FOLDER]`. The rows over SQLite work in one file each, in
the folder or a temporary one, with `synchronous=FULL`: *bare* updates a row as large as what a
message rewrites, in a transaction of its own; *encrypt* is `encrypt` of 64 bytes to one peer, by
the synchronous account in one thread, or by so many tasks that call again and again. The rows over
PostgreSQL do the same with a peer for each task or thread. All rows are measured three times, in
turns; the median is shown with the least and the most.
"""

import asyncio
import os
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import e2ee
import e2ee.aio
from e2ee.store import Store
from tests.properties.world import is_head, read_rows
from tests.stores.server import available, server, stop

KEY = bytes(32)
PLAINTEXT = bytes(64)
CALLERS = (1, 8, 64)
ROUNDS = 3


def prepare(store: Store, peers: int) -> e2ee.Account:
    """An account with a session for each peer, both ways."""
    alice = e2ee.Account.create(store, "alice")
    for number in range(peers):
        peer = e2ee.Account.create(e2ee.MemoryStore(), f"peer{number}")
        alice.connect(peer.user, peer.bundle())
        peer.decrypt("alice", alice.encrypt(peer.user, PLAINTEXT))
        alice.decrypt(peer.user, peer.encrypt("alice", PLAINTEXT))
    return alice


def head_size(store: Store) -> int:
    """The bytes that a message rewrites."""
    return max(len(sealed) for name, (_, sealed) in read_rows(store).items() if is_head(name))


def rate_of(act: Callable[[], object], seconds: float) -> float:
    """Calls in a second, one after the other."""
    count, begin = 0, time.perf_counter()
    while time.perf_counter() < begin + seconds:
        act()
        count += 1
    return count / (time.perf_counter() - begin)


@contextmanager
def in_file(folder: Path) -> Iterator[Store]:
    """A new file."""
    path = folder / f"{time.monotonic_ns()}.db"
    with e2ee.SQLiteStore(path, key=KEY) as store:
        yield store


@contextmanager
def in_database(_: Path) -> Iterator[Store]:
    """A new database."""
    running = server()
    with e2ee.PostgresStore(running.to(running.new_database()), key=KEY, timeout=60) as store:
        yield store


def bare(folder: Path, seconds: float) -> float:
    """Bare commits."""
    with in_file(folder) as store:
        prepare(store, 1)
        size = head_size(store)
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as link:
        link.execute("PRAGMA journal_mode = WAL")
        link.execute("PRAGMA synchronous = FULL")
        link.execute("CREATE TABLE IF NOT EXISTS bare (number INTEGER PRIMARY KEY, sealed BLOB)")
        link.execute("INSERT OR REPLACE INTO bare VALUES (1, ?)", (bytes(size),))

        def commit() -> None:
            # The same bytes again would not be written.
            row = os.urandom(size)
            link.execute("BEGIN IMMEDIATE")
            link.execute("UPDATE bare SET sealed = ? WHERE number = 1", (row,))
            link.execute("COMMIT")

        return rate_of(commit, seconds)


def synchronous(store: Store, seconds: float, threads: int) -> float:
    """The synchronous account, in so many threads, each with a peer of its own."""
    alice = prepare(store, threads)
    rates: list[float] = []

    def work(number: int) -> None:
        rates.append(rate_of(lambda: alice.encrypt(f"peer{number}", PLAINTEXT), seconds))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    return sum(rates)


def asynchronous(store: Store, seconds: float, callers: int, peers: int) -> float:
    """The asynchronous account, and so many tasks."""
    prepare(store, peers)

    async def main() -> float:
        async with await e2ee.aio.Account.open(store) as alice:
            begin = time.perf_counter()

            async def talk(number: int) -> int:
                count = 0
                while time.perf_counter() < begin + seconds:
                    await alice.encrypt(f"peer{number % peers}", PLAINTEXT)
                    count += 1
                return count

            total = sum(await asyncio.gather(*map(talk, range(callers))))
            return total / (time.perf_counter() - begin)

    return asyncio.run(main())


def rows(folder: Path, seconds: float) -> dict[str, Callable[[], float]]:
    """What is measured, by name."""

    def over(
        place: Callable[[Path], object], work: Callable[..., float], *given: int
    ) -> Callable[[], float]:
        def measure() -> float:
            with place(folder) as store:  # type: ignore[attr-defined] # both are such
                return work(store, seconds, *given)

        return measure

    found = {
        "SQLite: bare commits": lambda: bare(folder, seconds),
        "SQLite: Account.encrypt": over(in_file, synchronous, 1),
    }
    for callers in CALLERS:
        name = f"SQLite: aio, {callers} at once"
        found[name] = over(in_file, asynchronous, callers, 1)
    if available():
        for threads in (1, 8):
            name = f"PostgreSQL: Account, {threads} threads"
            found[name] = over(in_database, synchronous, threads)
        for callers in CALLERS:
            name = f"PostgreSQL: aio, {callers} at once"
            found[name] = over(in_database, asynchronous, callers, callers)
    return found


def table(seconds: float, folder: Path) -> None:
    """Measures everything, and prints it."""
    measured = {name: list[float]() for name in rows(folder, seconds)}
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}\n")
    for _ in range(ROUNDS):
        for name, measure in rows(folder, seconds).items():
            measured[name].append(measure())
    for name, rates in measured.items():
        median = statistics.median(rates)
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        sys.stdout.write(f"{name:<32}{median:>8,.0f}/s{1e6 / median:>8,.0f} µs   {spread}\n")
    if available():
        stop()


if __name__ == "__main__":
    length = float(sys.argv[1]) if sys.argv[1:] else 3.0
    if sys.argv[2:]:
        table(length, Path(sys.argv[2]))
    else:
        with TemporaryDirectory() as made:
            table(length, Path(made))
