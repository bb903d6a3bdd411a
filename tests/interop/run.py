# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lets accounts of ours talk with the reference client at random, and counts what came of it.

`python -m tests.interop.run --conversations 300 --seed 1`; a failure prints how to play it again.
"""

from __future__ import annotations

import argparse
import itertools
import shlex
import sys
import time
import traceback
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final

import e2ee
from tests.interop import install
from tests.interop.figures import Figures
from tests.interop.node import Node, PeerError
from tests.interop.scenarios import SCENARIOS
from tests.interop.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TRACE_LINES: Final = 60
_MAX_FAILURES: Final = 5
_SHORT_SIZE: Final = 20


@dataclass(slots=True)
class Run:
    """One call of the program: what was asked for, and what was counted."""

    seed: int
    kinds: list[str]
    size: int
    figures: Figures = field(default_factory=Figures)
    failures: list[str] = field(default_factory=list)

    def play(self, node: Node, number: int) -> None:
        """Plays the conversation of this number; a failure is printed and noted."""
        random = Random(f"{self.seed}/{number}")
        kind = self._kind(number, random)
        world = World(node, random, self.figures, self.size)
        try:
            SCENARIOS[kind].play(world)
        except (AssertionError, PeerError, e2ee.E2EEError, ValueError):
            self.failures.append(f"conversation {number}, {kind}")
            print(f"FAILED: conversation {number}, {kind}")
            print("\n".join(world.trace[-_TRACE_LINES:]))
            print(traceback.format_exc())
            print(f"again: --seed {self.seed} --only {number} --size {self.size}", self._asked())
        self.figures.conversations[kind] += 1
        world.close()

    def missing(self) -> list[str]:
        """What the kinds of conversations had to count, and did not."""
        chosen = [SCENARIOS[kind] for kind in self.kinds]
        messages = {name for scenario in chosen for name in scenario.messages}
        checks = {name for scenario in chosen for name in scenario.checks}
        return self.figures.missing(sorted(messages), sorted(checks))

    def _kind(self, number: int, random: Random) -> str:
        """Each kind once at first; then by weight."""
        if number < len(self.kinds):
            return self.kinds[number]
        return random.choices(self.kinds, [SCENARIOS[kind].weight for kind in self.kinds])[0]

    def _asked(self) -> str:
        kinds = shlex.quote(",".join(self.kinds))
        return "" if self.kinds == list(SCENARIOS) else f"--kinds {kinds}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 0 if nothing failed and nothing is missing."""
    asked = _parser().parse_args(arguments)
    try:
        folder, program = install.installed(), install.node()
    except install.AbsentError as reason:
        print(f"interop: left out: {reason}")
        return 0 if asked.optional else 1
    run = Run(asked.seed, asked.kinds.split(",") if asked.kinds else list(SCENARIOS), asked.size)
    started = time.monotonic()
    with Node(program, folder) as node:
        versions = node.call("versions")
        names = f"ours {e2ee.__version__}, theirs {versions['peer']}, Node {versions['node']}"
        print(f"interop: seed {run.seed}; {names}", flush=True)
        for number in _numbers(run, asked):
            run.play(node, number)
            if len(run.failures) >= _MAX_FAILURES:
                break
    return _report(run, time.monotonic() - started, whole=asked.only is None)


def _numbers(run: Run, asked: argparse.Namespace) -> Iterable[int]:
    """The conversations to play: one, or until there are as many, with as many messages."""
    if asked.only is not None:
        yield asked.only
        return
    for number in itertools.count():
        if number >= asked.conversations and run.figures.messages >= asked.messages:
            return
        yield number


def _report(run: Run, seconds: float, *, whole: bool) -> int:
    """Prints the figures, and gives the exit code."""
    print("\n".join(run.figures.lines()))
    missing = run.missing() if whole else []
    for what in missing:
        print(f"MISSING: {what}")
    print(f"failures {len(run.failures)}, seed {run.seed}, {seconds:.0f} s")
    return 1 if run.failures or missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.interop.run", description=__doc__)
    parser.add_argument("--conversations", type=int, default=100, help="at least so many")
    parser.add_argument("--messages", type=int, default=0, help="and so many opened messages")
    parser.add_argument("--size", type=int, default=_SHORT_SIZE, help="messages of one of them")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of choices")
    parser.add_argument("--kinds", default="", help=f"of these: {','.join(SCENARIOS)}")
    parser.add_argument("--only", type=int, help="play the conversation of this number alone")
    parser.add_argument("--optional", action="store_true", help="no failure if npm has no peer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
