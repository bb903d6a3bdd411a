# SPDX-License-Identifier: MIT OR Apache-2.0
"""How many steps the state machines have executed, and how many a profile asks for."""

from collections import Counter

from hypothesis import settings

#: What must be executed when all machines have run, by the name of the profile.
REQUIRED = {"default": 10_000, "assurance": 1_000_000, "emulated": 500}

#: The same for the machine of groups.
GROUP_REQUIRED = {"default": 2_000, "assurance": 100_000, "emulated": 100}

#: The same for the machine of secret chats, and how often a key must have changed in it.
CHAT_REQUIRED = {"default": 10_000, "assurance": 500_000, "emulated": 200}
CHAT_KEYS_REQUIRED = {"default": 500, "assurance": 25_000, "emulated": 5}

MACHINES = frozenset({"TestInMemory", "TestInFiles"})
GROUP_MACHINE = "TestGroup"
CHAT_MACHINE = "TestSecretChats"
#: Those that must all have run to their end before as many steps as a profile asks for are due.
_OF = {
    "rules": MACHINES,
    "group": frozenset({GROUP_MACHINE}),
    "chats": frozenset({CHAT_MACHINE}),
    "chat keys": frozenset({CHAT_MACHINE}),
}

executed: Counter[str] = Counter()
#: What the profile asks for of each kind, as soon as a process that runs them says so.
asked: dict[str, int] = {}
#: The machines that have run to their end.
finished: set[str] = set()


def count(what: str = "rules") -> None:
    """One rule was executed."""
    executed[what] += 1


def ask() -> None:
    """Takes note of what the present profile asks for."""
    profile = settings.get_current_profile_name()
    asked.update(rules=REQUIRED.get(profile, 0), group=GROUP_REQUIRED.get(profile, 0))
    asked["chats"] = CHAT_REQUIRED.get(profile, 0)
    asked["chat keys"] = CHAT_KEYS_REQUIRED.get(profile, 0)


def due() -> set[str]:
    """Of what there must be so much: that whose machines have all run to their end."""
    return {what for what, machines in _OF.items() if finished >= machines}


def too_few() -> bool:
    """Whether machines have run to their end, and executed fewer steps than they must."""
    return any(executed[what] < asked[what] for what in due())
