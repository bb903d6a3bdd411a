# SPDX-License-Identifier: MIT OR Apache-2.0
"""The asynchronous `receive` block: a message and its replies end together, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

import e2ee
import e2ee.aio
from e2ee import _outbox, signal
from e2ee.errors import StoreConflictError
from e2ee.store import Scope, Store, StoreSecret, Transaction, Write
from tests.api.aio_world import World, indexes, run, world
from tests.api.watched import Fault
from tests.stores.kinds import KINDS, UndoneError, introduced, kind_name
from tests.stores.protocols import Protocol

Kind = Callable[[Path], Store]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=kind_name)


async def fails(at: World, envelope: e2ee.Envelope, work: Callable[[], Awaitable[object]]) -> None:
    """Receives an envelope in a block that does some work, and then raises."""

    async def block() -> None:
        async with at.alice.receive(at.bob.address, envelope):
            await work()
            raise UndoneError

    with pytest.raises(UndoneError):
        await block()


@each_kind
def test_a_reply_is_kept_or_undone_with_the_block(
    kind: Kind, protocol: Protocol, tmp_path: Path
) -> None:
    async def main() -> None:
        async with world(kind(tmp_path), protocol) as at:
            envelope = at.from_bob(b"question")

            await fails(at, envelope, lambda: at.alice.queue(at.bob.address, b"undone"))
            assert await at.alice.outbox() == []
            assert [each.plaintext for each in await at.alice.inbox()] == [b"question"]
            before = at.store.commits
            async with at.alice.receive(at.bob.address, envelope) as message:
                name = await at.alice.queue(at.bob.address, message.plaintext + b"? yes")
                more = await at.alice.queue_many(
                    [(at.bob.address, b"and"), (at.bob.address, b"more")]
                )
                assert await at.alice.inbox() == [message]
                assert at.store.commits == before

            assert at.store.commits == before + 1
            replies = await at.alice.outbox()
            assert {each.id for each in replies} == {name, *more}
            opened = at.opens(each.envelope for each in replies)
            assert sorted(opened) == [b"and", b"more", b"question? yes"]
            assert await at.alice.inbox() == []

    run(main())


@each_kind
def test_nothing_is_held_while_the_block_waits(
    kind: Kind, protocol: Protocol, tmp_path: Path
) -> None:
    async def main() -> None:
        async with world(kind(tmp_path), protocol) as at:
            begin = asyncio.Event()

            async def send() -> e2ee.Envelope:
                await begin.wait()
                return await at.alice.encrypt(at.bob.address, b"outside")

            sender = asyncio.create_task(send())
            async with at.alice.receive(at.bob.address, at.from_bob(b"question")):
                name = await at.alice.queue(at.bob.address, b"reply")
                begin.set()
                assert at.opens([await sender]) == [b"outside"]

            (reply,) = await at.alice.outbox()
            assert (reply.id, at.opens([reply.envelope])) == (name, [b"reply"])

    run(main())


def test_replies_are_listed_and_numbered_in_the_order_of_calls(protocol: Protocol) -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore(), protocol) as at:
            texts = [b"%d" % number for number in range(30)]
            async with at.alice.receive(at.bob.address, at.from_bob(b"question")):
                names = [await at.alice.queue(at.bob.address, text) for text in texts[:20]]
                names += await at.alice.queue_many([(at.bob.address, text) for text in texts[20:]])

            replies = await at.alice.outbox()
            assert [each.id for each in replies] == names
            places = indexes(each.envelope for each in replies)
            assert places == list(range(places[0], places[0] + 30))
            assert at.opens(each.envelope for each in replies) == texts

    run(main())


def test_other_messages_and_sent_envelopes_end_with_the_block(protocol: Protocol) -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore(), protocol) as at:
            await at.alice.queue(at.bob.address, b"x")
            (waiting,) = await at.alice.outbox()
            (other,) = await at.alice.receive_many([(at.bob.address, at.from_bob(b"other"))])
            assert isinstance(other, e2ee.Message)
            envelope = at.from_bob(b"this")

            async def ends_all() -> None:
                await at.alice.handled(other)
                await at.alice.sent(waiting)

            await fails(at, envelope, ends_all)
            assert len(await at.alice.inbox()) == 2
            assert await at.alice.outbox() == [waiting]
            async with at.alice.receive(at.bob.address, envelope) as message:
                await at.alice.handled(message)
                await ends_all()
            assert await at.alice.inbox() == []
            assert await at.alice.outbox() == []

    run(main())


def test_what_cannot_be_queued_is_refused_inside_the_block(protocol: Protocol) -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore(), protocol) as at:
            nobody = at.address("nobody")
            async with at.alice.receive(at.bob.address, at.from_bob(b"x")):
                with pytest.raises(e2ee.NoSessionError):
                    await at.alice.queue(nobody, b"x")
                with pytest.raises(e2ee.NoSessionError) as caught:
                    await at.alice.queue_many(
                        [(at.bob.address, b"x"), (at.address("nobody"), b"x")]
                    )
                assert caught.value.place == 1
            assert await at.alice.outbox() == []
            assert await at.alice.inbox() == []

    run(main())


def leaving(alice: e2ee.aio.Account, club: e2ee.aio.Group) -> dict[str, Awaitable[object]]:
    """Calls that a block would not undo, as far as they need no second account."""
    return {
        "bundle": alice.bundle(),
        "prekeys": alice.prekeys(),
        "refresh_prekeys": alice.refresh_prekeys(),
        "reset": alice.reset("bob"),
        "rekey": alice.rekey(key=bytes(32)),
        "connect": alice.connect("bob", b""),
        "encrypt": alice.encrypt("bob", b"x"),
        "encrypt_sealed": alice.encrypt_sealed("bob", b"x", b""),
        "encrypt_many": alice.encrypt_many([]),
        "decrypt_many": alice.decrypt_many([]),
        "receive_many": alice.receive_many([]),
        "outbox": alice.outbox(),
        "verify": alice.verify("bob", "0"),
        "accept_identity": alice.accept_identity("bob", b""),
        "forget": alice.forget("bob"),
        "create_group": alice.create_group(),
        "add": club.add("bob"),
        "remove": club.remove("bob"),
        "reinvite": club.reinvite("bob"),
        "rotate": club.rotate(),
        "leave": club.leave(),
        "invitations": club.invitations(),
        "group encrypt": club.encrypt(b"x"),
        "group encrypt_sealed": club.encrypt_sealed(b"x", b""),
    }


def test_what_leaves_is_refused_in_the_block_and_in_its_tasks() -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            club = await at.alice.create_group(["bob"])
            late = asyncio.Event()

            async def outlives() -> e2ee.Envelope:
                await late.wait()
                return await at.alice.encrypt(at.bob.address, b"after the block")

            async with at.alice.receive(at.bob.address, at.from_bob(b"x")):
                for call in leaving(at.alice, club).values():
                    with pytest.raises(e2ee.TransactionOpenError):
                        await asyncio.ensure_future(call)
                task = asyncio.create_task(outlives())
            late.set()
            assert at.opens([await task]) == [b"after the block"]

    run(main())


def test_blocks_inside_each_other_end_their_own_messages(protocol: Protocol) -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore(), protocol) as at:
            first, second = (at.from_bob(text) for text in (b"1", b"2"))
            async with at.alice.receive(at.bob.address, first) as outer:
                async with at.alice.receive(at.bob.address, second) as inner:
                    await at.alice.handled(outer)
                    await at.alice.queue(at.bob.address, b"inner")
                assert [each.inbox_id for each in await at.alice.inbox()] == [outer.inbox_id]
                with pytest.raises(e2ee.DuplicateMessageError):
                    await at.alice.handled(inner)
                await at.alice.queue(at.bob.address, b"outer")
            assert await at.alice.inbox() == []
            assert len(await at.alice.outbox()) == 2

    run(main())


def test_two_accounts_have_their_own_blocks() -> None:
    async def main() -> None:
        async with (
            world(e2ee.MemoryStore()) as at,
            world(e2ee.MemoryStore()) as other,
            at.alice.receive(at.bob.address, at.from_bob(b"x")),
        ):
            assert other.opens([await other.alice.encrypt(at.bob.address, b"free")]) == [b"free"]

    run(main())


def test_a_message_that_others_have_handled_is_a_duplicate_at_the_end(protocol: Protocol) -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore(), protocol) as at:
            block = at.alice.receive(at.bob.address, at.from_bob(b"x"))
            message = await block.__aenter__()
            await at.alice.queue(at.bob.address, b"reply")
            e2ee.Account.open(at.store.inner).handled(message)
            with pytest.raises(e2ee.DuplicateMessageError) as caught:
                await block.__aexit__(None, None, None)
            assert caught.value.delivered
            assert await at.alice.outbox() == []

    run(main())


def test_what_joins_a_block_that_has_ended_meanwhile_is_refused(protocol: Protocol) -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore(), protocol) as at:
            block = at.alice.receive(at.bob.address, at.from_bob(b"x"))
            await block.__aenter__()
            gate = await at.busy()
            late = asyncio.create_task(at.alice.queue(at.bob.address, b"late"))
            await asyncio.sleep(0)
            end = asyncio.create_task(block.__aexit__(None, None, None))
            await asyncio.sleep(0)
            gate.open()
            await end
            with pytest.raises(e2ee.StaleSessionError):
                await late
            assert await at.alice.outbox() == []

    run(main())


@pytest.mark.parametrize("fault", [Fault.CONFLICT, Fault.UNDONE, Fault.FULL])
def test_a_block_whose_end_fails_is_repeated(fault: Fault, protocol: Protocol) -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore(), protocol) as at:
            envelope = at.from_bob(b"question")

            async def handle() -> None:
                async with at.alice.receive(at.bob.address, envelope) as message:
                    await at.alice.queue(at.bob.address, b"reply to " + message.plaintext)

            at.store.faults.extend([None, fault])
            if fault is Fault.CONFLICT:
                await handle()
            else:
                with pytest.raises(e2ee.StoreUnavailableError):
                    await handle()
                assert await at.alice.outbox() == []
                await handle()
            (reply,) = await at.alice.outbox()
            assert at.opens([reply.envelope]) == [b"reply to question"]

    run(main())


def test_a_sealed_message_is_received_and_decrypted() -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            root = signal.TrustRoot.generate()
            signer = root.server_signer(1)
            tomorrow = datetime.now(UTC) + timedelta(days=1)
            theirs = signer.issue("bob", 1, at.bob.identity_key, tomorrow)
            ours = signer.issue("alice", 1, at.alice.identity_key, tomorrow)
            first, second = (at.bob.encrypt_sealed("alice", b"x", theirs) for _ in range(2))
            async with at.alice.receive_sealed(first, trust_roots=[root.public_key]) as message:
                assert (message.sender.user, message.plaintext) == ("bob", b"x")
            opened = await at.alice.decrypt_sealed(second, trust_roots=[root.public_key])
            assert opened.plaintext == b"x"
            reply = await at.alice.encrypt_sealed("bob", b"y", ours)
            assert at.bob.decrypt_sealed(reply, trust_roots=[root.public_key]).plaintext == b"y"

    run(main())


@pytest.mark.parametrize("name", ["", "0" * 39, "0" * 41, "A" * 40, "/" * 40, "é" * 20])
def test_what_is_no_name_of_an_entry_is_refused(name: str) -> None:
    bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice = introduced(e2ee.MemoryStore(), bob)

    with pytest.raises(e2ee.InvalidArgumentError):
        _outbox.queue_as(alice, "bob", b"x", name)

    assert alice.outbox() == []


class Shared:
    """A store in memory whose transactions about a scope change nothing else."""

    def __init__(self) -> None:
        self.inner = e2ee.MemoryStore()
        self.begun: list[str] = []

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self.inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that has everything for itself."""
        self.begun.append("alone")
        with self.inner.transaction() as transaction:
            yield transaction

    @contextmanager
    def beside(self, scope: Scope) -> Iterator[Transaction]:
        """A transaction about a scope."""
        self.begun.append("beside")
        with self.inner.transaction() as transaction:
            yield Scoped(transaction, scope)

    def close(self) -> None:
        """Closes the store inside."""
        self.inner.close()


class Scoped:
    """A transaction about a scope."""

    def __init__(self, inner: Transaction, scope: Scope) -> None:
        self._inner = inner
        self._scope = scope
        self.get, self.list = inner.get, inner.list

    def apply(self, writes: Sequence[Write], /) -> None:
        """Changes the records, if the scope allows that."""
        if not self._scope.allows(writes):
            raise StoreConflictError("others work there")
        self._inner.apply(writes)


def test_a_lone_call_leaves_others_alone_where_a_store_can() -> None:
    async def main() -> None:
        store, bob = Shared(), e2ee.Account.create(e2ee.MemoryStore(), "bob")
        introduced(store, bob)
        async with await e2ee.aio.Account.open(store) as alice:

            async def begun(call: Awaitable[object]) -> list[str]:
                store.begun.clear()
                await call
                return list(store.begun)

            async def block(*, reply: bool) -> None:
                async with alice.receive("bob", bob.encrypt("alice", b"x")):
                    if reply:
                        await alice.queue("bob", b"y")

            assert await begun(alice.encrypt("bob", b"x")) == ["beside"]
            assert await begun(alice.create_group(id=UUID(int=1))) == ["alone"]
            assert await begun(block(reply=False)) == ["beside", "beside"]
            assert await begun(block(reply=True)) == ["beside", "beside", "alone"]

    run(main())
