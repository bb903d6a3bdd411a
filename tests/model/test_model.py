# SPDX-License-Identifier: MIT OR Apache-2.0
"""The commit protocol keeps its properties in every state, and each planted fault is found."""

from dataclasses import replace

import pytest

from tests.model.explore import Violation, explore
from tests.model.scenario import Fault, Property, Scenario
from tests.model.scenarios import (
    CLONED_OUTBOXES,
    CONTROLS,
    FAIL_OVER,
    FORK,
    GROUPED,
    LIMITS,
    READERS,
    RESTORE,
    SENDING,
    SMALL,
    Control,
)
from tests.model.state import Budget


@pytest.mark.parametrize("scenario", SMALL, ids=lambda scenario: scenario.name)
def test_every_state_keeps_every_property(scenario: Scenario) -> None:
    graph = explore(scenario)

    assert graph.violation is None, str(graph.violation)
    assert len(graph.worlds) > 100


@pytest.mark.parametrize(
    "control", CONTROLS, ids=lambda control: f"{control.scenario.fault.name}-{control.broken.name}"
)
def test_a_planted_fault_is_found(control: Control) -> None:
    graph = explore(control.scenario, [control.broken])

    assert graph.violation is not None
    assert graph.violation.broken is control.broken


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_the_scenario_of_a_fault_is_explored_without_it_too(control: Control) -> None:
    assert replace(control.scenario, fault=None) in SMALL


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.scenario.name)
def test_without_an_anchor_an_older_copy_uses_a_key_twice(limit: Control) -> None:
    graph = explore(limit.scenario, [limit.broken])

    assert graph.violation is not None


def test_every_fault_is_planted() -> None:
    assert {control.scenario.fault for control in CONTROLS} == set(Fault)


def test_every_property_is_broken_by_some_fault() -> None:
    assert {control.broken for control in CONTROLS} == set(Property)


def test_every_misfortune_befalls_some_scenario() -> None:
    kinds = {kind for kind in Budget._fields if any(getattr(s.budget, kind) for s in SMALL)}

    assert kinds == set(Budget._fields)


def test_every_kind_of_event_happens() -> None:
    chosen = (SENDING, GROUPED, READERS, FAIL_OVER, RESTORE, CLONED_OUTBOXES, FORK)
    found = {event for each in chosen for event in explore(each, keep_events=True).events}

    assert {what for what, _, _ in found} == {
        *("open", "begin", "commit", "roll back", "confirm", "release", "lose", "cancel", "crash"),
        *("copy", "fail over", "restore", "clone", "fork", "heal"),
    }
    commits = {details for what, _, details in found if what == "commit"}
    assert commits == {("done",), ("conflict",), ("unknown, kept",), ("unknown, undone",)}
    confirmations = {details for what, _, details in found if what == "confirm"}
    assert confirmations == {("known",), ("refused",)}


def test_a_trace_is_short_and_can_be_read() -> None:
    scenario = replace(SENDING, fault=Fault.RELEASES_BEFORE_COMMIT)

    violation = explore(scenario, [Property.DURABLE_FIRST]).violation

    assert violation == Violation(
        Property.DURABLE_FIRST,
        (("begin", 0, ("encrypt a",)), ("release", 0, ("post", "a"))),
    )
    assert str(violation).splitlines() == [
        "violated: nothing is released before it is durable",
        "   1. worker 0: begin encrypt a",
        "   2. worker 0: release post, a",
    ]


def test_more_states_than_the_bound_end_the_search() -> None:
    with pytest.raises(AssertionError, match="more states"):
        explore(SENDING, max_states=100)
