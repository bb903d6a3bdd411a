# SPDX-License-Identifier: MIT OR Apache-2.0
"""A sealed file reads like the file that it was: any order of seeking, reading and writing."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from e2ee.files import FileKey, create_sealed, open_sealed, seal_file, unseal_file

SMALL = 4_096
KEY = FileKey.from_bytes(bytes(32), segment_size=SMALL)
SIZES = st.integers(0, 4 * SMALL) | st.builds(
    lambda count, more: max(0, count * (SMALL - 16) - 40 + more),
    st.integers(0, 4),
    st.integers(-2, 2),
)
MOVES = st.lists(
    st.tuples(st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END]), st.integers(-9_000, 9_000))
    | st.tuples(st.just("read"), st.integers(-1, 6_000))
    | st.tuples(st.just("readinto"), st.integers(0, 6_000)),
    max_size=20,
)


def pattern(size: int) -> bytes:
    """What is sealed."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def moved(file: io.BufferedReader | io.BytesIO, move: tuple[str | int, int], size: int) -> object:
    """What one move shows."""
    kind, number = move
    if kind == "read":
        return file.read(number), file.tell()
    if kind == "readinto":
        buffer = bytearray(number)
        return file.readinto(buffer), buffer, file.tell()
    assert isinstance(kind, int)
    origin = {io.SEEK_SET: 0, io.SEEK_CUR: file.tell(), io.SEEK_END: size}[kind]
    # What lies before the beginning is refused by some of Python's files and not by others.
    return file.seek(max(number, -origin), kind) if kind else file.seek(max(number, 0))


@given(size=SIZES, moves=MOVES)
def test_seeking_and_reading_show_what_a_file_shows(
    size: int, moves: list[tuple[str | int, int]]
) -> None:
    sealed = io.BytesIO()
    seal_file(pattern(size), sealed, KEY)

    with open_sealed(sealed.getvalue(), KEY) as file, io.BytesIO(pattern(size)) as plain:
        for move in moves:
            assert moved(file, move, size) == moved(plain, move, size)


@given(pieces=st.lists(st.integers(0, 6_000), max_size=8))
def test_any_pieces_make_the_same_file(pieces: list[int]) -> None:
    sealed, out = io.BytesIO(), io.BytesIO()

    with create_sealed(sealed, KEY) as file:
        for size in pieces:
            file.write(pattern(size))

    unseal_file(sealed.getvalue(), out, KEY)
    assert out.getvalue() == b"".join(map(pattern, pieces))
