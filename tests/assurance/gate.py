# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a gate is: something that is tried often, what must never come of it, and its controls.

A control is the same gate over a store, a driver or an oracle with a planted fault. If it finds no
violation there, the gate proves nothing, and fails.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.assurance.ledger import Ledger

Size: TypeAlias = Literal["short", "full"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How much is tried: seconds, or what the assurance asks for; and the seed of all chance."""

    size: Size
    seed: int

    def choose(self, *, short: int, full: int) -> int:
        """A number that depends on the size."""
        return full if self.size == "full" else short


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
    """One line of the table."""

    name: str
    about: str
    run: Callable[[Profile], Result]
    controls: tuple[Control, ...]
    #: Why the gate cannot run here, or `None`; a gate that is left out says so in the table.
    missing: Callable[[], str | None] = field(default=lambda: None)
    #: Whether the result depends on time or load, so that no other gate may run beside it.
    alone: bool = field(default=False, kw_only=True)


def until_found(run: Callable[[Profile], Result], tries: int = 10) -> Callable[[Profile], Result]:
    """A control that chance may miss: it is run with other seeds until it finds something."""

    def repeated(profile: Profile) -> Result:
        result, done = run(profile), 1
        while not result.found() and done < tries:
            result, done = run(Profile(profile.size, profile.seed + done)), done + 1
        return result

    return repeated
