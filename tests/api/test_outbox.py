# SPDX-License-Identifier: MIT OR Apache-2.0
"""The outbox of every kind of store: made once, posted as often as needed, then gone."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import e2ee
from tests.stores.kinds import KINDS, introduced, kind_name, undone

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2ee.store import Store


@pytest.fixture
def bob() -> e2ee.Account:
    return e2ee.Account.create(e2ee.MemoryStore(), "bob")


@pytest.fixture(params=KINDS, ids=kind_name)
def alice(
    request: pytest.FixtureRequest, tmp_path: Path, bob: e2ee.Account
) -> Iterator[e2ee.Account]:
    kind: Callable[[Path], Store] = request.param
    with closing(kind(tmp_path)) as store:
        yield introduced(store, bob)


def test_what_is_queued_is_listed_in_order_until_it_was_sent(
    alice: e2ee.Account, bob: e2ee.Account
) -> None:
    texts = [b"%d" % number for number in range(5)]
    names = [alice.queue("bob", text) for text in texts]

    waiting = alice.outbox()

    assert [each.id for each in waiting] == names
    assert {each.recipient for each in waiting} == {e2ee.Address("bob")}
    assert [bob.decrypt("alice", each.envelope).plaintext for each in waiting] == texts
    assert alice.outbox() == waiting
    assert alice.outbox(limit=2) == waiting[:2]
    for each in waiting[:4]:
        alice.sent(each)
    alice.sent(names[0])
    assert alice.outbox() == waiting[4:]


def test_the_outbox_of_one_peer_is_listed_alone(alice: e2ee.Account) -> None:
    carol = e2ee.Account.create(e2ee.MemoryStore(), "carol")
    alice.connect("carol", carol.bundle())
    alice.queue("bob", b"to Bob")
    to_carol = alice.queue("carol", b"to Carol")

    assert [each.id for each in alice.outbox(peer="carol")] == [to_carol]
    assert alice.outbox(peer="dave") == []


def test_sending_and_queueing_use_different_keys(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.queue("bob", b"queued")
    sent = alice.encrypt("bob", b"sent")
    (queued,) = alice.outbox()

    assert bob.decrypt("alice", sent).plaintext == b"sent"
    assert bob.decrypt("alice", queued.envelope).plaintext == b"queued"


def test_a_reply_is_kept_or_undone_with_the_block(alice: e2ee.Account, bob: e2ee.Account) -> None:
    envelope = bob.encrypt("alice", b"question")

    undone(alice, envelope, lambda: alice.queue("bob", b"undone"))
    assert alice.outbox() == []
    with alice.receive("bob", envelope) as message:
        alice.queue("bob", message.plaintext + b"? yes")

    (reply,) = alice.outbox()
    assert bob.decrypt("alice", reply.envelope).plaintext == b"question? yes"
    assert alice.inbox() == []


def test_without_a_session_nothing_is_queued(alice: e2ee.Account) -> None:
    with pytest.raises(e2ee.NoSessionError):
        alice.queue("nobody", b"x")

    assert alice.outbox() == []


def test_a_limit_below_one_is_refused(alice: e2ee.Account) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        alice.outbox(limit=0)


def test_inside_a_block_the_outbox_is_not_shown(alice: e2ee.Account, bob: e2ee.Account) -> None:
    with alice.receive("bob", bob.encrypt("alice", b"x")):
        alice.queue("bob", b"not durable yet")
        with pytest.raises(e2ee.TransactionOpenError):
            alice.outbox()


def test_a_message_is_handled_once(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.receive_many([("bob", bob.encrypt("alice", b"x"))])
    (message,) = alice.inbox()
    alice.handled(message)

    with pytest.raises(e2ee.DuplicateMessageError) as caught:
        alice.handled(message)

    assert caught.value.delivered
