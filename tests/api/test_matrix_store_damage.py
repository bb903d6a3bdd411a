# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stores of programs of Matrix that are damaged, under another key, in use, or something else."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import matrix_stores, olm
from e2ee.matrix_stores import _file
from tests.api.recorded_stores import NAMES, Recorded, recorded
from tests.interop.matrix.parties import to_text

if TYPE_CHECKING:
    from pathlib import Path

FORGED = "it was altered, or is under another pickle key"
#: Of each program: where the pickles of each kind are.
PICKLES = {
    "matrix-nio": {
        "account": ("accounts", "account"),
        "session": ("olmsessions", "session"),
        "inbound group session": ("megolminboundsessions", "session"),
    },
    "mautrix": {
        "account": ("crypto_account", "account"),
        "session": ("crypto_olm_session", "session"),
        "inbound group session": ("crypto_megolm_inbound_session", "session"),
        "outbound group session": ("crypto_megolm_outbound_session", "session"),
    },
}
CASES = [
    (name, kind)
    for name in NAMES
    for kind in PICKLES["mautrix" if name.startswith("mautrix") else "matrix-nio"]
]


@pytest.fixture
def key() -> olm.StateKey:
    return olm.StateKey(secrets.token_bytes(32))


@pytest.fixture(params=NAMES)
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Recorded:
    return recorded(request.param, tmp_path)


@pytest.fixture
def mautrix(tmp_path: Path) -> Recorded:
    return recorded("mautrix-0.21.1", tmp_path)


def place_of(held: Recorded, kind: str) -> tuple[str, str]:
    return PICKLES[held.story.program][kind]


def refused(report: e2ee.ImportReport) -> list[tuple[str, str]]:
    """What was refused and why, but for what was deleted before."""
    rows = [(row.kind, row.reason) for row in report.rows if row.outcome == "refused"]
    return [row for row in rows if not row[1].startswith("there is no key")]


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("pickle_key", ["", "DEFAULT_KEY ", "mautrix", "\U0001f511"])
def test_another_pickle_key_is_an_error_of_its_own(
    held: Recorded, key: olm.StateKey, pickle_key: str, *, dry_run: bool
) -> None:
    path = held.file("bot")

    with pytest.raises(e2ee.StoreKeyError, match="no pickle opens"):
        matrix_stores.import_store(path, key, pickle_key=pickle_key, dry_run=dry_run)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_an_altered_pickle_is_refused_alone(
    name: str, kind: str, tmp_path: Path, key: olm.StateKey
) -> None:
    held = recorded(name, tmp_path)
    total = len(held.imported(key).report.rows)
    table, column = place_of(held, kind)
    before = held.table(table)["rows"][0][held.table(table)["columns"].index(column)]["bytes"]
    altered = before[:40] + ("A" if before[40] != "A" else "B") + before[41:]
    held.set(table, column, 0, {"bytes": altered})

    report = held.imported(key).report

    found = refused(report)
    assert (kind, FORGED) in found
    assert len(report.rows) == total
    if kind != "account":
        assert found == [(kind, FORGED)]


def test_without_its_account_a_session_is_refused_and_room_keys_are_not(
    held: Recorded, key: olm.StateKey
) -> None:
    before = held.imported(key).devices[0]
    table, column = place_of(held, "account")
    held.set(table, column, 0, {"bytes": "no pickle"})

    found = held.imported(key)

    bot = found.devices[0]
    sessions = sum(map(len, before.sessions.values()))
    assert refused(found.report) == [
        ("account", "it is no such record"),
        *[("session", "the account that it is of was refused")] * sessions,
    ]
    assert (bot.account, dict(bot.sessions)) == (None, {})
    assert len(bot.received) == len(before.received)
    assert bot.known_devices == before.known_devices


@pytest.mark.parametrize(
    "pickle", [None, "", "no pickle", {"bytes": "=="}, 5, 0.5, {"bytes": ""}, "\u00e9"]
)
def test_what_is_no_pickle_is_refused(pickle: object, tmp_path: Path, key: olm.StateKey) -> None:
    held = recorded("matrix-nio-0.26.0", tmp_path)
    held.set("olmsessions", "session", 1, pickle)

    [(kind, reason)] = refused(held.imported(key).report)

    assert kind == "session"
    assert reason in {"it is no such record", "a text in it is none"}


def test_a_pickle_in_the_row_of_another_session_is_refused(
    held: Recorded, key: olm.StateKey
) -> None:
    for kind in ("session", "inbound group session"):
        table, column = place_of(held, kind)
        first = held.set(table, column, 0, None)
        held.set(table, column, 0, held.set(table, column, 1, first))

    found = refused(held.imported(key).report)

    reasons = {"it holds another session than it says", "its keys do not belong together"}
    assert [kind for kind, _ in found] == ["session"] * 2 + ["inbound group session"] * 2
    assert {reason for _, reason in found} <= reasons


@pytest.mark.parametrize("peer", [None, "", "short", "A" * 42, "A" * 44, "*" * 43, 7])
def test_a_sender_that_is_no_key_is_refused(
    held: Recorded, key: olm.StateKey, peer: object
) -> None:
    table, _ = place_of(held, "session")
    held.set(table, "sender_key", 0, peer)

    [(kind, reason)] = refused(held.imported(key).report)

    assert kind == "session"
    assert reason in {"a public key in it is none", "a text in it is none"}


def test_a_session_with_somebody_else_is_refused(held: Recorded, key: olm.StateKey) -> None:
    table, _ = place_of(held, "session")
    stranger = olm.Account.generate().identity_key
    total = len(held.table(table)["rows"])
    for place in range(total):
        held.set(table, "sender_key", place, to_text(stranger))

    found = held.imported(key)

    # What we started names us alone: whoever it is said to be with, it opens for nobody else.
    assert refused(found.report) == [("session", "its keys do not belong together")] * (total - 1)
    assert list(found.devices[0].sessions) == [stranger]


def test_other_rows_of_no_use_are_refused_alone(mautrix: Recorded, key: olm.StateKey) -> None:
    mautrix.set("crypto_device", "identity_key", 0, "none")
    mautrix.set("crypto_device", "name", 1, None)
    mautrix.set("crypto_cross_signing_keys", "key", 0, 5)
    mautrix.set("crypto_megolm_inbound_session", "forwarding_chains", 0, "a,b")
    mautrix.set("crypto_megolm_outbound_session", "room_id", 0, None)

    found = sorted(refused(mautrix.imported(key).report))

    assert found == [
        ("cross-signing key", "a text in it is none"),
        ("device", "a public key in it is none"),
        ("device", "a text in it is none"),
        ("inbound group session", "a public key in it is none"),
        ("outbound group session", "a text in it is none"),
    ]


@pytest.mark.parametrize("index", [None, -1, 2**32, 2**70, "0", 0.5])
def test_an_index_or_event_that_is_none_is_left_out(
    mautrix: Recorded, key: olm.StateKey, index: object
) -> None:
    held = mautrix.table("crypto_message_index")
    row = dict(zip(held["columns"], held["rows"][0], strict=True))
    held["rows"].append([*(row | {"index": str(index) if index == 2**70 else index}).values()])
    held["rows"].append([*(row | {"index": 7, "event_id": None}).values()])

    found = refused(mautrix.imported(key).report)

    assert found == []


def test_what_others_chose_cannot_move_a_cursor(mautrix: Recorded, key: olm.StateKey) -> None:
    mautrix.set("crypto_device", "device_id", 0, "\x1b[2J\nimported\u202e")

    found = mautrix.imported(key)

    assert str(found.report).isprintable() is False  # there are line ends
    assert all(line.isprintable() for line in str(found.report).split("\n"))
    assert found.devices[0].known_devices[0].device_id == "\x1b[2J\nimported\u202e"


def test_the_report_is_a_table_for_a_person(tmp_path: Path, key: olm.StateKey) -> None:
    held = recorded("matrix-nio-0.26.0", tmp_path)
    for table in ("olmsessions", "megolminboundsessions"):
        held.table(table)["rows"].clear()
    held.table("keys")["rows"].pop()

    shown = str(held.imported(key).report)

    assert shown.splitlines() == [
        "imported  account  @bot:example.org BOTDEVICE",
        "imported  device   @alice:example.org ALICEDEVICE",
        "imported  device   @carol:example.org CAROLDEVICE",
        "imported  device   @dave:example.org DAVEDEVICE",
        "refused   device   @eve:example.org EVEDEVICE      a text in it is none",
        "4 imported, 0 re-establish, 1 refused",
    ]


def test_what_is_there_shows_no_key(held: Recorded, key: olm.StateKey) -> None:
    found = held.imported(key)
    table, column = place_of(held, "account")
    pickle = held.set(table, column, 0, None)

    assert isinstance(pickle, dict)
    assert pickle["bytes"][:20] not in repr(found) + str(found.report)
    assert held.story.pickle_key not in repr(found) + str(found.report)


def test_a_file_that_is_something_else_is_refused(tmp_path: Path, key: olm.StateKey) -> None:
    text, empty, other = (tmp_path / name for name in ("text", "empty", "other.db"))
    text.write_text("SQLite format 3, or not\n", encoding="utf-8")
    empty.touch()
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE accounts (id, account, user_id, device_id)")
    with e2ee.SQLiteStore(tmp_path / "ours.db", key=bytes(32)) as store:
        e2ee.Account.create(store, "alice")

    for path in (text, empty, other, tmp_path / "ours.db"):
        with pytest.raises(e2ee.StoreFormatError, match="matrix-nio or mautrix"):
            matrix_stores.import_store(path, key, pickle_key="any")
    with pytest.raises(e2ee.StoreMissingError):
        matrix_stores.import_store(tmp_path / "none", key, pickle_key="any")
    with pytest.raises(e2ee.StoreUnavailableError):
        matrix_stores.import_store(tmp_path, key, pickle_key="any")


def test_a_store_of_a_newer_version_is_refused(held: Recorded, key: olm.StateKey) -> None:
    table = "storeversion" if held.story.program == "matrix-nio" else "crypto_version"
    held.set(table, "version", 0, 11)

    with pytest.raises(e2ee.StoreFormatError, match="newer"):
        held.imported(key)


@pytest.mark.parametrize("version", [None, "10", 1.5])
def test_a_store_of_no_version_is_refused(
    mautrix: Recorded, key: olm.StateKey, version: object
) -> None:
    mautrix.set("crypto_version", "version", 0, version)

    with pytest.raises(e2ee.StoreFormatError, match="of which version"):
        mautrix.imported(key)


def test_a_store_whose_file_is_cut_is_damaged(mautrix: Recorded, key: olm.StateKey) -> None:
    path = mautrix.file("bot")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(e2ee.StoreCorruptionError):
        matrix_stores.import_store(path, key, pickle_key=mautrix.story.pickle_key)


@pytest.mark.parametrize("seed", range(25))
def test_damage_anywhere_ends_as_an_error_of_the_store_or_in_the_report(
    held: Recorded, key: olm.StateKey, seed: int
) -> None:
    random, path = Random(seed), held.file("bot")  # noqa: S311 (made again from it)
    damaged = bytearray(path.read_bytes())
    for _ in range(random.choice([1, 5, 50])):
        damaged[random.randrange(len(damaged))] = random.randrange(256)
    path.write_bytes(damaged)

    try:
        found = matrix_stores.import_store(path, key, pickle_key=held.story.pickle_key)
    except e2ee.StoreError as error:
        outcome = str(error)
    else:
        outcome = str(found.report)

    assert outcome


def everything(folder: Path) -> dict[str, bytes]:
    """What is in a folder, but for the index of a log, which anybody may make anew."""
    files = (path for path in folder.iterdir() if not path.name.endswith("-shm"))
    return {path.name: path.read_bytes() for path in files}


def test_a_log_beside_the_file_is_read_and_kept(mautrix: Recorded, key: olm.StateKey) -> None:
    path = mautrix.file("bot")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE crypto_account SET sync_token = 'from the log'")
        connection.commit()
        copied = path.parent / "copied"
        copied.mkdir()
        for each in (path, path.with_name(f"{path.name}-wal")):
            shutil.copy(each, copied)  # as a program leaves it that was killed
    before = everything(copied)
    assert len(before) == 2

    found = matrix_stores.import_store(copied / path.name, key, pickle_key=mautrix.story.pickle_key)

    assert found.devices[0].sync_token == "from the log"  # noqa: S105
    assert everything(copied) == before


def test_a_file_of_which_the_log_is_written_stays_alone(
    mautrix: Recorded, key: olm.StateKey
) -> None:
    path = mautrix.file("bot")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    before = everything(path.parent)
    assert list(before) == [path.name]

    found = matrix_stores.import_store(path, key, pickle_key=mautrix.story.pickle_key)

    assert found.devices
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before


def test_a_program_that_is_writing_is_noticed(
    mautrix: Recorded, key: olm.StateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_file, "_TIMEOUT_SECONDS", 0.05)
    path = mautrix.file("bot")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")

        with pytest.raises(e2ee.StoreBusyError):
            matrix_stores.import_store(path, key, pickle_key=mautrix.story.pickle_key)


def test_a_program_that_starts_meanwhile_is_noticed(mautrix: Recorded) -> None:
    path = mautrix.file("bot")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")

    def read_while_it_starts() -> None:
        with _file.reading(path) as tables:
            assert tables.columns("crypto_account")
            path.with_name(f"{path.name}-wal").touch()

    with pytest.raises(e2ee.StoreBusyError, match="started"):
        read_while_it_starts()


def test_a_write_that_was_broken_off_is_said(mautrix: Recorded, key: olm.StateKey) -> None:
    path = mautrix.file("bot")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE crypto_device SET name = hex(randomblob(20000))")
        journal = path.with_name(f"{path.name}-journal")
        copied = path.with_name("copied.db")
        shutil.copy(path, copied)
        shutil.copy(journal, copied.with_name("copied.db-journal"))
    before = everything(path.parent)

    with pytest.raises(e2ee.StoreUnavailableError, match="start the program once more"):
        matrix_stores.import_store(copied, key, pickle_key=mautrix.story.pickle_key)
    assert everything(path.parent) == before
