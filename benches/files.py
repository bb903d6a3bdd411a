# SPDX-License-Identifier: MIT OR Apache-2.0
"""Durable encryption over an SQLite file, beside bare commits of as many bytes in another one.

Run as `python -m benches.files [FOLDER] [ROUNDS] [PROTOCOL]`, the last "signal" or "olm". *bare* is
one UPDATE of a row as large as what a message rewrites, in a transaction of its own, by the
`sqlite3` module alone, in a file of its own in the same folder: in one file, each connection would
have to read what the other wrote. *one* is `Account.encrypt` of 64 bytes, *batch*
`Account.encrypt_many` of 64 such texts to one peer. They take turns, some calls each, and the
medians are compared: what is above the bare commit is our share. A folder in memory takes the
disk's noise away, and leaves the share.
"""

import itertools
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import e2ee

KEY = bytes(32)
TEXT = bytes(64)
BATCH = 64
ROUNDS = 400
RUN = 20
BARE = "UPDATE bare SET revision = revision + 1, sealed = ? WHERE name = 'bare'"


def main() -> None:
    """Prints the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir())
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    protocol = sys.argv[3] if len(sys.argv) > 3 else "signal"
    with tempfile.TemporaryDirectory(dir=folder) as place:
        measure(Path(place) / "store.db", rounds, protocol)


def measure(path: Path, rounds: int, protocol: str) -> None:
    """Measures in this file."""
    with (
        e2ee.SQLiteStore(path, key=KEY) as store,
        closing(beside(path.with_name("bare.db"))) as connection,
    ):
        alice, bob = introduced(store, protocol)
        size = head_size(store)
        connection.execute("INSERT INTO bare VALUES ('bare', 1, ?)", (bytes(size),))
        rows = itertools.cycle([os.urandom(size) for _ in range(100)])
        calls: dict[str, Callable[[], object]] = {
            "bare": lambda: connection.execute(BARE, (next(rows),)),
            "one": lambda: alice.encrypt(bob, TEXT),
            "batch": lambda: alice.encrypt_many([(bob, TEXT)] * BATCH),
        }
        times = take_turns(calls, rounds)
    middle = {name: statistics.median(found) for name, found in times.items()}
    sys.stdout.write(
        f"durable {protocol} encryption of 64 B over SQLite, FULL, a head of {size} B, us\n"
    )
    for name, found in times.items():
        low, _, high = statistics.quantiles(found, n=4)
        each = (middle[name] - middle["bare"]) / (BATCH if name == "batch" else 1)
        share = "" if name == "bare" else f"  share per message {each:8.2f}"
        sys.stdout.write(f"{name:6} {middle[name]:10.1f}  ({low:.1f}-{high:.1f}){share}\n")


def beside(path: Path) -> sqlite3.Connection:
    """A connection as durable as the store's."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(
        "CREATE TABLE bare (name TEXT PRIMARY KEY, revision INTEGER, sealed BLOB) WITHOUT ROWID"
    )
    return connection


def introduced(store: e2ee.SQLiteStore, protocol: str) -> tuple[e2ee.Account, e2ee.Address | str]:
    """Alice, who has talked with Bob, and what she calls him."""
    if protocol == "olm":
        alice = e2ee.Account.create(store, "alice", device="A", protocol="olm")
        bob = e2ee.Account.create(e2ee.MemoryStore(), "bob", device="B", protocol="olm")
    else:
        alice = e2ee.Account.create(store, "alice")
        bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    # A name alone takes another way than an address.
    whom, ours = ("bob", "alice") if protocol == "signal" else (bob.address, alice.address)
    alice.connect(whom, bob.bundle())
    bob.decrypt(ours, alice.encrypt(whom, b"Hello."))
    alice.decrypt(whom, bob.encrypt(ours, b"Hello."))
    alice.encrypt(whom, TEXT)
    return alice, whom


def head_size(store: e2ee.SQLiteStore) -> int:
    """The sealed bytes of the one session's head."""
    with store.transaction() as transaction:
        # session / user / device / key
        (name,) = (name for name, _ in transaction.list("session/") if name.count("/") == 3)
        row = transaction.get(name)
    return 0 if row is None else len(row[1])


def take_turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Microseconds of each call; each is made some times in a row."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds // RUN):
        for name, call in calls.items():
            # The first ones find their code and data driven out by the others.
            for _ in range(RUN):
                began = time.perf_counter_ns()
                call()
                times[name].append((time.perf_counter_ns() - began) / 1_000)
    return times


if __name__ == "__main__":
    main()
