# SPDX-License-Identifier: MIT OR Apache-2.0
"""Limits of groups at which both implementations turn at the same message (signal.md §9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.interop.scenarios.groups import Club

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.interop.parties import Party
    from tests.interop.scenarios.members import Member
    from tests.interop.world import Parcel, World

_CACHED_SEEDS: Final = 2_000
_CHAINS: Final = 5


def late_messages(world: World) -> None:
    """Of more than 2,000 that are late, the newest 2,000 still open."""
    for club, sender, receiver in _both_ways(world):
        club.invite(sender)
        over = world.random.randint(1, 3)
        late = club.write(sender, _CACHED_SEEDS + over)
        club.deliver(sender, receiver, club.write(sender, 1))
        for parcel in late[:over]:
            _refused(world, sender, receiver, parcel)
        kept = late[over:]
        first, rest = kept[0], world.random.sample(kept[1:], 100)
        club.deliver(sender, receiver, [first, *rest, first])
        _checked(world, "cached seeds of a group at their limit", receiver)


def old_chains(world: World) -> None:
    """Of six keys of one sender, the oldest is gone and the others still open messages."""
    for club, sender, receiver in _both_ways(world):
        late = []
        for _ in range(_CHAINS + 1):
            sender.rotate()
            club.invite(sender)
            at_once, later = club.write(sender, 2)
            club.deliver(sender, receiver, [at_once])
            late.append(later)
        _refused(world, sender, receiver, late[0])
        club.deliver(sender, receiver, late[1:])
        _checked(world, "chains of a group at their limit", receiver)


def _both_ways(world: World) -> list[tuple[Club, Member, Member]]:
    """Two groups of two, so that each side receives once."""
    makers: list[Callable[[], Party]] = [world.ours, world.theirs]
    found = []
    for sending, receiving in (makers, makers[::-1]):
        club = Club(world)
        found.append((club, club.enter(sending()), club.enter(receiving())))
    return found


def _refused(world: World, sender: Member, receiver: Member, parcel: Parcel) -> None:
    world.note(f"{parcel} of the group comes too late")
    result = receiver.decrypt(sender.party.who, [parcel.wire])[0]
    why = getattr(result, "why", "opened")
    world.expect(why in {"duplicate", "refused"}, f"{parcel}, too late, is refused: {why}")
    world.figures.refused[why] += 1


def _checked(world: World, what: str, receiver: Member) -> None:
    world.figures.checked[f"{what}, {'ours' if receiver.party.ours else 'theirs'}"] += 1
