# SPDX-License-Identifier: MIT OR Apache-2.0
"""Times as the core counts them: milliseconds since 1970, in whole numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from e2ee.errors import InvalidArgumentError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: The last millisecond of the year 9999.
_LAST_MS: Final = 253_402_300_799_999


def from_milliseconds(milliseconds: int) -> datetime:
    """A time; one behind the last that a `datetime` can be, which a peer may name, is that last."""
    return _EPOCH + timedelta(milliseconds=min(milliseconds, _LAST_MS))


def to_milliseconds(time: datetime | int) -> int:
    """The milliseconds that have passed at a time, which may be given as such.

    Raises:
        InvalidArgumentError: The time is before 1970 or behind the year 9999, or does not say its
            time zone.
    """
    if isinstance(time, int):
        if not 0 <= time <= _LAST_MS:
            raise InvalidArgumentError("a time is out of range")
        return time
    if time.tzinfo is None or time < _EPOCH:
        raise InvalidArgumentError("a time needs a time zone, and is after 1970")
    return (time - _EPOCH) // timedelta(milliseconds=1)
