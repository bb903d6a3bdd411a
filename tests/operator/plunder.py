# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes the operator's attempts, and sees what they have shown."""

from collections import deque
from contextlib import suppress

import e2ee
from tests.operator.attempts import ATTEMPTS, Operator
from tests.operator.material import bytes_in

_TAKES_KEYS: dict[str, bool] = {}


def takes_keys(operator: Operator, name: str) -> bool:
    """Whether an attempt asks for the keys anywhere, as it is put together."""
    if name not in _TAKES_KEYS:
        operator.was_asked_for_keys = False
        deque(ATTEMPTS[name](operator), maxlen=0)
        _TAKES_KEYS[name] = operator.was_asked_for_keys
    return _TAKES_KEYS[name]


def plunder(operator: Operator) -> set[str]:
    """Makes every attempt, and returns the names of those that showed a plaintext.

    With a planted key, those alone that ask for keys: the others do what they do without it.
    """
    found = set()
    for name, attempts in ATTEMPTS.items():
        if operator.planted and not takes_keys(operator, name):
            continue
        for attempt in attempts(operator):
            with suppress(e2ee.E2EEError):
                shown = b"|".join(bytes_in(attempt()))
                if any(plaintext in shown for plaintext in operator.seized.plaintexts):
                    found.add(name)
    return found
