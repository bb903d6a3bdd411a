# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sealed files: what is left where if something goes wrong, what is told, and what it takes."""

from __future__ import annotations

import io
import mmap
import pickle
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2ee import AuthenticationError, InvalidArgumentError, StaleSessionError, _core
from e2ee.files import FileKey, FilePassphrase, create_sealed, open_sealed, seal_file, unseal_file
from tests.api.sealed_files import KEY, LARGE, SMALL, pattern, sealed, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2ee._files import Source
    from e2ee.files import Key


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


def test_one_worker_tells_of_each_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(pattern(3 * LARGE))
    told: list[tuple[int, int | None]] = []

    seal_file(tmp_path / "file", tmp_path / "sealed", KEY, progress=tell(told), workers=1)

    done = [done for done, total in told if total == 3 * LARGE]
    assert len(done) == len(told)
    assert (done[0], done[-1]) == (0, 3 * LARGE)
    assert all(0 <= after - before <= LARGE for before, after in pairwise(done))


def test_beside_other_workers_the_caller_tells_of_beginning_and_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(pattern(3 * LARGE))
    told: list[tuple[int, int | None]] = []

    seal_file(tmp_path / "file", tmp_path / "sealed", KEY, progress=tell(told))

    assert told == sorted(told)
    assert (told[0], told[-1]) == ((0, 3 * LARGE), (3 * LARGE, 3 * LARGE))


@pytest.mark.parametrize("length", [0, 1, 2 * LARGE + 1])
def test_the_progress_of_a_stream_is_told(length: int) -> None:
    sealing: list[tuple[int, int | None]] = []
    opening: list[tuple[int, int | None]] = []

    seal_file(io.BytesIO(pattern(length)), out := io.BytesIO(), KEY, progress=tell(sealing))
    unseal_file(out.getvalue(), io.BytesIO(), KEY, progress=tell(opening))

    for told, total in ((sealing, length), (opening, len(out.getvalue()))):
        assert told == sorted(told)
        assert (told[0], told[-1]) == ((0, total), (total, total))


def tell(told: list[tuple[int, int | None]]) -> Callable[[int, int | None], None]:
    """Writes down what is told."""
    return lambda done, total: told.append((done, total))


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


MEASURED = """
import sys
from itertools import pairwise
from pathlib import Path
from e2ee.files import FileKey, open_sealed, seal_file, unseal_file

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

folder, key = Path(sys.argv[1]), FileKey.generate()
seal_file(b"", folder / "sealed", key, workers=2)
before = peak()
seal_file(folder / "file", folder / "sealed", key, workers=2)
unseal_file(folder / "sealed", folder / "file", key, workers=2)
with (folder / "file").open("rb") as file, (folder / "sealed").open("wb") as out:
    seal_file(file, out, key)
with (folder / "sealed").open("rb") as file, (folder / "file").open("wb") as out:
    unseal_file(file, out, key)
with open_sealed(folder / "sealed", key) as file:
    file.seek(-1, 2)
    file.read()
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no memory is told here")
def test_memory_does_not_depend_on_the_size(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(96 * LARGE)

    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path)], capture_output=True, check=True
    )

    assert int(done.stdout) < 16 * 1_024


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
