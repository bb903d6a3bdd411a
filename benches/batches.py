# SPDX-License-Identifier: MIT OR Apache-2.0
"""From how many messages on a batch is worth a second thread: one core beside all of them.

Run as `python -m benches.batches`, on Linux. Each row is `Account.encrypt_many` of 64-byte texts to
eight peers, over a store in memory: medians in µs. Below `WORTH_A_THREAD` times two, of
`rust/python/src/parallel.rs`, both columns do the same.
"""

import os
import statistics
import sys
import time

import e2ee

PEERS, ROUNDS, TEXT = 8, 120, bytes(64)
SIZES = (32, 64, 128, 192, 256, 512, 1_024)


def main() -> None:
    """Prints the table."""
    alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")
    names = [f"peer {number}" for number in range(PEERS)]
    for name in names:
        peer = e2ee.Account.create(e2ee.MemoryStore(), name)
        alice.connect(name, peer.bundle())
        peer.decrypt("alice", alice.encrypt(name, TEXT))
        alice.decrypt(name, peer.encrypt("alice", TEXT))
        alice.encrypt(name, TEXT)
    cores = os.sched_getaffinity(0)
    sys.stdout.write(f"messages   one core   {len(cores)} cores, us\n")
    for size in SIZES:
        messages = [(names[place % PEERS], TEXT) for place in range(size)]
        times = []
        for allowed in ({min(cores)}, cores):
            os.sched_setaffinity(0, allowed)
            times.append(median(alice, messages))
        sys.stdout.write(f"{size:8} {times[0]:10.0f} {times[1]:10.0f}\n")


def median(alice: e2ee.Account, messages: list[tuple[str, bytes]]) -> float:
    """Microseconds that a batch takes."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        alice.encrypt_many(messages)
        times.append((time.perf_counter_ns() - began) / 1_000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
