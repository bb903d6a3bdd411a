# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats over every kind of store: the same calls, and the promises that accounts have."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
from e2ee import mtproto
from e2ee.store import FileAnchor, backup, restore
from tests.api.secret_chat_pair import Pair, begin, group, text
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.kinds import DURABLE, KEY, KINDS, in_a_file, kind_name
from tests.stores.secret_chats import State, chats_of, make_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2ee.store import RekeyableStore

OTHER: Final = bytes(31) + b"\x01"
#: Enough for a change of the key of the chat, and more.
LONG: Final = 130


@pytest.fixture(params=KINDS, ids=kind_name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RekeyableStore]:
    kind: Callable[[Path], RekeyableStore] = request.param
    with closing(kind(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def state() -> State:
    return make_state()


def test_a_long_chat_goes_on_after_each_opening(store: RekeyableStore) -> None:
    pair = begin(store)
    first = pair.alice.state()

    for number in range(LONG):
        opened = pair.settle(pair.alice.encrypt(text(number)), pair.bob.encrypt(text(number)))
        assert opened == ([text(number)], [text(number)])
        if number % 40 == 0:
            pair.alice = mtproto.SecretChats.open(store).chat(pair.alice.chat_id)

    last = pair.alice.state()
    assert first is not None
    assert last is not None
    assert first.key_fingerprint != last.key_fingerprint
    assert first.picture == last.picture
    assert min(last.acknowledged, last.received) >= LONG


def test_what_was_in_the_middle_goes_on(store: RekeyableStore) -> None:
    state = make_state(store)

    state.check(mtproto.SecretChats.open(store))


def test_a_crash_before_the_commit_changes_nothing(store: RekeyableStore) -> None:
    pair = begin(store)
    before = read_rows(store)
    (never,) = chats_of(before).chat(pair.alice.chat_id).encrypt(text(1))

    (sent,) = mtproto.SecretChats.open(store).chat(pair.alice.chat_id).encrypt(text(2))

    assert sent.number == never.number
    assert pair.settle([sent]) == ([], [text(2)])


def test_a_store_that_was_set_back_is_found_by_who_has_seen_more(store: RekeyableStore) -> None:
    pair = begin(store)
    older = read_rows(store)
    pair.alice.encrypt(text(1))

    put_rows(store, older)

    with pytest.raises(e2ee.StoreRollbackError):
        pair.alice.encrypt(text(2))
    with pytest.raises(e2ee.StoreRollbackError):
        pair.alice.receive(pair.bob.encrypt(text(3))[0].data)


def test_another_process_goes_on_with_a_chat_where_the_first_has_stopped(
    store: RekeyableStore,
) -> None:
    pair = begin(store)
    chat_id = pair.alice.chat_id
    others = [pair.alice, mtproto.SecretChats.open(store).chat(chat_id)]

    sent = [message for number in range(6) for message in others[number % 2].encrypt(text(number))]
    first = sent[0].number
    assert [message.number for message in sent] == list(range(first, first + 6))
    assert pair.settle(sent) == ([], [text(number) for number in range(6)])


def test_a_number_that_somebody_else_closed_is_unknown_to_all(store: RekeyableStore) -> None:
    pair = begin(store)
    other = mtproto.SecretChats.open(store)
    other.chat(pair.alice.chat_id).close()

    with pytest.raises(e2ee.NoSessionError):
        pair.alice.encrypt(text(1))

    answer = pair.chats[1].offer("alice", group())
    other.accept(answer.chat_id, "bob", answer.g_a, group())
    assert [chat.chat_id for chat in pair.chats[0].chats()] == [answer.chat_id]


@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_an_anchor_refuses_a_copy_until_its_chats_are_closed(
    kind: Callable[..., RekeyableStore], tmp_path: Path
) -> None:
    with closing(kind(tmp_path, KEY, FileAnchor(tmp_path / "anchor"))) as store:
        pair = begin(store)
        older = read_rows(store)
        pair.settle(pair.alice.encrypt(text(1)), pair.bob.encrypt(text(2)))
        put_rows(store, older)

        again = mtproto.SecretChats.open(store)

        with pytest.raises(e2ee.StoreRollbackError):
            again.chat(pair.alice.chat_id).encrypt(text(3))
        assert again.heal() == [pair.alice.chat_id]
        assert [name for name in read_rows(store) if name.startswith("chat")] == []
        offer = again.offer("bob", group())
        answer = pair.chats[1].accept(offer.chat_id, "alice", offer.g_a, group())
        again.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)
        assert len(again.chat(offer.chat_id).encrypt(text(4))) == 1


@pytest.fixture
def copied(store: RekeyableStore, state: State, tmp_path: Path) -> Path:
    """A backup of a store with chats of every kind."""
    put_rows(store, state.rows)
    backup(store, tmp_path / "chats.backup")
    return tmp_path / "chats.backup"


def test_a_restored_backup_has_no_chat_and_its_inbox(copied: Path, state: State) -> None:
    fresh = e2ee.MemoryStore(key=OTHER)

    healed = restore(copied, fresh, key=KEY)

    chats = mtproto.SecretChats.open(fresh)
    assert set(healed.chats) == {state.chat_id, state.offer.chat_id}
    assert (healed.peers, healed.groups, healed.dropped) == ((), (), ())
    assert chats.chats() == []
    assert [message.body for message in chats.inbox()] == [text(4)]
    assert [name for name in read_rows(fresh) if name.startswith("chat")] == []
    with pytest.raises(e2ee.NoSessionError):
        chats.chat(state.chat_id)
    with pytest.raises(e2ee.NoSessionError):
        chats.confirm(state.offer.chat_id, state.offer.g_a, 0)


def test_no_row_of_the_past_opens_in_a_restored_store(copied: Path, state: State) -> None:
    fresh = e2ee.MemoryStore(key=KEY)
    restore(copied, fresh)

    now = read_rows(fresh)
    past = {name: state.rows[name] for name in now if name.startswith("inbox/")}

    put_rows(fresh, now | past)

    assert len(past) == 1
    with pytest.raises(e2ee.StoreCorruptionError):
        mtproto.SecretChats.open(fresh).inbox()


def test_a_restored_store_has_an_anchor_of_its_own(tmp_path: Path) -> None:
    before = FileAnchor(tmp_path / "anchor")
    with closing(in_a_file(tmp_path, KEY, before)) as store:
        begin(store)
        backup(store, tmp_path / "chats.backup")
    refused = e2ee.SQLiteStore(tmp_path / "refused.db", key=KEY, anchor=before)
    with closing(refused), pytest.raises(e2ee.StoreAnchorError):
        restore(tmp_path / "chats.backup", refused)

    anchor = FileAnchor(tmp_path / "another")
    with closing(e2ee.SQLiteStore(tmp_path / "fresh.db", key=KEY, anchor=anchor)) as fresh:
        restore(tmp_path / "chats.backup", fresh)
        chats = mtproto.SecretChats.open(fresh)
        assert chats.chats() == []
        assert chats.offer("bob", group()).chat_id != 0
    assert anchor.read() is not None


def test_a_damaged_row_ends_the_restoration(state: State, tmp_path: Path) -> None:
    name = f"chat-state/{state.chat_id}"
    revision, sealed = state.rows[name]
    damaged = copy_of(state.rows | {name: (revision, sealed[:-1] + bytes([sealed[-1] ^ 1]))}, KEY)
    backup(damaged, tmp_path / "chats.backup")
    fresh = e2ee.MemoryStore(key=KEY)

    with pytest.raises(e2ee.StoreCorruptionError):
        restore(tmp_path / "chats.backup", fresh)

    assert read_rows(fresh) == {}


def test_a_store_says_what_it_holds_and_who_opens_it() -> None:
    accounts, chats = e2ee.MemoryStore(), e2ee.MemoryStore()
    matrix = e2ee.MemoryStore()
    e2ee.Account.create(accounts, "alice")
    e2ee.Account.create(matrix, "@alice:example.org", device="A", protocol="olm")
    mtproto.SecretChats.create(chats, "alice")

    for store in (accounts, matrix):
        with pytest.raises(e2ee.InvalidArgumentError, match=r"an account: e2ee\.Account\.open"):
            mtproto.SecretChats.open(store)
    with pytest.raises(e2ee.InvalidArgumentError, match=r"secret chats: .*SecretChats\.open"):
        e2ee.Account.open(chats)


def test_neither_is_made_where_the_other_is() -> None:
    accounts, chats = e2ee.MemoryStore(), e2ee.MemoryStore()
    e2ee.Account.create(accounts, "alice")
    mtproto.SecretChats.create(chats, "alice")

    with pytest.raises(e2ee.StoreExistsError):
        mtproto.SecretChats.create(accounts, "alice")
    with pytest.raises(e2ee.StoreExistsError):
        e2ee.Account.create(chats, "alice")


def test_a_pair_of_stores_need_not_be_of_one_kind(store: RekeyableStore, tmp_path: Path) -> None:
    with e2ee.SQLiteStore(tmp_path / "bob.db", key=OTHER) as other:
        pair: Pair = begin(store, other)

        assert pair.settle(pair.alice.encrypt(text(1))) == ([], [text(1)])
