# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a gate is: something that is tried often, what must never come of it, and its controls.

Each gate is passed by accounts of each protocol, which share its tries: that of one protocol is a
line of the table.

A control is the same gate over a store, a driver or an oracle with a planted fault. If it finds no
violation there, the gate proves nothing, and fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from tests.assurance.ledger import Ledger
from tests.stores.protocols import OLM, SIGNAL, Protocol

Size: TypeAlias = Literal["short", "full"]
#: What part of the tries of a gate a protocol has.
SHARES: Final = {SIGNAL: 0.75, OLM: 0.25}


@dataclass(frozen=True, slots=True)
class Profile:
    """How much is tried: seconds, or what the assurance asks for; the seed of all chance; by whom.

    What accounts of one protocol have not tried, those of the others do.
    """

    size: Size
    seed: int
    protocol: Protocol = SIGNAL

    def choose(self, *, short: int, full: int) -> int:
        """A number that depends on the size."""
        return full if self.size == "full" else short

    def share(self, *, short: int, full: int) -> int:
        """This protocol's part of such a number."""
        return round(self.choose(short=short, full=full) * SHARES[self.protocol])


@dataclass(frozen=True, slots=True)
class Result:
    """What was tried, how often; what must be 0, how often it was not; and what should be said.

    The ledger has the keys of all messages that were made; those of all gates are compared.
    """

    counts: Mapping[str, int]
    violations: Mapping[str, int]
    notes: tuple[str, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)

    def found(self) -> int:
        """How many violations there were."""
        return sum(self.violations.values())


@dataclass(frozen=True, slots=True)
class Control:
    """A planted fault, and the gate over it: its result must show a violation."""

    fault: str
    run: Callable[[Profile], Result]


@dataclass(frozen=True, slots=True)
class Gate:
    """Something that is tried; with each protocol, it is one line of the table."""

    name: str
    about: str
    run: Callable[[Profile], Result]
    controls: tuple[Control, ...]
    #: Why the gate cannot run here, or `None`; a gate that is left out says so in the table.
    missing: Callable[[], str | None] = field(default=lambda: None)
    #: Whether the result depends on time or load, so that no other gate may run beside it.
    alone: bool = field(default=False, kw_only=True)
    protocol: Protocol = field(default=SIGNAL, kw_only=True)

    @property
    def title(self) -> str:
        """What no other line is called."""
        return f"{self.name} {self.protocol.name}"

    def spoken(self) -> tuple["Gate", ...]:
        """The gate with each protocol."""
        return tuple(replace(self, protocol=each) for each in SHARES)


def until_found(run: Callable[[Profile], Result], tries: int = 10) -> Callable[[Profile], Result]:
    """A control that chance may miss: it is run with other seeds until it finds something."""

    def repeated(profile: Profile) -> Result:
        result, done = run(profile), 1
        while not result.found() and done < tries:
            result, done = run(replace(profile, seed=profile.seed + done)), done + 1
        return result

    return repeated
