# SPDX-License-Identifier: MIT OR Apache-2.0
"""The outbox of every kind of store: made once, posted as often as needed, then gone."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import e2ee
from tests.stores.kinds import KINDS, introduced, kind_name, undone
from tests.stores.protocols import Protocol, peer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2ee.store import Store


@pytest.fixture
def bob(protocol: Protocol) -> e2ee.Account:
    return protocol.created(e2ee.MemoryStore(), "bob")


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
    names = [alice.queue(bob.address, text) for text in texts]

    waiting = alice.outbox()

    assert [each.id for each in waiting] == names
    assert {each.recipient for each in waiting} == {bob.address}
    assert [bob.decrypt(alice.address, each.envelope).plaintext for each in waiting] == texts
    assert alice.outbox() == waiting
    assert alice.outbox(limit=2) == waiting[:2]
    for each in waiting[:4]:
        alice.sent(each)
    alice.sent(names[0])
    assert alice.outbox() == waiting[4:]


def test_the_outbox_of_one_peer_is_listed_alone(
    alice: e2ee.Account, bob: e2ee.Account, protocol: Protocol
) -> None:
    carol = protocol.created(e2ee.MemoryStore(), "carol")
    alice.connect(carol.address, carol.bundle())
    alice.queue(bob.address, b"to Bob")
    to_carol = alice.queue(carol.address, b"to Carol")

    assert [each.id for each in alice.outbox(peer=carol.address)] == [to_carol]
    assert alice.outbox(peer=protocol.address("dave")) == []


def test_sending_and_queueing_use_different_keys(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.queue(bob.address, b"queued")
    sent = alice.encrypt(bob.address, b"sent")
    (queued,) = alice.outbox()

    assert bob.decrypt(alice.address, sent).plaintext == b"sent"
    assert bob.decrypt(alice.address, queued.envelope).plaintext == b"queued"


def test_a_reply_is_kept_or_undone_with_the_block(alice: e2ee.Account, bob: e2ee.Account) -> None:
    envelope = bob.encrypt(alice.address, b"question")

    undone(alice, envelope, lambda: alice.queue(bob.address, b"undone"))
    assert alice.outbox() == []
    with alice.receive(bob.address, envelope) as message:
        alice.queue(bob.address, message.plaintext + b"? yes")

    (reply,) = alice.outbox()
    assert bob.decrypt(alice.address, reply.envelope).plaintext == b"question? yes"
    assert alice.inbox() == []


def test_without_a_session_nothing_is_queued(alice: e2ee.Account) -> None:
    with pytest.raises(e2ee.NoSessionError):
        alice.queue(peer_of(alice, "nobody"), b"x")

    assert alice.outbox() == []


def test_a_limit_below_one_is_refused(alice: e2ee.Account) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        alice.outbox(limit=0)


def test_inside_a_block_the_outbox_is_not_shown(alice: e2ee.Account, bob: e2ee.Account) -> None:
    with alice.receive(bob.address, bob.encrypt(alice.address, b"x")):
        alice.queue(bob.address, b"not durable yet")
        with pytest.raises(e2ee.TransactionOpenError):
            alice.outbox()


def test_a_message_is_handled_once(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.receive_many([(bob.address, bob.encrypt(alice.address, b"x"))])
    (message,) = alice.inbox()
    alice.handled(message)

    with pytest.raises(e2ee.DuplicateMessageError) as caught:
        alice.handled(message)

    assert caught.value.delivered
