# SPDX-License-Identifier: MIT OR Apache-2.0
"""The picture of a chat's key, for two people to compare (mtproto_secret_chats.md §1)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final, final

from e2ee import _core
from e2ee.errors import InvalidArgumentError

#: Bytes of a picture, and how many of them clients show as text.
_LEN: Final = 36
_SHOWN: Final = 32
_SIDE: Final = 12
_MAX_SCALE: Final = 64
#: Red, green and blue of the colours 0 to 3.
_COLOURS: Final = ("ffffff", "d5e6f3", "2d5775", "2f99c9")


@final
@dataclass(frozen=True, slots=True)
class KeyPicture:
    """What both clients of a secret chat show of its key (mtproto_secret_chats.md §1).

    Two people compare it in person, or over a call in which they know each other's voice. If it is
    the same on both screens, nobody was between them when the chat began; it never changes after
    that. It is made of hashes of the key, 36 bytes (SHA-1, then SHA-256), and gives nothing of the
    key away, but anyone who sees it can tell the chat by it: show it to nobody else.

    The 36 bytes were compared with those of another client. The colours of the cells and their
    order were read in one client's description and not compared with a screen: if pictures differ,
    compare `hex_pairs` before you believe in an attack.

    >>> picture = KeyPicture(bytes(range(36)))
    >>> print(picture.hex_pairs())
    00 01 02 03  04 05 06 07
    08 09 0A 0B  0C 0D 0E 0F
    10 11 12 13  14 15 16 17
    18 19 1A 1B  1C 1D 1E 1F
    >>> picture.cells()[0]
    (0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0)

    Raises:
        InvalidArgumentError: These are not 36 bytes.
    """

    picture: bytes

    def __post_init__(self) -> None:
        """Checks the length."""
        if len(self.picture) != _LEN:
            raise InvalidArgumentError("a picture has 36 bytes")

    @classmethod
    def from_bytes(cls, picture: bytes) -> KeyPicture:
        """The picture that `to_bytes` gave.

        Raises:
            InvalidArgumentError: These are not 36 bytes.
        """
        return cls(picture)

    def to_bytes(self) -> bytes:
        """The 36 bytes."""
        return self.picture

    def hex_pairs(self) -> str:
        """The first 32 bytes as clients show them below the picture: pairs, in four lines."""
        shown = self.picture[:_SHOWN]
        return "\n".join(_pairs(shown[at : at + 8]) for at in range(0, _SHOWN, 8))

    def cells(self) -> tuple[tuple[int, ...], ...]:
        """The colours, 0 to 3, of 12 rows of 12 cells, top to bottom and left to right."""
        cells = _core.key_picture_cells(self.picture)
        return tuple(tuple(cells[at : at + _SIDE]) for at in range(0, len(cells), _SIDE))

    def png(self, *, scale: int = 16) -> bytes:
        """The picture in PNG; `scale` is the width of a cell in pixels.

        Raises:
            InvalidArgumentError: The scale is not 1 to 64.
        """
        if not 1 <= scale <= _MAX_SCALE:
            raise InvalidArgumentError("the scale is 1 to 64")
        side = _SIDE * scale
        header = struct.pack(">IIBBBBB", side, side, 8, 3, 0, 0, 0)
        lines = b"".join(_line(row, scale) * scale for row in self.cells())
        return (
            b"\x89PNG\r\n\x1a\n"
            + _chunk(b"IHDR", header)
            + _chunk(b"PLTE", bytes.fromhex("".join(_COLOURS)))
            + _chunk(b"IDAT", zlib.compress(lines, 9))
            + _chunk(b"IEND", b"")
        )

    def svg(self) -> str:
        """The picture in SVG, one unit a cell."""
        squares = "".join(
            f'<path fill="#{colour}" d="{_squares(self.cells(), number)}"/>'
            for number, colour in enumerate(_COLOURS)
        )
        view = f'viewBox="0 0 {_SIDE} {_SIDE}" shape-rendering="crispEdges"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>{squares}</svg>'

    def terminal(self) -> str:
        """The picture for a terminal with 24-bit colours, two columns a cell."""
        paint = [
            f"\x1b[48;2;{int(c[:2], 16)};{int(c[2:4], 16)};{int(c[4:], 16)}m  " for c in _COLOURS
        ]
        rows = ("".join(paint[cell] for cell in row) for row in self.cells())
        return "\n".join(f"{row}\x1b[0m" for row in rows)


def _pairs(part: bytes) -> str:
    """Bytes as pairs of digits, in two groups of four as clients show them."""
    return f"{part[:4].hex(' ')}  {part[4:].hex(' ')}".upper()


def _line(row: tuple[int, ...], scale: int) -> bytes:
    """One line of pixels, behind the number of its filter (PNG §9: none)."""
    return b"\0" + b"".join(bytes([cell]) * scale for cell in row)


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG file: length, kind, content, checksum."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def _squares(cells: tuple[tuple[int, ...], ...], wanted: int) -> str:
    """The path around each cell of a colour."""
    return "".join(
        f"M{column} {row}h1v1h-1z"
        for row, line in enumerate(cells)
        for column, cell in enumerate(line)
        if cell == wanted
    )
