# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sealed files: every way in and out, and files that were altered, cut or put together anew."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from e2ee import AuthenticationError, MalformedMessageError
from e2ee.files import FileKey, FilePassphrase, create_sealed, open_sealed, seal_file, unseal_file
from tests.api.sealed_files import HEADER, KEY, LARGE, SMALL, TAG, pattern, sealed, stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2ee.files import Key

FIRST, FULL = SMALL - HEADER - TAG, SMALL - TAG
SIZES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + FULL, FIRST + FULL + 1, 3 * LARGE + 5]


def between_paths(work: Callable[..., None], content: bytes, key: Key, folder: Path) -> bytes:
    """From a path to a path, with three threads."""
    (folder / "from").write_bytes(content)
    (folder / "to").write_bytes(b"before")
    try:
        work(str(folder / "from"), folder / "to", key, associated_data=b"ad", workers=3)
    except (AuthenticationError, MalformedMessageError):
        assert (folder / "to").read_bytes() == b"before"
        assert {path.name for path in folder.iterdir()} == {"from", "to"}
        raise
    return (folder / "to").read_bytes()


def between_streams(work: Callable[..., None], content: bytes, key: Key, folder: Path) -> bytes:
    """From a stream to an open file."""
    del folder
    out = io.BytesIO()
    work(stream(content, 5_000), out, key, associated_data=b"ad")
    return out.getvalue()


def from_a_buffer(work: Callable[..., None], content: bytes, key: Key, folder: Path) -> bytes:
    """From a buffer that can be written to a path."""
    work(bytearray(content), folder / "to", key, associated_data=b"ad")
    return (folder / "to").read_bytes()


def written_or_read(work: Callable[..., None], content: bytes, key: Key, folder: Path) -> bytes:
    """Through a file to write to, or to read from."""
    del folder
    if work is unseal_file:
        with open_sealed(content, key, associated_data=b"ad") as file:
            return file.read()
    out = io.BytesIO()
    with create_sealed(out, key, associated_data=b"ad") as file:
        for start in range(0, len(content), 70_001):
            file.write(content[start : start + 70_001])
    return out.getvalue()


WAYS = {
    way.__name__: way for way in (between_paths, between_streams, from_a_buffer, written_or_read)
}
every_way = pytest.mark.parametrize("way", sorted(WAYS))


@every_way
@pytest.mark.parametrize("size", SIZES)
def test_a_file_comes_back(way: str, size: int, tmp_path: Path) -> None:
    content = pattern(size)

    file = WAYS[way](seal_file, content, KEY, tmp_path)

    assert len(file) == HEADER + size + TAG * max(1, -(-(size + HEADER) // FULL))
    for name, opening in sorted(WAYS.items()):
        assert opening(unseal_file, file, KEY, tmp_path) == content, name


@every_way
@pytest.mark.parametrize("size", [0, LARGE - 56, LARGE - 55, 2 * LARGE + 5])
def test_a_file_in_large_segments_comes_back(way: str, size: int, tmp_path: Path) -> None:
    key, content = FileKey.generate(), pattern(size)

    file = WAYS[way](seal_file, content, key, tmp_path)

    for name, opening in sorted(WAYS.items()):
        assert opening(unseal_file, file, key, tmp_path) == content, name


@every_way
def test_a_file_under_a_passphrase_comes_back(way: str, tmp_path: Path) -> None:
    file = WAYS[way](seal_file, b"text", FilePassphrase("Zo\u00eb"), tmp_path)

    assert file[0] == 1
    assert WAYS[way](unseal_file, file, FilePassphrase("Zoe\u0308"), tmp_path) == b"text"
    with pytest.raises(AuthenticationError):
        WAYS[way](unseal_file, file, FilePassphrase("Zoe"), tmp_path)
    with pytest.raises(MalformedMessageError):
        WAYS[way](unseal_file, file, KEY, tmp_path)
    with pytest.raises(MalformedMessageError):
        WAYS[way](unseal_file, sealed(b"text"), FilePassphrase("Zoe"), tmp_path)


@every_way
@pytest.mark.parametrize(
    "change",
    [
        lambda file: file[:SMALL],
        lambda file: file[: 2 * SMALL],
        lambda file: file[:-1],
        lambda file: file[:-TAG],
        lambda file: file[:HEADER],
        lambda file: file[: HEADER + TAG],
        lambda file: file[:0],
        lambda file: file + b"\0",
        lambda file: file + file[-100:],
        lambda file: file[:SMALL] + file[2 * SMALL :],
        lambda file: file[:SMALL] + file[2 * SMALL : 3 * SMALL] + file[SMALL : 2 * SMALL],
        lambda file: file[:HEADER] + file[SMALL:],
        lambda file: file[: 2 * SMALL] + sealed(pattern(FIRST + FULL + 60))[2 * SMALL :],
    ],
)
def test_what_was_put_together_anew_is_found(
    way: str, change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    honest = sealed(pattern(FIRST + FULL + 60))

    with pytest.raises(AuthenticationError):
        WAYS[way](unseal_file, change(honest), KEY, tmp_path)


@every_way
@pytest.mark.parametrize("place", [0, 1, 33, HEADER, SMALL - 1, SMALL, 2 * SMALL, -1])
def test_a_changed_byte_is_found(way: str, place: int, tmp_path: Path) -> None:
    forged = bytearray(sealed(pattern(FIRST + FULL + 60)))
    forged[place] ^= 4

    with pytest.raises(MalformedMessageError if place == 0 else AuthenticationError):
        WAYS[way](unseal_file, bytes(forged), KEY, tmp_path)


@every_way
def test_another_key_size_or_data_opens_nothing(way: str, tmp_path: Path) -> None:
    honest, other_data = sealed(b"text"), io.BytesIO()
    seal_file(b"text", other_data, KEY)

    for key in (FileKey.generate(segment_size=SMALL), FileKey.from_bytes(b"o" * 32)):
        with pytest.raises(AuthenticationError):
            WAYS[way](unseal_file, honest, key, tmp_path)
    with pytest.raises(AuthenticationError):
        WAYS[way](unseal_file, other_data.getvalue(), KEY, tmp_path)


def test_a_stream_gives_nothing_of_a_segment_that_was_changed() -> None:
    forged = bytearray(sealed(pattern(FIRST + 2 * FULL)))
    forged[SMALL + 5] ^= 1
    out = io.BytesIO()

    with pytest.raises(AuthenticationError):
        unseal_file(stream(bytes(forged), SMALL), out, KEY, associated_data=b"ad")

    assert pattern(FIRST).startswith(out.getvalue())


def test_no_two_files_are_alike() -> None:
    assert len({sealed(b"text") for _ in range(100)}) == 100
