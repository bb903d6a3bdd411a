# SPDX-License-Identifier: MIT OR Apache-2.0
"""Conversations of two devices: any order of turns, resets, simultaneous starts, long ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.interop.parties import Ours, Theirs
from tests.interop.scenarios.line import BREEZE, CALM, STORM, Line
from tests.interop.scenarios.numbers import compare_numbers

if TYPE_CHECKING:
    from tests.interop.parties import Party
    from tests.interop.world import World

MAX_BURST: Final = 8
#: How many times the size of other conversations a long one has.
_LONG: Final = 5
_LONG_EPOCHS: Final = 2


def any_order(world: World) -> None:
    """Turns in any order over a line that loses, delays, reorders and repeats."""
    first, second = world.pair()
    world.connect(first, second)
    _talk(world, Line(world, STORM), first, second, ready={first})
    compare_numbers(world, first, second)


def simultaneous(world: World) -> None:
    """Both start a session before they hear of each other; then they talk on."""
    first, second = world.pair()
    world.connect(first, second)
    world.connect(second, first)
    count = world.random.randint(1, 3)
    crossing = world.send(first, second, count)
    back = world.send(second, first, world.random.randint(1, 3))
    world.deliver(first, second, crossing)
    world.deliver(second, first, back)
    world.figures.checked["simultaneous starts"] += 1
    _talk(world, Line(world, BREEZE), first, second, ready={first, second})


def resets(world: World) -> None:
    """Sessions end by hand or by a new bundle, with messages of the old one on their way."""
    first, second = world.pair()
    world.connect(first, second)
    line = Line(world, STORM)
    ready = {first}
    for _ in range(world.random.randint(2, 5)):
        _talk(world, line, first, second, ready=ready, share=0.2)
        resetting, other = world.random.choice([(first, second), (second, first)])
        if isinstance(resetting, Theirs) and resetting in ready and world.random.random() < 0.5:
            world.note("theirs archives")
            resetting.archive(other.who)
        world.connect(resetting, other)
        ready.add(resetting)
        world.figures.checked["resets"] += 1
    _talk(world, line, first, second, ready=ready, share=0.2)


def long(world: World) -> None:
    """Short turns for hundreds of messages, in which the post-quantum ratchet turns."""
    first, second = world.pair()
    world.connect(first, second)
    line = Line(world, world.random.choice([CALM, BREEZE]))
    until = world.figures.messages + world.size * _LONG
    line.burst(first, second, MAX_BURST)
    while world.figures.messages < until:
        line.burst(second, first, world.random.randint(1, 2))
        line.burst(first, second, world.random.randint(1, 2))
    line.settle()
    ours = next(party for party in (first, second) if isinstance(party, Ours))
    contact = ours.account.contacts()[0]
    turned = contact.pq_epoch
    if turned is not None and world.size * _LONG >= 400:
        world.expect(turned >= _LONG_EPOCHS, f"the post-quantum ratchet is at epoch {turned}")
    world.figures.checked["turns of the post-quantum ratchet"] += turned or 0


def _talk(  # noqa: PLR0913 (the two, their line, and how long)
    world: World,
    line: Line,
    first: Party,
    second: Party,
    *,
    ready: set[Party],
    share: float = 1.0,
) -> None:
    """Bursts by whoever has a session, until so many messages arrived; then all that is late."""
    until = world.figures.messages + max(1, int(world.size * share))
    while world.figures.messages < until:
        sender, receiver = world.random.choice([(first, second), (second, first)])
        if sender not in ready:
            continue
        if line.burst(sender, receiver, world.random.randint(1, MAX_BURST)):
            ready.add(receiver)
    line.settle()
    ready.update((first, second))
