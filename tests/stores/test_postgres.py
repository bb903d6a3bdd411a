# SPDX-License-Identifier: MIT OR Apache-2.0
"""A `PostgresStore`: which servers are refused, who waits for whom, and which names it keeps."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import e2ee
from e2ee.store import PostgresStore, Scope, _postgres_pool
from tests.stores.kinds import KEY, in_a_database
from tests.stores.protocols import SIGNAL, Protocol, peer_of
from tests.stores.server import Server, schema_of

SOON = 20.0


@pytest.fixture
def protocol() -> Protocol:
    """These are tests of servers, whatever is spoken over them."""
    return SIGNAL


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_could_lose_a_commit_is_refused(
    alice: e2ee.Account, ours: Server, tmp_path: Path, setting: str
) -> None:
    with ours.setting(setting, "off"):
        with pytest.raises(e2ee.StoreUnavailableError, match=f"set {setting} to on"):
            alice.encrypt(peer_of(alice), b"x")
        with pytest.raises(e2ee.StoreUnavailableError, match=f"set {setting} to on"):
            in_a_database(tmp_path)

    alice.encrypt(peer_of(alice), b"x")


@pytest.mark.parametrize("value", ["local", "remote_write", "on", "remote_apply"])
def test_without_standbys_every_commit_on_disk_is_enough(
    tmp_path: Path, running: Server, value: str
) -> None:
    conninfo = running.to(options=f"-c synchronous_commit={value}")

    PostgresStore(conninfo, key=KEY, schema=schema_of(tmp_path)).close()


@pytest.mark.parametrize("value", ["local", "remote_write"])
def test_with_standbys_a_commit_must_be_on_their_disks(
    tmp_path: Path, ours: Server, value: str
) -> None:
    conninfo = ours.to(options=f"-c synchronous_commit={value}")
    PostgresStore(conninfo, key=KEY, schema=schema_of(tmp_path)).close()

    with (
        ours.setting("synchronous_standby_names", "nobody"),
        pytest.raises(e2ee.StoreUnavailableError, match="a fail-over can lose"),
    ):
        PostgresStore(conninfo, key=KEY, schema=schema_of(tmp_path))


def test_a_session_that_does_not_wait_for_the_disk_is_refused(
    tmp_path: Path, running: Server
) -> None:
    conninfo = running.to(options="-c synchronous_commit=off")

    with pytest.raises(e2ee.StoreUnavailableError, match="set synchronous_commit to on"):
        PostgresStore(conninfo, key=KEY, schema=schema_of(tmp_path))


def test_a_table_that_a_crash_empties_is_refused(tmp_path: Path, running: Server) -> None:
    in_a_database(tmp_path).close()
    running.execute(f"ALTER TABLE {schema_of(tmp_path)}.record SET UNLOGGED")

    with pytest.raises(e2ee.StoreUnavailableError, match="alter it to LOGGED"):
        in_a_database(tmp_path)


def test_a_server_that_only_reads_is_refused(tmp_path: Path, running: Server) -> None:
    conninfo = running.to(options="-c default_transaction_read_only=on")

    with pytest.raises(e2ee.StoreUnavailableError):
        PostgresStore(conninfo, key=KEY, schema=schema_of(tmp_path))


def test_a_database_in_another_encoding_is_refused(tmp_path: Path, running: Server) -> None:
    name = running.new_database()
    running.execute(f'DROP DATABASE "{name}"')
    running.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'SQL_ASCII'")

    with pytest.raises(e2ee.StoreUnavailableError, match="UTF8"):
        PostgresStore(running.to(name), key=KEY, schema=schema_of(tmp_path))


def hold(store: PostgresStore, begins: Callable[[], object]) -> None:
    """Opens a second transaction while another thread holds one."""
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            with begins():  # type: ignore[attr-defined]
                pass
        except e2ee.StoreError as error:
            failures.append(error)

    with store.transaction():
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert [type(each) for each in failures] == [e2ee.StoreBusyError]


def test_an_account_that_is_held_is_busy(tmp_path: Path, running: Server) -> None:
    schema = schema_of(tmp_path)
    with PostgresStore(running.conninfo, key=KEY, schema=schema, timeout=0.05) as store:
        hold(store, store.transaction)
        hold(store, lambda: store.beside(Scope("a/")))


def test_too_many_threads_are_told_so(tmp_path: Path, running: Server) -> None:
    with PostgresStore(
        running.conninfo, key=KEY, schema=schema_of(tmp_path), timeout=0.05, connections=1
    ) as store:
        hold(store, store.transaction)


def test_accounts_in_one_database_do_not_meet(tmp_path: Path, running: Server) -> None:
    schema = schema_of(tmp_path)
    with (
        PostgresStore(running.conninfo, key=KEY, schema=schema, account="a") as one,
        PostgresStore(running.conninfo, key=KEY, schema=schema, account="b") as other,
    ):
        e2ee.Account.create(one, "alice")
        with pytest.raises(e2ee.StoreMissingError):
            e2ee.Account.open(other)

        # Neither waits for the other.
        with one.transaction(), other.transaction():
            pass


def test_transactions_about_different_records_run_side_by_side(store: PostgresStore) -> None:
    barrier = threading.Barrier(2, timeout=SOON)

    def work(name: str) -> None:
        with store.beside(Scope(name)) as transaction:
            barrier.wait()
            transaction.apply([(name, 0, 1, b"x")])

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a/", "b/")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.transaction() as transaction:
        assert transaction.list("") == [("a/", 1), ("b/", 1)]


@pytest.mark.parametrize(
    ("writes", "allowed"),
    [
        ([("own/a", 0, 1, b"")], True),
        ([("own/a", 0, 1, b""), ("loose/a", 0, 1, b""), ("loose/x", 1, None, None)], True),
        ([("loose/x", 1, None, None), ("loose/y", 1, None, None)], False),
        ([("own/a", 0, 1, b""), ("other", 0, 1, b"")], False),
    ],
)
def test_a_scope_is_kept(
    store: PostgresStore, writes: list[tuple[str, int, int | None, bytes | None]], *, allowed: bool
) -> None:
    with store.transaction() as transaction:
        transaction.apply([("loose/x", 0, 1, b""), ("loose/y", 0, 1, b"")])
        before = transaction.list("")

    if allowed:
        with store.beside(Scope("own/", loose=("loose/",))) as transaction:
            transaction.apply(writes)
    else:
        with (
            pytest.raises(e2ee.StoreConflictError),
            store.beside(Scope("own/", loose=("loose/",))) as transaction,
        ):
            transaction.apply(writes)

    with store.transaction() as transaction:
        assert (transaction.list("") == before) is not allowed


FORKED = """
import os, sys
import e2ee

store = e2ee.PostgresStore(sys.argv[1], key=bytes(32), schema=sys.argv[2])
alice = e2ee.Account.create(store, "alice")
if os.fork() == 0:
    try:
        alice.bundle()
    except e2ee.StaleSessionError as error:
        print(error, flush=True)
    store.close()
    del store, alice
    os._exit(0)
os.wait()
print(alice.bundle(reusable=True).reusable)
store.close()
"""


def test_a_forked_process_must_open_the_store_again(tmp_path: Path, running: Server) -> None:
    said = subprocess.run(
        [sys.executable, "-c", FORKED, running.conninfo, schema_of(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert said.stdout.splitlines() == ["the process was forked: open the store again", "True"]


def test_a_server_that_is_not_there_is_said_without_its_name(tmp_path: Path) -> None:
    with pytest.raises(e2ee.StoreUnavailableError, match="cannot be reached") as caught:
        PostgresStore({"host": str(tmp_path), "user": "secret"}, key=KEY)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"schema": ""},
        {"schema": "s" * 64},
        {"schema": "a\0"},
        {"schema": "a%"},
        {"account": ""},
        {"account": "a" * 256},
        {"timeout": 0.0},
        {"timeout": 86_401.0},
        {"connections": 0},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        PostgresStore("", key=KEY, **options)  # type: ignore[arg-type]


def test_names_at_their_limits_are_kept(tmp_path: Path, running: Server) -> None:
    schema = f'{schema_of(tmp_path)}" é'.ljust(62, "x")
    assert len(schema.encode()) == 63

    with PostgresStore(running.conninfo, key=KEY, schema=schema, account="ü" * 255) as store:
        e2ee.Account.create(store, "alice")
    with PostgresStore(running.conninfo, key=KEY, schema=schema, account="ü" * 255) as store:
        assert e2ee.Account.open(store).user == "alice"


MISSING = """
import sys
sys.modules["psycopg"] = None
import e2ee
try:
    e2ee.PostgresStore("", key=bytes(32))
except e2ee.StoreUnavailableError as error:
    print(error)
"""


def test_a_missing_driver_is_named_with_its_extra() -> None:
    said = subprocess.run(
        [sys.executable, "-c", MISSING], capture_output=True, text=True, timeout=60, check=True
    )

    assert said.stdout == "psycopg is missing: install libe2ee[postgres] to use PostgresStore\n"


def test_the_driver_is_imported_only_when_it_is_used() -> None:
    code = "import sys, e2ee; print('psycopg' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert said.stdout == "False\n"


def test_a_scope_of_nothing_is_refused(store: PostgresStore) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        store.beside(Scope(""))


def stand_still(still: PostgresStore, other: PostgresStore) -> None:
    """Holds the account until the server ends that, and another worker has it."""
    with still.transaction() as transaction:
        transaction.apply([("a", 0, 1, b"never")])
        with other.transaction() as theirs:
            theirs.apply([("a", 0, 1, b"theirs")])


def test_a_worker_that_stands_still_loses_its_locks(
    tmp_path: Path, running: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_postgres_pool, "STILL", 1)

    with (
        PostgresStore(running.conninfo, key=KEY, schema=schema_of(tmp_path)) as still,
        in_a_database(tmp_path) as other,
    ):
        with pytest.raises(e2ee.StoreUnavailableError):
            stand_still(still, other)

        with still.transaction() as transaction:
            assert transaction.get("a") == (1, b"theirs")
