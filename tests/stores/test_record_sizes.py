# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a message writes of its session stays small (docs/storage.md, "What a message writes")."""

import pytest

import e2ee
from e2ee.store import Store
from tests.properties.world import is_head
from tests.stores.protocols import OLM
from tests.stores.recording import CHUNK, NETWORKS, ONE_SIDED, Network, Notes, Talk

#: The most bytes of a sealed record.
HEAD, CHUNK_BYTES = 512, 128
MESSAGES = 3_000
#: The parts that a message in order may leave alone.
SELDOM = ("objects", "chains", "skipped")


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda network: network.name)
def steps(request: pytest.FixtureRequest) -> list[tuple[bool, Notes]]:
    """What every message of a conversation has read and written."""
    network: Network = request.param
    return list(Talk(lambda _: e2ee.MemoryStore()).go(network, MESSAGES))


def last(name: str) -> str:
    """The last word of a record's name."""
    return name.rsplit("/", 1)[1]


def test_every_message_rewrites_one_small_head(steps: list[tuple[bool, Notes]]) -> None:
    heads = [
        [sealed for name, sealed in notes.session_writes if is_head(name)] for _, notes in steps
    ]

    assert {len(written) for written in heads} == {1}
    assert max(len(sealed or b"") for (sealed,) in heads) <= HEAD


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_every_message_of_olm_rewrites_one_small_head(network: Network) -> None:
    talk = Talk(lambda _: e2ee.MemoryStore(), protocol=OLM)

    steps = [notes.session_writes for _, notes in talk.go(network, MESSAGES)]

    heads = [[sealed for name, sealed in written if is_head(name)] for written in steps]
    assert {len(written) for written in heads} == {1}
    assert max(len(sealed or b"") for (sealed,) in heads) <= HEAD
    if network is ONE_SIDED:
        assert sum(len(written) == 1 for written in steps) > len(steps) * 9 // 10


def test_every_chunk_is_a_small_record_that_is_written_once(
    steps: list[tuple[bool, Notes]],
) -> None:
    written: list[str] = []
    for _, notes in steps:
        chunks = [row for row in notes.session_writes if CHUNK in row[0]]
        kept = [(name, sealed) for name, sealed in chunks if sealed is not None]
        assert len(kept) <= 1
        assert all(len(sealed) <= CHUNK_BYTES for _, sealed in kept)
        written += [name for name, _ in kept]

    assert len(written) > MESSAGES // 20
    assert len(written) == len(set(written))


def test_objects_are_not_written_again_with_their_chunks(steps: list[tuple[bool, Notes]]) -> None:
    received = [notes for was_received, notes in steps if was_received]
    with_chunk = [
        notes
        for notes in received
        if any(CHUNK in name and sealed is not None for name, sealed in notes.session_writes)
    ]
    turned = [
        notes
        for notes in with_chunk
        if any(last(name) == "objects" for name, _ in notes.session_writes)
    ]

    # The first chunk of an object turns the state; those after it do not.
    assert len(with_chunk) > 5 * len(turned)


def test_most_messages_write_nothing_large(steps: list[tuple[bool, Notes]]) -> None:
    for direction in (False, True):
        sizes = sorted(notes.session_bytes for received, notes in steps if received == direction)
        assert sizes[len(sizes) // 2] <= HEAD + CHUNK_BYTES + 512


def test_chunks_are_read_only_to_rebuild_their_object() -> None:
    talk = Talk(lambda _: e2ee.MemoryStore())
    received = []

    for was_received, notes in talk.go(NETWORKS[2], MESSAGES):
        received += [notes] if was_received else []
        # No session is at rest.
        talk.accounts = {name: e2ee.Account.open(store) for name, store in talk.stores.items()}

    reading = [notes for notes in received if any(CHUNK in name for name in notes.reads)]

    assert 0 < len(reading) < len(received) // 20
    for notes in reading:
        gone = [name for name, sealed in notes.session_writes if sealed is None]
        assert any(CHUNK in name for name in gone)


def test_a_process_that_has_a_session_at_rest_reads_the_index_and_the_head() -> None:
    talk = Talk(lambda _: e2ee.MemoryStore())

    steps = [notes for _, notes in talk.go(NETWORKS[2], MESSAGES)][MESSAGES // 10 :]

    few = [notes for notes in steps if len(notes.reads) <= 2]
    assert len(few) > len(steps) * 9 // 10
    assert not any(CHUNK in name for notes in steps for name in notes.reads)


def test_no_record_is_left_over_when_a_peer_is_forgotten() -> None:
    talk = Talk(lambda _: e2ee.MemoryStore())
    names: set[str] = set()

    for number, _ in enumerate(talk.go(NETWORKS[3], 400)):
        if number % 50:
            continue
        for store in talk.stores.values():
            rows = rows_of(store)
            names |= {last(row) for row in rows if row.startswith("session/")}
            objects = {row.rsplit("/", 1)[0] for row in rows if CHUNK in row}
            assert len(objects) <= 1
    talk.accounts["alice"].forget("bob")

    assert set(SELDOM) <= names
    assert [name for name in rows_of(talk.stores["alice"]) if name.startswith("session/")] == []


def rows_of(store: Store) -> list[str]:
    """The names of all records."""
    with store.transaction() as transaction:
        return [name for name, _ in transaction.list("")]
