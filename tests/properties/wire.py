# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads and builds envelopes from the outside: a small Protocol Buffers reader of our own.

It knows the formats from docs/formats.md, signal.md §4 and olm_megolm.md §1.3 only, not from the
code under test.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

#: Version and kind of an envelope stand before the message.
ENVELOPE_HEAD = 2
RATCHET, PREKEY = 2, 3
TAG_LEN = 8
#: The version of an envelope of Olm's, whose messages number their fields alike.
OLM = 32
#: Which key is in a prekey message, where Signal has its number.
OLM_ONE_TIME_KEY = 1
#: Version byte of messages that need and speak version 4.
VERSION = 0x44

# Fields of a ratchet message, and of a prekey message.
RATCHET_KEY, INDEX, PREVIOUS_LENGTH, BODY, PQ, ADDRESSES = range(1, 7)
ONE_TIME_ID, BASE_KEY, IDENTITY_KEY, MESSAGE, REGISTRATION_ID, SIGNED_ID, KYBER_ID, KYBER = range(
    1, 9
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its number, its value, and where in the bytes key, value and end lie."""

    number: int
    value: int | bytes
    start: int
    value_start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """What names the key of a message: ratchet key and index; and the post-quantum chain."""

    ratchet_key: bytes
    index: int
    pq_epoch: int
    pq_index: int


def varint(value: int) -> bytes:
    """The shortest form of a number."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def read_varint(encoded: bytes, place: int) -> tuple[int, int]:
    """A number, and the place behind it."""
    value = shift = 0
    while encoded[place] & 0x80:
        value |= (encoded[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
    return value | encoded[place] << shift, place + 1


def fields(encoded: bytes, start: int, end: int) -> Iterator[Field]:
    """The fields between two places; only the two wire types that our messages use."""
    place = start
    while place < end:
        first = place
        key, place = read_varint(encoded, place)
        number, wire_type = divmod(key, 8)
        assert wire_type in {0, 2}, "a field that our messages do not have"
        value_start = place
        value: int | bytes
        if wire_type == 0:
            value, place = read_varint(encoded, place)
        else:
            length, value_start = read_varint(encoded, place)
            place = value_start + length
            value = encoded[value_start:place]
        yield Field(number, value, first, value_start, place)
    assert place == end, "a field that is cut off"


def field(number: int, value: int | bytes) -> bytes:
    """An encoded field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def outer_fields(envelope: bytes) -> list[Field]:
    """The fields of the message in an envelope; a ratchet message's tag is left out."""
    end = len(envelope) - (TAG_LEN if envelope[1] == RATCHET else 0)
    return list(fields(envelope, ENVELOPE_HEAD + 1, end))


def number_of(found: list[Field], number: int) -> int:
    """The value of a number field."""
    (value,) = (each.value for each in found if each.number == number)
    assert isinstance(value, int)
    return value


def bytes_of(found: list[Field], number: int) -> bytes:
    """The value of a bytes field."""
    (value,) = (each.value for each in found if each.number == number)
    assert isinstance(value, bytes)
    return value


def base_key(envelope: bytes) -> bytes | None:
    """The key that names the session which a prekey message starts, without its type byte."""
    return bytes_of(outer_fields(envelope), BASE_KEY)[1:] if envelope[1] == PREKEY else None


def session_name(envelope: bytes) -> str | None:
    """What the rows call the session which a prekey message starts.

    It is the base key, or for Olm the SHA-256 of identity, base and one-time key
    (olm_megolm.md §1.1).
    """
    if envelope[1] != PREKEY or envelope[0] != OLM:
        key = base_key(envelope)
        return None if key is None else key.hex()
    found = outer_fields(envelope)
    keys = (bytes_of(found, number) for number in (IDENTITY_KEY, BASE_KEY, OLM_ONE_TIME_KEY))
    return sha256(b"".join(keys)).hexdigest()


def ratchet_message(envelope: bytes) -> bytes:
    """The ratchet message in an envelope, inside its prekey message if there is one."""
    if envelope[1] == RATCHET:
        return envelope[ENVELOPE_HEAD:]
    return bytes_of(outer_fields(envelope), MESSAGE)


def header(envelope: bytes) -> Header:
    """The header of the ratchet message in an envelope; Olm has no post-quantum chain."""
    message = ratchet_message(envelope)
    found = list(fields(message, 1, len(message) - TAG_LEN))
    ratchet_key, index = bytes_of(found, RATCHET_KEY), number_of(found, INDEX)
    if envelope[0] == OLM:
        return Header(ratchet_key, index, 0, 0)
    pq = bytes_of(found, PQ)
    pq_epoch, place = read_varint(pq, 1)
    pq_index, _ = read_varint(pq, place)
    return Header(ratchet_key, index, pq_epoch, pq_index)
