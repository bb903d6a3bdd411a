# SPDX-License-Identifier: MIT OR Apache-2.0
"""The properties of the commit protocol, as questions to one state; `NO_WEDGE` asks for a goal."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from tests.model import state
from tests.model.scenario import Property, Scenario
from tests.model.state import World

Check = Callable[[World, Scenario], bool]


def key_once(world: World, _: Scenario) -> bool:
    """Whether all bytes that left under one key are the same text."""
    return len(world.posted) == len({key for _, key in world.posted})


def none_lost(world: World, scenario: Scenario) -> bool:
    """Whether each acknowledged message waits in the inbox or has its row."""
    rows = world.databases[0]
    acknowledged = (name for name in scenario.receives if name in world.acknowledged)
    return all(name in rows.inbox or f"got {name}" in rows.application for name in acknowledged)


def exactly_once(world: World, _: Scenario) -> bool:
    """Whether no row of the application stands twice."""
    return all(one != other for one, other in pairwise(world.databases[0].application))


def at_most_once(world: World, _: Scenario) -> bool:
    """Whether no plaintext of the short form was handed out twice."""
    return max(Counter(world.shown).values(), default=0) <= 1


def same_bytes(world: World, scenario: Scenario) -> bool:
    """Whether each queued text left under one key of each session."""
    queued = {*scenario.queues, *(text for _, text in scenario.replies)}
    uses = Counter((text, key[0]) for text, key in world.posted if text in queued)
    return max(uses.values(), default=0) <= 1


def never(what: str) -> Check:
    """Whether something that may never be done was not done."""
    return lambda world, _: what not in world.wrong


CHECKS: dict[Property, Check] = {
    Property.KEY_ONCE: key_once,
    Property.DURABLE_FIRST: never(state.OPEN),
    Property.NONE_LOST: none_lost,
    Property.EXACTLY_ONCE: exactly_once,
    Property.AT_MOST_ONCE: at_most_once,
    Property.SAME_BYTES: same_bytes,
    Property.UNDONE_IS_UNDONE: never(state.UNDONE),
    Property.NO_STALE_WRITE: never(state.STALE),
    Property.UNKNOWN_IS_SILENT: never(state.UNKNOWN),
}


def delivered(world: World, scenario: Scenario) -> bool:
    """Whether everything has arrived, and nothing waits."""
    rows = world.databases[0]
    texts = {text for texts in scenario.encrypts for text in texts}
    texts.update(scenario.queues, (text for _, text in scenario.replies))
    names = {*scenario.receives, *scenario.decrypts}
    kept = Property.NONE_LOST in scenario.waived
    rowed = kept or all(f"got {name}" in rows.application for name in scenario.receives)
    done = world.accepted >= texts and world.acknowledged >= names and rowed
    return done and not rows.inbox and not rows.outbox
