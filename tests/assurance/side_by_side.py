# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gates that run side by side, each in a process of its own, and what each of them reports.

What a process says meanwhile goes into a file of its own, so nothing mixes. A process that ends
without a report is a gate that failed.
"""

import multiprocessing
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from tests.assurance.gate import Gate, Profile, Result
from tests.assurance.ledger import Ledger
from tests.stores import server

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

#: How much of what a gate says beside its report is kept.
KEPT: Final = 4_000


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a gate: its row of the table, the lines about it, and the keys it has seen."""

    row: dict[str, object]
    lines: tuple[str, ...]
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def passed(self) -> bool:
        """Whether all was as it must be."""
        return self.row["passed"] is True


def report_of(gate: Gate, profile: Profile) -> Report:
    """Runs one gate with its controls, here."""
    heading = f"{gate.title}: {gate.about}"
    profile = replace(profile, protocol=gate.protocol)
    reason = gate.missing()
    if reason is not None:
        row: dict[str, object] = {"gate": gate.title, "left out": reason, "passed": True}
        return Report(row, (heading, f"  left out: {reason}"))
    began = time.monotonic()
    result = gate.run(profile)
    controls = {control.fault: control.run(profile).found() > 0 for control in gate.controls}
    minutes = (time.monotonic() - began) / 60
    passed = result.found() == 0 and all(controls.values())
    row = {
        "gate": gate.title,
        "counts": dict(result.counts),
        "violations": dict(result.violations),
        "controls": controls,
        "minutes": round(minutes, 2),
        "notes": list(result.notes),
        "passed": passed,
    }
    said = [
        f"  control: {name}: {'found' if seen else 'NOT FOUND'}" for name, seen in controls.items()
    ]
    end = f"  {'passed' if passed else 'FAILED'} in {minutes:.1f} min"
    return Report(row, (heading, *shown(result), *said, end), result.ledger)


def shown(result: Result) -> Iterator[str]:
    """What was tried, and what came of it."""
    for what, count in result.counts.items():
        yield f"  {count:>12,} {what}"
    for what, count in result.violations.items():
        yield f"  {count:>12,} {what}{'' if count == 0 else '  <--'}"
    yield f"  {result.ledger.keys:>12,} message keys in the ledger"
    for note in result.notes:
        yield f"  {note}"


@final
class Worker:
    """A process that runs one gate."""

    def __init__(self, gate: Gate, profile: Profile, folder: Path) -> None:
        self._gate, self._folder = gate, folder
        folder.mkdir()
        # Forked: gates are made of functions that cannot be sent to another process.
        self.process: BaseProcess = multiprocessing.get_context("fork").Process(
            target=self._live, args=(profile,)
        )
        self.process.start()

    def _live(self, profile: Profile) -> None:
        """What the process does."""
        with (self._folder / "said").open("wb") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        server.leave()
        try:
            report = report_of(self._gate, profile)
        finally:
            server.stop()
        (self._folder / "report").write_bytes(pickle.dumps(report))

    def report(self) -> Report:
        """What it reports, when it has ended; that it died, if it does not report."""
        self.process.join()
        said = (self._folder / "said").read_text(errors="replace")[-KEPT:].splitlines()
        place, code = self._folder / "report", self.process.exitcode
        if code == 0 and place.exists():
            report: Report = pickle.loads(place.read_bytes())  # noqa: S301 - of our own process
            return Report(report.row, (*report.lines, *indented(said)), report.ledger)
        row: dict[str, object] = {"gate": self._gate.title, "died": code, "passed": False}
        heading = f"{self._gate.title}: {self._gate.about}"
        return Report(row, (heading, *indented(said), f"  FAILED: its process ended with {code}"))


def indented(lines: list[str]) -> Iterator[str]:
    """Lines that a process has said beside its report."""
    return (f"  | {line}" for line in lines)


def run_all(
    gates: Sequence[Gate], profile: Profile, jobs: int, told: Callable[[Report], object]
) -> list[Report]:
    """Runs gates, so many at a time; then those that must be alone, one after the other.

    Each report is told as soon as it is there; they are returned in the order of the gates.
    """
    found: dict[str, Report] = {}
    with tempfile.TemporaryDirectory(prefix="e2ee-assurance-") as folder:
        for some, at_a_time in (
            ([gate for gate in gates if not gate.alone], jobs),
            ([gate for gate in gates if gate.alone], 1),
        ):
            for name, report in run_some(some, profile, at_a_time, Path(folder)):
                found[name] = report
                told(report)
    return [found[gate.title] for gate in gates]


def run_some(
    gates: Sequence[Gate], profile: Profile, at_a_time: int, folder: Path
) -> Iterator[tuple[str, Report]]:
    """The reports of gates, in the order in which they end."""
    waiting, running = list(gates), dict[int, tuple[str, Worker]]()
    with ExitStack() as stack:
        while waiting or running:
            while waiting and len(running) < at_a_time:
                gate = waiting.pop(0)
                worker = Worker(gate, profile, folder / gate.title)
                # If we are interrupted; else it has ended.
                stack.callback(worker.process.kill)
                running[worker.process.sentinel] = gate.title, worker
            for ended in wait(list(running)):
                assert isinstance(ended, int)
                name, worker = running.pop(ended)
                yield name, worker.report()
