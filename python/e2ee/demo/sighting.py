# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a carrier can read in an envelope without any key (signal.md §4.2 and §4.3).

Ratchet key and index name the message key: if two different envelopes had them in common, one key
would have been used twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sighting:
    """The outside of an envelope."""

    kind: str
    ratchet_key: bytes
    index: int


def look_at(envelope: bytes) -> Sighting:
    """Reads what is not encrypted; only for envelopes that come from a sender."""
    kind, message = KINDS[envelope[1]], envelope[2:]
    if kind == "prekey":
        message = _bytes(dict(_fields(message[1:])), 4)
    # The version byte in front, the tag behind.
    fields = dict(_fields(message[1:-TAG_LEN]))
    index = fields[2]
    if not isinstance(index, int):
        raise TypeError
    return Sighting(kind, _bytes(fields, 1), index)


def without_post_quantum_part(envelope: bytes) -> bytes:
    """A ratchet message from which the field of the post-quantum ratchet was taken out."""
    protobuf = envelope[3:-TAG_LEN]
    kept = b"".join(raw for number, raw in _raw_fields(protobuf) if number != PQ_FIELD)
    return envelope[:3] + kept + envelope[-TAG_LEN:]


def _bytes(fields: dict[int, int | bytes], number: int) -> bytes:
    value = fields[number]
    if not isinstance(value, bytes):
        raise TypeError
    return value


def _fields(protobuf: bytes) -> Iterator[tuple[int, int | bytes]]:
    for number, raw in _raw_fields(protobuf):
        tag, place = _varint(raw, 0)
        value, place = _varint(raw, place)
        yield number, raw[place:] if tag & 7 == LENGTH_DELIMITED else value


def _raw_fields(protobuf: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbers of the fields, and their bytes with tag and length."""
    start = 0
    while start < len(protobuf):
        tag, place = _varint(protobuf, start)
        value, place = _varint(protobuf, place)
        end = place + value if tag & 7 == LENGTH_DELIMITED else place
        yield tag >> 3, protobuf[start:end]
        start = end


def _varint(protobuf: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = protobuf[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < CONTINUED:
            return value, place


KINDS: Final = {2: "message", 3: "prekey"}
TAG_LEN: Final = 8
PQ_FIELD: Final = 5
LENGTH_DELIMITED: Final = 2
CONTINUED: Final = 0x80
