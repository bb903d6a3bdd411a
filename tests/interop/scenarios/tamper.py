# SPDX-License-Identifier: MIT OR Apache-2.0
"""Messages with one bit turned over: both implementations refuse them, and nothing has changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.interop import protobuf
from tests.interop.parties import PREKEY, Refusal, Wire
from tests.interop.world import shown

if TYPE_CHECKING:
    from tests.interop.parties import Party
    from tests.interop.world import Parcel, World

#: Fields of a prekey message whose bits matter always: base key, identity key, message.
_BOUND: Final = frozenset({2, 3, 4})
#: The same in the first message of a session: also the numbers of prekeys, and the Kyber
#: ciphertext. The reference client looks at them no more when the session exists.
_BOUND_AT_FIRST: Final = _BOUND | {1, 6, 7, 8}
_FLIPS: Final = 4


def bit_flips(world: World) -> None:
    """Each message comes altered several times, then as it was sent."""
    first, second = world.pair()
    world.connect(first, second)
    until = world.figures.messages + max(1, world.size // 4)
    turn, first_ever = [(first, second), (second, first)], True
    while world.figures.messages < until:
        for sender, receiver in turn:
            for parcel in world.send(sender, receiver, world.random.randint(1, 2)):
                _altered(world, sender, receiver, parcel, at_first=first_ever)
                world.deliver(sender, receiver, [parcel])
                first_ever = False


def wrong_sender(world: World) -> None:
    """A message under another name, or to another device, is refused by both."""
    first, second = world.pair()
    stranger = world.ours() if first.ours else world.theirs()
    world.connect(first, second)
    world.connect(stranger, second)
    for sender in (first, stranger):
        world.deliver(sender, second, world.send(sender, second, 1))
        world.deliver(second, sender, world.send(second, sender, 1))
    for sender, other in ((first, stranger), (stranger, first)):
        for parcel in world.send(sender, second, 2):
            result = second.decrypt(other.who, [parcel.wire])[0]
            world.refused(result, "refused", f"{parcel} under another name")
            world.deliver(sender, second, [parcel])
        for parcel in world.send(second, sender, 2):
            result = other.decrypt(second.who, [parcel.wire])[0]
            world.refused(result, "refused", f"{parcel} at another device")
            world.deliver(second, sender, [parcel])
    world.figures.checked["messages under another name refused"] += 1


def _altered(
    world: World, sender: Party, receiver: Party, parcel: Parcel, *, at_first: bool
) -> None:
    """Delivers the message with a bit turned over, several times."""
    places = list(_places(parcel.wire, at_first=at_first))
    for _ in range(_FLIPS):
        span = world.random.choice(places)
        place, bit = world.random.choice(span), world.random.randrange(8)
        body = bytearray(parcel.wire.body)
        body[place] ^= 1 << bit
        altered = replace(parcel.wire, body=bytes(body))
        world.note(f"bit {bit} of byte {place} of {parcel}, kind {parcel.wire.kind}, turns over")
        result = receiver.decrypt(sender.who, [altered])[0]
        # An altered index may be that of a message opened before: a duplicate then.
        world.expect(isinstance(result, Refusal), f"{parcel} altered is refused: {shown(result)}")
        side = "ours" if receiver.ours else "theirs"
        world.figures.checked[f"altered messages refused, {side}"] += 1


def _places(wire: Wire, *, at_first: bool) -> list[range]:
    """The places whose bits are bound: all of a ratchet message, some fields of a prekey one."""
    if wire.kind != PREKEY:
        return [range(len(wire.body))]
    bound = _BOUND_AT_FIRST if at_first else _BOUND
    fields = [field for field in protobuf.read(wire.body[1:]) if field.number in bound]
    return [range(field.start + 1, field.end + 1) for field in fields]
