# SPDX-License-Identifier: MIT OR Apache-2.0
"""The generation moves with every call of a Matrix account that uses a message key of ours.

As `test_generation.py` has it for Signal's protocol (docs/storage.md, "Anchor"): the calls are the
same, what they use is a session of Olm or of Megolm.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, final

import pytest

import e2ee
from tests.api.anchored import Register
from tests.properties.world import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable

ROOM: Final = "!room:example.org"


@final
class World:
    """Alice, whose store has an anchor, and Bob, who knows all her keys."""

    def __init__(self) -> None:
        self.register = Register()
        self.store = e2ee.MemoryStore(anchor=self.register)
        self.alice = e2ee.Account.create(
            self.store, "@alice:example.org", device="A", protocol="olm"
        )
        bob = e2ee.Account.create(
            e2ee.MemoryStore(), "@bob:example.org", device="B", protocol="olm"
        )
        bob.generate_keys(2)
        self.alice.connect(bob.address, bob.bundle())
        self.peer = bob.address

    def moves(self, call: Callable[[], object]) -> int:
        """By how much a call moves the generation; the anchor knows it all the time."""
        before = self.register.count()
        call()
        assert read_rows(self.store)["generation"][0] == self.register.count()
        return self.register.count() - before

    def room(self, *, invited: bool) -> e2ee.Group:
        """A room with Bob in it, who has Alice's key or needs it."""
        room = self.alice.create_group([self.peer], id=ROOM)
        if invited:
            assert len(room.invitations()) == 1
        return room


#: What is called, of all that spends message keys.
SENDING: Final[dict[str, Callable[[World], Callable[[], object]]]] = {
    "encrypt": lambda world: partial(world.alice.encrypt, world.peer, b"x"),
    "encrypt_many": lambda world: partial(
        world.alice.encrypt_many, [(world.peer, b"x"), (world.peer, b"y")]
    ),
    "queue": lambda world: partial(world.alice.queue, world.peer, b"x"),
    "queue_many": lambda world: partial(
        world.alice.queue_many, [(world.peer, b"x"), (world.peer, b"y")]
    ),
    "Group.invitations": lambda world: world.room(invited=False).invitations,
    "Group.encrypt": lambda world: partial(world.room(invited=True).encrypt, b"x"),
}
#: What changes a room, and spends none.
QUIET: Final[dict[str, Callable[[World], Callable[[], object]]]] = {
    "Group.rotate": lambda world: world.room(invited=True).rotate,
    "Group.remove": lambda world: partial(world.room(invited=True).remove, world.peer),
    "Group.rotate_after": lambda world: partial(world.room(invited=True).rotate_after, messages=5),
    "Group.leave": lambda world: world.room(invited=True).leave,
    "export_room_keys": lambda world: world.alice.export_room_keys,
    "mark_verified": lambda world: partial(
        world.alice.mark_verified, world.peer, world.alice.contacts()[0].identity_key
    ),
}


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("name", SENDING)
def test_a_call_that_sends_moves_the_generation_once(world: World, name: str) -> None:
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
