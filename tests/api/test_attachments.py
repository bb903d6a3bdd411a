# SPDX-License-Identifier: MIT OR Apache-2.0
"""Attachments: every way in and out, and blobs that were altered, cut or exchanged."""

from __future__ import annotations

import hashlib
import io
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import e2ee
from e2ee import (
    AttachmentPointer,
    AuthenticationError,
    InvalidArgumentError,
    decrypt_attachment,
    encrypt_attachment,
    open_attachment,
    stream_attachment,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SEGMENT = 65_536
LEAST_CHUNK = 65_536
FILE = bytes(range(256)) * 800
OPENERS: dict[str, Callable[[AttachmentPointer, bytes], bytes]] = {}


class Stream(io.RawIOBase):
    """Bytes that can be read once, a few at a time."""

    def __init__(self, content: bytes, most: int = 1_000) -> None:
        self._inner, self._most = io.BytesIO(content), most

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, fewer than were asked for."""
        return self._inner.read(min(size, self._most) if size >= 0 else self._most)


def sealed(plaintext: bytes) -> tuple[AttachmentPointer, bytes]:
    """A pointer and its blob."""
    blob = io.BytesIO()
    pointer = encrypt_attachment(io.BytesIO(plaintext), blob)
    return pointer, blob.getvalue()


def opener(
    work: Callable[[AttachmentPointer, bytes], bytes],
) -> Callable[[AttachmentPointer, bytes], bytes]:
    """Adds a way to open a blob."""
    OPENERS[work.__name__] = work
    return work


@opener
def decrypted(pointer: AttachmentPointer, blob: bytes) -> bytes:
    """In two passes, into an open file."""
    out = io.BytesIO()
    try:
        decrypt_attachment(pointer, io.BytesIO(blob), out)
    except AuthenticationError:
        assert out.getvalue() == b""
        raise
    return out.getvalue()


@opener
def streamed(pointer: AttachmentPointer, blob: bytes) -> bytes:
    """Chunk by chunk."""
    return b"".join(stream_attachment(pointer, io.BytesIO(blob)))


@opener
def read_whole(pointer: AttachmentPointer, blob: bytes) -> bytes:
    """As a file."""
    with open_attachment(pointer, io.BytesIO(blob)) as file:
        return file.read()


def collect(pieces: Iterator[bytes], into: bytearray) -> None:
    """Keeps all pieces until the end or the error."""
    for piece in pieces:
        into += piece


def without_chunks(pointer: AttachmentPointer) -> AttachmentPointer:
    """The same pointer without its incremental MAC."""
    return AttachmentPointer(pointer.key, pointer.digest, pointer.size)


@pytest.fixture(scope="module")
def pair() -> tuple[AttachmentPointer, bytes]:
    return sealed(FILE)


every_opener = pytest.mark.parametrize("name", sorted(OPENERS))


@every_opener
@pytest.mark.parametrize(
    "size", [0, 1, 540, 541, 542, 65_487, 65_488, SEGMENT - 1, SEGMENT, SEGMENT + 1, 131_073]
)
def test_a_file_comes_back(name: str, size: int) -> None:
    plaintext = (FILE * 2)[:size]
    pointer, blob = sealed(plaintext)

    assert OPENERS[name](pointer, blob) == plaintext
    assert pointer.size == size
    assert pointer.blob_size == len(blob)
    assert pointer.digest == hashlib.sha256(blob).digest()


@settings(deadline=None)
@given(plaintext=st.binary(max_size=3_000), piece=st.integers(1, 700), read=st.integers(1, 700))
def test_chunking_does_not_matter(plaintext: bytes, piece: int, read: int) -> None:
    blob = io.BytesIO()
    source = Stream(plaintext, piece)

    pointer = encrypt_attachment(source, blob, size=len(plaintext))  # type: ignore[arg-type]
    pieces = stream_attachment(pointer, Stream(blob.getvalue(), read))  # type: ignore[arg-type]

    assert b"".join(pieces) == plaintext


@pytest.mark.parametrize("size", [0, 1, 541, 542, 10_000, 123_456, 1_000_000])
def test_the_padded_size_is_that_of_the_formula(size: int) -> None:
    pointer, blob = sealed(bytes(size))

    padded = max(541, math.floor(1.05 ** math.ceil(math.log(max(size, 1), 1.05))))
    assert len(blob) == 16 + padded // 16 * 16 + 16 + 32
    assert pointer.chunk_size == LEAST_CHUNK


@every_opener
@pytest.mark.parametrize("place", [0, 15, 16, 31, 65_535, 65_536, 131_072, -49, -33, -32, -1])
def test_an_altered_byte_is_found(
    name: str, place: int, pair: tuple[AttachmentPointer, bytes]
) -> None:
    pointer, blob = pair
    altered = bytearray(blob)
    altered[place] ^= 1

    with pytest.raises(AuthenticationError):
        OPENERS[name](pointer, bytes(altered))


@every_opener
@pytest.mark.parametrize(
    "length",
    [0, 1, 16, 32, 48, 63, 64, 65_535, 65_536, 65_537, 131_072, 196_608, -48, -32, -16, -1],
)
def test_a_cut_blob_is_found(name: str, length: int, pair: tuple[AttachmentPointer, bytes]) -> None:
    pointer, blob = pair

    with pytest.raises(AuthenticationError):
        OPENERS[name](pointer, blob[:length])


@every_opener
@pytest.mark.parametrize("extra", [1, 16, 32, 65_536])
def test_an_extended_blob_is_found(
    name: str, extra: int, pair: tuple[AttachmentPointer, bytes]
) -> None:
    pointer, blob = pair

    with pytest.raises(AuthenticationError):
        OPENERS[name](pointer, blob + bytes(extra))


@every_opener
@pytest.mark.parametrize("field", ["key", "digest", "size", "blob"])
def test_another_pointer_opens_nothing(
    name: str, field: str, pair: tuple[AttachmentPointer, bytes]
) -> None:
    pointer, blob = pair
    other, other_blob = sealed(FILE)
    wrong = AttachmentPointer(
        key=other.key if field == "key" else pointer.key,
        digest=other.digest if field == "digest" else pointer.digest,
        size=pointer.size + 20_000 if field == "size" else pointer.size,
        incremental_mac=pointer.incremental_mac,
        chunk_size=pointer.chunk_size,
    )

    with pytest.raises(AuthenticationError):
        OPENERS[name](wrong, other_blob if field == "blob" else blob)


def test_what_a_stream_gives_before_the_error_is_right() -> None:
    pointer, blob = sealed(FILE)
    altered = bytearray(blob)
    altered[2 * LEAST_CHUNK + 5] ^= 1
    given = bytearray()

    with pytest.raises(AuthenticationError):
        collect(stream_attachment(pointer, io.BytesIO(altered)), given)

    assert len(given) >= 2 * LEAST_CHUNK - 64
    assert len(given) <= 2 * LEAST_CHUNK
    assert FILE.startswith(given)


def test_a_pointer_without_chunks_is_not_streamed(pair: tuple[AttachmentPointer, bytes]) -> None:
    pointer, blob = pair
    plain = without_chunks(pointer)

    assert decrypted(plain, blob) == FILE
    with pytest.raises(InvalidArgumentError):
        stream_attachment(plain, io.BytesIO(blob))


def test_seeking_gives_what_is_there(pair: tuple[AttachmentPointer, bytes]) -> None:
    pointer, blob = pair

    with open_attachment(pointer, io.BytesIO(blob)) as file:
        for place in (0, SEGMENT - 3, 100_000, 5, len(FILE) - 2, SEGMENT):
            assert file.seek(place) == place
            assert file.read(7) == FILE[place : place + 7]
        assert file.seek(-5, io.SEEK_END) == len(FILE) - 5
        assert file.read() == FILE[-5:]
        assert file.seek(2, io.SEEK_CUR) == len(FILE) + 2
        assert file.read(1) == b""
        with pytest.raises(ValueError, match="negative"):
            file.seek(-1)


def test_a_source_is_read_from_where_it_stands(pair: tuple[AttachmentPointer, bytes]) -> None:
    pointer, blob = pair
    source, out = io.BytesIO(b"before" + blob), io.BytesIO()
    source.seek(6)

    decrypt_attachment(pointer, source, out)

    assert out.getvalue() == FILE


def test_a_blob_that_changes_while_it_is_open_is_found(tmp_path: Path) -> None:
    pointer, blob = sealed(FILE)
    path = tmp_path / "blob"
    path.write_bytes(blob)

    with open_attachment(pointer, path) as file:
        assert file.read(10) == FILE[:10]
        with path.open("r+b") as writer:
            writer.seek(150_000)
            writer.write(b"changed")
        file.seek(SEGMENT)
        assert file.read(10) == FILE[SEGMENT : SEGMENT + 10]
        file.seek(150_000)
        with pytest.raises(AuthenticationError):
            file.read(10)


@pytest.mark.parametrize("chunks", [True, False])
def test_a_path_shows_the_file_when_all_is_verified(tmp_path: Path, *, chunks: bool) -> None:
    source, blob, target = tmp_path / "file", tmp_path / "blob", tmp_path / "target"
    source.write_bytes(FILE)
    pointer = encrypt_attachment(source, str(blob))
    pointer = pointer if chunks else without_chunks(pointer)

    decrypt_attachment(pointer, blob, target)
    assert target.read_bytes() == FILE

    target.write_bytes(b"kept")
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(AuthenticationError):
        decrypt_attachment(pointer, blob, target)
    assert target.read_bytes() == b"kept"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["blob", "file", "target"]


def test_a_source_that_is_read_once_needs_a_path_or_a_stream(tmp_path: Path) -> None:
    pointer, blob = sealed(FILE)

    decrypt_attachment(pointer, Stream(blob), tmp_path / "file")  # type: ignore[arg-type]
    assert (tmp_path / "file").read_bytes() == FILE
    with pytest.raises(InvalidArgumentError):
        decrypt_attachment(pointer, Stream(blob), io.BytesIO())  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError):
        encrypt_attachment(Stream(FILE), io.BytesIO())  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [len(FILE) + 1, -1, 1 << 32, 1 << 70])
def test_a_wrong_size_is_refused_and_leaves_no_file(tmp_path: Path, size: int) -> None:
    with pytest.raises(InvalidArgumentError):
        encrypt_attachment(io.BytesIO(FILE), tmp_path / "blob", size=size)

    assert list(tmp_path.iterdir()) == []


def test_a_given_size_is_all_that_is_read() -> None:
    source, blob = io.BytesIO(FILE), io.BytesIO()

    pointer = encrypt_attachment(source, blob, size=1_000)

    assert source.tell() == 1_000
    assert decrypted(pointer, blob.getvalue()) == FILE[:1_000]


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_progress_ends_at_the_total(tmp_path: Path, size: int) -> None:
    calls: list[list[tuple[int, int]]] = [[], [], [], [], []]

    def heard(place: int) -> Callable[[int, int], None]:
        return lambda done, total: calls[place].append((done, total))

    blob = io.BytesIO()
    pointer = encrypt_attachment(io.BytesIO(bytes(size)), blob, progress=heard(0))
    source = io.BytesIO(blob.getvalue())
    decrypt_attachment(pointer, source, io.BytesIO(), progress=heard(1))
    source.seek(0)
    decrypt_attachment(pointer, source, tmp_path / "file", progress=heard(2))
    source.seek(0)
    list(stream_attachment(pointer, source, progress=heard(3)))
    source.seek(0)
    open_attachment(pointer, source, progress=heard(4)).close()

    for each in calls:
        assert each == sorted(each)
        assert each[-1][0] == each[-1][1]
    assert calls[0][-1] == (size, size)
    assert [each[-1][1] for each in calls[3:]] == [len(blob.getvalue())] * 2


def test_an_error_in_the_progress_ends_the_work(tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encrypt_attachment(io.BytesIO(FILE), tmp_path / "blob", progress=stop)

    assert list(tmp_path.iterdir()) == []


def test_bytes_that_can_change_are_copied() -> None:
    class Buffer(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return bytearray(super().read(size))  # type: ignore[return-value]

    blob = io.BytesIO()
    pointer = encrypt_attachment(Buffer(FILE), blob)

    assert streamed(pointer, blob.getvalue()) == FILE


def test_two_blobs_of_a_file_have_nothing_in_common() -> None:
    (first, one), (second, two) = sealed(FILE), sealed(FILE)

    assert first.key != second.key
    assert one[:16] != two[:16]
    assert {one[place : place + 16] for place in range(0, 4_096, 16)}.isdisjoint(
        two[place : place + 16] for place in range(0, 4_096, 16)
    )


def test_attachments_are_public_names() -> None:
    assert {"AttachmentPointer", "stream_attachment"} <= set(e2ee.__all__)
