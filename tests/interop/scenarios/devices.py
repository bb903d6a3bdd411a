# SPDX-License-Identifier: MIT OR Apache-2.0
"""Several devices of each user, and users who come back with another identity."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.interop.scenarios.line import BREEZE, Line
from tests.interop.scenarios.numbers import compare_numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.interop.parties import Party, Who
    from tests.interop.world import World

_MAX_DEVICES: Final = 3
_LAST_DEVICE: Final = 127


def several_devices(world: World) -> None:
    """Each message goes to every device of the other user."""
    users = [world.user(), world.user()]
    makers: list[Callable[[Who], Party]] = [world.ours, world.theirs]
    world.random.shuffle(makers)
    sides = [
        [make(replace(who, device=device)) for device in _devices(world)]
        for who, make in zip(users, makers, strict=True)
    ]
    line, until = Line(world, BREEZE), world.figures.messages + world.size
    connected: set[tuple[Party, Party]] = set()
    while world.figures.messages < until:
        from_side, to_side = world.random.sample(sides, 2)
        sender = world.random.choice(from_side)
        for receiver in to_side:
            if (sender, receiver) not in connected:
                world.connect(sender, receiver)
            if line.burst(sender, receiver, world.random.randint(1, 3)):
                connected.add((receiver, sender))
            connected.add((sender, receiver))
    line.settle()
    world.figures.checked["users with several devices"] += 1


def new_identity(world: World) -> None:
    """A user comes back with another identity: refused until a person accepts it."""
    staying, leaving = world.pair()
    world.connect(leaving, staying)
    line = Line(world, BREEZE)
    while not line.burst(leaving, staying, 3):
        pass
    line.burst(staying, leaving, 3)
    line.settle()
    again = world.ours(leaving.who) if leaving.ours else world.theirs(leaving.who)
    world.connect(again, staying)
    for parcel in world.send(again, staying, 2):
        result = staying.decrypt(again.who, [parcel.wire])[0]
        world.refused(result, "untrusted", f"{parcel} of a new identity")
    world.note("the new identity is accepted")
    staying.trust(again.who, again.bundle(reusable=False))
    for sender, receiver in ((staying, again), (again, staying)) * 3:
        world.deliver(sender, receiver, world.send(sender, receiver, 2))
    compare_numbers(world, staying, again)
    world.figures.checked["new identities"] += 1


def _devices(world: World) -> list[int]:
    count = world.random.randint(1, _MAX_DEVICES)
    return world.random.sample(range(1, _LAST_DEVICE + 1), count)
