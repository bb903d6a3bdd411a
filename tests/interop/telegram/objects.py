# SPDX-License-Identifier: MIT OR Apache-2.0
"""TL objects of an application, written and read here anew (mtproto_secret_chats.md §3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

TEXT: Final = 0x91CC4674
SERVICE: Final = 0x73164160
DOCUMENT: Final = 0x7AFE8AE2
VECTOR: Final = 0x1CB5C415
#: Whose value is a number, a list of numbers, or nothing.
ACTIONS: Final = {
    "ttl": 0xA1733AEC,
    "read": 0x0C4F40BE,
    "delete": 0x65614304,
    "screenshot": 0x8AC1F475,
    "flush": 0x6719E45C,
    "typing": 0xCCB27641,
}
TYPING: Final = 0x16BF744E
_HAS_MEDIA: Final = 1 << 9

Value = int | list[int] | None


def text(random_id: int, words: str, ttl: int = 0) -> bytes:
    """A `decryptedMessage`."""
    return struct.pack("<IIqi", TEXT, 0, random_id, ttl) + string(words.encode())


def service(random_id: int, action: str, value: Value) -> bytes:
    """A `decryptedMessageService`."""
    head = struct.pack("<Iq", SERVICE, random_id) + struct.pack("<I", ACTIONS[action])
    match value:
        case int():
            return head + struct.pack("<i", value)
        case list():
            return head + struct.pack(f"<Ii{len(value)}q", VECTOR, len(value), *value)
    return head + (struct.pack("<I", TYPING) if action == "typing" else b"")


@dataclass(frozen=True, slots=True)
class Document:
    """What a message says of a file."""

    size: int
    key: bytes
    iv: bytes

    def message(self, random_id: int) -> bytes:
        """A `decryptedMessage` with it."""
        head = struct.pack("<IIqi", TEXT, _HAS_MEDIA, random_id, 0) + string(b"")
        thumb = string(b"") + struct.pack("<ii", 0, 0)
        media = struct.pack("<I", DOCUMENT) + thumb + string(b"text/plain")
        media += struct.pack("<i", self.size) + string(self.key) + string(self.iv)
        return head + media + struct.pack("<Ii", VECTOR, 0) + string(b"")

    @classmethod
    def read(cls, message: bytes) -> Document:
        """That of a `decryptedMessage` whose fields before it are as few as here."""
        reader = Reader(message)
        constructor, flags = reader.unsigned(), reader.unsigned()
        assert (constructor, flags) == (TEXT, _HAS_MEDIA), (hex(constructor), flags)
        reader.skip(12)
        reader.string()
        assert reader.unsigned() == DOCUMENT
        reader.string()
        reader.skip(8)
        assert reader.string() == b"text/plain"
        return cls(reader.unsigned(), reader.string(), reader.string())


def string(data: bytes) -> bytes:
    """The bytes of a string, filled up to whole words."""
    short = len(data) < 254
    head = bytes([len(data)]) if short else b"\xfe" + len(data).to_bytes(3, "little")
    return head + data + bytes(-(len(head) + len(data)) % 4)


@dataclass(slots=True)
class Reader:
    """Reads TL."""

    data: bytes
    place: int = 0

    def skip(self, count: int) -> bytes:
        """So many bytes."""
        found = self.data[self.place : self.place + count]
        assert len(found) == count
        self.place += count
        return found

    def unsigned(self) -> int:
        """A word."""
        return int.from_bytes(self.skip(4), "little")

    def string(self) -> bytes:
        """The bytes of a string."""
        start, (first,) = self.place, self.skip(1)
        length = int.from_bytes(self.skip(3), "little") if first == 254 else first
        found = self.skip(length)
        self.skip(-(self.place - start) % 4)
        return found
