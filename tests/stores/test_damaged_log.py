# SPDX-License-Identifier: MIT OR Apache-2.0
"""A damaged log beside an SQLite file is found before SQLite cuts it off; a torn one is opened."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import e2ee
from e2ee._core import log_is_damaged
from e2ee.store import backup, examine_file
from tests.stores.kinds import KEY

HEADER, FRAME = 32, 24 + 4096
#: Commits of the log.
COMMITS = 6


@contextmanager
def written(folder: Path, commits: int = COMMITS) -> Iterator[e2ee.SQLiteStore]:
    """A store with an account and some commits, all of them in its log."""
    folder.mkdir(exist_ok=True)
    with e2ee.SQLiteStore(folder / "alice.db", key=KEY) as store:
        e2ee.Account.create(store, "alice")
        write(store, commits)
        yield store


def write(store: e2ee.SQLiteStore, commits: int) -> None:
    """Commits of one small row each."""
    for _ in range(commits):
        with store.transaction() as transaction:
            found = transaction.get("row")
            revision = 0 if found is None else found[0]
            transaction.apply([("row", revision, revision + 1, b"sealed")])


def crashed(folder: Path, target: Path) -> Path:
    """The files as a process leaves them that is killed now; the place of the database."""
    target.mkdir()
    for ending in ("", "-wal"):
        shutil.copyfile(folder / f"alice.db{ending}", target / f"alice.db{ending}")
    return target / "alice.db"


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file whose process was killed."""
    with written(tmp_path / "living"):
        return crashed(tmp_path / "living", tmp_path / "crashed")


@pytest.fixture
def log(path: Path) -> bytes:
    return log_of(path).read_bytes()


def flipped(log: bytes, place: int, mask: int = 1) -> bytes:
    return log[:place] + bytes([log[place] ^ mask]) + log[place + 1 :]


def frames(log: bytes) -> int:
    return (len(log) - HEADER) // FRAME


def opens(path: Path) -> bool:
    try:
        e2ee.SQLiteStore(path, key=KEY).close()
    except e2ee.StoreCorruptionError:
        return False
    return True


def test_a_whole_log_is_not_damaged(path: Path) -> None:
    assert opens(path)


@pytest.mark.parametrize("place", [0, 4, 8, 16, 20, 24, 4000])
def test_a_byte_of_an_early_frame_refuses_the_store(path: Path, log: bytes, place: int) -> None:
    log_of(path).write_bytes(flipped(log, HEADER + FRAME + place))

    assert not opens(path)


@pytest.mark.parametrize("place", [*range(12), *range(16, 28)])
def test_a_byte_of_the_header_refuses_the_store(path: Path, log: bytes, place: int) -> None:
    log_of(path).write_bytes(flipped(log, place))

    assert not opens(path)


def test_a_refusal_leaves_all_files_as_they_are(path: Path, log: bytes) -> None:
    damaged = flipped(log, HEADER + 100)
    log_of(path).write_bytes(damaged)
    before = path.read_bytes()

    assert not opens(path)

    assert path.read_bytes() == before
    assert log_of(path).read_bytes() == damaged
    assert {each.name for each in path.parent.iterdir()} == {"alice.db", "alice.db-wal"}


@pytest.mark.parametrize("place", [0, 30, FRAME - 1])
def test_the_last_transaction_may_be_torn(path: Path, log: bytes, place: int) -> None:
    log_of(path).write_bytes(flipped(log, len(log) - FRAME + place))

    assert opens(path)


@pytest.mark.parametrize("size", [0, 10, HEADER, HEADER + 10, HEADER + FRAME, HEADER + FRAME + 7])
def test_a_log_may_end_anywhere(path: Path, log: bytes, size: int) -> None:
    log_of(path).write_bytes(log[:size])

    assert opens(path)


def test_frames_of_an_older_log_are_no_damage(tmp_path: Path) -> None:
    with written(tmp_path / "living") as store:
        store._connection.execute("PRAGMA wal_checkpoint(FULL)")  # noqa: SLF001 - what SQLite does now and then
        write(store, 2)
        path = crashed(tmp_path / "living", tmp_path / "crashed")
    log = log_of(path).read_bytes()

    assert frames(log) > 2
    assert log[HEADER + 8 : HEADER + 16] != log[-FRAME + 8 : -FRAME + 16]
    assert opens(path)


@pytest.mark.parametrize("place", range(HEADER + 1))
def test_a_torn_header_of_the_next_log_is_no_damage(tmp_path: Path, place: int) -> None:
    with written(tmp_path / "living") as store:
        store._connection.execute("PRAGMA wal_checkpoint(FULL)")  # noqa: SLF001 - as above
        log = log_of(tmp_path / "living" / "alice.db").read_bytes()
        write(store, 1)
        newer = log_of(tmp_path / "living" / "alice.db").read_bytes()

    assert newer[:HEADER] != log[:HEADER]
    assert not log_is_damaged(newer[:place] + log[place:])
    assert not log_is_damaged(log[:place] + newer[place:HEADER] + log[HEADER:])


def test_a_transaction_that_never_counted_may_lie_behind_the_end(tmp_path: Path) -> None:
    with written(tmp_path / "living"):
        first = crashed(tmp_path / "living", tmp_path / "first")
        second = crashed(tmp_path / "living", tmp_path / "second")
    log, longer = log_of(first).read_bytes(), b""
    with e2ee.SQLiteStore(first, key=KEY) as store:
        with store.transaction() as transaction:
            transaction.apply([(f"row {n}", 0, 1, bytes(2000)) for n in range(9)])
        longer = log_of(first).read_bytes()
    with e2ee.SQLiteStore(second, key=KEY) as store:
        write(store, 1)
        shorter = log_of(second).read_bytes()

    assert len(log) < len(shorter) < len(longer)
    assert not log_is_damaged(shorter + longer[len(shorter) :])


@pytest.mark.parametrize("frame", [1, -4], ids=["nothing is left", "the account is left"])
def test_the_doctor_reports_a_damaged_log(path: Path, log: bytes, frame: int) -> None:
    damaged = flipped(log, HEADER + FRAME * (frame % frames(log)) + 100)
    log_of(path).write_bytes(damaged)

    report = examine_file(path, key=KEY)

    assert report.findings[0].code == "log-damaged"
    assert not report.is_sound
    assert log_of(path).read_bytes() == damaged


def test_the_doctor_finds_no_fault_with_a_whole_log(path: Path) -> None:
    assert "log-damaged" not in {each.code for each in examine_file(path, key=KEY).findings}


def test_no_backup_is_made_of_what_a_damaged_log_shows(path: Path, log: bytes) -> None:
    log_of(path).write_bytes(flipped(log, HEADER + FRAME + 100))

    with pytest.raises(e2ee.StoreCorruptionError):
        backup(path, path.with_name("backup"))


def test_a_log_that_others_write_is_never_taken_for_damaged(tmp_path: Path) -> None:
    with written(tmp_path / "living") as store:
        store._connection.execute("PRAGMA wal_autocheckpoint = 5")  # noqa: SLF001 - begins anew often
        done = threading.Event()

        def go_on() -> None:
            while not done.is_set():
                write(store, 1)

        writer = threading.Thread(target=go_on)
        writer.start()
        try:
            opened = [opens(tmp_path / "living" / "alice.db") for _ in range(200)]
        finally:
            done.set()
            writer.join()

    assert all(opened)
