# SPDX-License-Identifier: MIT OR Apache-2.0
"""Limits at which both implementations must turn at the same message (signal.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.interop.parties import Party
    from tests.interop.world import Parcel, World

_CACHED_SEEDS: Final = 2_000
_CHAINS: Final = 5
_ARCHIVED: Final = 40


def late_messages(world: World) -> None:
    """Of more than 2,000 that are late, the newest 2,000 still open."""
    for sender, receiver in _both_ways(world):
        _greet(world, sender, receiver)
        over = world.random.randint(1, 3)
        late = world.send(sender, receiver, _CACHED_SEEDS + over)
        world.deliver(sender, receiver, world.send(sender, receiver, 1))
        for parcel in late[:over]:
            _refused(world, sender, receiver, parcel, "duplicate")
        kept = late[over:]
        first, rest = kept[0], world.random.sample(kept[1:], 100)
        world.deliver(sender, receiver, [first, *rest, first])
        world.figures.checked[f"cached seeds at their limit, {_side(receiver)}"] += 1


def old_chains(world: World) -> None:
    """A message opens while its chain is one of the five newest, and no more then."""
    for sender, receiver in _both_ways(world):
        _greet(world, sender, receiver)
        for turns in (_CHAINS - 1, _CHAINS):
            at_once, late = world.send(sender, receiver, 2)
            world.deliver(sender, receiver, [at_once])
            for _ in range(turns):
                world.deliver(receiver, sender, world.send(receiver, sender, 1))
                world.deliver(sender, receiver, world.send(sender, receiver, 1))
            if turns < _CHAINS:
                world.deliver(sender, receiver, [late])
            else:
                _refused(world, sender, receiver, late, "refused")
        world.figures.checked[f"receiving chains at their limit, {_side(receiver)}"] += 1


def many_sessions(world: World) -> None:
    """Of 42 sessions, the oldest is gone and the others still open messages."""
    for sender, receiver in _both_ways(world):
        late = []
        for _ in range(_ARCHIVED + 2):
            world.connect(sender, receiver, reusable=False)
            at_once, later = world.send(sender, receiver, 2)
            world.deliver(sender, receiver, [at_once])
            late.append(later)
        _refused(world, sender, receiver, late[0], "refused")
        world.deliver(sender, receiver, late[1:])
        world.deliver(receiver, sender, world.send(receiver, sender, 2))
        world.figures.checked[f"archived sessions at their limit, {_side(receiver)}"] += 1


def _both_ways(world: World) -> list[tuple[Party, Party]]:
    """Two pairs of strangers, so that each side receives once."""
    return [(world.ours(), world.theirs()), (world.theirs(), world.ours())]


def _greet(world: World, sender: Party, receiver: Party) -> None:
    world.connect(sender, receiver)
    world.deliver(sender, receiver, world.send(sender, receiver, 1))
    world.deliver(receiver, sender, world.send(receiver, sender, 1))


def _refused(world: World, sender: Party, receiver: Party, parcel: Parcel, why: str) -> None:
    world.note(f"{parcel} comes too late")
    result = receiver.decrypt(sender.who, [parcel.wire])[0]
    world.refused(result, why, f"{parcel}, too late,")


def _side(party: Party) -> str:
    return "ours" if party.ours else "theirs"
