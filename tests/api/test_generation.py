# SPDX-License-Identifier: MIT OR Apache-2.0
"""The generation moves with every call that uses a message key of ours (docs/storage.md, "Anchor").

No call of the public surface is left out: a new one must be entered here, as one that sends or as
one that does not.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, final

import pytest

import e2ee
import e2ee.aio
from tests.api.anchored import Register
from tests.api.sealed_world import World as SealedWorld
from tests.properties.world import put_rows, read_rows
from tests.stores.lent import DatabaseApplication, FileApplication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stores.lent import Application

KEY = bytes(range(32))


@final
class World:
    """Alice, whose store has an anchor, and Bob, with certificates."""

    def __init__(self) -> None:
        self.sealed = SealedWorld()
        self.register = Register()
        plain = e2ee.MemoryStore(key=KEY)
        self.store = e2ee.MemoryStore(key=KEY, anchor=self.register)
        alice = e2ee.Account.create(plain, "alice")
        self.bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
        alice.connect("bob", self.bob.bundle())
        put_rows(self.store, read_rows(plain))
        self.alice = e2ee.Account.open(self.store)
        self.bob.decrypt("alice", self.alice.encrypt("bob", b"Hello."))
        self.alice.decrypt("bob", self.bob.encrypt("alice", b"Hello."))

    @property
    def certificate(self) -> e2ee.signal.SenderCertificate:
        """Alice's."""
        return self.sealed.certify(self.alice, timedelta(hours=1))

    def group(self) -> e2ee.Group:
        """A group whose members have been invited."""
        group = self.alice.create_group(["bob"])
        group.invitations()
        return group

    def moves(self, call: Callable[[], object]) -> int:
        """By how much a call moves the generation; the anchor knows it all the time."""
        before = self.register.count()
        call()
        assert read_rows(self.store)["generation"][0] == self.register.count()
        return self.register.count() - before


@pytest.fixture
def world() -> World:
    return World()


#: Every public method that uses message keys of ours, with what is called.
SENDING: Final[dict[str, Callable[[World], Callable[[], object]]]] = {
    "encrypt": lambda world: lambda: world.alice.encrypt("bob", b"x"),
    "encrypt_sealed": lambda world: (
        lambda: world.alice.encrypt_sealed("bob", b"x", world.certificate)
    ),
    "encrypt_many": lambda world: lambda: world.alice.encrypt_many([("bob", b"x"), ("bob", b"y")]),
    "queue": lambda world: lambda: world.alice.queue("bob", b"x"),
    "queue_many": lambda world: lambda: world.alice.queue_many([("bob", b"x"), ("bob", b"y")]),
    "Group.invitations": lambda world: world.alice.create_group(["bob"]).invitations,
    "Group.encrypt": lambda world: partial(world.group().encrypt, b"x"),
    "Group.encrypt_sealed": lambda world: partial(
        world.group().encrypt_sealed, b"x", world.certificate
    ),
}
#: All others.
QUIET: Final = (
    "accept_identity address bundle connect contacts create create_group decrypt decrypt_many",
    "decrypt_sealed device export_room_keys forget generate_keys group groups handled heal",
    "identity_key import_records import_room_keys inbox mark_keys_as_published mark_verified open",
    "outbox prekeys protocol",
    "receive receive_many receive_sealed refresh_prekeys rekey repair reset safety_number sent",
    "sign_object user verify",
    "Group.add Group.create Group.id Group.leave Group.members Group.pending Group.reinvite",
    "Group.remove Group.rotate Group.rotate_after",
)


def test_every_public_call_is_known_to_send_or_not() -> None:
    account = {name for name in dir(e2ee.Account) if not name.startswith("_")}
    group = {f"Group.{name}" for name in dir(e2ee.Group) if not name.startswith("_")}

    assert account | group == SENDING.keys() | {name for line in QUIET for name in line.split()}


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


def test_calls_that_do_not_send_need_no_anchor(world: World) -> None:
    alice, bob, held = world.alice, world.bob, world.register.value
    envelopes = [bob.encrypt("alice", b"x") for _ in range(4)]
    world.register.value = None

    alice.bundle()
    alice.prekeys()
    alice.connect("bob", bob.bundle())
    alice.decrypt("bob", envelopes[0])
    with alice.receive("bob", envelopes[1]):
        pass
    alice.decrypt_many([("bob", envelopes[2])])
    (waiting,) = alice.receive_many([("bob", envelopes[3])])
    assert isinstance(waiting, e2ee.Message)
    alice.handled(waiting)
    alice.create_group(["bob"]).rotate()
    alice.reset("bob")
    alice.forget("bob")

    world.register.value = held
    assert world.moves(alice.contacts) == 0


def test_a_step_that_is_undone_moves_nothing(world: World) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        world.alice.encrypt_many([("bob", b"x"), ("bob", bytes(16 * 1_024 * 1_024 + 1))])

    assert world.moves(world.alice.contacts) == 0


def test_a_receive_block_moves_the_generation_once_and_the_outbox_tells_the_anchor(
    world: World,
) -> None:
    alice, before = world.alice, world.register.count()

    with alice.receive("bob", world.bob.encrypt("alice", b"question")):
        names = [alice.queue("bob", b"one"), alice.queue("bob", b"two")]

    assert read_rows(world.store)["generation"][0] == before + 1
    waiting = alice.outbox()
    assert [each.id for each in waiting] == names
    assert world.register.count() == before + 1
    texts = [world.bob.decrypt("alice", each.envelope).plaintext for each in waiting]
    assert texts == [b"one", b"two"]


def test_a_receive_block_that_raises_leaves_store_and_anchor_together(world: World) -> None:
    class UndoneError(Exception):
        pass

    def undone() -> None:
        with world.alice.receive("bob", world.bob.encrypt("alice", b"question")):
            world.alice.queue("bob", b"never leaves")
            raise UndoneError

    with pytest.raises(UndoneError):
        undone()

    assert world.moves(lambda: world.alice.encrypt("bob", b"x")) == 1


@final
class Lent:
    """Alice on a connection of the application's, with an anchor."""

    def __init__(self, opens: Callable[[], Application]) -> None:
        self.register = Register()
        self.opens = opens
        self.application = opens()
        self.alice = e2ee.Account.create(self.application.store(self.register), "alice")
        self.bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
        self.alice.connect("bob", self.bob.bundle())
        self.alice.encrypt("bob", b"first")

    def execute(self, statement: str) -> None:
        """A statement of the application's."""
        self.application.execute(statement)

    def open_again(self) -> None:
        """Another process of the application's."""
        self.application.close()
        self.application = self.opens()
        self.alice = e2ee.Account.open(self.application.store(self.register))

    def texts(self) -> list[bytes]:
        """What waits, as Bob sees it."""
        waiting = self.alice.outbox()
        return [self.bob.decrypt("alice", each.envelope).plaintext for each in waiting]


@pytest.fixture(params=[FileApplication, DatabaseApplication])
def lent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lent]:
    made = Lent(partial(request.param, tmp_path))
    yield made
    made.application.close()


#: More than the past has room for.
MANY: Final = 40


def test_any_number_of_steps_in_the_applications_transaction_is_told_at_once(lent: Lent) -> None:
    before = lent.register.value
    texts = [f"{number}".encode() for number in range(MANY)]

    lent.execute("BEGIN")
    for text in texts:
        lent.alice.queue("bob", text)
    lent.execute("COMMIT")
    assert lent.register.value == before

    assert sorted(lent.texts()) == sorted(texts)
    assert lent.register.value != before


def test_an_undone_transaction_of_the_application_leaves_store_and_anchor_together(
    lent: Lent,
) -> None:
    for end in ("ROLLBACK", "COMMIT", "ROLLBACK"):
        lent.execute("BEGIN")
        lent.alice.queue("bob", end.encode())
        lent.alice.queue("bob", end.encode())
        lent.execute(end)

    assert lent.texts() == [b"COMMIT", b"COMMIT"]
    lent.alice.encrypt("bob", b"goes on")


def test_an_application_that_ends_between_commit_and_outbox_goes_on(lent: Lent) -> None:
    for _ in range(2):
        lent.execute("BEGIN")
        lent.alice.queue("bob", b"queued")
        lent.execute("COMMIT")
    lent.open_again()

    assert lent.texts() == [b"queued", b"queued"]


def test_calls_of_asyncio_leave_after_the_anchor_knows_of_them(world: World) -> None:
    before = world.register.count()

    async def together() -> list[e2ee.Envelope]:
        async with await e2ee.aio.Account.open(world.store) as alice:
            return await asyncio.gather(*(alice.encrypt("bob", b"x") for _ in range(8)))

    envelopes = asyncio.run(together())

    assert world.register.count() > before
    assert read_rows(world.store)["generation"][0] == world.register.count()
    assert len({each.to_bytes() for each in envelopes}) == 8


def test_calls_of_asyncio_are_refused_if_the_anchor_holds_another_past(world: World) -> None:
    held = world.register.value
    assert held is not None
    world.register.value = held[:25] + bytes(16)

    async def refused() -> None:
        async with await e2ee.aio.Account.open(world.store) as alice:
            await alice.encrypt("bob", b"never leaves")

    with pytest.raises(e2ee.StoreRollbackError):
        asyncio.run(refused())
