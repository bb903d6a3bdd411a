# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee.aio` has the names of `e2ee`, and a thread that ends."""

import asyncio
import copy
import gc
import inspect
import os
import pickle
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import UUID

import pytest

import e2ee
import e2ee.aio
from e2ee import mtproto
from tests.api.watched import Place, Watched

KEY = bytes(range(32))
#: What those have beside that work in a thread of their own.
OWN: dict[type, set[str]] = {e2ee.aio.Account: {"close"}, e2ee.aio.SecretChats: {"close"}}
PAIRS: list[tuple[type, type]] = [
    (e2ee.Account, e2ee.aio.Account),
    (e2ee.Group, e2ee.aio.Group),
    (mtproto.SecretChats, e2ee.aio.SecretChats),
    (mtproto.SecretChat, e2ee.aio.SecretChat),
]
BLOCKS = {(e2ee.aio.Account, "receive"), (e2ee.aio.Account, "receive_sealed")}


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def plain(value: object) -> Callable[..., object]:
    """A method as a function, whatever kind of method it is."""
    found = getattr(value, "__func__", value)
    assert callable(found)
    return found


METHODS = [
    (ours, theirs, name)
    for theirs, ours in PAIRS
    for name in sorted(public(theirs))
    if not isinstance(vars(theirs)[name], property)
]


def method_name(value: object) -> str:
    return value if isinstance(value, str) else getattr(value, "__module__", "")


async def introduced(alice: e2ee.aio.Account, bob: e2ee.aio.Account) -> None:
    """Alice and Bob hear of each other."""
    await alice.connect("bob", await bob.bundle())
    await bob.decrypt("alice", await alice.encrypt("bob", b"Hello."))
    await alice.decrypt("bob", await bob.encrypt("alice", b"Hello."))


async def created(name: str = "alice", store: e2ee.store.Store | None = None) -> e2ee.aio.Account:
    return await e2ee.aio.Account.create(store or e2ee.MemoryStore(), name)


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_the_names_are_those_of_the_synchronous_class(theirs: type, ours: type) -> None:
    assert public(ours) == public(theirs) | OWN.get(ours, set())


@pytest.mark.parametrize(("ours", "theirs", "name"), METHODS, ids=method_name)
def test_a_method_takes_the_same(ours: type, theirs: type, name: str) -> None:
    here = inspect.signature(plain(vars(ours)[name])).parameters.values()
    there = inspect.signature(plain(vars(theirs)[name])).parameters.values()

    assert [str(each) for each in here if each.name != "self"] == [
        str(each) for each in there if each.name != "self"
    ]
    assert inspect.iscoroutinefunction(plain(vars(ours)[name])) != ((ours, name) in BLOCKS)


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_properties_stay_properties(theirs: type, ours: type) -> None:
    assert {name for name in public(theirs) if isinstance(vars(theirs)[name], property)} == {
        name for name in public(ours) if isinstance(vars(ours)[name], property)
    }


@pytest.mark.parametrize("ours", [ours for _, ours in PAIRS])
def test_every_name_says_what_it_is(ours: type) -> None:
    texts = {name: plain_doc(vars(ours)[name]) for name in public(ours)}

    assert {name for name, text in texts.items() if not re.match(r"[A-Z].*[.:]$", text)} == set()


def plain_doc(value: object) -> str:
    shown = value if isinstance(value, property) else plain(value)
    return (shown.__doc__ or "").strip().partition("\n")[0]


def test_a_conversation() -> None:
    async def main() -> None:
        async with await created() as alice, await created("bob") as bob:
            await introduced(alice, bob)
            envelopes = await alice.encrypt_many([("bob", b"1"), ("bob", b"2")])
            first, second = await bob.receive_many(("alice", each) for each in envelopes)
            assert isinstance(first, e2ee.Message)
            assert isinstance(second, e2ee.Message)
            assert {each.inbox_id for each in await bob.inbox()} == {
                first.inbox_id,
                second.inbox_id,
            }
            await bob.handled(first)
            async with bob.receive("alice", envelopes[1]) as message:
                assert message == second
                assert await bob.inbox() == [second]
            assert await bob.inbox() == []
            with pytest.raises(e2ee.DuplicateMessageError) as caught:
                await bob.handled(second)
            assert caught.value.delivered
            await bob.verify("alice", await alice.safety_number("bob"))
            assert [each.verified for each in await bob.contacts()] == [True]

    asyncio.run(main())


def test_a_group() -> None:
    async def main() -> None:
        async with await created() as alice, await created("bob") as bob:
            await introduced(alice, bob)
            club = await e2ee.aio.Group.create(alice, ["bob"], id=UUID(int=5))
            assert await club.pending == await club.members == (e2ee.Address("bob"),)
            for _, invitation in await club.invitations():
                await bob.decrypt("alice", invitation)
            async with bob.receive("alice", await club.encrypt(b"Hello, all.")) as message:
                assert (message.plaintext, message.group) == (b"Hello, all.", club.id)
            assert [await alice.groups(), await bob.groups()] == [[club.id], [club.id]]
            await club.leave()
            with pytest.raises(e2ee.NoGroupError):
                await alice.group(club.id)

    asyncio.run(main())


def test_an_account_is_opened_again(tmp_path: Path) -> None:
    async def main() -> None:
        with e2ee.SQLiteStore(tmp_path / "a.db", key=KEY) as store:
            async with await created(store=store) as alice:
                key = alice.identity_key
            async with await e2ee.aio.Account.open(store) as alice:
                assert (alice.identity_key, alice.user, alice.device) == (key, "alice", 1)
                assert repr(alice) == "Account('alice.1')"
            with pytest.raises(e2ee.StoreExistsError):
                await created(store=store)

    asyncio.run(main())


def test_a_lent_connection_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_mode = WAL")
    store = e2ee.SQLiteStore.on(connection, key=KEY)

    with pytest.raises(e2ee.InvalidArgumentError, match="thread"):
        asyncio.run(created(store=store))

    connection.close()


def threads() -> set[str]:
    return {each.name for each in threading.enumerate() if each.name.startswith("e2ee")}


def test_closing_lets_calls_finish_and_ends_the_thread() -> None:
    async def main() -> None:
        bob = await created("bob")
        store = Watched(e2ee.MemoryStore())
        alice = await created(store=store)
        await alice.connect("bob", await bob.bundle())
        gate = store.gate(Place.MADE)
        calls = [asyncio.ensure_future(alice.encrypt("bob", b"%d" % n)) for n in range(8)]
        await asyncio.to_thread(gate.reached.wait)
        closing = [asyncio.ensure_future(alice.close()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(e2ee.StaleSessionError):
            await alice.inbox()
        gate.open()
        await asyncio.gather(*closing)
        assert all(each.done() for each in calls)
        assert [(await bob.decrypt("alice", await each)).plaintext for each in calls] == [
            b"%d" % n for n in range(8)
        ]
        await bob.close()
        await bob.close()
        assert threads() == set()

    asyncio.run(main())


def test_closing_that_is_cancelled_closes_all_the_same() -> None:
    async def main() -> None:
        store = Watched(e2ee.MemoryStore())
        alice = await created(store=store)
        gate = store.gate(Place.MADE)
        call = asyncio.ensure_future(alice.bundle())
        await asyncio.to_thread(gate.reached.wait)
        closing = asyncio.ensure_future(alice.close())
        await asyncio.sleep(0)
        closing.cancel()
        gate.open()
        assert isinstance(await call, e2ee.PreKeyBundle)
        with pytest.raises(e2ee.StaleSessionError):
            await alice.inbox()
        with pytest.raises(asyncio.CancelledError):
            await closing
        await alice.close()

    asyncio.run(main())

    assert threads() == set()


def test_a_call_that_the_thread_does_not_take_any_more_is_refused() -> None:
    async def main() -> None:
        alice = await created()
        turns = alice._turns  # noqa: SLF001
        while turns._working:  # noqa: SLF001, ASYNC110 - of a thread
            await asyncio.sleep(0.001)
        call = asyncio.ensure_future(alice.inbox())
        asyncio.get_running_loop().call_soon(turns.end)
        with pytest.raises(e2ee.StaleSessionError):
            await call

    asyncio.run(main())


@pytest.mark.parametrize("fails", [e2ee.aio.Account.open, created])
def test_a_refused_opening_leaves_no_thread(fails: Callable[..., Awaitable[object]]) -> None:
    async def main() -> None:
        store = e2ee.MemoryStore()
        store.close()
        with pytest.raises(e2ee.StaleSessionError):
            await fails(store=store)

    asyncio.run(main())
    for thread in threading.enumerate():
        if thread.name.startswith("e2ee"):
            thread.join(20)

    assert threads() == set()


def test_an_account_that_is_forgotten_ends_its_thread() -> None:
    async def main() -> None:
        await created()

    asyncio.run(main())
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("e2ee"):
            thread.join(20)

    assert threads() == set()


def test_a_process_ends_though_an_account_is_open() -> None:
    program = (
        "import asyncio, e2ee, e2ee.aio\n"
        "alice = asyncio.run(e2ee.aio.Account.create(e2ee.MemoryStore(), 'alice'))\n"
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], timeout=60, check=False, capture_output=True
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_synchronous_api_does_not_load_asyncio() -> None:
    program = "import sys, e2ee; assert 'asyncio' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_several_loops_share_an_account() -> None:
    alice = asyncio.run(created())
    bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    asyncio.run(alice.connect("bob", bob.bundle()))
    made: list[e2ee.Envelope] = []

    async def talk() -> None:
        made.extend(await asyncio.gather(*(alice.encrypt("bob", b"x") for _ in range(20))))

    talkers = [threading.Thread(target=lambda: asyncio.run(talk())) for _ in range(4)]
    for each in talkers:
        each.start()
    for each in talkers:
        each.join()
    asyncio.run(alice.close())

    assert [bob.decrypt("alice", each).plaintext for each in made] == [b"x"] * 80


def test_a_loop_that_is_gone_does_not_stop_the_thread() -> None:
    store = Watched(e2ee.MemoryStore())
    alice = asyncio.run(created(store=store))
    gate = store.gate(Place.BEGIN)

    async def leave() -> None:
        waits = asyncio.ensure_future(alice.bundle())
        await asyncio.to_thread(gate.reached.wait)
        waits.cancel()

    asyncio.run(leave())
    gate.open()

    assert len(asyncio.run(alice.inbox())) == 0
    asyncio.run(alice.close())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_refuses() -> None:
    alice = asyncio.run(created())
    child = os.fork()
    if child == 0:
        code = 1
        try:
            asyncio.run(alice.inbox())
        except e2ee.StaleSessionError:
            asyncio.run(alice.close())
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    asyncio.run(alice.close())


@pytest.mark.parametrize("copies", [copy.copy, copy.deepcopy, pickle.dumps])
def test_nothing_can_be_copied(copies: Callable[[object], object]) -> None:
    async def main() -> None:
        async with await created() as alice:
            for each in (alice, await alice.create_group()):
                with pytest.raises(TypeError):
                    copies(each)

    asyncio.run(main())


@pytest.mark.parametrize("kind", [ours for _, ours in PAIRS])
def test_nothing_is_made_by_its_constructor(kind: type) -> None:
    with pytest.raises(TypeError):
        kind()


def test_a_block_is_an_asynchronous_context_manager() -> None:
    async def main() -> None:
        async with await created() as alice:
            assert isinstance(alice.receive("bob", b""), AbstractAsyncContextManager)
            with pytest.raises(e2ee.MalformedMessageError):
                await alice.receive("bob", b"").__aenter__()

    asyncio.run(main())
