# SPDX-License-Identifier: MIT OR Apache-2.0
"""Envelopes of Olm and Megolm as events have them (docs/formats.md, "Matrix envelope").

These are the inside of `Envelope.from_matrix` and `Envelope.to_matrix` (olm_megolm.md §8).
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

from e2ee.errors import InvalidArgumentError, MalformedMessageError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEGOLM: Final = "m.megolm.v1.aes-sha2"
_VERSION: Final = 32
#: The kinds of a prekey message and of a message to a room.
_PREKEY, _ROOM = 3, 5
_KEY_LEN: Final = 32
_MAX_PART: Final = 255


def from_event(event: Mapping[str, object], room_id: str | None) -> bytes:
    """The bytes of an envelope."""
    if event.get("algorithm") == MEGOLM:
        return _from_room(event, room_id)
    kind = event.get("type")
    # True and 1.0 are equal to 1, and no types of messages.
    if type(kind) is not int or kind not in (0, 1):
        raise MalformedMessageError("the type of an Olm message is none")
    return bytes([_VERSION, _PREKEY - kind]) + decoded_field(event, "body")


def to_event(envelope: bytes) -> dict[str, int | str]:
    """The content of an event, or that of a device in one."""
    version, kind = envelope[:2]
    if version != _VERSION:
        raise InvalidArgumentError("the envelope is not of Olm")
    if kind != _ROOM:
        return {"type": _PREKEY - kind, "body": _encoded(envelope[2:])}
    session_id, rest = envelope[2 : 2 + _KEY_LEN], envelope[2 + _KEY_LEN :]
    _, rest = _part(rest)
    device, rest = _part(rest)
    sender_key, message = _part(rest)
    event: dict[str, int | str] = {
        "algorithm": MEGOLM,
        "session_id": _encoded(session_id),
        "ciphertext": _encoded(message),
    }
    if device:
        event["device_id"] = device.decode()
    if sender_key:
        event["sender_key"] = _encoded(sender_key)
    return event


def _from_room(event: Mapping[str, object], room_id: str | None) -> bytes:
    if room_id is None:
        raise InvalidArgumentError("a message to a room needs the id of the room")
    session_id = decoded_field(event, "session_id")
    sender_key = b"" if event.get("sender_key") is None else decoded_field(event, "sender_key")
    device = "" if event.get("device_id") is None else _text(event, "device_id")
    try:
        parts = [room_id.encode(), device.encode(), sender_key]
    except UnicodeEncodeError:
        raise MalformedMessageError("an id is no Unicode") from None
    if len(session_id) != _KEY_LEN or any(len(part) > _MAX_PART for part in parts):
        raise MalformedMessageError("an id is of another length")
    head = b"".join(bytes([len(part)]) + part for part in parts)
    return bytes([_VERSION, _ROOM]) + session_id + head + decoded_field(event, "ciphertext")


def decoded_field(event: Mapping[str, object], name: str) -> bytes:
    """The bytes of a field in base64, with or without padding."""
    text = _text(event, name)
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        raise MalformedMessageError("a field of an event is no base64") from None


def _encoded(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode().rstrip("=")


def _text(event: Mapping[str, object], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str):
        raise MalformedMessageError("a field of an event is missing or no text")
    return value


def _part(rest: bytes) -> tuple[bytes, bytes]:
    end = 1 + rest[0]
    return rest[1:end], rest[end:]
