# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee.aio.SecretChats`: chats whose calls share commits, and a thread that ends."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sqlite3
from typing import TYPE_CHECKING

import pytest

import e2ee
import e2ee.aio
from e2ee import mtproto
from tests.api.aio_world import reached, run
from tests.api.anchored import Register
from tests.api.secret_chat_pair import group, text
from tests.api.watched import Fault, Place, Watched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path
    from typing import Any

    from e2ee.store import Store

KEY = bytes(range(32))
COUNT = 20


async def created(name: str = "alice", store: Store | None = None) -> e2ee.aio.SecretChats:
    return await e2ee.aio.SecretChats.create(store or e2ee.MemoryStore(), name)


async def begin(
    ours: e2ee.aio.SecretChats, theirs: mtproto.SecretChats
) -> tuple[e2ee.aio.SecretChat, mtproto.SecretChat]:
    """A chat of an asynchronous client with another one."""
    offer = await ours.offer("bob", group())
    answer = theirs.accept(offer.chat_id, ours.user, offer.g_a, group())
    leaving = await ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)
    chat = await ours.chat(offer.chat_id)
    other = theirs.chat(offer.chat_id)
    for message in answer.outgoing:
        await chat.receive(message.data)
    takes_in(other, leaving)
    return chat, other


def takes_in(chat: mtproto.SecretChat, leaving: Iterable[mtproto.OutgoingMessage]) -> list[bytes]:
    """What a chat opens."""
    receptions = [chat.receive(message.data) for message in leaving]
    return [message.body for reception in receptions for message in reception.messages]


async def together(
    store: Watched, chats: e2ee.aio.SecretChats, *calls: Awaitable[Any]
) -> list[Any]:
    """The outcomes of calls that wait at the same time."""
    gate = store.gate(Place.BEGIN)
    busy = asyncio.ensure_future(chats.inbox())
    await reached(gate)
    waiting = [asyncio.ensure_future(call) for call in calls]
    await asyncio.sleep(0)
    gate.open()
    await busy
    return await asyncio.gather(*waiting, return_exceptions=True)


def bob() -> mtproto.SecretChats:
    return mtproto.SecretChats.create(e2ee.MemoryStore(), "bob")


def test_a_conversation() -> None:
    async def main() -> None:
        async with await created() as alice:
            chat, other = await begin(alice, bob())
            (leaving,) = await chat.encrypt(text(1))
            assert leaving in await chat.unposted()
            await chat.posted(leaving)
            assert await chat.unposted() == ()
            assert takes_in(other, [leaving]) == [text(1)]
            reception = await chat.receive(other.encrypt(text(2))[0].data)
            assert [message.body for message in reception.messages] == [text(2)]
            assert await alice.inbox() == list(reception.messages)
            await alice.handled(reception.messages[0])
            with pytest.raises(e2ee.DuplicateMessageError):
                await alice.handled(reception.messages[0])

    run(main())


def test_both_ends_see_one_picture() -> None:
    async def main() -> None:
        async with await created() as alice:
            chat, other = await begin(alice, bob())
            ours, theirs = await chat.state(), other.state()
            assert ours is not None
            assert theirs is not None
            assert ours.picture == theirs.picture
            assert (chat.chat_id, chat.peer) == (other.chat_id, "bob")

    run(main())


def test_calls_for_several_chats_share_a_commit() -> None:
    async def main() -> None:
        store = Watched(e2ee.MemoryStore())
        async with await created(store=store) as alice:
            pairs = [await begin(alice, bob()) for _ in range(3)]
            before = store.commits
            made = await together(
                store, alice, *(ours.encrypt(text(n)) for n in range(COUNT) for ours, _ in pairs)
            )
            assert store.commits == before + 1
            for place, (_, theirs) in enumerate(pairs):
                leaving = [message for each in made[place::3] for message in each]
                assert takes_in(theirs, leaving) == [text(n) for n in range(COUNT)]

    run(main())


def test_nothing_leaves_before_the_commit() -> None:
    async def main() -> None:
        store = Watched(e2ee.MemoryStore())
        async with await created(store=store) as alice:
            chat, _ = await begin(alice, bob())
            gate = store.gate(Place.MADE)
            calls = [asyncio.ensure_future(chat.encrypt(text(n))) for n in range(3)]
            await reached(gate)
            await asyncio.sleep(0.02)
            early = [call.done() for call in calls]
            gate.open()
            await asyncio.gather(*calls)
            assert early == [False] * 3

    run(main())


def test_a_refused_call_does_not_hold_up_the_others() -> None:
    async def main() -> None:
        store = Watched(e2ee.MemoryStore())
        async with await created(store=store) as alice:
            chat, other = await begin(alice, bob())
            first, ignored, broken, second = await together(
                store,
                alice,
                chat.encrypt(text(1)),
                chat.receive(bytes(64)),
                chat.encrypt(b"no object"),
                chat.encrypt(text(2)),
            )
            assert isinstance(ignored, e2ee.IgnoredMessageError)
            assert isinstance(broken, e2ee.InvalidArgumentError)
            assert takes_in(other, [*first, *second]) == [text(1), text(2)]

    run(main())


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.UNDONE, Fault.DONE, Fault.FULL])
def test_no_number_is_used_twice_after_a_commit_that_failed(fault: Fault) -> None:
    async def main() -> None:
        store = Watched(e2ee.MemoryStore())
        async with await created(store=store) as alice:
            chat, other = await begin(alice, bob())
            await chat.posted((await chat.unposted())[-1])
            store.faults.append(fault)
            made = await together(store, alice, *(chat.encrypt(text(n)) for n in range(3)))
            assert [isinstance(each, e2ee.StoreError) for each in made] == [
                fault is not Fault.CONFLICT
            ] * 3
            await chat.encrypt(text(3))
            leaving = await chat.unposted()
            numbers = [message.number for message in leaving]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert len(numbers) == (4 if fault in {Fault.CONFLICT, Fault.DONE} else 1)
            assert takes_in(other, leaving)[-1] == text(3)

    run(main())


def test_what_a_cancelled_call_has_made_is_to_be_posted() -> None:
    async def main() -> None:
        store = Watched(e2ee.MemoryStore())
        async with await created(store=store) as alice:
            chat, other = await begin(alice, bob())
            await chat.posted((await chat.unposted())[-1])
            gate = store.gate(Place.MADE)
            call = asyncio.ensure_future(chat.encrypt(text(1)))
            await reached(gate)
            call.cancel()
            gate.open()
            assert takes_in(other, await chat.unposted()) == [text(1)]

    run(main())


def test_chats_are_opened_again(tmp_path: Path) -> None:
    async def main() -> None:
        with e2ee.SQLiteStore(tmp_path / "a.db", key=KEY) as store:
            async with await created(store=store) as alice:
                waiting = await alice.offer("bob", group())
                assert await (await alice.chat(waiting.chat_id)).state() is None
            async with await e2ee.aio.SecretChats.open(store) as alice:
                assert [each.chat_id for each in await alice.chats()] == [waiting.chat_id]
                assert repr(alice) == "SecretChats('alice')"
                await (await alice.chat(waiting.chat_id)).close()
                with pytest.raises(e2ee.NoSessionError):
                    await alice.chat(waiting.chat_id)
            with pytest.raises(e2ee.StoreExistsError):
                await created(store=store)

    run(main())


def test_a_store_with_an_anchor_agrees_with_it() -> None:
    async def main() -> None:
        anchor = Register()
        store = e2ee.MemoryStore(key=KEY, anchor=anchor)
        async with await created(store=store) as alice:
            chat, other = await begin(alice, bob())
            count = anchor.count()
            made = await asyncio.gather(*(chat.encrypt(text(n)) for n in range(3)))
            assert anchor.count() > count
            leaving = [message for each in made for message in each]
            assert takes_in(other, leaving) == [text(n) for n in range(3)]
        async with await e2ee.aio.SecretChats.open(store) as alice:
            assert await alice.heal() == [chat.chat_id]
            assert await alice.chats() == []

    run(main())


def test_a_lent_connection_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_mode = WAL")
    store = e2ee.SQLiteStore.on(connection, key=KEY)

    with pytest.raises(e2ee.InvalidArgumentError, match="thread"):
        run(created(store=store))

    connection.close()


def test_after_closing_every_call_is_refused() -> None:
    async def main() -> None:
        alice = await created()
        chat, _ = await begin(alice, bob())
        await alice.close()
        with pytest.raises(e2ee.StaleSessionError):
            await chat.encrypt(text(1))

    run(main())


@pytest.mark.parametrize("copies", [copy.copy, copy.deepcopy, pickle.dumps])
def test_nothing_can_be_copied(copies: Callable[[object], object]) -> None:
    async def main() -> None:
        async with await created() as alice:
            chat, _ = await begin(alice, bob())
            for each in (alice, chat):
                with pytest.raises(TypeError):
                    copies(each)

    run(main())
