# SPDX-License-Identifier: MIT OR Apache-2.0
"""All that one run measured, and the document that is kept of it."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from benches import limit
from benches.conversation import Observed
from benches.machine import machine
from benches.operations import BARS, LIMIT, OURS, PRIMITIVES, UNITS, Bar, limits
from benches.peers import PEERS

#: What is kept of many samples.
QUARTERS = ("least", "low", "median", "high")


@dataclass(frozen=True, slots=True)
class Nanoseconds:
    """What a primitive takes: the least and the quarters of its samples."""

    least: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """What an operation of a library takes, by its rounds, in µs or its own unit."""

    operation: str
    library: str
    least: float
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
    #: Why a peer has no figures.
    absent: dict[str, str] = field(default_factory=dict)
    #: The versions of peers that are no Python packages.
    versions: dict[str, str] = field(default_factory=dict)
    #: What else the machine did when the run began; above the number of cores, rows are worthless.
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    def limits(self) -> dict[str, list[limit.Part]]:
        """The parts of each operation's limit."""
        return limits(self.observed)

    def nanoseconds(self, quarter: str = "median") -> dict[str, float]:
        """A quarter of each primitive in ns: the mean of both measurements; the least of both."""
        if quarter == "least":
            return {
                name: min(self.before[name].least, self.after[name].least) for name in self.before
            }
        return {
            name: (getattr(self.before[name], quarter) + getattr(self.after[name], quarter)) / 2
            for name in self.before
        }

    def drift(self) -> float:
        """The largest difference between the measurements, in parts of the first."""
        changes = (self.after[name].median / self.before[name].median for name in self.before)
        return max(abs(change - 1) for change in changes)

    def document(self) -> dict[str, Any]:
        """All of it, as it is kept; the table, the plot and the README's are made of it alone."""
        rows = [*self.rows, *self._primitive_rows()]
        limits = self._limits()
        return {
            "machine": machine(),
            "load": {"before": self.load, "after": os.getloadavg()[0]},
            "drift": self.drift(),
            "versions": {peer.name: peer.version() for peer in PEERS if peer.version()}
            | self.versions,
            "absent": {peer.name: peer.absence() for peer in PEERS if peer.absence()} | self.absent,
            "notes": {peer.name: peer.note for peer in PEERS},
            "observed": asdict(self.observed),
            "primitives_ns": {
                name: {"before": asdict(before), "after": asdict(self.after[name])}
                for name, before in self.before.items()
            },
            "limits": limits,
            "units": UNITS,
            "rows": [asdict(row) for row in rows],
            "bars": list(verdicts(BARS, rows, {n: each["median"] for n, each in limits.items()})),
        }

    def _limits(self) -> dict[str, dict[str, Any]]:
        middle, least = self.nanoseconds(), self.nanoseconds("least")
        return {
            name: {
                "median": limit.microseconds(parts, middle),
                "least": limit.microseconds(parts, least),
                "parts": [{**asdict(part), "each": middle[part.primitive]} for part in parts],
            }
            for name, parts in self.limits().items()
        }

    def _primitive_rows(self) -> Iterator[Row]:
        """Our own primitives as the limit measures them, in Rust and without Python."""
        quarters = [self.nanoseconds(quarter) for quarter in QUARTERS]
        for name, primitive in PRIMITIVES.items():
            yield Row(name, OURS, *(each[primitive] / 1_000 for each in quarters))


def verdicts(
    bars: tuple[Bar, ...], rows: list[Row], limits: dict[str, float]
) -> Iterator[dict[str, Any]]:
    """Of each bar whose row was measured: what it allows, what there was, and whether it is met."""
    for bar in bars:
        ours = {row.operation: row.median for row in rows if row.library == bar.library}
        peers = {row.library: row.median for row in rows if row.operation == bar.operation}
        figures = ours | peers
        if bar.operation in limits:
            figures[LIMIT] = limits[bar.operation]
        measured, allowed = ours.get(bar.operation), bar.allowed(figures)
        if measured is not None and allowed is not None:
            yield {
                "operation": bar.title(),
                "formula": bar.formula(),
                "allowed": allowed,
                "measured": measured,
                "met": measured <= allowed,
            }
