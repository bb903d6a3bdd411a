# SPDX-License-Identifier: MIT OR Apache-2.0
"""An account of Olm over every kind of store: the same calls, and the same promises."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
import e2ee.aio
from e2ee.store import FileAnchor, backup, restore
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.kinds import DURABLE, KEY, KINDS, application, in_a_file, kind_name
from tests.stores.olm_people import ALICE, BOB, Standalone, created, introduced

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
    return introduced(store, bob)


def test_a_store_says_which_protocol_its_account_speaks(store: Store, alice: e2ee.Account) -> None:
    again = e2ee.Account.open(store)

    assert (again.protocol, again.address) == ("olm", ALICE)
    assert again.identity_key == alice.identity_key
    assert len(again.identity_key) == 32
    assert e2ee.Account.create(e2ee.MemoryStore(), "alice").protocol == "signal"


def test_a_long_conversation_goes_on_after_each_opening(store: Store, bob: e2ee.Account) -> None:
    alice = introduced(store, bob)

    for number in range(300):
        text = b"%d" % number
        assert bob.decrypt(ALICE, alice.encrypt(BOB, text)).plaintext == text
        if number % 3 == 0:
            late = bob.encrypt(ALICE, b"late")
            with alice.receive(BOB, bob.encrypt(ALICE, text)) as message:
                assert (message.sender, message.plaintext) == (BOB, text)
            assert alice.decrypt(BOB, late).plaintext == b"late"
        if number % 50 == 0:
            alice = e2ee.Account.open(store)

    assert alice.inbox() == []


def test_a_device_that_its_owner_saves_itself_understands_us(store: Store) -> None:
    alice = created(ALICE, store)
    peer = Standalone(alice)

    for number in range(60):
        text = b"%d" % number
        assert alice.decrypt(BOB, peer.encrypt(text)).plaintext == text
        assert peer.decrypt(alice.encrypt(BOB, text)) == text

    (contact,) = alice.contacts()
    assert (contact.address, contact.identity_key) == (BOB, peer.account.identity_key)
    assert not contact.verified


def test_a_message_waits_in_the_inbox_and_is_known_again(
    store: Store, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    envelope = bob.encrypt(ALICE, b"text")

    def fails() -> None:
        with alice.receive(BOB, envelope):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fails()
    again = e2ee.Account.open(store)
    (waiting,) = again.inbox()
    assert (waiting.sender, waiting.plaintext) == (BOB, b"text")
    with again.receive(BOB, envelope) as message:
        assert message == waiting
    with pytest.raises(e2ee.DuplicateMessageError) as refused, again.receive(BOB, envelope):
        pass
    assert refused.value.delivered


def test_the_outbox_gives_the_same_bytes_until_they_are_sent(
    store: Store, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    name = alice.queue(BOB, b"text")

    (queued,) = e2ee.Account.open(store).outbox(peer=BOB)

    assert (queued.id, queued.recipient) == (name, BOB)
    assert alice.outbox() == [queued]
    assert bob.decrypt(ALICE, queued.envelope).plaintext == b"text"
    alice.sent(queued)
    assert alice.outbox() == []


def test_batches_are_sent_as_a_whole_and_received_one_by_one(
    alice: e2ee.Account, bob: e2ee.Account
) -> None:
    texts = [b"%d" % number for number in range(200)]
    stranger = e2ee.Address("@carol:example.org", "X")

    with pytest.raises(e2ee.NoSessionError) as refused:
        alice.encrypt_many([(BOB, b""), (stranger, b"")])
    envelopes = alice.encrypt_many((BOB, text) for text in texts)
    broken = e2ee.Envelope(envelopes[0].to_bytes()[:-1] + b"\0")
    opened = bob.decrypt_many([(ALICE, each) for each in [broken, *envelopes[:100]]])
    kept = bob.receive_many([(ALICE, each) for each in envelopes[50:]])
    queued = alice.queue_many([(BOB, b"last"), (BOB, b"of all")])

    assert refused.value.place == 1
    assert isinstance(opened[0], e2ee.AuthenticationError)
    assert [each.plaintext for each in opened[1:] if isinstance(each, e2ee.Message)] == texts[:100]
    assert all(isinstance(each, e2ee.DuplicateMessageError) for each in kept[:50])
    assert [each.plaintext for each in kept[50:] if isinstance(each, e2ee.Message)] == texts[100:]
    assert len(bob.inbox()) == 100
    assert [each.id for each in alice.outbox()] == queued
    arrived = bob.decrypt_many([(ALICE, each.envelope) for each in alice.outbox()])
    assert [each.plaintext for each in arrived if isinstance(each, e2ee.Message)] == [
        b"last",
        b"of all",
    ]


def test_a_crash_before_the_commit_changes_nothing(
    store: Store, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    del alice
    before = read_rows(store)
    copied = copy_of(before, KEY)
    sent = e2ee.Account.open(copied).encrypt(BOB, b"never durable")

    again = e2ee.Account.open(store)

    assert read_rows(store) == before
    assert again.encrypt(BOB, b"text").to_bytes()[:2] == sent.to_bytes()[:2]
    assert bob.decrypt(ALICE, again.encrypt(BOB, b"more")).plaintext == b"more"


def test_a_store_that_was_set_back_is_found(store: Store, bob: e2ee.Account) -> None:
    alice = introduced(store, bob)
    older = read_rows(store)
    alice.encrypt(BOB, b"text")

    put_rows(store, older)

    with pytest.raises(e2ee.StoreRollbackError):
        alice.encrypt(BOB, b"text")


def test_another_key_of_the_store(
    store: RekeyableStore, alice: e2ee.Account, bob: e2ee.Account
) -> None:
    alice.queue(BOB, b"queued")
    alice.rekey(key=OTHER)

    rows = read_rows(store)

    with pytest.raises(e2ee.StoreKeyError):
        e2ee.Account.open(copy_of(rows, KEY))
    for account in (alice, e2ee.Account.open(copy_of(rows, OTHER))):
        assert [each.recipient for each in account.outbox()] == [BOB]
    assert bob.decrypt(ALICE, alice.encrypt(BOB, b"text")).plaintext == b"text"


@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_an_anchor_refuses_a_copy_until_it_is_healed(
    kind: Callable[..., RekeyableStore], tmp_path: Path, bob: e2ee.Account
) -> None:
    with closing(kind(tmp_path, KEY, FileAnchor(tmp_path / "anchor"))) as store:
        alice = introduced(store, bob)
        older = read_rows(store)
        lost = alice.encrypt(BOB, b"lost")
        put_rows(store, older)

        again = e2ee.Account.open(store)

        with pytest.raises(e2ee.StoreRollbackError):
            again.encrypt(BOB, b"text")
        healed = again.heal()
        assert (healed.peers, healed.groups) == ((BOB,), ())
        with pytest.raises(e2ee.NoSessionError):
            again.encrypt(BOB, b"text")
        again.connect(BOB, bob.bundle())
        sent = again.encrypt(BOB, b"text")
        assert bob.decrypt(ALICE, sent).plaintext == b"text"
        assert bob.decrypt(ALICE, lost).plaintext == b"lost"


def test_a_backup_becomes_a_store_of_its_own(tmp_path: Path, bob: e2ee.Account) -> None:
    with closing(in_a_file(tmp_path)) as store:
        introduced(store, bob)
        backup(store, tmp_path / "backup")

    fresh = e2ee.MemoryStore(key=OTHER)
    healed = restore(tmp_path / "backup", fresh, key=KEY)

    assert healed.peers == (BOB,)
    again = e2ee.Account.open(fresh)
    assert (again.protocol, again.address) == ("olm", ALICE)
    assert again.decrypt(BOB, bob.encrypt(ALICE, b"text")).plaintext == b"text"


def test_a_step_is_undone_with_the_applications_transaction(
    tmp_path: Path, bob: e2ee.Account
) -> None:
    connection = application(tmp_path / "app.db")
    store = e2ee.SQLiteStore.on(connection, key=KEY)
    alice = introduced(store, bob)

    def fails() -> None:
        with connection:
            connection.execute("BEGIN")
            alice.queue(BOB, b"undone")
            raise sqlite3.IntegrityError

    with pytest.raises(sqlite3.IntegrityError):
        fails()
    assert alice.outbox() == []
    with alice.receive(BOB, bob.encrypt(ALICE, b"text")) as message:
        connection.execute("INSERT INTO chat VALUES (?)", [message.plaintext.decode()])
        alice.queue(BOB, b"reply")
    assert connection.execute("SELECT text FROM chat").fetchall() == [("text",)]
    (reply,) = alice.outbox()
    assert bob.decrypt(ALICE, reply.envelope).plaintext == b"reply"


def test_asyncio_has_the_same_calls(store: Store, bob: e2ee.Account) -> None:
    async def talk() -> None:
        async with await e2ee.aio.Account.create(
            store, ALICE.user, device=ALICE.device, protocol="olm"
        ) as alice:
            assert alice.protocol == "olm"
            await alice.connect(BOB, bob.bundle())
            sent = await asyncio.gather(*(alice.encrypt(BOB, b"%d" % n) for n in range(10)))
            assert [bob.decrypt(ALICE, each).plaintext for each in sent] == [
                b"%d" % number for number in range(10)
            ]
            async with alice.receive(BOB, bob.encrypt(ALICE, b"question")) as message:
                await alice.queue(BOB, message.plaintext + b"? yes")
            (reply,) = await alice.outbox()
            assert bob.decrypt(ALICE, reply.envelope).plaintext == b"question? yes"
            made = await alice.generate_keys(2, fallback=True)
            await alice.mark_keys_as_published()
            assert (len(made.one_time_keys), len(made.fallback_keys)) == (2, 1)
            assert (await alice.generate_keys()).one_time_keys == {}
        async with await e2ee.aio.Account.open(store) as again:
            assert again.protocol == "olm"

    asyncio.run(talk())
