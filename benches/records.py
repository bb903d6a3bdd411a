# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bytes and records that a message writes of its session, and records that it reads.

Run as `python -m benches.records [MESSAGES]`. The bytes are those of all sealed records of sessions
in one transaction; a deletion counts as a record of no bytes.
"""

import statistics
import sys

import e2ee
from tests.stores.recording import NETWORKS, Notes, Talk


def quantile(values: list[int], share: int) -> int:
    """The value below which so many in a hundred lie."""
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


def row(name: str, notes: list[Notes]) -> str:
    """A line of the table."""
    sizes = [each.session_bytes for each in notes]
    records = statistics.mean(len(each.session_writes) for each in notes)
    reads = statistics.mean(each.session_reads for each in notes)
    median, high, most = quantile(sizes, 50), quantile(sizes, 99), max(sizes)
    mean = statistics.mean(sizes)
    return f"{name:<36}{median:>8,}{mean:>8,.0f}{high:>8,}{most:>8,}{records:>9.2f}{reads:>7.2f}"


def main() -> None:
    """Measures and prints."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    head = f"{'bytes per message':<36}{'p50':>8}{'mean':>8}{'p99':>8}{'max':>8}"
    sys.stdout.write(f"{head}{'records':>9}{'reads':>7}\n")
    for network in NETWORKS:
        talk = Talk(lambda _: e2ee.MemoryStore())
        steps = list(talk.go(network, messages))
        for what, received in (("sent", False), ("received", True)):
            notes = [each for was_received, each in steps if was_received == received]
            sys.stdout.write(row(f"{network.name}, {what}", notes) + "\n")


if __name__ == "__main__":
    main()
