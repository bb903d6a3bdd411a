# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures the limit in the same run as the benchmarks, and shows all of it in one table."""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NoReturn, Protocol, TypeVar, final

import pytest

from benches.conversation import Observed
from benches.limit import primitives_with_lengths
from benches.operations import AEAD, OURS, PRIMITIVE_ARGUMENTS, PRIMITIVES, UNITS
from benches.primitives import ROOT
from benches.primitives import measure as measure_primitives
from benches.primitives import program as build_program
from benches.report import as_text
from benches.table import Nanoseconds, Row, Table

#: Ignored by git; pytest-benchmark keeps its own files there too.
KEPT = ROOT / ".benchmarks" / "table.json"
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

    __slots__ = ("_known", "_request", "_table")

    def __init__(self, request: pytest.FixtureRequest, table: Table) -> None:
        self._request, self._table = request, table
        self._known = {*table.limits(), *UNITS, *PRIMITIVES, AEAD}

    def rounds(self, rounds: int) -> int:
        """How many rounds a row gets in this run, without those that warm up."""
        return max(5, rounds // 10) if self._request.config.getoption("--short") else rounds

    def __call__(self, operation: str, load: Load[_T], *, library: str = OURS) -> None:
        """Runs all rounds, and keeps the quarters of their times for one operation, in µs."""
        chosen = self._request.config.getoption("--row")
        if chosen and operation not in chosen:
            pytest.skip(f"{operation} is not asked for")
        benchmark: _Benchmark = self._request.getfixturevalue("benchmark")
        rounds = self.rounds(load.rounds)
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
        quarters = (stats.min, stats.q1, stats.median, stats.q3)
        self._keep(Row(operation, library, *(each / load.operations * 1e6 for each in quarters)))

    def found(self, operation: str, figures: Sequence[float], *, library: str = OURS) -> None:
        """Keeps the quarters of figures that were measured elsewhere, in the unit of the row."""
        low, median, high = statistics.quantiles(figures, n=4) if figures[1:] else [*figures] * 3
        self._keep(Row(operation, library, min(figures), low, median, high))

    def _keep(self, row: Row) -> None:
        assert row.operation in self._known, "a row needs a limit or a unit"
        self._table.rows.append(row)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--short", action="store_true", help="a tenth of the rounds, a rough limit")
    parser.addoption("--program", type=Path, help="what measures the primitives, if it is built")
    parser.addoption("--row", action="append", help="only operations of this name; more may follow")
    parser.addoption("--table", type=Path, default=KEPT, help="where the table is kept, as JSON")


@pytest.fixture(scope="session")
def observed() -> Observed:
    return Observed.of(PLAINTEXTS)


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest, observed: Observed) -> Iterator[Table]:
    arguments = primitives_with_lengths(observed.lengths(), observed.group, observed.chat)
    arguments += PRIMITIVE_ARGUMENTS
    if request.config.getoption("--short"):
        arguments.append("quick")
    program = request.config.getoption("--program") or build_program()
    table = Table(observed, _primitives(program, arguments))
    yield table
    # Again at the end: the limit is the mean, and the difference shows how steady the machine was.
    table.after = _primitives(program, arguments)
    request.config.stash[TABLE] = table
    kept = request.config.getoption("--table")
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(table.document(), indent=1) + "\n", encoding="utf-8")


@pytest.fixture
def measure(request: pytest.FixtureRequest, table: Table) -> Measure:
    return Measure(request, table)


@pytest.fixture
def left_out(table: Table) -> Callable[[str, str], NoReturn]:
    """Says in the table why a peer has no figures, and ends the test."""

    def skip(peer: str, reason: str) -> NoReturn:
        table.absent[peer] = reason
        pytest.skip(f"{peer}: {reason}")

    return skip


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if table := config.stash.get(TABLE, None):
        terminalreporter.section("beside the limit")
        terminalreporter.write_line(as_text(table.document()))
        terminalreporter.write_line(f"kept in {config.getoption('--table')}")


def _primitives(program: Path, arguments: list[str]) -> dict[str, Nanoseconds]:
    measured = measure_primitives(program, arguments)
    return {name: Nanoseconds(**times) for name, times in measured.items()}
