# SPDX-License-Identifier: MIT OR Apache-2.0
"""A damaged file is found when it is opened, also where no record tells of it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import e2ee
from tests.stores.kinds import KEY

TEXT = b"See you at noon."
#: Bytes before a row's name in its page: lengths and types of its columns (SQLite, File Format,
#: sections 1.6 and 2.1).
ROW_HEADER = 7
MASKS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of an account with a message in its inbox."""
    path = tmp_path_factory.mktemp("whole") / "bob.db"
    alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")
    with e2ee.SQLiteStore(path, key=KEY) as store:
        bob = e2ee.Account.create(store, "bob")
        alice.connect("bob", bob.bundle())
        with pytest.raises(InterruptedError), bob.receive("alice", alice.encrypt("bob", TEXT)):
            raise InterruptedError
    return path.read_bytes()


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("back", range(1, ROW_HEADER + 1))
def test_a_row_that_cannot_be_read_is_not_taken_for_none(
    file: bytes, tmp_path: Path, back: int, mask: int
) -> None:
    damaged, place = bytearray(file), file.index(b"inbox/") - back
    damaged[place] ^= mask
    (tmp_path / "bob.db").write_bytes(damaged)

    try:
        with e2ee.SQLiteStore(tmp_path / "bob.db", key=KEY) as store:
            found = [message.plaintext for message in e2ee.Account.open(store).inbox()]
    except e2ee.StoreCorruptionError:
        found = [TEXT]

    assert found == [TEXT]


def test_without_a_look_at_the_file_the_row_is_taken_for_none(file: bytes, tmp_path: Path) -> None:
    damaged = bytearray(file)
    damaged[file.index(b"inbox/") - 5] ^= 0x08
    (tmp_path / "bob.db").write_bytes(damaged)

    with closing(sqlite3.connect(tmp_path / "bob.db")) as connection:
        listed = connection.execute("SELECT name FROM record WHERE name >= 'i' AND name < 'inbox0'")

        assert [name for (name,) in listed if name.startswith("inbox/")] == []
