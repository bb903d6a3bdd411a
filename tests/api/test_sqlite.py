# SPDX-License-Identifier: MIT OR Apache-2.0
"""The file of an `SQLiteStore`: how it is made and kept, and what can be wrong with it."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import e2ee
from e2ee.store._sqlite_file import APPLICATION_ID, FORMAT_VERSION

KEY = bytes(32)
NOBODY = 65_534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alice.db"


def account(path: Path, bob: e2ee.Account) -> tuple[e2ee.SQLiteStore, e2ee.Account]:
    """Alice's store and account, with a session to Bob."""
    store = e2ee.SQLiteStore(path, key=KEY, timeout=0.05)
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", bob.bundle())
    return store, alice


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Permissions do not hold back the superuser: become somebody else meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def said(script: str, *arguments: str) -> str:
    """What a Python process of its own prints."""
    command = [sys.executable, "-c", script, *arguments]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    return child.stdout


def test_the_file_is_for_its_owner_only(path: Path, bob: e2ee.Account) -> None:
    store, _ = account(path, bob)

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == dict.fromkeys(["alice.db", "alice.db-shm", "alice.db-wal"], 0o600)
    store.close()


def test_the_file_says_whose_it_is_and_how_it_is_written(path: Path) -> None:
    e2ee.SQLiteStore(path, key=KEY).close()

    with closing(sqlite3.connect(path)) as connection:
        pragmas = ["application_id", "user_version", "journal_mode"]
        values = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    assert values == [APPLICATION_ID, FORMAT_VERSION, "wal"]


def test_a_connection_waits_for_the_disk_and_clears_what_it_deletes(path: Path) -> None:
    with e2ee.SQLiteStore(path, key=KEY) as store:
        connection = store._connection  # noqa: SLF001

        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_nothing_readable_is_in_the_file(path: Path, bob: e2ee.Account) -> None:
    store, alice = account(path, bob)
    with pytest.raises(KeyError), alice.receive("bob", bob_says(alice, bob, b"a secret plaintext")):
        raise KeyError
    store.close()

    assert b"a secret plaintext" not in path.read_bytes()


def bob_says(alice: e2ee.Account, bob: e2ee.Account, plaintext: bytes) -> e2ee.Envelope:
    bob.decrypt("alice", alice.encrypt("bob", b""))
    return bob.encrypt("alice", plaintext)


def test_the_account_is_there_after_closing(path: Path, bob: e2ee.Account) -> None:
    store, alice = account(path, bob)
    first = alice.encrypt("bob", b"1")
    store.close()
    store.close()

    with e2ee.SQLiteStore(path, key=KEY) as store:
        second = e2ee.Account.open(store).encrypt("bob", b"2")

    assert [bob.decrypt("alice", each).plaintext for each in (second, first)] == [b"2", b"1"]


def test_a_locked_file_is_busy(path: Path, bob: e2ee.Account) -> None:
    store, alice = account(path, bob)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(e2ee.StoreBusyError):
            alice.encrypt("bob", b"")

    assert bob.decrypt("alice", alice.encrypt("bob", b"free")).plaintext == b"free"
    store.close()


def send_until_full(
    alice: e2ee.Account, bundle: e2ee.PreKeyBundle, sent: list[e2ee.Envelope]
) -> None:
    for number in range(1_000):
        alice.connect(f"bob{number}", bundle)
        sent.append(alice.encrypt("bob", b"x"))


def test_a_full_disk_releases_nothing(path: Path, bob: e2ee.Account) -> None:
    store, alice = account(path, bob)
    connection = store._connection  # noqa: SLF001
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")

    sent: list[e2ee.Envelope] = []
    with pytest.raises(e2ee.StoreUnavailableError, match="the disk is full") as caught:
        send_until_full(alice, bob.bundle(reusable=True), sent)
    connection.execute("PRAGMA max_page_count = 1000000")
    sent.append(alice.encrypt("bob", b"x"))

    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert [bob.decrypt("alice", each).plaintext for each in sent] == [b"x"] * len(sent)
    store.close()


def test_a_missing_folder_is_said_without_its_name(tmp_path: Path) -> None:
    with pytest.raises(e2ee.StoreUnavailableError) as caught:
        e2ee.SQLiteStore(tmp_path / "none" / "alice.db", key=KEY)

    assert "none" not in str(caught.value)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(e2ee.StoreUnavailableError):
        e2ee.SQLiteStore(tmp_path, key=KEY)


def test_a_read_only_folder_is_said(bob: e2ee.Account) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store, _ = account(folder / "alice.db", bob)
        store.close()
        (folder / "alice.db").chmod(0o444)
        folder.chmod(0o555)
        with as_ordinary_user():
            with pytest.raises(e2ee.StoreUnavailableError):
                e2ee.SQLiteStore(folder / "new.db", key=KEY)
            with pytest.raises(e2ee.StoreUnavailableError):
                e2ee.SQLiteStore(folder / "alice.db", key=KEY)
        folder.chmod(0o700)


@pytest.mark.parametrize("name", [":memory:", "", "file:a.db?mode=memory"])
def test_no_name_has_a_special_meaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)

    if name:
        e2ee.SQLiteStore(name, key=KEY).close()
        assert [each.name for each in tmp_path.iterdir()] == [name]
    else:
        with pytest.raises(e2ee.StoreUnavailableError):
            e2ee.SQLiteStore(name, key=KEY)


@pytest.mark.parametrize(
    "statement", ["PRAGMA application_id = 7", "PRAGMA user_version = 1", "CREATE TABLE notes (a)"]
)
def test_another_programs_file_is_left_alone(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
    before = path.read_bytes()

    with pytest.raises(e2ee.StoreFormatError, match="another program"):
        e2ee.SQLiteStore(path, key=KEY)

    assert path.read_bytes() == before


def test_a_newer_file_is_left_alone(path: Path) -> None:
    e2ee.SQLiteStore(path, key=KEY).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")

    with pytest.raises(e2ee.StoreFormatError, match="newer"):
        e2ee.SQLiteStore(path, key=KEY)


def test_a_damaged_description_of_the_table_is_corrupt(path: Path) -> None:
    with e2ee.SQLiteStore(path, key=KEY):
        pass
    content = path.read_bytes()
    path.write_bytes(content.replace(b"CREATE TABLE", b"CREATE TAB\xcc\x45"))

    with pytest.raises(e2ee.StoreCorruptionError):
        e2ee.SQLiteStore(path, key=KEY)


def test_what_is_no_database_is_corrupt(path: Path) -> None:
    path.write_bytes(b"x" * 5_000)

    with pytest.raises(e2ee.StoreCorruptionError):
        e2ee.SQLiteStore(path, key=KEY)


SENDER = """
import sys
import e2ee

with e2ee.SQLiteStore(sys.argv[1], key=bytes(32), timeout=60) as store:
    alice = e2ee.Account.open(store)
    for number in range(50):
        print(alice.encrypt("bob", b"child %d" % number).to_bytes().hex(), flush=True)
"""


def test_another_process_may_send_at_the_same_time(path: Path, bob: e2ee.Account) -> None:
    store = e2ee.SQLiteStore(path, key=KEY, timeout=60)
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", bob.bundle())
    command = [sys.executable, "-c", SENDER, str(path)]

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        theirs = [child.stdout.readline()]
        ours = [alice.encrypt("bob", b"parent %d" % number) for number in range(50)]
        theirs += child.stdout.readlines()

    envelopes = [*(bytes.fromhex(line) for line in theirs), *(each.to_bytes() for each in ours)]
    plaintexts = [bob.decrypt("alice", envelope).plaintext for envelope in envelopes]
    expected = [b"%s %d" % (who, n) for who in (b"child", b"parent") for n in range(50)]
    assert sorted(plaintexts) == sorted(expected)
    store.close()


FORKED = """
import os, sys
import e2ee

store = %s
alice = e2ee.Account.create(store, "alice")
if os.fork() == 0:
    try:
        alice.bundle()
    except e2ee.StaleSessionError as error:
        print(error, flush=True)
    store.close()
    os._exit(0)
os.wait()
print(alice.bundle(reusable=True).reusable)
"""


@pytest.mark.parametrize(
    "store", ["e2ee.SQLiteStore(sys.argv[1], key=bytes(32))", "e2ee.MemoryStore()"]
)
def test_a_forked_process_must_open_the_store_again(path: Path, store: str) -> None:
    printed = said(FORKED % store, str(path))

    assert printed.splitlines() == ["the process was forked: open the store again", "True"]


def test_a_new_file_that_another_program_holds_is_busy(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(e2ee.StoreBusyError):
            e2ee.SQLiteStore(path, key=KEY, timeout=0.02)
