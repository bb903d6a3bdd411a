# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of one run: each operation, its limit, the difference, and another library's figure."""

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from benches import limit
from benches.conversation import Observed

NOTES = (
    "Times are medians in µs for one operation, beside the middle half of the rounds.",
    "limit: the sum of the primitives below, measured before and after the rows of this run.",
    "vodozemac: Olm, for scale. Nothing of it is post-quantum, it returns no step to store, and of",
    "1,000 skipped keys it keeps 40; its start checks no signature.",
)
HEADINGS = ("operation", "e2ee", "middle half", "limit", "above", "ratio", "vodozemac")


@dataclass(frozen=True, slots=True)
class Nanoseconds:
    """What a primitive takes: the quarters of its samples."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """What an operation of a library takes: the quarters of its rounds, in µs."""

    operation: str
    library: str
    low: float
    median: float
    high: float


@dataclass(slots=True)
class Table:
    """All that one run measured."""

    observed: Observed
    before: dict[str, Nanoseconds]
    after: dict[str, Nanoseconds] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    #: What else the machine did when the run began; above the number of cores, rows are worthless.
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    def limits(self) -> dict[str, list[limit.Part]]:
        """The parts of each operation's limit."""
        seen = self.observed
        operations = {
            "start a session from a bundle": limit.initiate(),
            "accept a first message, 64 B": limit.accept(64, seen.accept),
        }
        for length, lengths in seen.encrypt.items():
            operations[f"encrypt {length} B"] = limit.encrypt(length, lengths)
        for length, lengths in seen.decrypt.items():
            operations[f"decrypt {length} B"] = limit.decrypt(length, lengths)
        operations["ping-pong 64 B, per message"] = limit.exchange(
            64, seen.exchange, seen.messages_per_epoch
        )
        operations["skip 1,000, then decrypt 64 B"] = limit.decrypt(
            64, seen.decrypt[64], skipped=1_000
        )
        return operations

    def primitives(self) -> dict[str, float]:
        """The median of each primitive in ns: the mean of both measurements."""
        return {
            name: (self.before[name].median + self.after[name].median) / 2 for name in self.before
        }

    def drift(self) -> float:
        """The largest difference between the measurements, in parts of the first."""
        changes = (self.after[name].median / self.before[name].median for name in self.before)
        return max(abs(change - 1) for change in changes)

    def as_json(self) -> dict[str, object]:
        """All of it, as it is kept."""
        primitives = self.primitives()
        return {
            "machine": machine(),
            "load": self.load,
            "observed": asdict(self.observed),
            "primitives_ns": {
                name: {"before": asdict(before), "after": asdict(self.after[name])}
                for name, before in self.before.items()
            },
            "limits": {
                name: {
                    "microseconds": limit.microseconds(parts, primitives),
                    "parts": [asdict(part) for part in parts],
                }
                for name, parts in self.limits().items()
            },
            "rows": [asdict(row) for row in self.rows],
        }

    def as_text(self) -> str:
        """All of it, as a person reads it."""
        lines = [", ".join(f"{name} {value}" for name, value in machine().items()), ""]
        lines += [*self._operations(), "", *NOTES]
        lines += [f"When the run began, the machine's load was {self.load:.1f}."]
        lines += [f"Between the two measurements a primitive moved by {self.drift():.0%} at most."]
        lines += [f"A post-quantum epoch took {self.observed.messages_per_epoch:.0f} messages.", ""]
        return "\n".join([*lines, *self._explained()])

    def _operations(self) -> Iterator[str]:
        ours = {row.operation: row for row in self.rows if row.library == "e2ee"}
        theirs = {row.operation: row for row in self.rows if row.library != "e2ee"}
        primitives = self.primitives()
        yield _line(HEADINGS)
        for name, parts in self.limits().items():
            if row := ours.get(name):
                least = limit.microseconds(parts, primitives)
                other = f"{theirs[name].median:.2f}" if name in theirs else "-"
                yield _line(
                    (
                        name,
                        f"{row.median:.2f}",
                        f"{row.low:.2f} - {row.high:.2f}",
                        f"{least:.2f}",
                        f"{row.median - least:+.2f}",
                        f"{row.median / least:.2f}",
                        other,
                    )
                )

    def _explained(self) -> Iterator[str]:
        primitives = self.primitives()
        for name, parts in self.limits().items():
            yield f"{name}: limit {limit.microseconds(parts, primitives):.2f} µs"
            for part in parts:
                each, count = primitives[part.primitive] / 1_000, f"{part.count:.4g}"
                yield f"  {count:>8} x {each:6.2f} µs  {part.primitive:<40} {part.reason}"


def machine() -> dict[str, str]:
    """Where this was measured, and with what."""
    return {
        "CPU": _cpu(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        "e2ee": version("libe2ee"),
        "vodozemac": version("vodozemac"),
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    names = (line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line)
    return next(names, platform.processor() or platform.machine())


def _line(cells: tuple[str, ...]) -> str:
    first, *others = cells
    return f"{first:<32}" + "".join(
        f"{cell:>18}" if at == 1 else f"{cell:>10}" for at, cell in enumerate(others)
    )
