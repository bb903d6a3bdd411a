# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tiny model of a group: who has whose chain, from where on, and what must open (signal.md §9).

It is told what the people do; what the envelopes say it reads by itself.
"""

from dataclasses import dataclass, field
from enum import Enum

from tests.properties import wire

#: Chains that are kept of one sender.
MAX_CHAINS = 5
SIGNATURE_LEN = 64
CHAIN_ID, INDEX, BODY = 2, 3, 4


class Expected(Enum):
    """What must happen to a message of a group."""

    OPENS = "its seed is kept or ahead"
    DUPLICATE = "its seed was used, or lies before the invitation"
    NO_KEY = "its chain is not known"


@dataclass(slots=True, eq=False)
class Letter:
    """An envelope to a group, and who shall read it."""

    sender: str
    plaintext: bytes
    envelope: bytes
    readers: frozenset[str]
    chain: int = field(init=False)
    index: int = field(init=False)

    def __post_init__(self) -> None:
        """Reads which message of which chain it is."""
        found = list(wire.fields(self.envelope, 3, len(self.envelope) - SIGNATURE_LEN))
        self.chain = wire.number_of(found, CHAIN_ID)
        self.index = wire.number_of(found, INDEX)


@dataclass(slots=True, eq=False)
class Invitation:
    """An envelope that gives a chain to one member."""

    sender: str
    recipient: str
    envelope: bytes
    #: How many chains the sender has had, and where the newest stands.
    chain: int
    index: int


@dataclass(slots=True)
class Known:
    """A chain at a receiver."""

    chain: int
    next_index: int
    skipped: set[int] = field(default_factory=set)


class Sending:
    """What one person does with its own chain."""

    def __init__(self) -> None:
        self.members: dict[str, bool] = {}
        self.chain = 0
        self.index = 0

    def place(self) -> tuple[int, int]:
        """How many chains there were, and where the newest stands."""
        return self.chain, self.index

    def rotate(self) -> None:
        """A new chain, which nobody has."""
        self.chain, self.index = self.chain + 1, 0
        self.members = dict.fromkeys(self.members, False)


class Hearing:
    """What one person has of one other."""

    def __init__(self) -> None:
        self.chains: list[Known] = []
        self.silenced = False
        #: Chains that were forgotten, so that what was read under them might be read again.
        self.forgotten: set[int] = set()

    def invited(self, chain: int, index: int) -> None:
        """An invitation was opened."""
        self.silenced = False
        known = [each for each in self.chains if each.chain == chain] or [Known(chain, index)]
        kept = known + [each for each in self.chains if each.chain != chain]
        self.forgotten.update(each.chain for each in kept[MAX_CHAINS:])
        self.chains = kept[:MAX_CHAINS]

    def forget(self) -> None:
        """All chains go."""
        self.forgotten.update(each.chain for each in self.chains)
        self.chains, self.silenced = [], False

    def expects(self, chain: int, index: int) -> Expected:
        """What must happen to a message."""
        known = self.find(chain)
        if known is None:
            return Expected.NO_KEY
        if index >= known.next_index or index in known.skipped:
            return Expected.OPENS
        return Expected.DUPLICATE

    def opened(self, chain: int, index: int) -> None:
        """A message was opened."""
        known = self.find(chain)
        assert known is not None
        if index < known.next_index:
            known.skipped.remove(index)
        else:
            known.skipped.update(range(known.next_index, index))
            known.next_index = index + 1

    def find(self, chain: int) -> Known | None:
        """The chain, if it is known and heard."""
        if self.silenced:
            return None
        return next((each for each in self.chains if each.chain == chain), None)
