# SPDX-License-Identifier: MIT OR Apache-2.0
"""Safety numbers without a store (signal.md §11)."""

from __future__ import annotations

from typing import Literal

from e2ee import _core
from e2ee.values import SafetyNumber


def safety_number(
    ours: tuple[str, bytes], theirs: tuple[str, bytes], *, version: Literal[1, 2] = 2
) -> SafetyNumber:
    """The safety number of two people, as our side shows it (signal.md §11).

    Args:
        ours: Our id and our identity key of 33 bytes. The id of version 2 is a service id (a UUID,
            behind `PNI:` for a phone number's), that of version 1 a phone number (`+14152222222`).
        theirs: The same of the other.
        version: Both sides must use the same.

    Raises:
        InvalidArgumentError: An id is not of this version.
        InvalidKeyError: An identity key has another type or length.
    """
    return SafetyNumber.from_scannable(_core.safety_number(ours, theirs, version))
