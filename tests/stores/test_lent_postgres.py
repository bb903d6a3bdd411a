# SPDX-License-Identifier: MIT OR Apache-2.0
"""What happens to the application's transactions on a PostgreSQL connection that it lends."""

import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import IsolationLevel

import e2ee
from tests.properties import wire
from tests.stores.kinds import KEY, undone
from tests.stores.lent import DatabaseApplication, Desk, desk_with
from tests.stores.protocols import Protocol
from tests.stores.proxy import Cut, proxy
from tests.stores.server import Server

SOON = 20.0
SNAPSHOTS = [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE]


def key_of(envelope: e2ee.Envelope) -> tuple[bytes, int]:
    """What names the key of a message."""
    header = wire.header(envelope.to_bytes())
    return header.ratchet_key, header.index


def test_without_autocommit_a_statement_begins_a_transaction(
    implicit: DatabaseApplication, protocol: Protocol
) -> None:
    desk = desk_with(implicit, protocol)
    desk.execute("SELECT 1")
    with pytest.raises(e2ee.TransactionOpenError, match="without autocommit"):
        desk.alice.encrypt(desk.bob.address, b"x")

    implicit.connection.rollback()

    assert desk.read(desk.alice.encrypt(desk.bob.address, b"x")) == b"x"
    assert not implicit.in_transaction()


def test_without_autocommit_rows_and_messages_commit_together(
    implicit: DatabaseApplication, protocol: Protocol
) -> None:
    desk = desk_with(implicit, protocol)
    envelope = desk.bob.encrypt(desk.alice.address, b"one")
    undone(desk.alice, envelope, lambda: desk.write("never"))
    assert desk.texts() == []

    with desk.alice.receive(desk.bob.address, envelope) as message:
        desk.write(message.plaintext.decode())
        desk.alice.queue(desk.bob.address, b"reply")
    desk.write("two")
    desk.alice.queue(desk.bob.address, b"two")
    implicit.connection.commit()

    assert desk.texts() == ["one", "two"]
    opened = [desk.read(each.envelope) for each in desk.alice.outbox()]
    assert opened == [b"reply", b"two"]


def test_psycopgs_own_blocks_are_transactions_and_savepoints(desk: Desk) -> None:
    assert isinstance(desk.application, DatabaseApplication)
    connection = desk.application.connection
    with connection.transaction():
        desk.alice.queue(desk.bob.address, b"kept")
        with connection.transaction(force_rollback=True):
            desk.alice.queue(desk.bob.address, b"undone")
    with connection.transaction(force_rollback=True):
        desk.alice.queue(desk.bob.address, b"undone too")

    (outgoing,) = desk.alice.outbox()

    assert desk.read(outgoing.envelope) == b"kept"


@pytest.mark.parametrize("level", SNAPSHOTS)
def test_a_snapshot_that_others_have_overtaken_is_a_conflict(
    desk: Desk, other: DatabaseApplication, level: IsolationLevel
) -> None:
    rival = e2ee.Account.open(other.store())
    isolation = level.name.replace("_", " ")
    desk.execute(f"BEGIN ISOLATION LEVEL {isolation}")
    desk.execute("SELECT 1")
    first = rival.encrypt(desk.bob.address, b"first")

    with pytest.raises(e2ee.StoreConflictError):
        desk.alice.queue(desk.bob.address, b"second")

    desk.execute("ROLLBACK")
    desk.execute(f"BEGIN ISOLATION LEVEL {isolation}")
    desk.alice.queue(desk.bob.address, b"second")
    desk.execute("COMMIT")
    (second,) = desk.alice.outbox()
    assert desk.read(first) == b"first"
    assert desk.read(second.envelope) == b"second"
    assert key_of(first) != key_of(second.envelope)


@pytest.mark.parametrize("level", SNAPSHOTS)
def test_a_message_that_others_have_handled_is_a_conflict_to_an_old_snapshot(
    desk: Desk, other: DatabaseApplication, level: IsolationLevel
) -> None:
    undone(desk.alice, desk.bob.encrypt(desk.alice.address, b"one"), lambda: None)
    (message,) = desk.alice.inbox()
    desk.execute(f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}")
    desk.write("twice")
    e2ee.Account.open(other.store()).handled(message)

    with pytest.raises(e2ee.StoreConflictError):
        desk.alice.handled(message)

    desk.execute("ROLLBACK")
    assert desk.texts() == []


def test_a_transaction_that_only_reads_shows_the_inbox_and_queues_nothing(desk: Desk) -> None:
    undone(desk.alice, desk.bob.encrypt(desk.alice.address, b"one"), lambda: None)
    desk.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    assert [message.plaintext for message in desk.alice.inbox()] == [b"one"]
    with pytest.raises(e2ee.StoreUnavailableError):
        desk.alice.queue(desk.bob.address, b"x")


def test_a_pipeline_is_refused(desk: Desk) -> None:
    assert isinstance(desk.application, DatabaseApplication)
    with desk.application.connection.pipeline():
        with pytest.raises(e2ee.TransactionOpenError):
            desk.alice.encrypt(desk.bob.address, b"x")
        with pytest.raises(e2ee.TransactionOpenError, match="pipeline"):
            desk.alice.queue(desk.bob.address, b"x")

    assert desk.read(desk.alice.encrypt(desk.bob.address, b"x")) == b"x"


def test_a_transaction_that_has_failed_is_refused(desk: Desk) -> None:
    desk.execute("BEGIN")
    with pytest.raises(psycopg.Error):
        desk.execute("SELECT 1 / 0")

    with pytest.raises(e2ee.TransactionOpenError, match="roll it back"):
        desk.alice.queue(desk.bob.address, b"x")
    with pytest.raises(e2ee.TransactionOpenError):
        desk.alice.encrypt(desk.bob.address, b"x")

    desk.execute("ROLLBACK")
    assert desk.alice.queue(desk.bob.address, b"x")


def swallow(desk: Desk) -> None:
    """The application's statement fails, and the application goes on as if it had not."""
    with pytest.raises(psycopg.Error):
        desk.execute("SELECT 1 / 0")


def test_a_block_that_swallows_an_error_is_no_commit(desk: Desk) -> None:
    envelope = desk.bob.encrypt(desk.alice.address, b"one")

    with (
        pytest.raises(e2ee.StoreUnavailableError, match="has undone"),
        desk.alice.receive(desk.bob.address, envelope),
    ):
        swallow(desk)

    assert [message.plaintext for message in desk.alice.inbox()] == [b"one"]


def test_a_block_that_commits_by_itself_is_told(desk: Desk) -> None:
    envelope = desk.bob.encrypt(desk.alice.address, b"one")

    with (
        pytest.raises(e2ee.StoreOutcomeUnknownError, match="ended the transaction"),
        desk.alice.receive(desk.bob.address, envelope),
    ):
        desk.execute("COMMIT")

    with pytest.raises(e2ee.DuplicateMessageError), desk.alice.receive(desk.bob.address, envelope):
        pytest.fail("handled twice")


@pytest.mark.parametrize("cut", Cut)
def test_a_block_whose_commit_is_unknown_is_told_and_happens_once(
    running: Server, tmp_path: Path, cut: Cut
) -> None:
    with closing(DatabaseApplication(tmp_path)) as application, proxy(running) as line:
        desk = desk_with(application)
        envelope = desk.bob.encrypt(desk.alice.address, b"one")
        undone(desk.alice, envelope, lambda: None)
        frail = psycopg.connect(line.conninfo, autocommit=True)
        store = e2ee.PostgresStore.on(frail, key=KEY, schema=application.schema)
        alice = e2ee.Account.open(store)
        (message,) = alice.inbox()
        line.cut = cut

        with pytest.raises(e2ee.StoreOutcomeUnknownError):
            alice.handled(message)

        with pytest.raises(e2ee.StoreUnavailableError):
            alice.inbox()
        waits = [each.plaintext for each in desk.alice.inbox()]
        assert waits == ([b"one"] if cut is Cut.BEFORE_THE_SERVER else [])


def test_a_line_that_breaks_inside_the_applications_transaction_changes_nothing(
    desk: Desk, running: Server, other: DatabaseApplication
) -> None:
    assert isinstance(desk.application, DatabaseApplication)
    desk.execute("BEGIN")
    desk.alice.queue(desk.bob.address, b"never")
    pid = desk.application.connection.info.backend_pid
    running.execute("SELECT pg_terminate_backend(%s, 5000)", pid)

    with pytest.raises(e2ee.StoreUnavailableError):
        desk.alice.queue(desk.bob.address, b"never")

    rival = e2ee.Account.open(other.store())
    assert rival.outbox() == []
    assert desk.read(rival.encrypt(desk.bob.address, b"x")) == b"x"


def test_the_account_is_held_until_the_application_commits(
    desk: Desk, other: DatabaseApplication
) -> None:
    rival = e2ee.Account.open(other.store())
    other.execute("SET lock_timeout = 100")
    desk.execute("BEGIN")
    desk.alice.queue(desk.bob.address, b"first")

    with pytest.raises(e2ee.StoreBusyError):
        rival.encrypt(desk.bob.address, b"waits")
    desk.execute("COMMIT")

    assert rival.encrypt(desk.bob.address, b"second").to_bytes()


def test_a_circle_of_waiting_ends_with_one_who_is_told(
    desk: Desk, other: DatabaseApplication
) -> None:
    rival = e2ee.Account.open(other.store())
    desk.write("contended")
    envelope = desk.bob.encrypt(desk.alice.address, b"one")
    locked, outcomes = threading.Barrier(2, timeout=SOON), list[Exception]()

    def row_first() -> None:
        try:
            with desk.application.connection.transaction():  # type: ignore[attr-defined]
                desk.execute("UPDATE chat SET text = 'row first'")
                locked.wait()
                desk.alice.queue(desk.bob.address, b"row first")
        except (e2ee.E2EEError, psycopg.Error) as error:
            outcomes.append(error)

    def account_first() -> None:
        try:
            with rival.receive(desk.bob.address, envelope):
                locked.wait()
                other.execute("UPDATE chat SET text = 'account first'")
        except (e2ee.E2EEError, psycopg.Error) as error:
            outcomes.append(error)

    threads = [threading.Thread(target=work) for work in (row_first, account_first)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)

    (told,) = outcomes
    assert isinstance(told, (e2ee.StoreConflictError, psycopg.errors.DeadlockDetected))
    done = (len(desk.alice.outbox()), len(desk.alice.inbox()), desk.texts())
    assert done in [(0, 0, ["account first"]), (1, 1, ["row first"])]


def test_workers_with_stores_of_their_own_serve_the_same_account(
    desk: Desk, application: DatabaseApplication, running: Server
) -> None:
    with e2ee.PostgresStore(running.conninfo, key=KEY, schema=application.schema) as store:
        worker = e2ee.Account.open(store)
        desk.execute("BEGIN")
        desk.alice.queue(desk.bob.address, b"one")
        desk.execute("COMMIT")
        (outgoing,) = worker.outbox()
        worker.sent(outgoing)

        assert desk.read(outgoing.envelope) == b"one"
        assert desk.alice.outbox() == []
