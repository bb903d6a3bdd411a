# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads a QR code of version 4-L, as a camera's program does once it has found the modules.

ISO/IEC 18004: one block of 80 codewords of content, so that nothing is interleaved. No error is
corrected: the picture is our own.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

SIZE = 33
CONTENT_LEN = 80
BYTE_MODE = 4
TIMING = 6
#: Whether a mask turns the module at (row, column), ISO/IEC 18004 table 23.
MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, _: r % 2 == 0,
    lambda _, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)


def read(modules: Sequence[Sequence[bool]]) -> bytes:
    """The bytes that the modules hold; there is no border around them."""
    assert [len(row) for row in modules] == [SIZE] * SIZE
    mask = MASKS[sum(modules[8][2 + bit] << (2 - bit) for bit in range(3)) ^ 0b101]
    bits = (modules[r][c] ^ mask(r, c) for r, c in places())
    number = int("".join("1" if bit else "0" for bit in islice(bits, 8 * CONTENT_LEN)), 2)
    content = number.to_bytes(CONTENT_LEN)
    assert content[0] >> 4 == BYTE_MODE
    length = (number >> 8 * CONTENT_LEN - 12) & 0xFF
    return (number >> 8 * (CONTENT_LEN - length) - 12 & (1 << 8 * length) - 1).to_bytes(length)


def places() -> Iterator[tuple[int, int]]:
    """Where the content stands, in its order: pairs of columns, from the right, up and down."""
    rows = list(range(SIZE))
    for number, right in enumerate([*range(SIZE - 1, TIMING, -2), *range(TIMING - 1, 0, -2)]):
        for row in rows[::-1] if number % 2 == 0 else rows:
            for column in (right, right - 1):
                if not is_pattern(row, column):
                    yield row, column


def is_pattern(row: int, column: int) -> bool:
    """Whether this module is of a pattern: finders with the format, timing, alignment."""
    near, far = 9, SIZE - 8
    finder = (row < near and (column < near or column >= far)) or (row >= far and column < near)
    alignment = abs(row - 26) <= 2 and abs(column - 26) <= 2
    return finder or alignment or TIMING in {row, column}
