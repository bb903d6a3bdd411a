# SPDX-License-Identifier: MIT OR Apache-2.0
"""Messages that do not open: each side says so to the other, and what was lost is sent again."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import e2ee
from tests.interop.node import to_bytes, to_text
from tests.interop.parties import Ours, Refusal, Theirs, Wire
from tests.interop.scenarios.certificates import SEALED, Certificates
from tests.interop.scenarios.members import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.interop.world import Parcel, World

REPAIR: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def lost_and_found(world: World) -> None:
    """Each side breaks the other's message once; a new session carries it in the end."""
    first, second = world.pair(phone=False)
    world.connect(first, second)
    ours, theirs = (first, second) if isinstance(first, Ours) else (second, first)
    assert isinstance(ours, Ours)
    assert isinstance(theirs, Theirs)
    is_greeted = world.random.random() < 0.5
    # Theirs can seal to those only whose identity it knows.
    theirs_asks = partial(_theirs_asks, may_seal=is_greeted or first is theirs)
    steps: list[Callable[[World, Ours, Theirs], None]] = [theirs_asks, _ours_asks]
    if is_greeted:
        world.deliver(first, second, world.send(first, second, 2))
        world.deliver(second, first, world.send(second, first, 2))
        world.random.shuffle(steps)
    elif first is theirs:
        # The very first message breaks.
        steps.reverse()
    _of_a_group(world, ours, theirs)
    for step in steps:
        step(world, ours, theirs)
        for sender, receiver in ((ours, theirs), (theirs, ours)) * 2:
            world.deliver(sender, receiver, world.send(sender, receiver, 2))


def _theirs_asks(world: World, ours: Ours, theirs: Theirs, *, may_seal: bool) -> None:
    """Theirs asks ours: our account learns what to send again, and ends the session."""
    parcel = _broken(world, ours, theirs)
    sent = _moment(world)
    repair = theirs.node.call(
        "makeRepair",
        kind=parcel.wire.kind,
        body=to_text(parcel.wire.body),
        sent=sent,
        device=ours.who.device,
    )
    # Our account finds a sender whose name is no UUID among those it knows, which it does here.
    is_sealed = may_seal and world.random.random() < 0.5
    world.note(f"theirs asks ours for it again, {'sealed' if is_sealed else 'openly'}")
    with (
        _sealed(world, ours, theirs, repair["error"])
        if is_sealed
        else _plain(ours, theirs, repair["content"])
    ) as message:
        world.expect(message.sender == theirs.who.address, "who asks for it")
        world.expect(message.content == "resend", "ours reads what theirs asks for")
        world.expect(message.sent == _EPOCH + timedelta(milliseconds=sent), "which message")
    world.count(REPAIR, theirs, "repair, sealed" if is_sealed else "repair")
    try:
        ours.account.encrypt(theirs.who.address, parcel.content)
    except e2ee.NoSessionError:
        world.figures.checked["sessions that ours ended for a repair"] += 1
    else:
        world.expect(holds=False, what="ours ends the session")
    world.connect(ours, theirs)
    world.deliver(ours, theirs, world.send(ours, theirs, 1))


def _plain(ours: Ours, theirs: Theirs, content: str) -> AbstractContextManager[e2ee.Message]:
    envelope = Wire(REPAIR, to_bytes(content)).envelope()
    return ours.account.receive(theirs.who.address, envelope)


def _sealed(
    world: World, ours: Ours, theirs: Theirs, error: str
) -> AbstractContextManager[e2ee.Message]:
    certificates = Certificates.by_any(world, [theirs])
    sealed = theirs.call(
        "seal",
        peers=[ours.who.wire],
        repair=error,
        certificate=to_text(certificates.issued[theirs.who]),
        hint=0,
    )
    envelope = Wire(SEALED, to_bytes(sealed)).envelope()
    return ours.account.receive_sealed(envelope, trust_roots=[certificates.root])


def _ours_asks(world: World, ours: Ours, theirs: Theirs) -> None:
    """Ours asks theirs, which finds the session and the time in it."""
    parcel = _broken(world, theirs, ours)
    sent = _moment(world)
    reply = ours.account.repair(theirs.who.address, parcel.wire.envelope(), sent)
    made = Wire.of(reply)
    same = theirs.node.call(
        "makeRepair",
        kind=parcel.wire.kind,
        body=to_text(parcel.wire.body),
        sent=sent,
        device=theirs.who.device,
    )
    world.check(made.body == to_bytes(same["content"]), "repair messages of the same bytes")
    found = theirs.call("readRepair", peer=ours.who.wire, content=to_text(made.body))
    world.expect(made.kind == REPAIR, "the kind of a repair message")
    world.expect(found["sent"] == sent, "theirs finds the time")
    world.expect(found["device"] == theirs.who.device, "theirs finds its device")
    world.check(found["current"], "sessions that theirs found by a repair")
    world.count(REPAIR, ours, "repair")
    theirs.archive(ours.who)
    world.connect(theirs, ours)
    world.deliver(theirs, ours, world.send(theirs, ours, 1))


def _of_a_group(world: World, ours: Ours, theirs: Theirs) -> None:
    """What ours says of a group message without its key is what theirs would say."""
    group = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
    theirs.call("distribution", group=group)
    made = theirs.call("encryptGroup", group=group, plaintexts=[theirs.padded(world.content())])
    message = Wire(GROUP, to_bytes(made[0]))
    sent = _moment(world)
    reply = ours.account.repair(theirs.who.address, message.envelope(), sent)
    same = theirs.node.call(
        "makeRepair",
        kind=GROUP,
        body=to_text(message.body),
        sent=sent,
        device=theirs.who.device,
    )
    made_alike = Wire.of(reply).body == to_bytes(same["content"])
    world.check(made_alike, "repair messages of the same bytes, of a group")


def _broken(world: World, sender: Ours | Theirs, receiver: Ours | Theirs) -> Parcel:
    """A message that arrives altered, and does not open."""
    parcel = world.send(sender, receiver, 1)[0]
    altered = bytearray(parcel.wire.body)
    altered[-1] ^= 1
    result = receiver.decrypt(sender.who, [Wire(parcel.wire.kind, bytes(altered))])[0]
    world.expect(isinstance(result, Refusal), f"{parcel} altered is refused")
    return parcel


def _moment(world: World) -> int:
    """When a message was sent: milliseconds since 1970, at the sender's clock."""
    return world.random.randrange(1, 2**41)
