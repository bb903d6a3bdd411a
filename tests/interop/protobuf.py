# SPDX-License-Identifier: MIT OR Apache-2.0
"""Protocol Buffers as far as messages and bundles need them: varints and byte strings."""

from __future__ import annotations

from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES = 0, 1, 2
_FIXED64_LEN = 8


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its number, its value, and where the value stands in the message."""

    number: int
    value: int | bytes
    start: int
    end: int


def read(message: bytes) -> list[Field]:
    """The fields in their order.

    Raises:
        ValueError: The bytes are no message of such fields.
    """
    fields, place = [], 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, end = _varint(message, place)
            fields.append(Field(number, value, place, end))
        elif wire in {_FIXED64, _BYTES}:
            length = _FIXED64_LEN
            if wire == _BYTES:
                length, place = _varint(message, place)
            end = place + length
            if end > len(message):
                raise ValueError("a field ends behind the message")
            fields.append(Field(number, message[place:end], place, end))
        else:
            raise ValueError("a field of another type")
        place = end
    return fields


def values(message: bytes) -> dict[int, int | bytes]:
    """The values by their numbers; each stands at most once."""
    fields = read(message)
    found = {field.number: field.value for field in fields}
    if len(found) != len(fields):
        raise ValueError("a field stands twice")
    return found


def write(fields: list[tuple[int, int | bytes]]) -> bytes:
    """The message of these fields, in this order."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts.append(_encoded(number << 3 | _VARINT) + _encoded(value))
        else:
            parts.append(_encoded(number << 3 | _BYTES) + _encoded(len(value)) + value)
    return b"".join(parts)


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place == len(message):
            raise ValueError("a varint ends behind the message")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
