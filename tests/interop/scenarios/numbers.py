# SPDX-License-Identifier: MIT OR Apache-2.0
"""Safety numbers, compared between the two implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.interop.node import to_bytes, to_text
from tests.interop.parties import Ours, Theirs

if TYPE_CHECKING:
    from tests.interop.parties import Party
    from tests.interop.world import World

_VERSION: Final = 2
#: What must have been counted.
SCANNED: Final = (
    "safety numbers of theirs that ours scanned",
    "safety numbers of ours that theirs scanned",
    "altered safety numbers that ours refused",
    "altered safety numbers that theirs refused",
)


def compare_numbers(world: World, first: Party, second: Party) -> None:
    """Both show the same digits, and each reads what the other shows to a camera."""
    ours, theirs = (first, second) if first.ours else (second, first)
    assert isinstance(ours, Ours)
    assert isinstance(theirs, Theirs)
    number = ours.account.safety_number(theirs.who.address)
    asked = {
        "version": _VERSION,
        "ours": [to_text(theirs.who.service_bytes), to_text(theirs.identity_key)],
        "theirs": [to_text(ours.who.service_bytes), to_text(ours.identity_key)],
    }
    shown = world.node.call("fingerprint", **asked)
    world.check(shown["digits"] == number.digits, "safety numbers with the same digits")
    scanned = to_bytes(shown["scannable"])
    world.check(number.compare(scanned), "safety numbers of theirs that ours scanned")
    ours.account.verify(theirs.who.address, scanned)
    assert number.scannable is not None
    same = world.node.call("compareFingerprint", scanned=to_text(number.scannable), **asked)
    world.check(same, "safety numbers of ours that theirs scanned")
    altered = scanned[:-1] + bytes([scanned[-1] ^ 1])
    world.check(not number.compare(altered), "altered safety numbers that ours refused")
    wrong = to_text(number.scannable[:-1] + bytes([number.scannable[-1] ^ 1]))
    same = world.node.call("compareFingerprint", scanned=wrong, **asked)
    world.check(not same, "altered safety numbers that theirs refused")
