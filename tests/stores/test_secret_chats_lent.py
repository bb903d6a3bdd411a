# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats on a connection that the application lent: what leaves, and what joins."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import mtproto
from tests.api.secret_chat_pair import Pair, begin, group, text
from tests.stores.kinds import kind_name
from tests.stores.lent import LENDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stores.lent import Application


@pytest.fixture(params=LENDING, ids=kind_name)
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    lends: Callable[[Path], Application] = request.param
    with closing(lends(tmp_path)) as made:
        yield made


@pytest.fixture
def pair(application: Application) -> Pair:
    return begin(application.store())


def test_nothing_leaves_inside_the_applications_transaction(
    application: Application, pair: Pair
) -> None:
    (incoming,) = pair.bob.encrypt(text(1))
    unposted = pair.alice.unposted()
    ours, alice, again = pair.chats[0], pair.alice, application.store()
    calls: list[Callable[[], object]] = [
        lambda: ours.offer("carol", group()),
        lambda: alice.encrypt(text(2)),
        lambda: alice.receive(incoming.data),
        alice.change_key,
        alice.ask_again,
        lambda: alice.delete_messages([1]),
        alice.unposted,
        lambda: alice.posted(unposted[0]),
        alice.close,
        ours.heal,
        lambda: ours.rekey(key=bytes(31) + b"\x01"),
        lambda: mtproto.SecretChats.create(again, "carol"),
    ]

    application.execute("BEGIN")
    for call in calls:
        with pytest.raises(e2ee.TransactionOpenError):
            call()
    application.execute("ROLLBACK")

    assert alice.unposted() == unposted
    assert pair.settle(alice.encrypt(text(2)), [incoming]) == ([text(1)], [text(2)])


def test_what_is_read_inside_the_transaction_is_what_is_there(
    application: Application, pair: Pair
) -> None:
    pair.settle(from_bob=pair.bob.encrypt(text(1)))

    application.execute("BEGIN")
    waiting, (chat,) = pair.chats[0].inbox(), pair.chats[0].chats()
    state = chat.state()
    application.execute("ROLLBACK")

    assert [message.body for message in waiting] == [text(1)]
    assert state is not None
    assert state.received == 2


def test_a_message_is_handled_together_with_the_applications_row(
    application: Application, pair: Pair
) -> None:
    pair.settle(from_bob=pair.bob.encrypt(text(1)))
    (message,) = pair.chats[0].inbox()

    for end, left in (("ROLLBACK", 1), ("COMMIT", 0)):
        application.execute("BEGIN")
        application.write("hello")
        pair.chats[0].handled(message)
        application.execute(end)
        assert len(pair.chats[0].inbox()) == left

    assert application.texts() == ["hello"]
    with pytest.raises(e2ee.DuplicateMessageError) as refused:
        pair.chats[0].handled(message)
    assert refused.value.delivered


def test_a_chat_goes_on_after_many_transactions_of_the_application(
    application: Application, pair: Pair
) -> None:
    for number in range(4):
        application.execute("BEGIN")
        application.write(str(number))
        application.execute("COMMIT" if number % 2 else "ROLLBACK")
        opened = pair.settle(pair.alice.encrypt(text(number)), pair.bob.encrypt(text(number)))
        assert opened == ([text(number)], [text(number)])

    assert mtproto.SecretChats.open(application.store()).chats()[0].peer == "bob"
