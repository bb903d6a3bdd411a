# SPDX-License-Identifier: MIT OR Apache-2.0
"""The carrier: it loses, repeats, delays, mixes and damages what passes, and takes notes."""

import enum
import random
from dataclasses import dataclass
from typing import Final, final

from e2ee.demo.sighting import Sighting


@dataclass(frozen=True, slots=True)
class Rates:
    """How often the carrier does what, per envelope, between 0 and 1."""

    loss: float
    duplicate: float
    corrupt: float
    reorder: float


class Harm(enum.Enum):
    """What a copy differs in from what was sent."""

    NONE = "as sent"
    FLIPPED = "bits flipped"
    TRUNCATED = "cut off"
    EXTENDED = "extended"


@dataclass(frozen=True, slots=True)
class Posted:
    """An envelope as its sender made it."""

    sender: str
    recipient: str
    #: What the sender says that it holds; the carrier could not know.
    what: str
    digest: str
    plaintext_len: int
    envelope: bytes
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Copy:
    """What the carrier hands over: a number, the envelope it is made from, and the bytes."""

    number: int
    posted: Posted
    harm: Harm
    envelope: bytes


@final
class Carrier:
    """Copies on their way, and what was done to them; the seed decides everything."""

    def __init__(self, rates: Rates, rng: random.Random) -> None:
        self._rates = rates
        self._rng = rng
        self._round = 0
        self._under_way: list[tuple[int, Copy]] = []
        self._copies = 0
        self.posted: list[Posted] = []
        self.done = {"lost": 0, "repeated": 0, "delayed": 0, "mixed": 0, "damaged": 0}

    def take(self, posted: Posted) -> None:
        """Takes an envelope from its sender."""
        self.posted.append(posted)
        if self._happens(self._rates.loss):
            self.done["lost"] += 1
            return
        if self._happens(self._rates.corrupt):
            self.done["damaged"] += 1
            self._send(posted, *damaged(posted.envelope, self._rng))
            return
        self._send(posted, Harm.NONE, posted.envelope)
        if self._happens(self._rates.duplicate):
            self.done["repeated"] += 1
            self._send(posted, Harm.NONE, posted.envelope)

    def hand_over(self, recipient: str) -> list[Copy]:
        """What reaches the recipient in this round, in the order in which it does."""
        due = [
            copy
            for at, copy in self._under_way
            if at <= self._round and copy.posted.recipient == recipient
        ]
        numbers = {copy.number for copy in due}
        self._under_way = [(at, c) for at, c in self._under_way if c.number not in numbers]
        for copy in tuple(due):
            if len(due) > 1 and self._happens(self._rates.reorder):
                self.done["mixed"] += 1
                due.remove(copy)
                due.insert(self._rng.randrange(len(due) + 1), copy)
        return due

    def again(self, copy: Copy) -> Copy:
        """Another copy of the same bytes, because nobody said that the first one arrived."""
        self._copies += 1
        return Copy(self._copies, copy.posted, copy.harm, copy.envelope)

    def put_back(self, copies: list[Copy]) -> None:
        """Copies that could not be handed over because nobody was there."""
        self._under_way += [(self._round, copy) for copy in copies]

    def next_round(self) -> None:
        """Time passes."""
        self._round += 1

    def is_empty(self) -> bool:
        """Whether nothing is on its way."""
        return not self._under_way

    def _send(self, posted: Posted, harm: Harm, envelope: bytes) -> None:
        at = self._round + 1
        if self._happens(self._rates.reorder):
            self.done["delayed"] += 1
            at += self._rng.randint(1, MAX_DELAY)
        self._copies += 1
        self._under_way.append((at, Copy(self._copies, posted, harm, envelope)))

    def _happens(self, rate: float) -> bool:
        return self._rng.random() < rate


def damaged(envelope: bytes, rng: random.Random) -> tuple[Harm, bytes]:
    """The envelope with a fault of a random kind at a random place."""
    match rng.choice([Harm.FLIPPED, Harm.TRUNCATED, Harm.EXTENDED]):
        case Harm.TRUNCATED:
            return Harm.TRUNCATED, envelope[: rng.randrange(len(envelope))]
        case Harm.EXTENDED:
            return Harm.EXTENDED, envelope + rng.randbytes(rng.randint(1, 32))
        case _:
            return Harm.FLIPPED, flipped(envelope, rng.randrange(8 * len(envelope)))


def flipped(envelope: bytes, bit: int) -> bytes:
    """The envelope with one bit turned."""
    changed = bytearray(envelope)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


#: Rounds: fewer than the turns of the ratchet for which the keys of late messages are kept.
MAX_DELAY: Final = 2
