# SPDX-License-Identifier: MIT OR Apache-2.0
"""The world of one conversation: who takes part, what is sent, and what must come of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from tests.interop import padding, protobuf
from tests.interop.parties import PREKEY, RATCHET, Ours, Party, Refusal, Theirs, Who, Wire

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.interop.figures import Figures
    from tests.interop.node import Node

KIND_NAMES: Final = {RATCHET: "ratchet", PREKEY: "prekey"}
REPEATED: Final = "repeated first messages of theirs with the same outer fields"
#: Outer fields of a prekey message that repeat: all but the base key and the message inside.
_OUTER: Final = (1, 3, 5, 6, 7, 8)
_BASE_KEY: Final = 2
_MAX_REGISTRATION: Final = 16_380


class DifferenceError(AssertionError):
    """The two implementations do not agree, or one is wrong."""


@dataclass(slots=True, eq=False)
class Parcel:
    """A message on its way, with what is in it, and whether it was opened before."""

    number: int
    content: bytes
    wire: Wire
    opened: bool = False

    def __str__(self) -> str:
        return f"#{self.number}"


@final
class World:
    """One conversation: its parties, its choices and its trace."""

    def __init__(self, node: Node, random: Random, figures: Figures, size: int) -> None:
        self.node = node
        self.random = random
        self.figures = figures
        self.size = size
        self.trace: list[str] = []
        self._clients: list[Theirs] = []
        self._outer: dict[bytes, list[int | bytes | None]] = {}
        self._next = 1

    def user(self, *, phone: bool = True) -> Who:
        """A new user: mostly an account's service id, else a phone number's, or a plain name."""
        service = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        choice = self.random.random()
        if choice < 0.7:
            return Who.of_service(service)
        if choice < 0.8 and phone:
            return Who.of_service(f"PNI:{service}")
        return Who.of_name(f"user {service[:8]}")

    def ours(self, who: Who | None = None) -> Ours:
        """A device of this library."""
        party = Ours(who or self.user())
        self.note(f"{party.who.address} is ours")
        return party

    def theirs(self, who: Who | None = None) -> Theirs:
        """A device of the reference client."""
        registration = self.random.randint(1, _MAX_REGISTRATION)
        block = self.random.choice(padding.BLOCKS)
        party = Theirs(self.node, who or self.user(), registration, block)
        self._clients.append(party)
        self.note(f"{party.who.address} is theirs, registration {registration}")
        return party

    def pair(self, *, phone: bool = True) -> tuple[Party, Party]:
        """One of ours and one of theirs, in any order; `phone` as for `user`."""
        both: list[Party] = [self.ours(self.user(phone=phone)), self.theirs(self.user(phone=phone))]
        self.random.shuffle(both)
        return both[0], both[1]

    def connect(self, party: Party, peer: Party, *, reusable: bool | None = None) -> None:
        """Starts a session with a bundle of the peer."""
        if reusable is None:
            reusable = self.random.random() < 0.3
        self.note(f"{side(party)} connects, {'reusable' if reusable else 'one-time'} bundle")
        party.connect(peer.who, peer.bundle(reusable=reusable))

    def content(self) -> bytes:
        """Something to say: mostly short, sometimes nothing, seldom long."""
        choice = self.random.random()
        if choice < 0.02:
            return b""
        length = self.random.randint(1, 300 if choice < 0.95 else 20_000)
        return self.random.randbytes(length)

    def send(self, sender: Party, receiver: Party, count: int) -> list[Parcel]:
        """Encrypts so many messages."""
        contents = [self.content() for _ in range(count)]
        messages = sender.encrypt(receiver.who, contents)
        parcels = []
        for content, wire in zip(contents, messages, strict=True):
            parcels.append(Parcel(self._next, content, wire))
            self._next += 1
            if wire.kind == PREKEY:
                self._compare_outer(sender, wire)
        self.figures.sent += count
        kinds = sorted({wire.kind for wire in messages})
        self.note(f"{side(sender)} sends {listed(parcels)}, kinds {kinds}")
        return parcels

    def deliver(self, sender: Party, receiver: Party, parcels: Sequence[Parcel]) -> None:
        """Delivers: what is new must open, what was opened must be refused as a duplicate."""
        if not parcels:
            return
        self.note(f"{side(receiver)} gets {listed(parcels)}")
        results = receiver.decrypt(sender.who, [parcel.wire for parcel in parcels])
        for parcel, result in zip(parcels, results, strict=True):
            if not parcel.opened:
                self.expect(result == parcel.content, f"{parcel} opens: {shown(result)}")
                parcel.opened = True
                self.count(parcel.wire.kind, sender)
            else:
                self.refused(result, "duplicate", f"{parcel} again")

    def count(self, kind: int, sender: Party, name: str | None = None) -> None:
        """Counts a message that was opened."""
        direction = "ours to theirs" if sender.ours else "theirs to ours"
        self.figures.opened[name or KIND_NAMES[kind], direction] += 1

    def refused(self, result: object, why: str, what: str) -> None:
        """Checks that something was refused, and for this reason."""
        right = isinstance(result, Refusal) and result.why == why
        self.expect(right, f"{what} is refused ({why}): {shown(result)}")
        self.figures.refused[why] += 1

    def expect(self, holds: bool, what: str) -> None:  # noqa: FBT001 (as `assert`)
        """Fails unless it holds."""
        if not holds:
            raise DifferenceError(what)

    def check(self, holds: bool, what: str) -> None:  # noqa: FBT001 (as `assert`)
        """Fails unless it holds, and counts that it did."""
        self.expect(holds, what)
        self.figures.checked[what] += 1

    def note(self, text: str) -> None:
        """A line of the trace."""
        self.trace.append(text)

    def close(self) -> None:
        """Lets the peer forget the clients."""
        for client in self._clients:
            client.drop()

    def _compare_outer(self, sender: Party, wire: Wire) -> None:
        """A repeated first message has the outer fields of the first (deviations.json)."""
        found = protobuf.values(wire.body[1:])
        base_key = found[_BASE_KEY]
        assert isinstance(base_key, bytes)
        outer = [found.get(number) for number in _OUTER]
        first = self._outer.setdefault(base_key, outer)
        if first is not outer:
            name = REPEATED if not sender.ours else REPEATED.replace("theirs", "ours")
            self.check(outer == first, name)


def side(party: Party) -> str:
    """Whose device it is."""
    return f"{'ours' if party.ours else 'theirs'} {party.who.device}"


def listed(parcels: Sequence[Parcel]) -> str:
    """The numbers of parcels."""
    return " ".join(str(parcel) for parcel in parcels)


def shown(result: object) -> str:
    """A result as a line of the trace says it."""
    return f"{len(result)} bytes" if isinstance(result, bytes) else str(result)
