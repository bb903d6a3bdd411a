# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the two applications of the demo say to each other inside their encrypted messages.

The carrier loses and repeats, so each text and each chunk of the file has a number, and the other
side acknowledges numbers. None of this is part of a protocol of the library.
"""

import enum
import struct
from dataclasses import dataclass
from typing import Final

from e2ee.demo.plan import CHUNK_LEN


class Stream(enum.IntEnum):
    """Two rows of numbered items in each direction."""

    TEXT = 1
    CHUNK = 2


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """The name of one text or chunk."""

    stream: Stream
    index: int


@dataclass(frozen=True, slots=True)
class Content:
    """An item with what it says."""

    item: Item
    body: bytes

    def encode(self) -> bytes:
        """The plaintext of a message."""
        return ITEM.pack(self.item.stream, self.item.index) + self.body


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The items that have arrived and are on the disk."""

    items: frozenset[Item]

    def encode(self) -> bytes:
        """The plaintext of a message."""
        return ACK_MARK + b"".join(ITEM.pack(item.stream, item.index) for item in self.items)


def decode(plaintext: bytes) -> Content | Acknowledgement:
    """What a plaintext says; the sender is authenticated, so nonsense is a fault of the demo."""
    if plaintext.startswith(ACK_MARK):
        packed = ITEM.iter_unpack(plaintext[len(ACK_MARK) :])
        return Acknowledgement(frozenset(Item(Stream(stream), index) for stream, index in packed))
    stream, index = ITEM.unpack_from(plaintext)
    return Content(Item(Stream(stream), index), plaintext[ITEM.size :])


def made_text(user: str, index: int) -> bytes:
    """A text of a length between a word and a paragraph, the same whenever it is made."""
    words = SENTENCE.split()
    count = 1 + index * 7 % 60
    said = " ".join(words[(index + place) % len(words)] for place in range(count))
    return f"{user} {index}: {said}.".encode()


def chunks_of(size: int) -> int:
    """In how many chunks a file of this size travels."""
    return -(-size // CHUNK_LEN)


SENTENCE: Final = (
    "the ferry leaves at seven so bring the maps some bread and the blue lamp we found in spring"
)
ITEM: Final = struct.Struct(">BI")
ACK_MARK: Final = b"\0"
