# SPDX-License-Identifier: MIT OR Apache-2.0
"""How many steps the state machines have executed, and how many a profile asks for."""

from collections import Counter

from hypothesis import settings

#: What must be executed when all machines have run, by the name of the profile.
REQUIRED = {"default": 10_000, "assurance": 1_000_000}

#: The same for the machine of groups.
GROUP_REQUIRED = {"default": 2_000, "assurance": 100_000}

executed: Counter[str] = Counter()
#: The machines that have run to their end.
finished: set[str] = set()


def count(what: str = "rules") -> None:
    """One rule was executed."""
    executed[what] += 1


def required() -> int:
    """The steps that the present profile asks for."""
    return REQUIRED.get(settings.get_current_profile_name(), 0)


def too_few(machines: frozenset[str]) -> bool:
    """Whether all of these machines have run, and executed fewer steps than they must."""
    return machines <= finished and executed["rules"] < required()


def too_few_in_groups(machine: str) -> bool:
    """Whether the machine of groups has run, and executed fewer steps than it must."""
    asked = GROUP_REQUIRED.get(settings.get_current_profile_name(), 0)
    return machine in finished and executed["group"] < asked
