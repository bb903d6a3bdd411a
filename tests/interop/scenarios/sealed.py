# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sealed sender between both implementations, with certificates that either has issued."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from e2ee import signal
from tests.interop import bundle
from tests.interop.node import to_bytes, to_text
from tests.interop.parties import Refusal, Wire
from tests.interop.scenarios.certificates import SEALED, Certificates, open_sealed, seal
from tests.interop.scenarios.groups import Club
from tests.interop.world import shown, side

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.interop.parties import Party, Who
    from tests.interop.scenarios.members import Member
    from tests.interop.world import World

VERSION_1: Final = "sealed, version 1"
VERSION_2: Final = "sealed, version 2"
SAME_FORM: Final = "received forms that both servers make alike"


def to_one(world: World) -> None:
    """Sealed messages in turns; altered, repeated, and under a root that nobody knows."""
    first, second = world.pair(phone=False)
    world.connect(first, second)
    if not first.ours and first.who.name != first.who.service:
        # Our account knows a name that is no UUID only by a message that is not sealed.
        world.deliver(first, second, world.send(first, second, 1))
    certificates = Certificates.by_any(world, [first, second])
    stranger = Certificates.by_any(world, [])
    until = world.figures.messages + max(4, world.size // 2)
    ready = [(first, second)]
    while world.figures.messages < until:
        sender, receiver = world.random.choice(ready)
        content = world.content()
        many = not sender.ours and world.random.random() < 0.3
        certificate = certificates.issued[sender.who]
        sealed = seal(sender, receiver.who, content, certificate, many=many)
        world.figures.sent += 1
        world.note(f"{side(sender)} seals {len(content)} bytes, {'for many' if many else 'alone'}")
        way = _Way(world, sender, receiver, certificates.root)
        way.refused(_altered(world, sealed), "altered")
        replace(way, root=stranger.root).refused(sealed, "under another root")
        way.opens(sealed, content, VERSION_2 if many else VERSION_1)
        again = open_sealed(receiver, sender.who, sealed, [certificates.root])
        world.refused(again, "duplicate", "a sealed message again")
        ready = [(first, second), (second, first)]
    _expired(world, first, second, certificates)


def to_many(world: World) -> None:
    """One sealed message for all members of a group; a server of ours gives each its own."""
    club = Club(world)
    makers: list[Callable[[Who], Party]] = [world.ours, world.theirs]
    for make in makers * world.random.choice([1, 2]):
        club.enter(make(world.user(phone=False)))
    parties = [member.party for member in club.members]
    certificates = Certificates.by_any(world, parties)
    until = world.figures.messages + max(6, world.size // 2)
    while world.figures.messages < until:
        sender = world.random.choice(club.members)
        club.invite(sender)
        content = world.content()
        others = [member for member in club.members if member is not sender]
        left_out = world.random.sample(others, world.random.choice([0, 1]) if others[1:] else 0)
        receivers = [member for member in others if member not in left_out]
        certificate = certificates.issued[sender.party.who]
        sent = sender.seal(content, certificate, [each.party.who for each in left_out])
        world.figures.sent += 1
        world.note(f"{side(sender.party)} seals {len(content)} bytes for {len(receivers)}")
        _carry(world, sender, receivers, (sent, content), certificates)
        shown_out = signal.left_out(sent)
        world.expect(shown_out == [each.party.who.service for each in left_out], "who is left out")


def _carry(
    world: World,
    sender: Member,
    receivers: list[Member],
    message: tuple[bytes, bytes],
    certificates: Certificates,
) -> None:
    """Splits the sent form as a server does, and brings each its own."""
    sent, content = message
    given = {each.service_id: each for each in signal.fan_out(sent)}
    world.expect(set(given) == {each.party.who.service for each in receivers}, "who gets it")
    for receiver in receivers:
        own = given[receiver.party.who.service]
        device = (receiver.party.who.device, _registration(receiver.party))
        world.expect(own.devices == (device,), "for which device, with which registration id")
        sealed = Wire(SEALED, own.message)
        way = _Way(world, sender.party, receiver.party, certificates.root)
        way.refused(_altered(world, sealed), "altered")
        way.opens(sealed, content, VERSION_2)
    if len(receivers) == 1 and not signal.left_out(sent):
        # The reference client splits a message for one recipient only.
        alone = to_bytes(world.node.call("receivedForm", sent=to_text(sent)))
        world.check(alone == given[receivers[0].party.who.service].message, SAME_FORM)


def _registration(party: Party) -> int:
    registration = bundle.to_fields(party.bundle(reusable=True))["registration"]
    assert isinstance(registration, int)
    return registration


@dataclass(frozen=True, slots=True)
class _Way:
    """From one device to another, sealed under certificates of one root."""

    world: World
    sender: Party
    receiver: Party
    root: bytes

    def opens(self, sealed: Wire, content: bytes, kind: str) -> None:
        """It must open."""
        result = open_sealed(self.receiver, self.sender.who, sealed, [self.root])
        self.world.expect(result == content, f"a sealed message opens: {shown(result)}")
        if self.sender.ours != self.receiver.ours:
            self.world.count(SEALED, self.sender, kind)

    def refused(self, sealed: Wire, why: str) -> None:
        """It must not open."""
        result = open_sealed(self.receiver, self.sender.who, sealed, [self.root])
        what = f"sealed messages {why} refused"
        self.world.expect(isinstance(result, Refusal), f"{what}: {shown(result)}")
        name = "ours" if self.receiver.ours else "theirs"
        self.world.figures.checked[f"{what}, {name}"] += 1


def _expired(world: World, first: Party, second: Party, certificates: Certificates) -> None:
    """Both refuse a certificate that has expired by their clocks; theirs takes it before."""
    ours, theirs = (first, second) if first.ours else (second, first)
    content = world.content()
    sealed = seal(ours, theirs.who, content, certificates.issued[ours.who])
    roots = [certificates.root]
    result = open_sealed(theirs, ours.who, sealed, roots, later=timedelta(days=2))
    world.expect(isinstance(result, Refusal), f"an expired certificate is refused: {shown(result)}")
    world.figures.checked["expired certificates refused, theirs"] += 1
    _Way(world, ours, theirs, certificates.root).opens(sealed, content, VERSION_1)
    expired = Certificates.by_theirs(world, [theirs], timedelta(seconds=-1))
    sealed = seal(theirs, ours.who, content, expired.issued[theirs.who])
    result = open_sealed(ours, theirs.who, sealed, [expired.root])
    known = isinstance(result, Refusal) and "InvalidCertificateError" in result.text
    world.check(known, "expired certificates refused, ours")


def _altered(world: World, sealed: Wire) -> Wire:
    """The message with one bit turned over, behind its version byte."""
    body = bytearray(sealed.body)
    body[world.random.randrange(1, len(body))] ^= 1 << world.random.randrange(8)
    return Wire(SEALED, bytes(body))
