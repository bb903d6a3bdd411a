# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a changed prekey message says, read strictly and independently of the code under test.

A change that leaves all of this alone is one that the format does not authenticate
(signal.md §4.3; `unauthenticated` in tests/vectors/deviations.json).
"""

from dataclasses import dataclass

from tests.properties import wire

MAX_U32 = (1 << 32) - 1
FIXED_LENGTHS = {1: 8, 5: 4}


class MalformedError(Exception):
    """The bytes are not such a message."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is authenticated: directly, by a tag, or through the keys that are derived from it."""

    head: bytes
    major_version: int
    known: tuple[tuple[int, int | bytes], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A prekey message in an envelope: what is authenticated of it, and what is not."""

    content: Content
    minor_version: int
    registration_id: int
    unknown: bytes


def take(encoded: bytes, place: int, length: int) -> tuple[bytes, int]:
    """So many bytes, and the place behind them."""
    if place + length > len(encoded):
        raise MalformedError
    return encoded[place : place + length], place + length


def take_varint(encoded: bytes, place: int) -> tuple[int, int]:
    """A number of at most 64 bits in at most ten bytes, and the place behind it."""
    value = 0
    for group in range(10):
        (byte,), place = take(encoded, place, 1)
        value |= (byte & 0x7F) << 7 * group
        if byte < 0x80:
            break
    else:
        raise MalformedError
    if value >> 64:
        raise MalformedError
    return value, place


def take_field(encoded: bytes, place: int) -> tuple[int, int | bytes, int]:
    """Number and value of a field, and the place behind it."""
    key, place = take_varint(encoded, place)
    number, wire_type = divmod(key, 8)
    if number == 0 or key > MAX_U32 or wire_type in {3, 4, 6, 7}:
        raise MalformedError
    value: int | bytes
    if wire_type == 0:
        value, place = take_varint(encoded, place)
        return number, value, place
    length = FIXED_LENGTHS.get(wire_type)
    if length is None:
        length, place = take_varint(encoded, place)
        value, place = take(encoded, place, length)
        return number, value, place
    _, place = take(encoded, place, length)
    # A value that equals that of no field which we know.
    return number, -1, place


def read(envelope: bytes) -> Reading:
    """Reads an envelope with a prekey message, or refuses it."""
    (version,), place = take(envelope, wire.ENVELOPE_HEAD, 1)
    known: dict[int, int | bytes] = {}
    unknown = bytearray()
    while place < len(envelope):
        start = place
        number, value, place = take_field(envelope, place)
        if number > wire.KYBER:
            unknown += envelope[start:place]
        elif number in known:
            raise MalformedError
        else:
            known[number] = value
    registration_id = known.pop(wire.REGISTRATION_ID, 0)
    if not isinstance(registration_id, int) or not 0 <= registration_id <= MAX_U32:
        raise MalformedError
    head = envelope[: wire.ENVELOPE_HEAD]
    content = Content(head, version >> 4, tuple(sorted(known.items(), key=lambda item: item[0])))
    return Reading(content, version & 0x0F, registration_id, bytes(unknown))


def differences(honest: bytes, changed: bytes) -> frozenset[str] | None:
    """The unauthenticated bytes in which two messages differ, or `None` if others do too."""
    try:
        before, after = read(honest), read(changed)
    except MalformedError:
        return None
    if before.content != after.content:
        return None
    compared = {
        "low nibble of the version byte": before.minor_version != after.minor_version,
        "field 5, registration id, of the first message": before.registration_id
        != after.registration_id,
        "unknown fields": before.unknown != after.unknown,
    }
    return frozenset(name for name, differs in compared.items() if differs)
