# SPDX-License-Identifier: MIT OR Apache-2.0
"""What happened to a chunk's record is found when its object can be rebuilt.

Until then it is not read (docs/storage.md, "What a message writes"), and not then either by a
process that has the session at rest.
"""

from collections.abc import Callable
from itertools import pairwise

import pytest

import e2ee
from tests.properties.world import Rows, pair, put_rows, read_rows
from tests.stores.recording import CHUNK

#: More than any object needs.
ENOUGH = 80


def chunk_rows(rows: Rows) -> list[str]:
    """The names of the chunks, in order."""
    return sorted(name for name in rows if CHUNK in name)


class Chat:
    """Alice and Bob, who answer each other; Bob's rows are looked at."""

    def __init__(self) -> None:
        self.alice, self.bob, _, self.store = pair()

    def round(self) -> None:
        """A message each way."""
        envelope = self.alice.encrypt("bob", b"there")
        assert self.bob.decrypt("alice", envelope).plaintext == b"there"
        assert self.alice.decrypt("bob", self.bob.encrypt("alice", b"back")).plaintext == b"back"

    def rounds(self, count: int) -> None:
        """Several of them; a refusal changes nothing."""
        for _ in range(count):
            before = read_rows(self.store)
            try:
                self.round()
            except e2ee.StoreCorruptionError:
                assert before == read_rows(self.store)
                raise

    def until(self, done: Callable[[list[str]], bool]) -> Rows:
        """Goes on until Bob's chunks are like this; his rows."""
        for _ in range(400):
            rows = read_rows(self.store)
            if done(chunk_rows(rows)):
                return rows
            self.round()
        raise AssertionError


def with_deleted(rows: Rows, names: list[str]) -> Rows:
    """One is gone."""
    return {name: row for name, row in rows.items() if name != names[2]}


def with_exchanged(rows: Rows, names: list[str]) -> Rows:
    """Two stand in each other's place."""
    return rows | {names[1]: rows[names[3]], names[3]: rows[names[1]]}


def with_copied(rows: Rows, names: list[str]) -> Rows:
    """One stands twice: as many as before, but another one is gone."""
    return rows | {names[1]: rows[names[3]]}


def with_renamed(rows: Rows, names: list[str]) -> Rows:
    """One stands under an index that never came."""
    moved = {name: row for name, row in rows.items() if name != names[-1]}
    return moved | {names[-1].rsplit("/", 1)[0] + "/ffff": rows[names[-1]]}


def with_added(rows: Rows, names: list[str]) -> Rows:
    """There is one more."""
    return rows | {names[-1].rsplit("/", 1)[0] + "/fffe": rows[names[-1]]}


def with_damaged(rows: Rows, names: list[str]) -> Rows:
    """A bit of one is another one."""
    revision, sealed = rows[names[0]]
    return rows | {names[0]: (revision, sealed[:-1] + bytes([sealed[-1] ^ 1]))}


def with_older_revision(rows: Rows, names: list[str]) -> Rows:
    """One has the revision of another."""
    return rows | {names[3]: (rows[names[2]][0], rows[names[3]][1])}


CHANGES = [
    with_deleted,
    with_exchanged,
    with_copied,
    with_renamed,
    with_added,
    with_damaged,
    with_older_revision,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_happened_to_a_chunk_is_found_when_the_object_is_complete(
    change: Callable[[Rows, list[str]], Rows],
) -> None:
    chat = Chat()
    rows = chat.until(lambda names: len(names) >= 10)

    put_rows(chat.store, change(rows, chunk_rows(rows)))
    chat.bob = e2ee.Account.open(chat.store)

    with pytest.raises(e2ee.StoreCorruptionError):
        chat.rounds(ENOUGH)
    before = read_rows(chat.store)
    with pytest.raises(e2ee.StoreCorruptionError):
        chat.bob.decrypt("alice", chat.alice.encrypt("bob", b"not read"))
    assert before == read_rows(chat.store)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_process_that_has_the_chunks_goes_on_with_them_or_finds_what_happened(
    change: Callable[[Rows, list[str]], Rows],
) -> None:
    chat = Chat()
    rows = chat.until(lambda names: len(names) >= 10)
    names = chunk_rows(rows)
    changed = change(rows, names)
    same_revisions = all(changed.get(name, (0, b""))[0] == rows[name][0] for name in names)

    put_rows(chat.store, changed)

    if not same_revisions:
        with pytest.raises(e2ee.StoreCorruptionError):
            chat.rounds(ENOUGH)
        return
    chat.rounds(ENOUGH)
    assert not set(names) & set(read_rows(chat.store))
    chat.bob = e2ee.Account.open(chat.store)
    chat.rounds(ENOUGH)


def test_chunks_of_a_complete_object_that_are_put_back_change_nothing() -> None:
    chat = Chat()
    older = chat.until(lambda names: len(names) >= 10)
    names = chunk_rows(older)
    chat.until(lambda now: not set(now) & set(names))

    put_rows(chat.store, read_rows(chat.store) | {name: older[name] for name in names})
    for _ in range(3 * ENOUGH):
        chat.round()

    (contact,) = chat.bob.contacts()
    assert contact.pq_epoch is not None
    assert contact.pq_epoch > 3


def test_the_indices_of_an_object_ascend_and_none_comes_twice() -> None:
    chat = Chat()
    seen: list[str] = []
    for _ in range(200):
        seen += [name for name in chunk_rows(read_rows(chat.store)) if name not in seen]
        chat.round()

    objects = [name.rsplit("/", 1) for name in seen]
    assert all(one[1] < other[1] for one, other in pairwise(objects) if one[0] == other[0])
    assert len({place for place, _ in objects}) > 4


def test_a_session_goes_on_under_another_key_with_chunks_and_without_seeds() -> None:
    chat = Chat()
    rows = chat.until(lambda names: len(names) >= 10)
    assert not any(name.endswith("/skipped") for name in rows)

    chat.bob.rekey(key=bytes(range(32)))
    chat.rounds(ENOUGH)

    assert not set(chunk_rows(rows)) & set(chunk_rows(read_rows(chat.store)))
