# SPDX-License-Identifier: MIT OR Apache-2.0
"""A store on the application's own connection: its rows and ours commit together, or not at all.

The same for both databases; what only one of them can do is in files of their own.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import e2ee
from tests.properties import wire
from tests.stores.kinds import kind_name, undone
from tests.stores.lent import LENDING, Application, Desk, desk_with
from tests.stores.protocols import Protocol, peer_of

OTHER = bytes(range(32, 64))


@pytest.fixture(params=LENDING, ids=kind_name)
def lending(request: pytest.FixtureRequest) -> Callable[[Path], Application]:
    made: Callable[[Path], Application] = request.param
    return made


@pytest.fixture
def desk(
    lending: Callable[[Path], Application], tmp_path: Path, protocol: Protocol
) -> Iterator[Desk]:
    with closing(lending(tmp_path)) as application:
        yield desk_with(application, protocol)


@pytest.fixture
def reopened(
    lending: Callable[[Path], Application], tmp_path: Path, desk: Desk
) -> Iterator[e2ee.Account]:
    """Alice in another process, on a connection of its own."""
    with closing(lending(tmp_path)) as application:
        account = e2ee.Account.open(application.store())
        assert account.address == desk.alice.address
        yield account


def test_a_message_and_its_row_commit_together(desk: Desk) -> None:
    envelope = desk.bob.encrypt(desk.alice.address, b"one")

    with desk.alice.receive(desk.bob.address, envelope) as message:
        desk.write(message.plaintext.decode())
        assert desk.texts() == []

    assert desk.texts() == ["one"]
    assert desk.alice.inbox() == []
    with (
        pytest.raises(e2ee.DuplicateMessageError) as caught,
        desk.alice.receive(desk.bob.address, envelope),
    ):
        desk.write("never")
    assert caught.value.delivered
    assert desk.texts() == ["one"]


def test_a_block_that_raises_undoes_its_row_and_keeps_the_message(desk: Desk) -> None:
    envelope = desk.bob.encrypt(desk.alice.address, b"one")

    undone(desk.alice, envelope, lambda: desk.write("never"))

    assert desk.texts() == []
    assert [message.plaintext for message in desk.alice.inbox()] == [b"one"]
    with desk.alice.receive(desk.bob.address, envelope) as message:
        desk.write(message.plaintext.decode())
    assert desk.texts() == ["one"]


def test_of_two_workers_that_show_one_message_the_second_is_told(
    desk: Desk, reopened: e2ee.Account
) -> None:
    envelope = desk.bob.encrypt(desk.alice.address, b"one")
    undone(desk.alice, envelope, lambda: None)
    (waiting,) = reopened.inbox()

    with desk.alice.receive(desk.bob.address, envelope) as message:
        desk.write(message.plaintext.decode())

    with pytest.raises(e2ee.DuplicateMessageError) as caught:
        reopened.handled(waiting)
    assert caught.value.delivered
    assert desk.texts() == ["one"]


def test_a_reply_is_part_of_the_block(desk: Desk) -> None:
    envelope = desk.bob.encrypt(desk.alice.address, b"one")
    undone(desk.alice, envelope, lambda: desk.alice.queue(desk.bob.address, b"never sent"))
    assert desk.alice.outbox() == []

    (message,) = desk.alice.inbox()
    desk.execute("BEGIN")
    desk.write("one")
    name = desk.alice.queue(desk.bob.address, b"reply")
    desk.alice.handled(message)
    desk.execute("COMMIT")

    (outgoing,) = desk.alice.outbox()
    assert outgoing.id == name
    assert desk.read(outgoing.envelope) == b"reply"
    assert desk.texts() == ["one"]


def test_what_is_queued_leaves_after_the_commit_as_the_same_bytes_each_time(
    desk: Desk, reopened: e2ee.Account
) -> None:
    desk.execute("BEGIN")
    desk.write("two")
    desk.alice.queue(desk.bob.address, b"two")
    with pytest.raises(e2ee.TransactionOpenError):
        desk.alice.outbox()
    desk.execute("COMMIT")

    (first,) = desk.alice.outbox()
    (again,) = reopened.outbox()

    assert first == again
    assert desk.read(first.envelope) == b"two"
    desk.alice.sent(first)
    desk.alice.sent(first)
    assert reopened.outbox() == []


def test_what_was_rolled_back_leaves_nothing_and_reuses_nothing(desk: Desk) -> None:
    for _ in range(3):
        desk.execute("BEGIN")
        desk.write("undone")
        desk.alice.queue(desk.bob.address, b"first")
        desk.alice.queue(desk.bob.address, b"second")
        desk.execute("ROLLBACK")
    assert desk.alice.outbox() == []

    kept = desk.alice.encrypt(desk.bob.address, b"kept").to_bytes()
    desk.alice.queue(desk.bob.address, b"queued")

    (queued,) = desk.alice.outbox()
    assert desk.read(kept) == b"kept"
    assert desk.read(queued.envelope) == b"queued"
    headers = {wire.header(each) for each in (kept, queued.envelope.to_bytes())}
    assert len(headers) == 2
    assert desk.texts() == []


def test_a_savepoint_that_is_undone_takes_what_was_queued_in_it(desk: Desk) -> None:
    desk.execute("BEGIN")
    desk.alice.queue(desk.bob.address, b"kept")
    desk.execute("SAVEPOINT inner_part")
    desk.alice.queue(desk.bob.address, b"undone")
    desk.execute("ROLLBACK TO inner_part")
    desk.alice.queue(desk.bob.address, b"kept too")
    desk.execute("COMMIT")

    opened = [desk.read(each.envelope) for each in desk.alice.outbox()]

    assert opened == [b"kept", b"kept too"]


CALLS: dict[str, Callable[[Desk], object]] = {
    "encrypt": lambda desk: desk.alice.encrypt(desk.bob.address, b"x"),
    "decrypt": lambda desk: desk.alice.decrypt(
        desk.bob.address, desk.bob.encrypt(desk.alice.address, b"x")
    ),
    "receive": lambda desk: desk.alice.receive(desk.bob.address, b"\x01\x02").__enter__(),
    "receive_many": lambda desk: desk.alice.receive_many([]),
    "encrypt_many": lambda desk: desk.alice.encrypt_many([]),
    "bundle": lambda desk: desk.alice.bundle(),
    "outbox": lambda desk: desk.alice.outbox(),
    "connect": lambda desk: desk.alice.connect(desk.bob.address, desk.bob.bundle()),
    "forget": lambda desk: desk.alice.forget(desk.bob.address),
    "create": lambda desk: e2ee.Account.create(desk.store, "x"),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_would_leave_is_refused_inside_the_applications_transaction(
    desk: Desk, name: str
) -> None:
    desk.execute("BEGIN")

    with pytest.raises(e2ee.TransactionOpenError):
        CALLS[name](desk)

    assert desk.application.in_transaction()
    desk.execute("ROLLBACK")


def test_reading_is_part_of_the_applications_transaction(desk: Desk) -> None:
    desk.execute("BEGIN")

    assert desk.alice.inbox() == []
    assert [contact.address.user for contact in desk.alice.contacts()] == ["bob"]
    if desk.alice.protocol == "signal":
        assert desk.alice.safety_number("bob").digits
    assert e2ee.Account.open(desk.store).user == "alice"
    desk.execute("COMMIT")


def test_a_refused_call_leaves_the_applications_transaction_as_it_was(desk: Desk) -> None:
    desk.execute("BEGIN")
    desk.write("kept")
    with pytest.raises(e2ee.NoSessionError):
        desk.alice.queue(peer_of(desk.alice, "nobody"), b"x")
    desk.execute("COMMIT")

    assert desk.texts() == ["kept"]


def test_a_closed_store_leaves_the_connection_open(desk: Desk) -> None:
    desk.store.close()

    with pytest.raises(e2ee.StaleSessionError):
        desk.alice.inbox()
    desk.write("still open")
    assert desk.texts() == ["still open"]


def test_a_connection_inside_a_transaction_is_refused(desk: Desk) -> None:
    desk.execute("BEGIN")
    desk.write("kept")

    with pytest.raises(e2ee.TransactionOpenError):
        desk.application.store()

    desk.execute("COMMIT")
    assert desk.texts() == ["kept"]


def test_the_key_is_changed_in_a_transaction_of_its_own(
    desk: Desk, lending: Callable[[Path], Application], tmp_path: Path
) -> None:
    desk.alice.queue(desk.bob.address, b"queued before")
    desk.execute("BEGIN")
    with pytest.raises(e2ee.TransactionOpenError):
        desk.alice.rekey(key=OTHER)
    desk.execute("COMMIT")

    assert not desk.alice.rekey(key=OTHER)

    (outgoing,) = desk.alice.outbox()
    assert desk.read(outgoing.envelope) == b"queued before"
    with closing(lending(tmp_path)) as application, pytest.raises(e2ee.StoreKeyError):
        e2ee.Account.open(application.store())
