# SPDX-License-Identifier: MIT OR Apache-2.0
"""Another key for a store of secret chats: nothing but the key changes, whenever it is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
from e2ee import mtproto
from e2ee.store import StoreSecret
from tests.api.secret_chat_pair import begin, group, text
from tests.hygiene.tree import ROOT
from tests.properties.world import (
    CrashError,
    FaultyStore,
    Moment,
    copy_of,
    put_rows,
    read_rows,
)
from tests.stores.kinds import KEY, KINDS, in_a_database, kind_name
from tests.stores.rekeyer import KEYS, MOMENTS, store_with
from tests.stores.secret_chats import State, chats_of, make_state
from tests.stores.watched import PlainStore, WatchedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2ee.store import RekeyableStore
    from tests.properties.world import Rows

OTHER: Final = KEYS[1]
#: Of a text that is larger than what is held of the records at a time.
LARGE: Final = 400_000


@pytest.fixture(scope="module")
def state() -> State:
    return make_state()


@pytest.fixture(params=KINDS, ids=kind_name)
def kind(request: pytest.FixtureRequest) -> Callable[..., RekeyableStore]:
    found: Callable[..., RekeyableStore] = request.param
    return found


@pytest.fixture
def store(
    kind: Callable[..., RekeyableStore], tmp_path: Path, state: State
) -> Iterator[RekeyableStore]:
    """Alice's store, with rows of every kind."""
    with closing(kind(tmp_path, KEY)) as made:
        put_rows(made, state.rows)
        yield made


def keys_of(rows: Rows) -> list[bytes]:
    """Which of the two keys opens these rows."""
    found = []
    for key in KEYS:
        with suppress(e2ee.StoreKeyError):
            chats_of(rows, key)
            found.append(key)
    return found


def test_all_that_was_in_the_store_goes_on_under_the_new_key(
    store: RekeyableStore, state: State
) -> None:
    chats = mtproto.SecretChats.open(store)

    chats.rekey(key=OTHER)

    rows = read_rows(store)
    assert keys_of(rows) == [OTHER]
    state.check(chats_of(rows, OTHER))
    state.check(chats)


def test_every_row_is_another_one_of_a_higher_revision(store: RekeyableStore, state: State) -> None:
    mtproto.SecretChats.open(store).rekey(key=OTHER)

    now = read_rows(store)
    assert now.keys() == state.rows.keys()
    assert [name for name, row in state.rows.items() if now[name][0] <= row[0]] == []
    assert {row[1] for row in state.rows.values()} & {row[1] for row in now.values()} == set()


def test_only_a_store_that_can_look_says_that_nothing_is_left(
    store: RekeyableStore, kind: Callable[..., RekeyableStore]
) -> None:
    assert mtproto.SecretChats.open(store).rekey(key=OTHER) is (kind is not in_a_database)


def test_a_chat_goes_on_through_many_changes(store: RekeyableStore) -> None:
    put_rows(store, {})
    pair = begin(store)

    for number, secret in enumerate((OTHER, KEY, bytes(30) + b"\x01\x01")):
        pair.chats[0].rekey(secret=StoreSecret.from_key(secret))
        opened = pair.settle(pair.alice.encrypt(text(number)), pair.bob.encrypt(text(number)))
        assert opened == ([text(number)], [text(number)])
    pair.settle(pair.alice.change_key())

    again = mtproto.SecretChats.open(store).chat(pair.alice.chat_id)
    assert again.state() == pair.alice.state()
    assert pair.settle(again.encrypt(text(9))) == ([], [text(9)])


def test_whoever_else_has_the_store_open_is_told(store: RekeyableStore, state: State) -> None:
    other = mtproto.SecretChats.open(store)
    chat = other.chat(state.chat_id)

    mtproto.SecretChats.open(store).rekey(key=OTHER)

    for call in (
        lambda: chat.encrypt(text(1)),
        lambda: chat.receive(state.lost),
        lambda: other.offer("dave", group()),
        other.chats,
    ):
        with pytest.raises(e2ee.StaleSessionError):
            call()


@pytest.mark.parametrize("options", [{}, {"key": KEY}, {"key": OTHER, "passphrase": "word"}])
def test_no_other_key_is_no_change(
    store: RekeyableStore, state: State, options: dict[str, bytes]
) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        mtproto.SecretChats.open(store).rekey(**options)  # type: ignore[arg-type] # wrong on purpose

    assert read_rows(store) == state.rows


def test_inside_a_transaction_the_key_stays(store: RekeyableStore, state: State) -> None:
    chats = mtproto.SecretChats.open(store)

    with store.transaction(), pytest.raises(e2ee.TransactionOpenError):
        chats.rekey(key=OTHER)

    assert read_rows(store) == state.rows


def test_a_store_that_cannot_be_told_keeps_its_key(state: State) -> None:
    inner = copy_of(state.rows, KEY)

    with pytest.raises(e2ee.InvalidArgumentError):
        mtproto.SecretChats.open(PlainStore(inner)).rekey(key=OTHER)

    assert read_rows(inner) == state.rows


@pytest.mark.parametrize("begins", ["chat/", "chat-state/", "chat-sent/", "chat-waiting/", "inbox"])
def test_a_damaged_record_ends_the_change(state: State, begins: str) -> None:
    name = next(name for name in state.rows if name.startswith(begins) and "/" in name)
    revision, sealed = state.rows[name]
    store = copy_of(state.rows, KEY)
    chats = mtproto.SecretChats.open(store)
    put_rows(store, state.rows | {name: (revision, sealed[:-1] + bytes([sealed[-1] ^ 1]))})
    before = read_rows(store)

    with pytest.raises((e2ee.StoreCorruptionError, e2ee.StoreRollbackError)):
        chats.rekey(key=OTHER)

    assert read_rows(store) == before


def test_many_messages_are_never_held_together() -> None:
    store = WatchedStore(e2ee.MemoryStore(key=KEY))
    pair = begin(store)
    for number in range(12):
        body = text(number)[:-4] + (0x089F5C4A).to_bytes(4, "little")
        pair.alice.encrypt(body[:16] + large_string() + body[-4:])
    store.batches.clear()

    pair.chats[0].rekey(key=OTHER)

    assert max(store.batches) < 2 << 20
    assert sum(store.batches) > 12 * LARGE


def large_string() -> bytes:
    """A string of TL that fills a message."""
    return b"\xfe" + LARGE.to_bytes(3, "little") + bytes(LARGE)


def test_undone_at_any_write_it_never_began(state: State) -> None:
    inner = copy_of(state.rows, KEY)
    left = 0

    def watch(_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise CrashError

    store = WatchedStore(inner, watch)
    chats = mtproto.SecretChats.open(store)
    for number in range(len(state.rows)):
        left = number
        with pytest.raises(CrashError):
            chats.rekey(key=OTHER)
        assert read_rows(inner) == state.rows

    left = len(state.rows)
    assert chats.rekey(key=OTHER)
    state.check(chats_of(read_rows(inner), OTHER))


@pytest.mark.parametrize("moment", Moment)
def test_a_commit_of_unknown_outcome_is_followed_by_what_is_in_the_store(
    state: State, moment: Moment
) -> None:
    store = FaultyStore(copy_of(state.rows, KEY))
    chats = mtproto.SecretChats.open(store)
    store.die(moment)

    with pytest.raises(CrashError):
        chats.rekey(key=OTHER)

    key = OTHER if moment is Moment.AFTER_COMMIT else KEY
    assert keys_of(read_rows(store)) == [key]
    state.check(chats_of(read_rows(store), key))
    state.check(chats)


@pytest.fixture
def folder(tmp_path: Path, state: State) -> Path:
    """Where Alice's file is."""
    with closing(store_with(tmp_path, KEYS[0])) as made:
        put_rows(made, state.rows)
    return tmp_path


def kill(folder: Path, moment: str) -> None:
    """Runs a process that changes the key until it dies."""
    command = [sys.executable, "-m", "tests.stores.rekeyer", str(folder), moment]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, b"")


def rows_in(folder: Path) -> Rows:
    """What the file holds, whatever its key is."""
    with closing(store_with(folder, KEYS[0])) as store:
        return read_rows(store)


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
def test_killed_at_a_write_it_never_began(folder: Path, state: State, part: float) -> None:
    kill(folder, str(int(part * (len(state.rows) - 1))))

    assert rows_in(folder) == state.rows
    state.check(chats_of(rows_in(folder)))


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_around_the_commit_it_is_whole(folder: Path, state: State, moment: str) -> None:
    kill(folder, moment)

    key = KEYS[0] if moment == "uncommitted" else KEYS[1]
    assert keys_of(rows_in(folder)) == [key]
    state.check(chats_of(rows_in(folder), key))
