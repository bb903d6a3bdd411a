# SPDX-License-Identifier: MIT OR Apache-2.0
"""From how many messages on a batch is worth a second thread: one core beside all of them.

Run as `python -m benches.batches [encrypt|decrypt|receive] [signal|olm]`, on Linux. Each row is one
call (`encrypt_many`, `decrypt_many` or `receive_many`) of 64-byte texts with eight peers, over a
store in memory: medians in µs. Below `WORTH_A_THREAD` times two, of `rust/python/src/parallel.rs`,
both columns do the same.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable

import e2ee

PEERS, ROUNDS, TEXT = 8, 120, bytes(64)
SIZES = (32, 64, 128, 192, 256, 512, 1_024)


def main(direction: str = "encrypt", protocol: str = "signal") -> None:
    """Prints the table."""
    alice, peers = acquainted(protocol)
    cores = os.sched_getaffinity(0)
    sys.stdout.write(f"messages   one core   {len(cores)} cores, us\n")
    for size in SIZES:
        times = []
        for allowed in ({min(cores)}, cores):
            os.sched_setaffinity(0, allowed)
            times.append(median(alice, peers, direction, size))
        sys.stdout.write(f"{size:8} {times[0]:10.0f} {times[1]:10.0f}\n")


def acquainted(protocol: str) -> tuple[e2ee.Account, list[e2ee.Account]]:
    """Alice, and her peers with sessions that were answered."""
    alice, *peers = (created(f"{number}", protocol) for number in range(PEERS + 1))
    for peer in peers:
        alice.connect(peer.address, peer.bundle())
        peer.decrypt(alice.address, alice.encrypt(peer.address, TEXT))
        alice.decrypt(peer.address, peer.encrypt(alice.address, TEXT))
        peer.decrypt(alice.address, alice.encrypt(peer.address, TEXT))
    return alice, peers


def created(name: str, protocol: str) -> e2ee.Account:
    """An account in memory."""
    if protocol == "olm":
        return e2ee.Account.create(e2ee.MemoryStore(), name, device="A", protocol="olm")
    return e2ee.Account.create(e2ee.MemoryStore(), name)


def median(alice: e2ee.Account, peers: list[e2ee.Account], direction: str, size: int) -> float:
    """Microseconds that a batch takes."""
    times = []
    for _ in range(ROUNDS):
        call = prepared(alice, peers, direction, size)
        began = time.perf_counter_ns()
        call()
        times.append((time.perf_counter_ns() - began) / 1_000)
        for message in alice.inbox():
            alice.handled(message)
    return statistics.median(times)


def prepared(
    alice: e2ee.Account, peers: list[e2ee.Account], direction: str, size: int
) -> Callable[[], object]:
    """One call for a batch."""
    turns = [peers[place % PEERS] for place in range(size)]
    if direction == "encrypt":
        texts = [(peer.address, TEXT) for peer in turns]
        return lambda: alice.encrypt_many(texts)
    envelopes = [(peer.address, peer.encrypt(alice.address, TEXT)) for peer in turns]
    if direction == "decrypt":
        return lambda: alice.decrypt_many(envelopes)
    return lambda: alice.receive_many(envelopes)


if __name__ == "__main__":
    main(*sys.argv[1:])
