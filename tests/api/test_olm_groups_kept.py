# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rooms of a Matrix account in stores that crash, are set back, moved and opened again."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
import e2ee.aio
from e2ee.store import FileAnchor, backup, restore
from tests.api.olm_rooms import (
    ROOM,
    acquainted,
    invite,
    read,
    shared,
)
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.kinds import DURABLE, KEY, KINDS, in_a_file, kind_name
from tests.stores.olm_people import ALICE, BOB, created

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2ee.store import RekeyableStore, Store

OTHER: Final = bytes(31) + b"\x01"


@pytest.fixture
def bob() -> e2ee.Account:
    return created(BOB)


@pytest.fixture(params=KINDS, ids=kind_name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RekeyableStore]:
    kind: Callable[[Path], RekeyableStore] = request.param
    with closing(kind(tmp_path)) as made:
        yield made


@pytest.fixture
def alice(store: Store, bob: e2ee.Account) -> e2ee.Account:
    return acquainted(store, bob)


def test_a_crash_before_the_commit_changes_nothing(store: Store, bob: e2ee.Account) -> None:
    shared(store, bob)
    before = read_rows(store)
    e2ee.Account.open(copy_of(before, KEY)).group(ROOM).encrypt(b"never durable")

    again = e2ee.Account.open(store).group(ROOM)

    assert read_rows(store) == before
    assert read(bob, ALICE, again.encrypt(b"text")) == b"text"


def test_a_crash_between_the_steps_of_a_message_shows_it_again(
    store: Store, bob: e2ee.Account
) -> None:
    alice = acquainted(store, bob)
    room = bob.create_group([ALICE], id=ROOM)
    alice.decrypt(BOB, room.invitations()[0][1])
    envelope = room.encrypt(b"text")
    before = read_rows(store)
    alice.receive_many([(BOB, envelope)])
    between = read_rows(store)

    undone = e2ee.Account.open(copy_of(before, KEY))
    kept = e2ee.Account.open(copy_of(between, KEY))

    for account in (undone, kept):
        with account.receive(BOB, envelope) as message:
            assert message.plaintext == b"text"
        assert account.inbox() == []


def test_a_room_that_was_set_back_is_found(store: Store, bob: e2ee.Account) -> None:
    _, room = shared(store, bob)
    older = read_rows(store)
    room.encrypt(b"text")

    put_rows(store, older)

    with pytest.raises(e2ee.StoreRollbackError):
        room.encrypt(b"text")


def test_rooms_go_on_under_another_key_of_the_store(
    store: RekeyableStore, bob: e2ee.Account
) -> None:
    alice, room = shared(store, bob)
    back = bob.group(ROOM)
    back.add(ALICE)
    alice.decrypt(BOB, back.invitations()[0][1])

    alice.rekey(key=OTHER)

    for account in (alice, e2ee.Account.open(copy_of(read_rows(store), OTHER))):
        assert read(account, BOB, back.encrypt(b"text")) == b"text"
    assert read(bob, ALICE, room.encrypt(b"text")) == b"text"


@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_an_anchor_refuses_a_copy_until_it_is_healed(
    kind: Callable[..., RekeyableStore], tmp_path: Path, bob: e2ee.Account
) -> None:
    with closing(kind(tmp_path, KEY, FileAnchor(tmp_path / "anchor"))) as store:
        _, room = shared(store, bob)
        older = read_rows(store)
        lost = room.encrypt(b"lost")
        put_rows(store, older)

        again = e2ee.Account.open(store)

        with pytest.raises(e2ee.StoreRollbackError):
            again.group(ROOM).encrypt(b"text")
        assert again.heal().groups == (ROOM,)
        again.connect(BOB, bob.bundle())
        invite(again.group(ROOM), ALICE, bob)
        assert read(bob, ALICE, again.group(ROOM).encrypt(b"text")) == b"text"
        assert read(bob, ALICE, lost) == b"lost"


def test_a_restored_backup_reads_and_needs_new_invitations(
    tmp_path: Path, bob: e2ee.Account
) -> None:
    back = bob.create_group([ALICE], id=ROOM)
    with closing(in_a_file(tmp_path)) as store:
        alice = acquainted(store, bob)
        alice.decrypt(BOB, back.invitations()[0][1])
        backup(store, tmp_path / "backup")

    fresh = e2ee.MemoryStore(key=OTHER)
    healed = restore(tmp_path / "backup", fresh, key=KEY)

    assert healed.groups == (ROOM,)
    again = e2ee.Account.open(fresh)
    assert read(again, BOB, back.encrypt(b"text")) == b"text"


def test_a_room_that_was_left_is_not_known(store: Store, bob: e2ee.Account) -> None:
    alice, room = shared(store, bob)

    room.leave()

    assert alice.groups() == []
    assert not any(name.startswith("room") for name in read_rows(store))
    for call in (lambda: room.members, room.invitations, lambda: room.encrypt(b""), room.leave):
        with pytest.raises(e2ee.NoGroupError):
            call()
    with pytest.raises(e2ee.NoGroupError):
        alice.group(ROOM)


def test_asyncio_has_the_same_calls(store: Store, bob: e2ee.Account) -> None:
    async def talk() -> None:
        async with await e2ee.aio.Account.create(
            store, ALICE.user, device=ALICE.device, protocol="olm"
        ) as alice:
            await alice.connect(BOB, bob.bundle())
            room = await alice.create_group([BOB], id=ROOM)
            assert (room.id, await room.pending) == (ROOM, (BOB,))
            for _, invitation in await room.invitations():
                assert bob.decrypt(ALICE, invitation).content == "invitation"
            await room.rotate_after(messages=1, period=timedelta(days=1))
            assert read(bob, ALICE, await room.encrypt(b"text")) == b"text"
            assert await room.pending == (BOB,)
            back = bob.group(ROOM)
            back.add(ALICE)
            async with alice.receive(BOB, back.invitations()[0][1]) as message:
                assert message.content == "invitation"
            async with alice.receive(BOB, back.encrypt(b"text")) as message:
                assert (message.content, message.group) == ("group", ROOM)
            keys = await alice.export_room_keys()
            assert (await alice.import_room_keys(keys)).known == 1
            assert await alice.groups() == [ROOM]
            await (await alice.group(ROOM)).leave()
            assert await alice.groups() == []

    asyncio.run(talk())
