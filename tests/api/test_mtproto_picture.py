# SPDX-License-Identifier: MIT OR Apache-2.0
"""The picture of a key, in each form in which it is shown (mtproto_secret_chats.md §1)."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2ee import InvalidArgumentError
from e2ee.mtproto import KeyPicture

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTORS = Path(__file__).parent.parent / "vectors" / "mtproto"
RECORDED = bytes.fromhex(
    json.loads((VECTORS / "secret_chat.json").read_text(encoding="utf-8"))["key_visualization"]
)
COLOURS = ["ffffff", "d5e6f3", "2d5775", "2f99c9"]


def chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The parts of a PNG file, whose checksums are right."""
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    place = 8
    while place < len(image):
        (length,) = struct.unpack_from(">I", image, place)
        kind, content = image[place + 4 : place + 8], image[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", image, place + 8 + length)
        assert checksum == zlib.crc32(kind + content)
        yield kind, content
        place += 12 + length


@given(st.binary(min_size=36, max_size=36))
def test_cells_are_two_bits_each_from_the_lowest_on(content: bytes) -> None:
    number = int.from_bytes(content, "little")

    cells = KeyPicture(content).cells()

    assert [len(row) for row in cells] == [12] * 12
    flat = [cell for row in cells for cell in row]
    assert flat == [number >> 2 * place & 3 for place in range(144)]


@pytest.mark.parametrize("scale", [1, 16, 64])
def test_the_image_shows_the_cells(scale: int) -> None:
    picture = KeyPicture(RECORDED)

    (header, palette, image, end) = chunks(picture.png(scale=scale))

    side = 12 * scale
    assert header == (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 3, 0, 0, 0))
    assert palette == (b"PLTE", bytes.fromhex("".join(COLOURS)))
    assert end == (b"IEND", b"")
    lines = zlib.decompress(image[1])
    assert len(lines) == side * (side + 1)
    for row in range(side):
        line = lines[row * (side + 1) : (row + 1) * (side + 1)]
        assert line[0] == 0
        assert list(line[1::scale]) == list(picture.cells()[row // scale])


def test_the_drawing_shows_the_cells() -> None:
    picture = KeyPicture(RECORDED)
    shown = [[-1] * 12 for _ in range(12)]

    for colour, path in re.findall(r'fill="#(\w+)" d="([^"]*)"', picture.svg()):
        for column, row in re.findall(r"M(\d+) (\d+)h1v1h-1z", path):
            assert shown[int(row)][int(column)] == -1
            shown[int(row)][int(column)] = COLOURS.index(colour)

    assert tuple(map(tuple, shown)) == picture.cells()


def test_a_terminal_shows_the_cells() -> None:
    picture = KeyPicture(RECORDED)

    lines = picture.terminal().split("\n")

    assert all(line.endswith("\x1b[0m") for line in lines)
    painted = [re.findall(r"\x1b\[48;2;(\d+);(\d+);(\d+)m  ", line) for line in lines]
    colours = [[bytes(map(int, cell)).hex() for cell in row] for row in painted]
    assert [[COLOURS.index(cell) for cell in row] for row in colours] == [
        list(row) for row in picture.cells()
    ]


def test_the_pairs_are_of_the_first_32_bytes() -> None:
    lines = KeyPicture(RECORDED).hex_pairs().split("\n")

    assert lines[0] == "86 37 55 3B  09 BA 3D 53"
    assert len(lines) == 4
    assert bytes.fromhex("".join(lines)) == RECORDED[:32]


def test_the_bytes_of_a_picture_make_the_same_again() -> None:
    picture = KeyPicture(RECORDED)

    assert KeyPicture.from_bytes(picture.to_bytes()) == picture
    assert picture.to_bytes() == RECORDED
    assert KeyPicture(bytes(36)) != picture


@pytest.mark.parametrize("length", [0, 32, 35, 37])
def test_bytes_of_another_length_are_no_picture(length: int) -> None:
    with pytest.raises(InvalidArgumentError):
        KeyPicture.from_bytes(bytes(length))


@pytest.mark.parametrize("scale", [0, -1, 65])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(InvalidArgumentError):
        KeyPicture(RECORDED).png(scale=scale)
