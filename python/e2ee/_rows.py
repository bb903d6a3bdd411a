# SPDX-License-Identifier: MIT OR Apache-2.0
"""Between the core's tuples and the values that users see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from e2ee.errors import InvalidArgumentError
from e2ee.prekeys import OneTimePreKey, PreKeyUpload, SignedPreKey
from e2ee.values import Address, Envelope, Message, PreKeyBundle

if TYPE_CHECKING:
    from e2ee import _core
    from e2ee.values import ContentKind

    # What a message is, with its group and the time that a resend asks for; and the plaintext.
    Opened = tuple[tuple[ContentKind, bytes | None, int | None], bytes]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
#: The last millisecond of the year 9999.
_LAST_MS: Final = 253_402_300_799_999


def address_of(peer: Address | str) -> Address:
    """A peer that may be named by the user alone."""
    return Address(peer) if isinstance(peer, str) else peer


def encoded_of(value: Envelope | PreKeyBundle | bytes) -> bytes:
    """The bytes of a value that may be given as such."""
    return value if isinstance(value, bytes) else value.to_bytes()


def message_of(entry: tuple[str, str, int, int, Opened]) -> Message:
    """A message from the inbox."""
    inbox_id, user, device, received_ms, opened = entry
    message = opened_message(Address(user, device), opened)
    return replace(message, received=_time(received_ms), inbox_id=inbox_id)


def opened_message(sender: Address, opened: Opened) -> Message:
    """A message that was opened now."""
    (content, group, sent_ms), plaintext = opened
    return Message(
        sender,
        plaintext,
        content=content,
        group=None if group is None else UUID(bytes=group),
        sent=None if sent_ms is None else _time(sent_ms),
    )


def upload_of(row: _core._Upload) -> PreKeyUpload:
    """What a server needs."""
    owner, signed, last_resort, one_time, one_time_kyber, gone = row
    return PreKeyUpload(
        *owner,
        SignedPreKey(*signed),
        SignedPreKey(*last_resort),
        tuple(OneTimePreKey(*each) for each in one_time),
        tuple(SignedPreKey(*each) for each in one_time_kyber),
        tuple(gone),
    )


def milliseconds_of(time: datetime | int) -> int:
    """A time in milliseconds since 1970, which must not be before, nor behind the year 9999."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidArgumentError("the time needs its zone")
        time = (time - _EPOCH) // _MILLISECOND
    if not 0 <= time <= _LAST_MS:
        raise InvalidArgumentError("the time is out of range")
    return time


def _time(milliseconds: int) -> datetime:
    """A time; one behind the last that a `datetime` can be, which a peer may name, is that last."""
    return _EPOCH + timedelta(milliseconds=min(milliseconds, _LAST_MS))
