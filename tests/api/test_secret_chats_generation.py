# SPDX-License-Identifier: MIT OR Apache-2.0
"""The generation moves with every call of secret chats that uses a number of a message.

As `test_generation.py` has it for accounts (docs/storage.md, "Anchor"). What takes a message in
does so too: whoever is set back behind it would take it in again, and answer it by other messages.
No call of the public surface is left out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, final

import pytest

import e2ee
from e2ee import mtproto
from tests.api.anchored import Register
from tests.api.secret_chat_pair import begin, group, text
from tests.properties.world import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable

KEY: Final = bytes(range(32))


@final
class World:
    """Alice, whose store has an anchor, and a chat with Bob."""

    def __init__(self) -> None:
        self.register = Register()
        self.store = e2ee.MemoryStore(key=KEY, anchor=self.register)
        pair = begin(self.store)
        self.alice, self.bob = pair.alice, pair.bob
        self.chats, self.theirs = pair.chats
        self.waiting = self.bob.encrypt(text(1))[0]
        self.alice.receive(self.waiting.data)
        self.alice.encrypt(text(8))

    def offered(self) -> Callable[[], object]:
        """Bob's answer to an offer."""
        offer = self.chats.offer("bob", group())
        answer = self.theirs.accept(offer.chat_id, "alice", offer.g_a, group())
        return partial(self.chats.confirm, offer.chat_id, answer.g_b, answer.key_fingerprint)

    def asked(self) -> Callable[[], object]:
        """An offer of Bob's."""
        offer = self.theirs.offer("alice", group())
        return partial(self.chats.accept, offer.chat_id, "bob", offer.g_a, group())

    def moves(self, call: Callable[[], object]) -> int:
        """By how much a call moves the generation; the anchor knows it all the time."""
        before = self.register.count()
        call()
        assert read_rows(self.store)["generation"][0] == self.register.count()
        return self.register.count() - before


@pytest.fixture
def world() -> World:
    return World()


#: Every public method that uses a number, with what is called.
SENDING: Final[dict[str, Callable[[World], Callable[[], object]]]] = {
    "SecretChats.accept": lambda world: world.asked(),
    "SecretChats.confirm": lambda world: world.offered(),
    "SecretChat.encrypt": lambda world: partial(world.alice.encrypt, text(2)),
    "SecretChat.receive": lambda world: partial(
        world.alice.receive, world.bob.encrypt(text(3))[0].data
    ),
    "SecretChat.posted": lambda world: partial(world.alice.posted, world.alice.unposted()[0]),
    "SecretChat.ask_again": lambda world: world.alice.ask_again,
    "SecretChat.change_key": lambda world: world.alice.change_key,
    "SecretChat.delete_messages": lambda world: partial(world.alice.delete_messages, [1]),
    "SecretChat.close": lambda world: world.alice.close,
}
#: All others, with what is called.
QUIET: Final[dict[str, Callable[[World], Callable[[], object]]]] = {
    "SecretChats.offer": lambda world: partial(world.chats.offer, "bob", group()),
    "SecretChats.chat": lambda world: partial(world.chats.chat, world.alice.chat_id),
    "SecretChats.chats": lambda world: world.chats.chats,
    "SecretChats.inbox": lambda world: world.chats.inbox,
    "SecretChats.handled": lambda world: partial(world.chats.handled, world.chats.inbox()[0]),
    "SecretChats.open": lambda world: partial(mtproto.SecretChats.open, world.store),
    "SecretChats.user": lambda world: lambda: world.chats.user,
    "SecretChat.state": lambda world: world.alice.state,
    "SecretChat.unposted": lambda world: world.alice.unposted,
    "SecretChat.chat_id": lambda world: lambda: world.alice.chat_id,
    "SecretChat.peer": lambda world: lambda: world.alice.peer,
}
#: Tried by themselves below, or in a store of their own.
APART: Final = ("SecretChats.create", "SecretChats.heal", "SecretChats.rekey")


def test_every_public_call_is_known_to_send_or_not() -> None:
    public = {
        f"{kind.__name__}.{name}"
        for kind in (mtproto.SecretChats, mtproto.SecretChat)
        for name in dir(kind)
        if not name.startswith("_")
    }

    assert public == SENDING.keys() | QUIET.keys() | set(APART)


@pytest.mark.parametrize("name", SENDING)
def test_a_call_that_sends_or_takes_in_moves_the_generation_once(world: World, name: str) -> None:
    call = SENDING[name](world)

    assert world.moves(call) == 1


@pytest.mark.parametrize("name", SENDING)
def test_a_call_that_sends_is_refused_if_the_anchor_holds_another_past(
    world: World, name: str
) -> None:
    call, held = SENDING[name](world), world.register.value
    assert held is not None
    world.register.value = held[:25] + bytes(16)
    before = read_rows(world.store)

    with pytest.raises(e2ee.StoreRollbackError):
        call()

    assert read_rows(world.store) == before


@pytest.mark.parametrize("name", QUIET)
def test_a_call_that_sends_nothing_moves_nothing(world: World, name: str) -> None:
    call = QUIET[name](world)

    assert world.moves(call) == 0


def test_healing_agrees_with_the_anchor_again(world: World) -> None:
    held = world.register.value
    assert held is not None
    world.register.value = held[:25] + bytes(16)

    assert world.chats.heal() == [world.alice.chat_id]

    assert world.moves(world.offered()) == 1


def test_another_key_of_the_store_keeps_it_with_its_anchor(world: World) -> None:
    before = world.register.value

    world.chats.rekey(key=bytes(32))

    count = world.register.count()
    assert world.register.value == before
    assert len(world.alice.encrypt(text(5))) == 1
    assert world.register.count() == count + 1


def test_a_message_leaves_after_the_anchor_knows_of_it(world: World) -> None:
    world.register.fails = ["before"]

    with pytest.raises(ConnectionError):
        world.alice.encrypt(text(6))

    sent = world.alice.encrypt(text(7))
    numbers = [message.number for message in world.alice.unposted()]
    assert [message.number for message in sent] == numbers[-1:]
    assert numbers[-2:] == [sent[0].number - 1, sent[0].number]


def test_what_is_no_message_moves_nothing(world: World) -> None:
    repeated = partial(world.alice.receive, world.waiting.data)

    def refused() -> None:
        with pytest.raises(e2ee.IgnoredMessageError):
            repeated()

    assert world.moves(refused) == 0
