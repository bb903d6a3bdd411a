# SPDX-License-Identifier: MIT OR Apache-2.0
"""The kinds of conversations, each with its share of a run and what it must have counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.interop.scenarios import (
    devices,
    files,
    group_limits,
    groups,
    limits,
    numbers,
    pairwise,
    repair,
    sealed,
    tamper,
)
from tests.interop.world import REPEATED

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.interop.world import World


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of conversation: how often, and which messages and checks it must bring."""

    play: Callable[[World], None]
    weight: float
    messages: tuple[str, ...]
    checks: tuple[str, ...]


def _both(check: str) -> tuple[str, str]:
    """A check of either side."""
    return f"{check}, ours", f"{check}, theirs"


_PAIRWISE: Final = ("prekey", "ratchet")

SCENARIOS: Final = {
    "any order": Scenario(
        pairwise.any_order,
        4,
        _PAIRWISE,
        ("safety numbers with the same digits", *numbers.SCANNED, REPEATED),
    ),
    "simultaneous": Scenario(
        pairwise.simultaneous, 2, _PAIRWISE, ("simultaneous starts", REPEATED)
    ),
    "resets": Scenario(pairwise.resets, 2, _PAIRWISE, ("resets", REPEATED)),
    "long": Scenario(pairwise.long, 0.5, ("ratchet",), ("turns of the post-quantum ratchet",)),
    "several devices": Scenario(
        devices.several_devices, 1, _PAIRWISE, ("users with several devices",)
    ),
    "new identity": Scenario(devices.new_identity, 0.5, _PAIRWISE, ("new identities",)),
    "bit flips": Scenario(
        tamper.bit_flips,
        1,
        _PAIRWISE,
        _both("altered messages refused"),
    ),
    "late messages": Scenario(limits.late_messages, 0.02, (), _both("cached seeds at their limit")),
    "old chains": Scenario(limits.old_chains, 0.2, (), _both("receiving chains at their limit")),
    "many sessions": Scenario(
        limits.many_sessions, 0.1, (), _both("archived sessions at their limit")
    ),
    "group": Scenario(
        groups.group,
        2,
        ("group", "distribution"),
        (
            *_both("altered group messages refused"),
            *_both("group messages before the invitation refused"),
            *_both("group messages after the removal refused"),
        ),
    ),
    "late in a group": Scenario(
        group_limits.late_messages, 0.02, (), _both("cached seeds of a group at their limit")
    ),
    "old chains of a group": Scenario(
        group_limits.old_chains, 0.2, (), _both("chains of a group at their limit")
    ),
    "attachment": Scenario(
        files.attachments,
        0.2,
        (),
        (
            *_both("altered attachments refused"),
            "incremental MACs of the same bytes",
            "attachments of ours that theirs let through",
            "attachments that ours opened by a MAC of theirs",
            "chunk sizes",
        ),
    ),
    "account keys": Scenario(
        files.account_keys,
        0.1,
        (),
        (
            "keys of one entropy pool",
            "PIN hashes",
            "hashes of usernames",
            "links of ours that theirs opened",
            "links of theirs that ours opened",
            "HPKE messages of ours that theirs opened",
            "HPKE messages of theirs that ours opened",
        ),
    ),
    "repair": Scenario(
        repair.lost_and_found,
        1,
        (*_PAIRWISE, "repair"),
        (
            "repair messages of the same bytes",
            "repair messages of the same bytes, of a group",
            "sessions that ours ended for a repair",
            "sessions that theirs found by a repair",
        ),
    ),
    "sealed": Scenario(
        sealed.to_one,
        1,
        (sealed.VERSION_1,),
        (
            *_both("sealed messages altered refused"),
            *_both("sealed messages under another root refused"),
            *_both("expired certificates refused"),
        ),
    ),
    "sealed for many": Scenario(
        sealed.to_many,
        1,
        (sealed.VERSION_2,),
        (*_both("sealed messages altered refused"), sealed.SAME_FORM),
    ),
    "wrong sender": Scenario(
        tamper.wrong_sender, 0.5, _PAIRWISE, ("messages under another name refused",)
    ),
}
