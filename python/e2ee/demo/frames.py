# SPDX-License-Identifier: MIT OR Apache-2.0
"""Frames on the pipes between the demo and the processes that hold the accounts."""

import json
import struct
from dataclasses import dataclass, field
from typing import IO, Final


@dataclass(frozen=True, slots=True)
class Frame:
    """A word, some values beside it, and bytes."""

    verb: str
    values: dict[str, str | int] = field(default_factory=dict)
    payload: bytes = b""

    def number(self, name: str) -> int:
        """A value that is a number."""
        value = self.values[name]
        if not isinstance(value, int):
            raise TypeError(name)
        return value

    def text(self, name: str) -> str:
        """A value that is text."""
        value = self.values[name]
        if not isinstance(value, str):
            raise TypeError(name)
        return value

    def write(self, stream: IO[bytes]) -> None:
        """Puts the frame on a pipe."""
        header = json.dumps([self.verb, self.values]).encode()
        stream.write(LENGTHS.pack(len(header), len(self.payload)) + header + self.payload)
        stream.flush()

    @classmethod
    def read(cls, stream: IO[bytes]) -> "Frame | None":
        """The next frame; `None` if the other process ended, even in the middle of a frame."""
        lengths = stream.read(LENGTHS.size)
        if len(lengths) < LENGTHS.size:
            return None
        header_len, payload_len = LENGTHS.unpack(lengths)
        header, payload = stream.read(header_len), stream.read(payload_len)
        if len(header) < header_len or len(payload) < payload_len:
            return None
        verb, values = json.loads(header)
        return cls(verb, values, payload)


LENGTHS: Final = struct.Struct(">II")
