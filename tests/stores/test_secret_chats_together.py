# SPDX-License-Identifier: MIT OR Apache-2.0
"""Several threads and processes on one secret chat: no number is used twice, nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import _scopes, mtproto
from tests.api.anchored import Register
from tests.api.secret_chat_pair import Pair, begin, group, text
from tests.hygiene.tree import ROOT
from tests.properties.world import read_rows
from tests.stores.chatter import INCOMING, MESSAGES, PROCESSES, THREADS, run
from tests.stores.kinds import DURABLE, KINDS, in_a_database, kind_name, place_in, store_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2ee.store import RekeyableStore, Store

#: Seconds after which something waits for ever.
PATIENCE = 20.0


def prepare(folder: Path, store: Store) -> Pair:
    """A chat, and messages of Bob's that are under way."""
    pair = begin(store)
    sent = [message for number in range(INCOMING) for message in pair.bob.encrypt(text(number))]
    (folder / "incoming").write_text("\n".join(message.data.hex() for message in sent))
    return pair


def check(folder: Path, pair: Pair, first: int, store: Store) -> None:
    """Whether everything that left has a number of its own and opens, and all came in once."""
    reports = sorted(folder.glob("report-*.json"))
    sent = sorted(tuple(row) for path in reports for row in json.loads(path.read_text()))
    workers = len(reports)

    assert [number for number, _ in sent] == list(range(first, first + len(sent)))
    opened = [
        message.body
        for _, data in sent
        for message in pair.bob.receive(bytes.fromhex(data)).messages
    ]
    assert sorted(opened) == sorted(text(number) for number in range(workers * MESSAGES))
    incoming = [message.body for message in mtproto.SecretChats.open(store).inbox()]
    assert sorted(incoming) == [text(number) for number in range(INCOMING)]


@pytest.mark.parametrize("kind", KINDS, ids=kind_name)
def test_threads_that_opened_the_store_each_for_itself(
    kind: Callable[[Path], RekeyableStore], tmp_path: Path
) -> None:
    with closing(kind(tmp_path)) as store:
        pair = prepare(tmp_path, store)
        state = pair.alice.state()
        assert state is not None

        run([mtproto.SecretChats.open(store) for _ in range(4)], tmp_path, 0)

        check(tmp_path, pair, state.sent, store)


@pytest.mark.slow
@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_processes_with_several_threads(
    kind: Callable[[Path], RekeyableStore], tmp_path: Path
) -> None:
    place_in(kind, tmp_path)
    with closing(store_of(tmp_path, "alice")) as store:
        pair = prepare(tmp_path, store)
        state = pair.alice.state()
        assert state is not None

        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.stores.chatter", str(tmp_path), str(number)],
                cwd=ROOT,
                stderr=subprocess.PIPE,
            )
            for number in range(PROCESSES)
        ]
        for process in processes:
            _, complaints = process.communicate(timeout=120)
            assert (process.returncode, complaints.decode()) == (0, "")

        assert len(list(tmp_path.glob("report-*.json"))) == PROCESSES * THREADS
        check(tmp_path, pair, state.sent, store)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[e2ee.PostgresStore]:
    with in_a_database(tmp_path) as made:
        yield made


def in_a_thread(call: Callable[[], object]) -> threading.Thread:
    """Begins a call."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def another_chat(pair: Pair) -> mtproto.SecretChat:
    """Another chat of Alice's, with Bob too."""
    ours, theirs = pair.chats
    offer = ours.offer("bob", group())
    answer = theirs.accept(offer.chat_id, "alice", offer.g_a, group())
    ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)
    return ours.chat(offer.chat_id)


def test_chats_in_a_database_do_not_wait_for_each_other(database: e2ee.PostgresStore) -> None:
    pair = begin(database)
    other = another_chat(pair)
    held = _scopes.in_chat(database, pair.alice.chat_id)
    assert held is not None

    with database.beside(held) as transaction:
        transaction.list("chat-state/")
        beside = in_a_thread(lambda: other.encrypt(text(1)))
        beside.join(PATIENCE)
        behind = in_a_thread(lambda: pair.alice.encrypt(text(2)))
        behind.join(0.3)
        alive = (beside.is_alive(), behind.is_alive())
    behind.join(PATIENCE)

    assert alive == (False, True)
    assert not behind.is_alive()


@pytest.mark.parametrize("held_back", [0, 1, 3])
def test_a_message_changes_no_record_outside_its_scope(
    database: e2ee.PostgresStore, held_back: int
) -> None:
    pair = begin(database)
    late = [pair.bob.encrypt(text(number))[0] for number in range(held_back)]
    scope = _scopes.in_chat(database, pair.alice.chat_id)
    assert scope is not None
    ours = (scope.own, *scope.loose)

    for call in (
        lambda: pair.alice.encrypt(text(10)),
        lambda: pair.alice.receive(pair.bob.encrypt(text(11))[0].data),
        lambda: [pair.alice.receive(each.data) for each in late],
        lambda: pair.alice.posted(pair.alice.unposted()[0]),
    ):
        before = read_rows(database)
        call()
        after = read_rows(database)
        changed = {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }
        assert [name for name in changed if not name.startswith(ours)] == []


def test_a_message_that_acknowledges_many_has_the_store_for_itself(
    database: e2ee.PostgresStore,
) -> None:
    pair = begin(database)
    pair.settle([message for number in range(5) for message in pair.alice.encrypt(text(number))])

    opened, _ = pair.settle(from_bob=pair.bob.encrypt(text(9)))

    state = pair.alice.state()
    assert opened == [text(9)]
    assert state is not None
    assert state.sent == state.acknowledged


def test_with_an_anchor_all_chats_share_one_record() -> None:
    store = e2ee.MemoryStore(anchor=Register())

    assert _scopes.in_chat(store, 1) is None
