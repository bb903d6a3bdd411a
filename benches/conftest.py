# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures the limit in the same run as the benchmarks, and shows all of it in one table."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, final

import pytest

from benches.conversation import Observed
from benches.limit import primitives_with_lengths
from benches.table import Nanoseconds, Row, Table

ROOT = Path(__file__).parents[1]
#: Ignored by git; pytest-benchmark keeps its own files there too.
KEPT = ROOT / ".benchmarks" / "table.json"
LIMIT = ["cargo", "bench", "--quiet", "--locked", "-p", "e2ee-primitives", "--bench", "limit", "--"]
PLAINTEXTS = (64, 1_024)
TABLE = pytest.StashKey[Table]()

_T = TypeVar("_T")


class _Benchmark(Protocol):
    """What is used of pytest-benchmark's fixture."""

    extra_info: dict[str, Any]
    stats: Any

    def pedantic(self, run: Callable[[_T], object], **options: object) -> object: ...


@dataclass(frozen=True, slots=True)
class Load(Generic[_T]):
    """Batches of `operations` calls each; what `run` takes is prepared outside of the time."""

    prepare: Callable[[], _T]
    run: Callable[[_T], object]
    operations: int
    rounds: int


@final
class Measure:
    """Measures a row of the table."""

    __slots__ = ("_benchmark", "_short", "_table")

    def __init__(self, benchmark: _Benchmark, table: Table, *, short: bool) -> None:
        self._benchmark, self._table, self._short = benchmark, table, short

    def __call__(self, operation: str, load: Load[_T], *, library: str = "e2ee") -> None:
        """Runs all rounds, and keeps the quarters of their times for one operation, in µs."""
        assert operation in self._table.limits(), "a row needs a limit"
        benchmark = self._benchmark
        rounds = max(5, load.rounds // 10) if self._short else load.rounds
        benchmark.extra_info.update(
            operation=operation, library=library, operations=load.operations
        )
        benchmark.pedantic(
            load.run,
            setup=lambda: ((load.prepare(),), {}),
            rounds=rounds,
            warmup_rounds=max(2, rounds // 10),
        )
        stats = benchmark.stats.stats
        low, median, high = (
            each / load.operations * 1e6 for each in (stats.q1, stats.median, stats.q3)
        )
        self._table.rows.append(Row(operation, library, low, median, high))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--short", action="store_true", help="a tenth of the rounds, a rough limit")


@pytest.fixture(scope="session")
def observed() -> Observed:
    return Observed.of(PLAINTEXTS)


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest, observed: Observed) -> Iterator[Table]:
    arguments = primitives_with_lengths(observed.lengths())
    if request.config.getoption("--short"):
        arguments.append("quick")
    before = _primitives(arguments)
    table = Table(observed, before)
    yield table
    # Again at the end: the limit is the mean, and the difference shows how steady the machine was.
    table.after = _primitives(arguments)
    request.config.stash[TABLE] = table
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(table.as_json(), indent=1) + "\n", encoding="utf-8")


@pytest.fixture
def measure(request: pytest.FixtureRequest, table: Table, benchmark: _Benchmark) -> Measure:
    return Measure(benchmark, table, short=request.config.getoption("--short"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if table := config.stash.get(TABLE, None):
        terminalreporter.section("beside the limit")
        terminalreporter.write_line(table.as_text())
        terminalreporter.write_line(f"kept in {KEPT.relative_to(ROOT)}")


def _primitives(arguments: list[str]) -> dict[str, Nanoseconds]:
    answer = subprocess.run(  # noqa: S603 - our own lengths
        [*LIMIT, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    return {name: Nanoseconds(**times) for name, times in json.loads(answer.stdout).items()}
