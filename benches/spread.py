# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures many messages as one step of `e2ee.signal`, on one core and on two.

Run it as `python -m benches.spread` on a machine that does nothing else: threads that wait for
others show less than they could. Linux only: it chooses its cores.
"""

import os
import sys
import time
from collections.abc import Callable
from statistics import median
from uuid import uuid4

from benches.conversation import ALICE, BOB, Devices, seal
from e2ee import signal

SESSIONS = 1_000
BACKLOG = 1_000
ROUNDS = 30
TEXT = bytes(64)

#: What one round takes, in seconds; what it needs is prepared outside of the time.
Round = Callable[[], float]


def answering(devices: Devices) -> list[signal.Session]:
    """Sessions of Bob's with many devices, which have nothing of the braid to send."""
    bundle = devices.bob.bundle(reusable=True)
    sessions = []
    for _ in range(SESSIONS):
        alice = signal.Session.initiate(devices.key, devices.alice, BOB, bundle)
        bob, accepted = devices.accept(seal(alice, b"")[1][1])
        accepted.release()
        alice.decrypt(*seal(bob, b"")[1]).release()
        sessions.append(bob)
    return sessions


def spread(sessions: list[signal.Session], *, save: bool) -> float:
    """One text to all sessions; `save` takes the rows out too, as whoever keeps them must."""
    start = time.perf_counter()
    step = signal.encrypt_many([(session, TEXT) for session in sessions])
    rows = step.writes if save else ()
    step.release()
    took = time.perf_counter() - start
    assert len(rows) in {0, SESSIONS}
    return took


def backlog(devices: Devices) -> float:
    """All that waits of one sender in a group."""
    group = uuid4()
    own = signal.SenderKey.create(devices.key, group)
    received = signal.SenderKeys(devices.key, ALICE, group)
    received.accept(own.distribution()).release()
    waiting = [own.encrypt(TEXT).release() for _ in range(BACKLOG)]
    start = time.perf_counter()
    received.decrypt_many(waiting).release()
    return time.perf_counter() - start


def compare(name: str, one_round: Round, rounds: int) -> None:
    """Shows what a round takes on one core and on two, in turns."""
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for cores, times in taken.items():
            os.sched_setaffinity(0, set(sorted(ALL)[:cores]))
            times.append(one_round())
    one, two = (median(taken[cores]) * 1e3 for cores in (1, 2))
    faster = f"{one / two:.2f} times as fast"
    sys.stdout.write(f"{name}: {one:.2f} ms on one core, {two:.2f} on two, {faster}\n")


ALL = frozenset(os.sched_getaffinity(0))

if __name__ == "__main__":
    people = Devices.fresh()
    many = answering(people)
    compare(f"64 B to {SESSIONS} sessions", lambda: spread(many, save=False), ROUNDS)
    compare("the same, with its rows", lambda: spread(many, save=True), ROUNDS)
    compare(f"{BACKLOG} group messages", lambda: backlog(people), ROUNDS // 3)
