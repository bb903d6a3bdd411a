# SPDX-License-Identifier: MIT OR Apache-2.0
"""The real library with an anchor goes where the model goes: fail-over, old backups, clones."""

from dataclasses import replace

import pytest

from tests.model.explore import explore
from tests.model.paths import along, paths
from tests.model.replay import Stage
from tests.model.replay_anchored import AnchoredReplay
from tests.model.scenario import Fault, Property, Scenario
from tests.model.scenarios import ANCHORED, ANCHORED_CLONE, ANCHORED_FAIL_OVER
from tests.stores.protocols import PROTOCOLS, protocol_name

#: Of the paths, one in so many; all of them with the profile `assurance`.
ONE_IN = 6


@pytest.fixture(scope="module", params=PROTOCOLS, ids=protocol_name)
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage.set(("m",), request.param)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ANCHORED, ids=lambda scenario: scenario.name)
def test_every_step_of_the_model_is_that_of_the_library(
    scenario: Scenario, stage: Stage, pytestconfig: pytest.Config
) -> None:
    assured = pytestconfig.getoption("--hypothesis-profile") == "assurance"
    found = list(paths(scenario))
    chosen = found if assured else found[::ONE_IN]
    replays = [AnchoredReplay(stage, scenario) for _ in chosen]

    replayed = sum(replay.run(path) for replay, path in zip(replays, chosen, strict=True))

    assert len(chosen) >= len(found) // ONE_IN
    assert not assured or replayed >= len(explore(scenario).ends)
    assert sum(replay.refusals for replay in replays) > 0


@pytest.mark.parametrize(
    ("scenario", "fault"),
    [
        (ANCHORED_FAIL_OVER, Fault.ANCHOR_LATE),
        (ANCHORED_CLONE, Fault.ANCHOR_OVERWRITTEN),
    ],
    ids=lambda value: value.name,
)
def test_the_library_does_not_follow_a_fault_of_the_anchor(
    scenario: Scenario, fault: Fault, stage: Stage
) -> None:
    faulty = replace(scenario, fault=fault)
    violation = explore(faulty, [Property.KEY_ONCE]).violation
    assert violation is not None
    path = along(faulty, violation.trace)

    with pytest.raises(AssertionError):
        AnchoredReplay(stage, scenario).run(path)
