# SPDX-License-Identifier: MIT OR Apache-2.0
"""The explorer: every state that a scenario can reach, breadth first, so that traces are short."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from tests.model.actions import first, successors
from tests.model.properties import CHECKS, delivered
from tests.model.scenario import Property, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.model.state import Event, World


@dataclass(frozen=True, slots=True)
class Violation:
    """A property that does not hold, and the shortest way there."""

    broken: Property
    trace: tuple[Event, ...]

    def __str__(self) -> str:
        """The trace, one event a line."""
        lines = [f"  {number:>2}. {said(event)}" for number, event in enumerate(self.trace, 1)]
        return "\n".join([f"violated: {self.broken.value}", *lines])


def said(event: Event) -> str:
    """An event in words."""
    what, worker, details = event
    who = "" if worker < 0 else f"worker {worker}: "
    return f"{who}{what} {', '.join(details)}".rstrip()


@final
@dataclass(slots=True)
class Graph:
    """The states that were found, in order, and how they follow one another."""

    scenario: Scenario
    worlds: list[World] = field(default_factory=list)
    parents: list[tuple[int, Event | None]] = field(default_factory=list)
    #: Pairs of states: each edge's beginning and end, and its event if they are kept.
    starts: array[int] = field(default_factory=lambda: array("I"))
    ends: array[int] = field(default_factory=lambda: array("I"))
    events: list[Event] = field(default_factory=list)
    violation: Violation | None = None

    def trace(self, place: int) -> tuple[Event, ...]:
        """The shortest way to a state."""
        events: list[Event] = []
        while True:
            place, event = self.parents[place]
            if event is None:
                return tuple(reversed(events))
            events.append(event)


def explore(
    scenario: Scenario,
    properties: Iterable[Property] = Property,
    *,
    keep_events: bool = False,
    max_states: int = 5_000_000,
) -> Graph:
    """Visits all states; ends at the first that breaks one of the properties."""
    wanted = [each for each in properties if each not in scenario.waived]
    checks = [(each, CHECKS[each]) for each in wanted if each in CHECKS]
    graph = Graph(scenario)
    begun = first(scenario)
    places = {begun: 0}
    graph.worlds.append(begun)
    graph.parents.append((0, None))
    for here, world in enumerate(graph.worlds):
        for event, after in successors(world, scenario):
            place = places.setdefault(after, len(places))
            graph.starts.append(here)
            graph.ends.append(place)
            if keep_events:
                graph.events.append(event)
            if place < len(graph.worlds):
                continue
            graph.worlds.append(after)
            graph.parents.append((here, event))
            for broken, check in checks:
                if not check(after, scenario):
                    graph.violation = Violation(broken, graph.trace(place))
                    return graph
        assert len(places) <= max_states, f"{scenario.name}: more states than the bound allows"
    if Property.NO_WEDGE in wanted:
        graph.violation = wedge(graph)
    return graph


def wedge(graph: Graph) -> Violation | None:
    """The first state from which not all can be delivered any more."""
    goals = [delivered(world, graph.scenario) for world in graph.worlds]
    able = reaching(graph, [place for place, goal in enumerate(goals) if goal])
    stuck = next((place for place, reaches in enumerate(able) if not reaches), None)
    return None if stuck is None else Violation(Property.NO_WEDGE, graph.trace(stuck))


def reaching(graph: Graph, goals: Sequence[int]) -> bytearray:
    """For each state whether a goal can be reached from it."""
    into = grouped(graph.ends, graph.starts, len(graph.worlds))
    able = bytearray(len(graph.worlds))
    waiting = list(goals)
    for goal in goals:
        able[goal] = 1
    while waiting:
        for before in into(waiting.pop()):
            if not able[before]:
                able[before] = 1
                waiting.append(before)
    return able


def grouped(keys: array[int], values: array[int], size: int) -> Callable[[int], Sequence[int]]:
    """The values that belong to each key, in arrays: there may be millions."""
    offsets = array("I", bytes(4 * (size + 1)))
    for key in keys:
        offsets[key + 1] += 1
    for place in range(size):
        offsets[place + 1] += offsets[place]
    sorted_values, next_free = array("I", bytes(4 * len(values))), array("I", offsets)
    for key, value in zip(keys, values, strict=True):
        sorted_values[next_free[key]] = value
        next_free[key] += 1
    return lambda key: sorted_values[offsets[key] : offsets[key + 1]]
