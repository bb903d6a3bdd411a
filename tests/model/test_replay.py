# SPDX-License-Identifier: MIT OR Apache-2.0
"""The real library goes where the model goes: every step of the scenarios that it has today."""

from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

import e2ee
from tests.model.explore import explore
from tests.model.paths import along, from_line, paths, to_lines
from tests.model.replay import KEY, Opens, Replay, Stage
from tests.model.scenario import Fault, Property, Scenario
from tests.model.scenarios import REPLAYED, TODAY_RECEIVING, TODAY_SENDING

#: Each commit in a file waits for the disk.
PATHS_IN_FILES = 25


def in_memory() -> Opens:
    """One store in memory for all workers of a path."""
    store = e2ee.MemoryStore(key=KEY)
    return lambda: store


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage.set(("m", "d"))


@pytest.mark.slow
@pytest.mark.parametrize("scenario", REPLAYED, ids=lambda scenario: scenario.name)
def test_every_step_of_the_model_is_that_of_the_library(scenario: Scenario, stage: Stage) -> None:
    replayed = sum(Replay(stage, in_memory()).run(path) for path in paths(scenario))

    assert replayed >= len(explore(scenario).ends)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", REPLAYED, ids=lambda scenario: scenario.name)
def test_paths_are_the_same_in_a_file(scenario: Scenario, stage: Stage, tmp_path: Path) -> None:
    chosen = list(islice(paths(scenario), PATHS_IN_FILES))

    replayed = [
        Replay(stage, partial(e2ee.SQLiteStore, tmp_path / f"{number}.db", key=KEY)).run(path)
        for number, path in enumerate(chosen)
    ]

    assert len(replayed) == PATHS_IN_FILES


@pytest.mark.parametrize(
    ("scenario", "fault", "broken"),
    [
        (TODAY_SENDING, Fault.RELEASES_BEFORE_COMMIT, Property.DURABLE_FIRST),
        (TODAY_SENDING, Fault.ROLLBACK_RELEASES, Property.UNDONE_IS_UNDONE),
        (TODAY_SENDING, Fault.RELEASES_ON_UNKNOWN, Property.UNKNOWN_IS_SILENT),
        (TODAY_RECEIVING, Fault.NO_INBOX, Property.NONE_LOST),
        (TODAY_RECEIVING, Fault.LEDGER_FIRST, Property.NONE_LOST),
        (TODAY_RECEIVING, Fault.LEDGER_LAST, Property.NO_WEDGE),
    ],
    ids=lambda value: value.name,
)
def test_the_library_does_not_follow_a_fault(
    scenario: Scenario, fault: Fault, broken: Property, stage: Stage
) -> None:
    faulty = replace(scenario, fault=fault)
    violation = explore(faulty, [broken]).violation
    assert violation is not None
    path = along(faulty, violation.trace)

    with pytest.raises(AssertionError):
        Replay(stage, in_memory()).run(path)


def test_paths_can_be_kept_as_lines() -> None:
    found = list(paths(TODAY_RECEIVING))

    kept = list(to_lines(iter(found)))

    assert [from_line(TODAY_RECEIVING, line) for line in kept] == found


def test_paths_take_every_step() -> None:
    graph = explore(TODAY_RECEIVING, keep_events=True)
    steps = set(zip(graph.starts, graph.events, strict=True))
    places = {world: place for place, world in enumerate(graph.worlds)}

    taken = set()
    for path in paths(TODAY_RECEIVING):
        place = 0
        for event, world in zip(path.events, path.worlds, strict=True):
            taken.add((place, event))
            place = places[world]

    assert taken == steps
