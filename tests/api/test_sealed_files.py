# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sealed files: every way in and out, and files that were altered, cut or put together anew."""

from __future__ import annotations

import io
import mmap
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest

from e2ee import (
    AuthenticationError,
    InvalidArgumentError,
    MalformedMessageError,
    StaleSessionError,
    _core,
)
from e2ee.files import FileKey, FilePassphrase, create_sealed, open_sealed, seal_file, unseal_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2ee._files import Source
    from e2ee.files import Key

SMALL, LARGE, TAG, HEADER = 4_096, 1 << 20, 16, 40
FIRST, FULL = SMALL - HEADER - TAG, SMALL - TAG
KEY = FileKey.from_bytes(bytes(32), segment_size=SMALL)
SIZES = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + FULL, FIRST + FULL + 1, 3 * LARGE + 5]


class Stream(io.RawIOBase):
    """Bytes that can be read once, a few at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        self._inner, self._most = io.BytesIO(content), most

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, fewer than were asked for."""
        return self._inner.read(self._most if size is None or size < 0 else min(size, self._most))


def stream(content: bytes, most: int = 1_000) -> BinaryIO:
    """Such bytes."""
    return cast("BinaryIO", Stream(content, most))


def pattern(size: int) -> bytes:
    """What is sealed."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


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


def sealed(content: bytes, key: Key = KEY) -> bytes:
    """A sealed file."""
    out = io.BytesIO()
    seal_file(content, out, key, associated_data=b"ad")
    return out.getvalue()


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


def test_a_mapped_file_is_sealed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(pattern(3 * LARGE))
    out = io.BytesIO()

    with (tmp_path / "file").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        seal_file(mapped, out, KEY)
        mapped.close()

    unseal_file(out.getbuffer(), opened := io.BytesIO(), KEY)
    assert opened.getvalue() == pattern(3 * LARGE)


@pytest.mark.parametrize("work", [seal_file, unseal_file])
def test_a_file_is_not_worked_on_onto_itself(work: Callable[..., None], tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"text")
    other.hardlink_to(path)

    for target in (path, other):
        with pytest.raises(InvalidArgumentError):
            work(path, target, KEY)

    assert path.read_bytes() == b"text"


@pytest.mark.parametrize("workers", [0, -1])
def test_there_is_at_least_one_worker(workers: int) -> None:
    with pytest.raises(InvalidArgumentError):
        seal_file(b"text", io.BytesIO(), KEY, workers=workers)


def test_progress_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(pattern(3 * LARGE))
    told: list[tuple[int, int | None]] = []

    seal_file(tmp_path / "file", tmp_path / "sealed", KEY, progress=lambda *now: told.append(now))

    assert told == sorted(told)
    assert told[-1] == (3 * LARGE, 3 * LARGE)
    assert len(told) > 1


@pytest.mark.parametrize("source", [b"text", stream(b"text"), Path("file")])
def test_what_progress_raises_ends_the_work(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(pattern(LARGE))

    with pytest.raises(KeyboardInterrupt):
        seal_file(source, "sealed", KEY, progress=interrupt)

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def interrupt(*_done_and_total: int | None) -> None:
    """Somebody has had enough."""
    raise KeyboardInterrupt


def test_a_file_whose_length_is_not_true_is_refused(tmp_path: Path) -> None:
    made_up = Path("/proc/self/status")
    if not made_up.exists():
        pytest.skip("this system makes up no files")
    assert made_up.stat().st_size == 0

    with pytest.raises(InvalidArgumentError, match="changed"):
        seal_file(made_up, tmp_path / "sealed", KEY)

    assert list(tmp_path.iterdir()) == []


def test_a_missing_source_makes_no_target(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        seal_file(tmp_path / "none", tmp_path / "sealed", KEY)

    assert list(tmp_path.iterdir()) == []


def test_a_target_in_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")

    with pytest.raises(FileNotFoundError):
        seal_file(tmp_path / "file", tmp_path / "none" / "sealed", KEY)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no device that is always full")

    with pytest.raises(OSError, match="No space left"):
        seal_file(tmp_path / "file", full, KEY)

    assert full.is_char_device()


def break_off(target: Path | io.BytesIO) -> None:
    """Begins to write a sealed file, and fails."""
    with create_sealed(target, KEY) as file:
        file.write(pattern(3 * SMALL))
        raise ZeroDivisionError


def test_an_exception_in_the_block_leaves_no_file(tmp_path: Path) -> None:
    target = tmp_path / "sealed"

    with pytest.raises(ZeroDivisionError):
        break_off(target)

    assert list(tmp_path.iterdir()) == []


def test_an_exception_in_the_block_completes_no_open_file() -> None:
    out = io.BytesIO()

    with pytest.raises(ZeroDivisionError):
        break_off(out)

    with pytest.raises(AuthenticationError):
        open_sealed(out.getvalue(), KEY)


def test_a_writer_closed_in_its_block_is_complete(tmp_path: Path) -> None:
    with create_sealed(tmp_path / "sealed", KEY) as file:
        shutil.copyfileobj(io.BytesIO(pattern(3 * SMALL)), file)
        file.close()

    with open_sealed(tmp_path / "sealed", KEY) as opened:
        assert opened.read() == pattern(3 * SMALL)
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")


def test_a_sealer_that_ended_goes_no_further() -> None:
    sealer, preamble = _core.FileSealer.begin(KEY, b"")
    opener = _core.FileOpener.begin(KEY, b"", preamble)
    end = sealer.finish()

    with pytest.raises(StaleSessionError):
        sealer.update(b"more")
    with pytest.raises(AuthenticationError):
        opener.update(end[:-1] + b"\0" + bytes(SMALL))
    with pytest.raises(StaleSessionError):
        opener.finish()


def test_an_open_file_is_read_from_where_it_stands() -> None:
    around = io.BytesIO(b"before" + sealed(pattern(3 * SMALL)))
    around.seek(6)

    with open_sealed(around, KEY, associated_data=b"ad") as file:
        file.seek(-10, io.SEEK_END)
        assert file.read() == pattern(3 * SMALL)[-10:]


def test_what_can_not_be_sought_in_is_refused() -> None:
    with pytest.raises(InvalidArgumentError):
        open_sealed(stream(sealed(b"text")), KEY)


@pytest.mark.parametrize("size", [0, 1, 1_024, LARGE + 1, 1 << 33, -1])
def test_a_segment_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidArgumentError):
        FileKey.generate(segment_size=size)
    with pytest.raises(InvalidArgumentError):
        FileKey.from_bytes(bytes(32), segment_size=size)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidArgumentError):
        FileKey.from_bytes(bytes(length))


@pytest.mark.parametrize("passphrase", ["", b"", "\ud800"])
def test_an_impossible_passphrase_is_refused(passphrase: str | bytes) -> None:
    with pytest.raises(InvalidArgumentError):
        FilePassphrase(passphrase)


@pytest.mark.parametrize("key", [FileKey.from_bytes(b"k" * 32), FilePassphrase("kkkk")])
def test_a_key_shows_nothing_by_itself(key: Key) -> None:
    assert "kkk" not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
