# SPDX-License-Identifier: MIT OR Apache-2.0
"""Groups of both implementations: sender keys, joiners, removals, late and altered messages."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from tests.interop.parties import Ours, Party, Refusal, Theirs, Wire
from tests.interop.scenarios.members import GROUP, Member, OursInGroup, TheirsInGroup
from tests.interop.world import Parcel, listed, shown, side

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.interop.parties import Who
    from tests.interop.world import World

_MAX_BURST: Final = 5
_MAX_DELAY: Final = 3


@dataclass(slots=True, eq=False)
class _Copy:
    """A member's copy of a message, on its way for some turns."""

    sender: Member
    receiver: Member
    parcel: Parcel
    turns: int


@final
class Club:
    """A group, with what the carrier does to its messages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.id = uuid.UUID(int=world.random.getrandbits(128), version=4)
        self.members: list[Member] = []
        self._late: list[_Copy] = []
        self._number = 0

    def enter(self, party: Party) -> Member:
        """A device joins: it gets a session with everyone, and everyone adds it."""
        self._world.note(f"{side(party)} joins the group")
        member: Member
        if isinstance(party, Ours):
            member = OursInGroup(party, self.id)
        else:
            assert isinstance(party, Theirs)
            member = TheirsInGroup(party, self.id)
        for other in self.members:
            both = [party, other.party]
            self._world.random.shuffle(both)
            self._world.connect(both[0], both[1])
            self._world.deliver(both[0], both[1], self._world.send(both[0], both[1], 1))
            other.add(party.who)
            member.add(other.party.who)
        self.members.append(member)
        return member

    def remove(self, member: Member) -> None:
        """A device has to go: everyone else takes a new key."""
        self._world.note(f"{side(member.party)} is removed from the group")
        self.settle()
        self.members.remove(member)
        for other in self.members:
            other.remove(member.party.who)

    def other(self, member: Member) -> Member:
        """Another member."""
        return self._world.random.choice([each for each in self.members if each is not member])

    def invite(self, sender: Member) -> None:
        """Carries the invitations that are due."""
        self.bring(sender, sender.invitations(), [])

    def bring(
        self, sender: Member, invitations: list[tuple[Who, Wire]], early: Sequence[Parcel]
    ) -> None:
        """Carries invitations; what comes too early does not open yet."""
        for who, invitation in invitations:
            receiver = next(each for each in self.members if each.party.who == who)
            for parcel in early:
                self.closed(sender, receiver, parcel.wire, "group messages before the invitation")
            self._world.note(f"{side(sender.party)} invites {side(receiver.party)}")
            receiver.join(sender.party.who, invitation)
            if sender.party.ours != receiver.party.ours:
                self._world.count(GROUP, sender.party, "distribution")

    def write(self, sender: Member, count: int) -> list[Parcel]:
        """Messages to the group, not yet delivered."""
        contents = [self._world.content() for _ in range(count)]
        parcels = []
        for content, wire in zip(contents, sender.encrypt(contents), strict=True):
            self._number += 1
            parcels.append(Parcel(self._number, content, wire))
        self._world.figures.sent += count
        self._world.note(f"{side(sender.party)} writes {listed(parcels)} to the group")
        return parcels

    def carry(self, sender: Member, parcels: Sequence[Parcel]) -> None:
        """Brings a copy to every other member; some are lost, late, repeated or out of order."""
        random = self._world.random
        for receiver in self.members:
            if receiver is sender:
                continue
            arriving = []
            for parcel in parcels:
                own, fate = replace(parcel), random.random()
                if fate < 0.05:
                    continue
                if fate < 0.15:
                    turns = random.randint(1, _MAX_DELAY)
                    self._late.append(_Copy(sender, receiver, own, turns))
                    continue
                arriving += [own] * random.choice([1, 1, 1, 1, 2])
            if random.random() < 0.2:
                random.shuffle(arriving)
            self.deliver(sender, receiver, arriving)
        self._pass_time()

    def deliver(self, sender: Member, receiver: Member, parcels: Sequence[Parcel]) -> None:
        """Delivers to one: what is new must open, what was opened is a duplicate."""
        if not parcels:
            return
        self._world.note(f"{side(receiver.party)} gets {listed(parcels)} of the group")
        results = receiver.decrypt(sender.party.who, [parcel.wire for parcel in parcels])
        for parcel, result in zip(parcels, results, strict=True):
            if parcel.opened:
                self._world.refused(result, "duplicate", f"{parcel} again")
                continue
            opens = result == parcel.content
            self._world.expect(opens, f"{parcel} of the group opens: {shown(result)}")
            parcel.opened = True
            if sender.party.ours != receiver.party.ours:
                self._world.count(GROUP, sender.party, "group")

    def closed(self, sender: Member, receiver: Member, wire: Wire, what: str) -> None:
        """Checks that a message of the group does not open here."""
        result = receiver.decrypt(sender.party.who, [wire])[0]
        self._world.expect(isinstance(result, Refusal), f"{what} is refused: {shown(result)}")
        self._world.figures.checked[f"{what} refused, {_of(receiver)}"] += 1

    def settle(self) -> None:
        """Delivers all that is late."""
        late, self._late = self._late, []
        for each in late:
            self.deliver(each.sender, each.receiver, [each.parcel])

    def _pass_time(self) -> None:
        for each in self._late:
            each.turns -= 1
        due = [each for each in self._late if each.turns < 0]
        self._late = [each for each in self._late if each.turns >= 0]
        for each in due:
            self.deliver(each.sender, each.receiver, [each.parcel])


def group(world: World) -> None:
    """Members write in any order, while some join, are removed or take a new key."""
    club = Club(world)
    makers: list[Callable[[], Party]] = [world.ours, world.theirs]
    for make in (*makers, *world.random.choices(makers, k=world.random.randint(0, 2))):
        club.enter(make())
    until = world.figures.messages + world.size
    while world.figures.messages < until:
        choice, sender = world.random.random(), world.random.choice(club.members)
        if choice < 0.06 and len(club.members) < 5:
            _join(world, club)
        elif choice < 0.1 and _may_lose(club, sender):
            _remove(world, club, sender)
        elif choice < 0.15:
            _new_key(world, club, sender)
        elif choice < 0.2:
            sender.reinvite(club.other(sender).party.who)
        _turn(world, club)
    may_go = [each for each in club.members if _may_lose(club, each)]
    if may_go:
        _remove(world, club, world.random.choice(may_go))
    club.settle()


def _turn(world: World, club: Club) -> None:
    sender = world.random.choice(club.members)
    club.invite(sender)
    parcels = club.write(sender, world.random.randint(1, _MAX_BURST))
    if world.random.random() < 0.3:
        receiver = club.other(sender)
        body = bytearray(parcels[0].wire.body)
        body[world.random.randrange(len(body))] ^= 1 << world.random.randrange(8)
        altered = Wire(GROUP, bytes(body))
        club.closed(sender, receiver, altered, "altered group messages")
    club.carry(sender, parcels)


def _join(world: World, club: Club) -> None:
    """The joiner reads nothing from before its invitation."""
    sender = world.random.choice(club.members)
    club.invite(sender)
    before = club.write(sender, 1)
    makers: list[Callable[[], Party]] = [world.ours, world.theirs]
    joiner = club.enter(world.random.choice(makers)())
    club.closed(sender, joiner, before[0].wire, "group messages before the invitation")
    club.invite(sender)
    club.closed(sender, joiner, before[0].wire, "group messages before the invitation")
    club.carry(sender, club.write(sender, 2))


def _remove(world: World, club: Club, leaving: Member) -> None:
    """The removed device reads nothing that is written after."""
    club.remove(leaving)
    sender = world.random.choice(club.members)
    club.invite(sender)
    parcels = club.write(sender, 1)
    club.closed(sender, leaving, parcels[0].wire, "group messages after the removal")
    club.carry(sender, parcels)


def _new_key(world: World, club: Club, sender: Member) -> None:
    """What comes before the invitation to the new key does not open, and does so after it."""
    world.note(f"{side(sender.party)} takes a new key")
    sender.rotate()
    due = sender.invitations()
    parcels = club.write(sender, 2)
    club.bring(sender, due, parcels)
    club.carry(sender, parcels)


def _may_lose(club: Club, member: Member) -> bool:
    """Whether both implementations are there without this member."""
    rest = {each.party.ours for each in club.members if each is not member}
    return len(rest) == 2


def _of(member: Member) -> str:
    return "ours" if member.party.ours else "theirs"
