# SPDX-License-Identifier: MIT OR Apache-2.0
"""A `PostgresStore` whose line breaks, and whose server falls back behind what it said."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import e2ee
from e2ee import _scopes
from e2ee.store import PostgresStore
from tests.properties import wire
from tests.stores.kinds import KEY, introduced
from tests.stores.proxy import Cut, Proxy, proxy
from tests.stores.server import Server, schema_of

SOON = 20.0


@pytest.fixture
def line(running: Server) -> Iterator[Proxy]:
    with proxy(running) as made:
        yield made


def over(line: Proxy, folder: Path) -> PostgresStore:
    return PostgresStore(line.conninfo, key=KEY, schema=schema_of(folder), timeout=SOON)


def index_of(envelope: e2ee.Envelope) -> tuple[bytes, int]:
    """What names the key of a message."""
    header = wire.header(envelope.to_bytes())
    return header.ratchet_key, header.index


def test_a_commit_that_the_server_never_heard_of_releases_nothing(
    line: Proxy, tmp_path: Path, bob: e2ee.Account
) -> None:
    with over(line, tmp_path) as store:
        alice = introduced(store, bob)
        line.cut = Cut.BEFORE_THE_SERVER

        with pytest.raises(e2ee.StoreOutcomeUnknownError) as caught:
            alice.encrypt(bob.address, b"lost")
        again = alice.encrypt(bob.address, b"again")

    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    assert bob.decrypt(alice.address, again).plaintext == b"again"
    assert line.connections == 2


def test_a_line_that_broke_behind_the_reading_is_no_rollback(
    running: Server, tmp_path: Path, bob: e2ee.Account
) -> None:
    conninfo, schema = running.conninfo, schema_of(tmp_path)
    with PostgresStore(conninfo, key=KEY, schema=schema) as store:
        alice, address = introduced(store, bob), bob.address
        sender = threading.Thread(target=alice.encrypt, args=(bob.address, b"others go on"))

        def send_on_a_broken_line() -> None:
            with store.beside(_scopes.with_peer(address)) as transaction:
                pid = transaction._link.info.backend_pid  # noqa: SLF001 - whose line it is
                running.execute("SELECT pg_terminate_backend(%s, 5000)", pid)
                sender.start()
                sender.join()
                alice._inner.encrypt(transaction, address, b"old")  # noqa: SLF001 - what was read

        with pytest.raises(e2ee.StoreUnavailableError, match="connection"):
            send_on_a_broken_line()

        sent = alice.encrypt(bob.address, b"again")
        assert bob.decrypt(alice.address, sent).plaintext == b"again"


def test_a_commit_whose_answer_is_lost_spends_the_key(
    line: Proxy, tmp_path: Path, bob: e2ee.Account
) -> None:
    with over(line, tmp_path) as store:
        alice = introduced(store, bob)
        before = index_of(alice.encrypt(bob.address, b"before"))
        line.cut = Cut.BEHIND_THE_SERVER

        with pytest.raises(e2ee.StoreOutcomeUnknownError):
            alice.encrypt(bob.address, b"lost")
        again = alice.encrypt(bob.address, b"again")

    assert index_of(again) == (before[0], before[1] + 2)
    assert bob.decrypt(alice.address, again).plaintext == b"again"


@pytest.mark.parametrize("cut", Cut)
def test_a_message_whose_commit_is_unknown_is_received_again(
    line: Proxy, tmp_path: Path, bob: e2ee.Account, cut: Cut
) -> None:
    with over(line, tmp_path) as store:
        alice = introduced(store, bob)
        envelope = bob.encrypt(alice.address, b"once")
        line.cut = cut

        with pytest.raises(e2ee.StoreOutcomeUnknownError), alice.receive(bob.address, envelope):
            pytest.fail("the message was shown before its commit was known")
        with alice.receive(bob.address, envelope) as message:
            assert message.plaintext == b"once"

        assert alice.inbox() == []


def test_connections_that_the_server_ended_are_opened_again(
    alice: e2ee.Account, bob: e2ee.Account, running: Server
) -> None:
    ended = running.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'e2ee'"
    )

    assert (True,) in ended
    assert bob.decrypt(alice.address, alice.encrypt(bob.address, b"x")).plaintext == b"x"


def terminate_within(store: PostgresStore, running: Server) -> None:
    """Adds a row in a transaction whose connection is ended before the commit."""
    with store.transaction() as transaction:
        transaction.apply([("a", 0, 1, b"x")])
        running.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'e2ee' AND state = 'idle in transaction'"
        )


def test_a_connection_that_ends_before_the_commit_changes_nothing(
    store: PostgresStore, running: Server
) -> None:
    with pytest.raises(e2ee.StoreUnavailableError):
        terminate_within(store, running)

    with store.transaction() as transaction:
        assert transaction.get("a") is None


def fail_within(store: PostgresStore) -> None:
    """Makes the server give the transaction up, and goes on as if nothing had happened."""
    with store.transaction() as transaction:
        transaction.apply([("a", 0, 1, b"x")])
        with pytest.raises(e2ee.StoreError):
            transaction.apply([("b", 0, -1, b"the table forbids this")])


def test_a_transaction_that_the_server_gave_up_is_no_commit(store: PostgresStore) -> None:
    with pytest.raises(e2ee.StoreUnavailableError, match="has undone"):
        fail_within(store)

    with store.transaction() as transaction:
        assert transaction.list("") == []


def interrupt_waiting(ours: Server, function: str) -> None:
    """Waits until a commit waits for the standby, and interrupts it."""
    waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'e2ee'"
    while ours.execute(f"SELECT pid {waiting}") == []:
        pass
    ours.execute(f"SELECT {function}(pid) {waiting}")


@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_commit_that_no_standby_has_releases_nothing(
    alice: e2ee.Account, bob: e2ee.Account, ours: Server, function: str
) -> None:
    interrupting = threading.Thread(target=interrupt_waiting, args=(ours, function))
    with ours.setting("synchronous_standby_names", "nobody"):
        interrupting.start()
        with pytest.raises(e2ee.StoreOutcomeUnknownError):
            alice.encrypt(bob.address, b"lost")
        interrupting.join()

    assert bob.decrypt(alice.address, alice.encrypt(bob.address, b"x")).plaintext == b"x"


def test_a_stale_standby_is_found_by_whoever_has_seen_more(
    running: Server, bob: e2ee.Account
) -> None:
    primary = running.new_database()
    with PostgresStore(running.to(primary), key=KEY) as store:
        alice = introduced(store, bob)
        alice.encrypt(bob.address, b"before")
        stale = copied(running, primary)
        alice.encrypt(bob.address, b"behind")
        fail_over(running, primary, stale)

        with pytest.raises(e2ee.StoreRollbackError):
            alice.encrypt(bob.address, b"never leaves")
        with pytest.raises(e2ee.StoreRollbackError):
            alice.decrypt(bob.address, bob.encrypt(alice.address, b"never shown"))


def copied(running: Server, database: str) -> str:
    """A copy of a database, for which nobody may be connected to it."""
    running.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", database
    )
    return running.new_database(database)


def fail_over(running: Server, primary: str, standby: str) -> None:
    """Puts the standby into the primary's place."""
    running.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", primary
    )
    running.execute(f'ALTER DATABASE "{primary}" RENAME TO "{primary}_gone"')
    running.execute(f'ALTER DATABASE "{standby}" RENAME TO "{primary}"')
