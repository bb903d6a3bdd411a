# SPDX-License-Identifier: MIT OR Apache-2.0
"""Paths through the model as data: together they take every step that the scenario has."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

from tests.model.actions import first, successors
from tests.model.explore import Graph, explore, grouped
from tests.model.scenario import Scenario
from tests.model.state import Event, World


@dataclass(frozen=True, slots=True)
class Path:
    """Events from the first state on, and the state after each."""

    events: tuple[Event, ...]
    worlds: tuple[World, ...]


def along(scenario: Scenario, events: Sequence[Event]) -> Path:
    """The path of these events, each of which must be possible where it stands."""
    worlds = [first(scenario)]
    for event in events:
        worlds.append(dict(successors(worlds[-1], scenario))[event])
    return Path(tuple(events), tuple(worlds[1:]))


def to_lines(found: Iterator[Path]) -> Iterator[str]:
    """Paths as JSON, one a line: for programs that replay them elsewhere."""
    return (json.dumps(path.events) for path in found)


def from_line(scenario: Scenario, line: str) -> Path:
    """A path that was written by `to_lines`."""
    events = [(what, worker, tuple(details)) for what, worker, details in json.loads(line)]
    return along(scenario, events)


def paths(scenario: Scenario) -> Iterator[Path]:
    """Paths that begin in the first state and take every step of the scenario at least once."""
    graph = explore(scenario, keep_events=True)
    assert graph.violation is None, str(graph.violation)
    tour = Tour(graph)
    while (edges := tour.next()) is not None:
        events = tuple(graph.events[edge] for edge in edges)
        yield Path(events, tuple(graph.worlds[graph.ends[edge]] for edge in edges))


@final
class Tour:
    """Walks through a graph, and prefers the steps that it has not taken yet."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        edges = type(graph.starts)("I", range(len(graph.starts)))
        self._out = grouped(graph.starts, edges, len(graph.worlds))
        self._taken = bytearray(len(graph.starts))

    def next(self) -> list[int] | None:
        """The edges of the next walk, or `None` if all have been taken."""
        walk: list[int] = []
        place = 0
        while (way := self._to_something_new(place)) is not None:
            for edge in way:
                self._taken[edge] = 1
            walk += way
            place = self._graph.ends[walk[-1]]
        return walk or None

    def _to_something_new(self, start: int) -> list[int] | None:
        """The shortest way from a state whose last edge was not taken yet."""
        came: dict[int, tuple[int, int] | None] = {start: None}
        waiting = deque([start])
        while waiting:
            place = waiting.popleft()
            for edge in self._out(place):
                if not self._taken[edge]:
                    return [*self._back(came, place), edge]
                end = self._graph.ends[edge]
                if end not in came:
                    came[end] = (place, edge)
                    waiting.append(end)
        return None

    @staticmethod
    def _back(came: dict[int, tuple[int, int] | None], place: int) -> list[int]:
        """The edges that led to a state."""
        edges: list[int] = []
        while (step := came[place]) is not None:
            place, edge = step
            edges.append(edge)
        return edges[::-1]
