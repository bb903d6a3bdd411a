# SPDX-License-Identifier: MIT OR Apache-2.0
"""Safety numbers, compared between the two implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.interop.node import to_text
from tests.interop.parties import Ours, Theirs

if TYPE_CHECKING:
    from tests.interop.parties import Party
    from tests.interop.world import World

_VERSION: Final = 2


def compare_numbers(world: World, first: Party, second: Party) -> None:
    """Both show the same digits."""
    ours, theirs = (first, second) if first.ours else (second, first)
    assert isinstance(ours, Ours)
    assert isinstance(theirs, Theirs)
    number = ours.account.safety_number(theirs.who.address)
    shown = world.node.call(
        "fingerprint",
        version=_VERSION,
        ours=[to_text(theirs.who.service_bytes), to_text(theirs.identity_key)],
        theirs=[to_text(ours.who.service_bytes), to_text(ours.identity_key)],
    )
    world.check(shown["digits"] == number.digits, "safety numbers with the same digits")
