# SPDX-License-Identifier: MIT OR Apache-2.0
"""A backup is a copy of one moment, cannot be run, and is restored so that no key is used twice."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee.store import Store, backup, examine, examine_file, restore
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.kinds import KINDS, kind_name
from tests.stores.protocols import PROTOCOLS, Protocol, protocol_name
from tests.stores.state import KEY, State, make_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.properties.world import Rows

OTHER = bytes(reversed(range(32)))


@pytest.fixture(scope="module", params=PROTOCOLS, ids=protocol_name)
def state(request: pytest.FixtureRequest) -> State:
    return make_state(request.param)


@pytest.fixture
def saved(state: State, tmp_path: Path) -> Path:
    """A backup of the state."""
    path = tmp_path / "alice.backup"
    backup(copy_of(state.now, KEY), path)
    return path


@pytest.mark.parametrize("begins", KINDS, ids=kind_name)
def test_a_backup_of_every_store_goes_into_every_store(
    state: State, begins: Callable[[Path], Store], tmp_path: Path
) -> None:
    store = begins(tmp_path)
    put_rows(store, state.now)
    path = tmp_path / "alice.backup"

    backup(store, path)

    assert read_rows(store) == state.now
    assert examine_file(path, key=KEY).backup
    assert examine_file(path, key=KEY).is_sound
    put_rows(store, {})
    restored = restore(path, store)
    assert [peer.user for peer in restored.peers] == ["bob", "carol"]
    account = e2ee.Account.open(store)
    assert [contact.address.user for contact in account.contacts()] == ["bob", "carol"]
    assert len(account.inbox()) == 1
    store.close()


def test_a_backup_is_its_owners_alone(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_backup_cannot_be_opened_as_a_store(saved: Path) -> None:
    before = saved.read_bytes()

    with pytest.raises(e2ee.StoreBackupError, match="use restore"):
        e2ee.SQLiteStore(saved, key=KEY)

    assert saved.read_bytes() == before


def test_a_file_is_not_overwritten(saved: Path, state: State) -> None:
    before = saved.read_bytes()

    with pytest.raises(e2ee.StoreExistsError):
        backup(copy_of(state.now, KEY), saved)

    assert saved.read_bytes() == before


def test_a_backup_needs_no_key_and_waits_for_nobody(state: State, tmp_path: Path) -> None:
    live, path = tmp_path / "alice.db", tmp_path / "alice.backup"
    with e2ee.SQLiteStore(live, key=KEY) as store:
        put_rows(store, state.now)
        with store.transaction() as transaction:
            transaction.apply([("zebra", 0, 1, b"not committed")])
            backup(live, path)

    with e2ee.MemoryStore(key=KEY) as target:
        restore(path, target)
        assert "zebra" not in read_rows(target)


def test_a_backup_is_of_one_moment(tmp_path: Path, protocol: Protocol) -> None:
    path, live = tmp_path / "alice.backup", tmp_path / "alice.db"
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    with e2ee.SQLiteStore(live, key=KEY) as store:
        alice = protocol.created(store, "alice")
        alice.connect(bob.address, bob.bundle())
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                alice.encrypt(bob.address, b"text")
                alice.bundle()

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for number in range(20):
                backup(live, path.with_name(f"{number}.backup"))
        finally:
            stop.set()
            thread.join()

    for number in range(20):
        assert examine_file(path.with_name(f"{number}.backup"), key=KEY).is_sound


def test_progress_is_told(saved: Path, state: State, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    backup(copy_of(state.now, KEY), tmp_path / "other", progress=lambda *at: told.append(at))
    restore(saved, e2ee.MemoryStore(key=KEY), progress=lambda *at: told.append(at))

    assert told == [(len(state.now), len(state.now))] * 2


def test_an_empty_store_has_no_backup(tmp_path: Path) -> None:
    with pytest.raises(e2ee.StoreMissingError):
        backup(e2ee.MemoryStore(), tmp_path / "none")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(state: State, tmp_path: Path) -> None:
    with pytest.raises(e2ee.StoreUnavailableError):
        backup(copy_of(state.now, KEY), tmp_path / "none" / "backup")


def test_a_store_that_holds_something_is_left_alone(saved: Path) -> None:
    store = e2ee.MemoryStore(key=KEY)
    e2ee.Account.create(store, "dora")
    before = read_rows(store)

    with pytest.raises(e2ee.StoreExistsError):
        restore(saved, store)

    assert read_rows(store) == before


def test_a_store_is_no_backup(state: State, tmp_path: Path) -> None:
    live = tmp_path / "alice.db"
    with e2ee.SQLiteStore(live, key=KEY) as store:
        put_rows(store, state.now)

    with pytest.raises(e2ee.StoreFormatError, match="no backup"):
        restore(live, e2ee.MemoryStore(key=KEY))


def test_a_wrong_key_restores_nothing(saved: Path) -> None:
    store = e2ee.MemoryStore(key=OTHER)

    with pytest.raises(e2ee.StoreKeyError):
        restore(saved, store)

    assert read_rows(store) == {}


@pytest.mark.parametrize("begin", ["identity", "peer/", "session/", "prekeys", "ledger/", "group/"])
def test_a_damaged_backup_restores_nothing(state: State, tmp_path: Path, begin: str) -> None:
    name = next((name for name in state.now if name.startswith(begin)), None)
    if name is None:
        pytest.skip(f"an account of {state.protocol.name} has no {begin}")
    revision, sealed = state.now[name]
    rows = state.now | {name: (revision, sealed[:-1] + bytes([sealed[-1] ^ 1]))}
    backup(copy_of(rows, KEY), tmp_path / "backup")
    store = e2ee.MemoryStore(key=KEY)

    with pytest.raises(e2ee.StoreCorruptionError):
        restore(tmp_path / "backup", store)

    assert read_rows(store) == {}


def test_the_restored_store_may_have_another_key(saved: Path) -> None:
    store = e2ee.MemoryStore(key=OTHER)

    restore(saved, store, key=KEY)

    assert e2ee.Account.open(store).user == "alice"


def test_nothing_from_before_opens_in_the_restored_store(saved: Path, state: State) -> None:
    store = e2ee.MemoryStore(key=KEY)
    restore(saved, store)
    rows = read_rows(store)
    assert rows["store"][1][1:17] != state.now["store"][1][1:17]

    assert all_open(rows)
    for name in sorted(set(state.now) & set(rows) - {"store"}):
        mixed = rows | {name: state.now[name]}
        assert not all_open(mixed), name
        found = examine(copy_of(mixed, KEY)).findings
        assert [each.code for each in found].count("does-not-open") == 1, name


def all_open(rows: Rows) -> bool:
    """Whether every row is of this store: a change of its key opens them all."""
    try:
        return e2ee.Account.open(copy_of(rows, KEY)).rekey(key=OTHER)
    except (e2ee.StoreCorruptionError, e2ee.StoreRollbackError):
        return False


def test_the_ledger_still_knows_what_was_handled(saved: Path, state: State) -> None:
    store = e2ee.MemoryStore(key=KEY)
    restore(saved, store)

    with (
        pytest.raises(e2ee.DuplicateMessageError) as refused,
        e2ee.Account.open(store).receive(state.address("bob"), state.handled),
    ):
        pass

    assert refused.value.delivered
