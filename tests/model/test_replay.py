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
from tests.model.scenarios import (
    BESIDE,
    BESIDE_OUTBOX,
    BESIDE_REPLYING,
    REPLAYED,
    TODAY_RECEIVING,
    TODAY_SENDING,
)
from tests.stores.lent import FileApplication
from tests.stores.protocols import PROTOCOLS, protocol_name

#: Each commit in a file waits for the disk.
PATHS_IN_FILES = 25
#: Of the paths beside an application, one in so many; all of them with the profile `assurance`.
ONE_IN = 6


def in_memory() -> Opens:
    """One store in memory for all workers of a path."""
    store = e2ee.MemoryStore(key=KEY)
    return lambda: store


@pytest.fixture(scope="module", params=PROTOCOLS, ids=protocol_name)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage.set(("m", "d"), request.param)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", REPLAYED, ids=lambda scenario: scenario.name)
def test_every_step_of_the_model_is_that_of_the_library(scenario: Scenario, stage: Stage) -> None:
    replayed = sum(Replay(stage, in_memory(), scenario).run(path) for path in paths(scenario))

    assert replayed >= len(explore(scenario).ends)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", REPLAYED, ids=lambda scenario: scenario.name)
def test_paths_are_the_same_in_a_file(scenario: Scenario, stage: Stage, tmp_path: Path) -> None:
    chosen = list(islice(paths(scenario), PATHS_IN_FILES))

    replayed = [
        Replay(stage, partial(e2ee.SQLiteStore, tmp_path / f"{number}.db", key=KEY), scenario).run(
            path
        )
        for number, path in enumerate(chosen)
    ]

    assert len(replayed) == PATHS_IN_FILES


def beside(folder: Path) -> Opens:
    """An application with a file of its own, which lends the store its connection."""
    folder.mkdir()
    return partial(FileApplication, folder)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", BESIDE, ids=lambda scenario: scenario.name)
def test_steps_beside_an_application_are_those_of_the_library(
    scenario: Scenario, stage: Stage, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    assured = pytestconfig.getoption("--hypothesis-profile") == "assurance"
    found = list(paths(scenario))
    chosen = found if assured else found[::ONE_IN]

    replayed = [
        Replay(stage, beside(tmp_path / str(number)), scenario).run(path)
        for number, path in enumerate(chosen)
    ]

    assert len(replayed) >= len(found) // ONE_IN
    assert not assured or sum(replayed) >= len(explore(scenario).ends)


@pytest.mark.parametrize(
    ("scenario", "fault", "broken"),
    [
        (BESIDE_REPLYING, Fault.HANDLED_AFTER_THE_ROW, Property.EXACTLY_ONCE),
        (BESIDE_REPLYING, Fault.HANDLED_BEFORE_THE_ROW, Property.NONE_LOST),
        (BESIDE_OUTBOX, Fault.OUTBOX_WITHOUT_BYTES, Property.SAME_BYTES),
        (BESIDE_OUTBOX, Fault.SENT_BEFORE_TAKEN, Property.NO_WEDGE),
        (BESIDE_OUTBOX, Fault.QUEUE_RELEASES, Property.DURABLE_FIRST),
    ],
    ids=lambda value: value.name,
)
def test_the_library_does_not_follow_a_fault_beside_an_application(
    scenario: Scenario, fault: Fault, broken: Property, stage: Stage, tmp_path: Path
) -> None:
    faulty = replace(scenario, fault=fault)
    violation = explore(faulty, [broken]).violation
    assert violation is not None
    path = along(faulty, violation.trace)

    with pytest.raises(AssertionError):
        Replay(stage, beside(tmp_path / "application"), scenario).run(path)


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
        Replay(stage, in_memory(), scenario).run(path)


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
