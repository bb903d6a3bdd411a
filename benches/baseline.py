# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a row may take, in ratios to its limit, and whether it does: no measuring here."""

import json
import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Self, TypeAlias

KEPT = Path(__file__).with_name("baseline.json")
#: How often a row that is too slow is measured; the best time counts. Noise only ever adds.
ATTEMPTS = 8
#: What a row takes above its limit may be so many times as much: the share of Python in it, and of
#: memory, is another one with each processor and interpreter.
ABOVE_FACTOR = 1.6
#: And the limit itself, which the same noise meets, is good to so much: on a shared virtual machine
#: rows and primitives of one run fall into moments that differ by half.
LIMIT_SPREAD = 0.3

#: The ratios of rows to their limits, by operation.
Ratios: TypeAlias = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Baseline:
    """The ratio of a row when it was written, and the most that it may be."""

    ratio: float
    allowed: float

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Self:
        """From several runs: their lower quarter, as noise only adds, and room for others."""
        ratio, _, _ = statistics.quantiles(ratios, n=4)
        return cls(round(ratio, 3), round(1 + max(0, ratio - 1) * ABOVE_FACTOR + LIMIT_SPREAD, 3))


class Verdict(Enum):
    """What is to be said of a row."""

    HOLDS = "holds"
    SLOWER = "is slower than its baseline allows"
    MISSING = "has a baseline and was not measured"
    UNKNOWN = "has no baseline: python -m benches.check --write"


@dataclass(frozen=True, slots=True)
class Finding:
    """A row and its verdict."""

    operation: str
    verdict: Verdict
    ratio: float | None
    baseline: Baseline | None

    def __str__(self) -> str:
        """A line for a person."""
        measured = "-" if self.ratio is None else f"{self.ratio:.2f}"
        kept = self.baseline
        known = "" if kept is None else f" (baseline {kept.ratio:.2f}, at most {kept.allowed:.2f})"
        return f"{self.operation}: {measured} x limit{known} {self.verdict.value}"


def compare(baselines: Mapping[str, Baseline], measured: Ratios) -> list[Finding]:
    """The verdict of each row of either."""
    findings = []
    for operation in [*baselines, *(name for name in measured if name not in baselines)]:
        kept, ratio = baselines.get(operation), measured.get(operation)
        if ratio is None:
            verdict = Verdict.MISSING
        elif kept is None:
            verdict = Verdict.UNKNOWN
        else:
            verdict = Verdict.HOLDS if ratio <= kept.allowed else Verdict.SLOWER
        findings.append(Finding(operation, verdict, ratio, kept))
    return findings


def check(
    baselines: Mapping[str, Baseline], measure: Callable[[Collection[str]], Ratios]
) -> list[Finding]:
    """Measures all rows, and those that are too slow again, of which the best ratio counts.

    `measure` is given the operations to measure, none for all of them.
    """
    best = dict(measure(()))
    for _ in range(ATTEMPTS - 1):
        findings = compare(baselines, best)
        slower = [each.operation for each in findings if each.verdict is Verdict.SLOWER]
        if not slower:
            break
        again = measure(slower)
        for operation in slower:
            best[operation] = min(best[operation], again.get(operation, best[operation]))
    return compare(baselines, best)


def read(path: Path = KEPT) -> dict[str, Baseline]:
    """The committed baselines."""
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return {operation: Baseline(**row) for operation, row in rows.items()}
