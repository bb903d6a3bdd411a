# SPDX-License-Identifier: MIT OR Apache-2.0
"""The doctor finds what is wrong with a store, says where, and changes nothing."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee.store import Examination, Finding, Store, examine, examine_file
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.kinds import KINDS, kind_name
from tests.stores.state import KEY, State, make_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.properties.world import Rows

#: Rows that none vouches for: nobody can tell that one is gone.
UNVOUCHED = ("inbox/", "ledger/", "repair/")


@pytest.fixture(scope="module")
def state() -> State:
    return make_state()


def seen(rows: Rows) -> Examination:
    """What the doctor sees of these rows."""
    return examine(copy_of(rows, KEY))


def found(rows: Rows) -> set[tuple[str, str]]:
    """The findings on these rows, but for those that the state always has."""
    return {(finding.code, finding.subject) for finding in seen(rows).findings}


def damaged(row: tuple[int, bytes]) -> tuple[int, bytes]:
    """The row with its last bit flipped."""
    revision, sealed = row
    return revision, sealed[:-1] + bytes([sealed[-1] ^ 1])


#: How a name begins and ends, for one row of each kind.
EVERY = {
    "identity": ("identity", ""),
    "root record": ("index", ""),
    "prekeys": ("prekeys", ""),
    "peer": ("peer/bob", ""),
    "head": ("session/carol/1/", None),
    "objects": ("session/carol/1/", "/objects"),
    "skipped": ("session/carol/1/", "/skipped"),
    "older chains": ("session/carol/1/", "/chains"),
    "chunk": ("session/carol/1/", "/chunk/"),
    "group": ("group/", ""),
    "own chain": ("chain/", "/sending"),
    "chains": ("chain/", "/1"),
    "late": ("chain/", "/skipped"),
    "inbox": ("inbox/", ""),
    "ledger": ("ledger/", ""),
}


def row_of(rows: Rows, kind: str) -> str:
    """The name of a row of this kind."""
    prefix, suffix = EVERY[kind]
    if suffix is None:
        return min((name for name in rows if name.startswith(prefix)), key=len)
    if suffix.endswith("/"):
        return next(name for name in rows if name.startswith(prefix) and suffix in name)
    return next(name for name in rows if name.startswith(prefix) and name.endswith(suffix))


def test_a_sound_store_has_no_finding(state: State) -> None:
    report = seen(state.now)

    assert report.findings == ()
    assert report.is_sound
    assert sum(kind.number for kind in report.records) == len(state.now)
    assert sum(kind.bytes for kind in report.records) == sum(
        len(sealed) for _, sealed in state.now.values()
    )


def test_peers_groups_and_messages_are_explained(state: State) -> None:
    report = seen(state.now)

    assert [(peer.label, peer.sending) for peer in report.peers] == [
        ("peer 1", "ready"),
        ("peer 2", "ready"),
    ]
    assert [session.place for session in report.peers[0].sessions] == ["current", "archived"]
    assert all(session.trusted for peer in report.peers for session in peer.sessions)
    assert [(group.members, group.pending) for group in report.groups] == [(1, ())]
    assert report.inbox == 1
    assert report.prekeys is not None
    assert report.prekeys.one_time_reserved == report.prekeys.kyber_reserved == 2


@pytest.mark.parametrize("kind", EVERY)
def test_a_damaged_record_is_found(state: State, kind: str) -> None:
    name = row_of(state.now, kind)

    findings = found(state.now | {name: damaged(state.now[name])})

    assert [code for code, _ in findings].count("does-not-open") == 1


@pytest.mark.parametrize("kind", [kind for kind in EVERY if EVERY[kind][0] not in UNVOUCHED])
def test_a_record_that_is_gone_is_found(state: State, kind: str) -> None:
    name = row_of(state.now, kind)

    report = seen({other: row for other, row in state.now.items() if other != name})

    # Of chunks only their number is known.
    codes = {"mismatch"} if kind == "chunk" else {"missing", "members", "orphan"}
    assert not report.is_sound
    assert {finding.code for finding in report.findings} <= codes


@pytest.mark.parametrize("kind", ["prekeys", "objects", "skipped", "group", "own chain"])
def test_a_record_that_was_set_back_is_found(state: State, kind: str) -> None:
    name = row_of(state.now, kind)
    assert name in state.before
    assert state.before[name] != state.now[name]

    report = seen(state.now | {name: state.before[name]})

    assert not report.is_sound
    assert {finding.code for finding in report.findings} <= {"mismatch", "members", "orphan"}


def test_one_peer_too_many_is_named(state: State) -> None:
    (peer,) = (name for name in state.deleted if name.startswith("peer/"))

    findings = seen(state.now | {peer: state.deleted[peer]}).findings

    assert ("orphan", "peer 3") in {(each.code, each.subject) for each in findings}


def test_rows_that_nobody_needs_are_found(state: State) -> None:
    rows = {name: row for name, row in state.deleted.items() if name.startswith("session/")}
    unknown = {"zebra": (1, b"stripes")}

    codes = [code for code, _ in found(state.now | rows | unknown)]

    assert rows
    assert sorted(codes) == ["orphan"] * len(rows) + ["unknown-name"]


def test_it_does_not_stop_at_the_first_fault(state: State) -> None:
    rows = {
        name: damaged(row) if not name.startswith("peer/") else row
        for name, row in state.now.items()
        if name != "store"
    }

    report = seen(rows | {"store": state.now["store"]})

    damaged_rows = [each for each in report.findings if each.code == "does-not-open"]
    assert len(damaged_rows) == len(state.now) - 3
    assert [peer.sending for peer in report.peers] == ["mismatch", "mismatch"]


def test_a_wrong_key_is_said_to_be_one(state: State) -> None:
    store = e2ee.MemoryStore(key=bytes(32))
    put_rows(store, state.now)

    report = examine(store)

    assert [finding.code for finding in report.findings] == ["wrong-key"]
    assert sum(kind.number for kind in report.records) == len(state.now)


def test_an_empty_store_is_said_to_be_one() -> None:
    assert [each.code for each in examine(e2ee.MemoryStore()).findings] == ["no-account"]


def test_a_damaged_store_record_is_found(state: State) -> None:
    report = seen(state.now | {"store": damaged(state.now["store"])})

    assert [finding.code for finding in report.findings] == ["store-record"]


@pytest.mark.parametrize("begins", KINDS, ids=kind_name)
def test_every_store_can_be_examined(
    state: State, begins: Callable[[Path], Store], tmp_path: Path
) -> None:
    store = begins(tmp_path)
    put_rows(store, state.now)

    report = examine(store)

    assert report == seen(state.now)
    assert read_rows(store) == state.now
    store.close()


def test_a_group_whose_members_wait_is_found() -> None:
    store = e2ee.MemoryStore(key=KEY)
    alice = e2ee.Account.create(store, "alice")
    alice.create_group(["bob"])

    report = examine(store)

    assert [each.code for each in report.findings] == ["invitations-pending"]
    assert report.groups[0].pending == ("peer 1",)


def test_a_peer_without_a_session_is_found() -> None:
    store = e2ee.MemoryStore(key=KEY)
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", e2ee.Account.create(e2ee.MemoryStore(), "bob").bundle())
    alice.reset("bob")

    report = examine(store)

    (finding,) = report.findings
    assert (finding.severity, finding.code, finding.subject) == ("stuck", "no-session", "peer 1")
    assert "connect" in finding.advice
    assert report.peers[0].sending == "no-session"
    assert [session.place for session in report.peers[0].sessions] == ["archived"]


def test_a_healed_account_says_what_each_peer_needs() -> None:
    store = e2ee.MemoryStore(key=KEY)
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", e2ee.Account.create(e2ee.MemoryStore(), "bob").bundle())
    alice._commits.commit(alice._inner.heal)  # noqa: SLF001 - the public call needs an anchor

    report = examine(store)

    assert [session.place for session in report.peers[0].sessions] == ["retired"]
    assert [each.code for each in report.findings] == ["no-session"]


@pytest.fixture
def file(state: State, tmp_path: Path) -> Path:
    """A file with the state's rows, and its last changes in the log."""
    path = tmp_path / "alice.db"
    with e2ee.SQLiteStore(path, key=KEY) as store:
        put_rows(store, state.now)
    return path


def prints(folder: Path) -> dict[str, str]:
    """What each file of a folder holds."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if not path.name.endswith("-shm")
    }


def test_a_file_is_not_changed(file: Path, state: State) -> None:
    with e2ee.SQLiteStore(file, key=KEY) as store:
        before = prints(file.parent)
        assert examine_file(file, key=KEY) == seen(state.now)
        assert prints(file.parent) == before
        store.close()


def test_what_stands_in_the_log_is_seen(file: Path) -> None:
    with e2ee.SQLiteStore(file, key=KEY) as store:
        e2ee.Account.open(store).reset("bob")

        report = examine_file(file, key=KEY)

    assert [finding.code for finding in report.findings] == ["no-session"]


def test_a_file_beside_an_open_transaction_can_be_examined(file: Path, state: State) -> None:
    with e2ee.SQLiteStore(file, key=KEY) as store, store.transaction():
        assert examine_file(file, key=KEY) == seen(state.now)


def damage(file: Path, page: int, length: int = 4_096) -> None:
    """Overwrites a page of a file."""
    with file.open("r+b") as opened:
        opened.seek(page * 4_096)
        opened.write(b"\x5a" * length)


@pytest.mark.parametrize("page", range(1, 8))
def test_a_damaged_page_is_found(file: Path, page: int) -> None:
    assert file.stat().st_size >= 8 * 4_096
    damage(file, page)

    report = examine_file(file, key=KEY)

    # What SQLite does not see, because the page holds only bytes of records, the seals show.
    assert {"file-damaged", "does-not-open"} & {finding.code for finding in report.findings}
    assert not report.is_sound


def test_a_file_whose_beginning_is_lost_is_found(file: Path) -> None:
    damage(file, 0, 64)

    report = examine_file(file, key=KEY)

    assert [finding.code for finding in report.findings] == ["no-database"]


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE record (name TEXT)")
    connection.close()

    with pytest.raises(e2ee.StoreFormatError):
        examine_file(path, key=KEY)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(e2ee.StoreUnavailableError):
        examine_file(tmp_path / "none.db", key=KEY)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a?b.db", "a#b.db", "a%41.db", "a b.db"])
def test_a_file_of_any_name_is_read(state: State, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with e2ee.SQLiteStore(path, key=KEY) as store:
        put_rows(store, state.now)

    assert examine_file(path, key=KEY).is_sound


def test_findings_are_sorted_by_what_they_cost(state: State) -> None:
    store = copy_of(state.now, KEY)
    e2ee.Account.open(store).reset("carol")
    rows = read_rows(store)
    name = row_of(rows, "inbox")

    findings: tuple[Finding, ...] = seen(rows | {name: damaged(rows[name])}).findings

    assert [finding.severity for finding in findings] == ["damage", "stuck"]
