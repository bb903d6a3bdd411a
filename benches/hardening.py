# SPDX-License-Identifier: MIT OR Apache-2.0
"""What wiping and comparisons in constant time cost, measured beside a copy that has neither.

Run as `python -m benches.hardening [ROUNDS]`; the first run builds the copy, which takes minutes.
Both run in processes of their own and take turns, each round in the other order. The cost is the
median over the rounds of one time beside the other, by the clock of the process. Beside it stands
that of the least times, and what the same measurement says of two processes with one extension.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from benches.unhardened import ROOT, build

ROUNDS, WARM_UP_ROUNDS, TEXT = 300, 5, bytes(64)
BAR = 0.03


def operations() -> dict[str, Callable[[], Callable[[], object]]]:
    """What is measured: each call prepares a batch, and gives what runs it."""
    from benches.conversation import ALICE, BOB, Club, Conversation, Devices  # noqa: PLC0415
    from e2ee.signal import Session  # noqa: PLC0415 - of the tree that the process is given

    talk, turns, club, devices = (
        Conversation.fresh(),
        Conversation.fresh(),
        Club.fresh(),
        Devices.fresh(),
    )

    def each(calls: list[Callable[[], Any]]) -> Callable[[], object]:
        return lambda: [call().release() for call in calls]

    def decrypt() -> Callable[[], object]:
        messages = talk.from_bob(TEXT, 200)
        return each([lambda m=m: talk.alice.decrypt(*m) for m in messages])  # type: ignore[misc]

    def accept() -> Callable[[], object]:
        firsts = [devices.first_message(TEXT) for _ in range(4)]
        calls = [lambda m=m: Session.accept(devices.key, devices.bob, ALICE, m)[1] for m in firsts]  # type: ignore[misc]
        return each(calls)

    def start() -> Callable[[], object]:
        bundles = [devices.bob.bundle() for _ in range(4)]
        return lambda: [Session.initiate(devices.key, devices.alice, BOB, b) for b in bundles]

    def read() -> Callable[[], object]:
        messages = club.written(TEXT, 20)
        return each([lambda m=m: club.others.decrypt(m) for m in messages])  # type: ignore[misc]

    return {
        "start a session from a bundle": start,
        "accept a first message, 64 B": accept,
        "encrypt 64 B": lambda: each([lambda: talk.bob.encrypt(TEXT)] * 200),
        "decrypt 64 B": decrypt,
        "ping-pong 64 B": lambda: lambda: turns.exchange(TEXT, 20),
        "group encrypt 64 B": lambda: each([lambda: club.own.encrypt(TEXT)] * 20),
        "group decrypt 64 B": read,
    }


def child() -> None:
    """Runs a batch for each name that comes in, and says how many seconds it took."""
    known = operations()
    sys.stdout.write("\n".join(known) + "\n\n")
    sys.stdout.flush()
    for line in sys.stdin:
        run = known[line.rstrip("\n")]()
        began = time.process_time()
        run()
        took = time.process_time() - began
        sys.stdout.write(f"{took!r}\n")
        sys.stdout.flush()


@final
class Running:
    """A process with the extension of one tree."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benches.hardening", "--child"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(python)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.names = [line.rstrip("\n") for line in iter(self._line, "\n")]

    def seconds(self, name: str) -> float:
        """What one batch takes."""
        assert self._process.stdin is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        """Ends it."""
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process ended"
        return line


@dataclass(slots=True)
class Pairs:
    """Seconds of each round, of the one and of the other."""

    one: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    def more(self) -> list[float]:
        """How much more the one took in each round, in parts of the other."""
        return [ours / theirs - 1 for ours, theirs in zip(self.one, self.other, strict=True)]

    def least(self) -> float:
        """The same of the least times of all rounds."""
        return min(self.one) / min(self.other) - 1


def take_turns(one: Running, other: Running, rounds: int) -> dict[str, Pairs]:
    """Runs each operation in both, so many times after some that warm up."""
    pairs = {name: Pairs() for name in one.names}
    for number in range(-WARM_UP_ROUNDS, rounds):
        order = (one, other) if number % 2 == 0 else (other, one)
        for name, found in pairs.items():
            took = {id(each): each.seconds(name) for each in order}
            if number >= 0:
                found.one.append(took[id(one)])
                found.other.append(took[id(other)])
    return pairs


def main() -> None:
    """Measures, and prints the table."""
    if sys.argv[1:] == ["--child"]:
        child()
        return
    rounds = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    bare = build()
    ours, again, patched = Running(ROOT / "python"), Running(ROOT / "python"), Running(bare)
    costs, noise = take_turns(ours, patched, rounds), take_turns(ours, again, rounds)
    for running in (ours, again, patched):
        running.close()
    sys.stdout.write(
        f"what hardening costs, at most {BAR:.0%}; {rounds} rounds, load {os.getloadavg()[0]:.1f}\n"
        f"{'':<32}{'median':>8}{'middle half':>20}{'least':>8}{'':>9}   the same beside itself\n"
    )
    for name, found in costs.items():
        low, middle, high = statistics.quantiles(found.more(), n=4)
        beside = noise[name]
        sys.stdout.write(
            f"{name:<32}{middle:>+8.1%}{f'{low:+.1%} to {high:+.1%}':>20}{found.least():>+8.1%}"
            f"{'met' if middle <= BAR else 'missed':>9}"
            f"   {statistics.median(beside.more()):+.1%}, least {beside.least():+.1%}\n"
        )


if __name__ == "__main__":
    main()
