# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes that share a store with an anchor: several at a time, and some that die at it."""

import signal
from pathlib import Path

import pytest

import e2ee
from tests.properties import wire
from tests.stores.anchored_sender import sender, sent
from tests.stores.kinds import (
    DURABLE,
    anchored_in,
    introduced,
    kind_name,
    place_in,
)
from tests.stores.protocols import Protocol, peer_of

PROCESSES, MESSAGES = 3, 20


@pytest.fixture(params=DURABLE, ids=kind_name)
def bob(request: pytest.FixtureRequest, tmp_path: Path, protocol: Protocol) -> e2ee.Account:
    """Bob, who has talked with Alice; her store is in the folder, or in a database."""
    place_in(request.param, tmp_path)
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    with anchored_in(tmp_path) as store:
        introduced(store, bob)
    return bob


def keys_of(messages: list[tuple[str, bytes]], bob: e2ee.Account) -> set[tuple[bytes, int]]:
    """What names the keys of messages, each of which Bob can open."""
    for text, envelope in messages:
        assert bob.decrypt(peer_of(bob, "alice"), envelope).plaintext == text.encode()
    headers = [wire.header(envelope) for _, envelope in messages]
    return {(each.ratchet_key, each.index) for each in headers}


def generation(folder: Path) -> int:
    """How often the generation has moved."""
    with anchored_in(folder) as store, store.transaction() as transaction:
        record = transaction.get("generation")
    assert record is not None
    return record[0]


@pytest.mark.parametrize("call", ["1 fsync", "2 fsync", "1 replace", "3 fsync", "2 replace"])
def test_a_process_that_dies_at_the_anchor_is_done_for_by_the_next(
    tmp_path: Path, bob: e2ee.Account, call: str
) -> None:
    process = sender(tmp_path, "dies", 5, call)
    before = sent(process)
    assert process.returncode == -signal.SIGKILL
    committed = generation(tmp_path)

    after = sent(sender(tmp_path, "goes on", 3))

    assert len(after) == 3
    assert generation(tmp_path) == committed + 3
    assert len(keys_of(before + after, bob)) == len(before) + 3


@pytest.mark.slow
def test_processes_that_share_a_store_all_send(tmp_path: Path, bob: e2ee.Account) -> None:
    processes = [sender(tmp_path, str(number), MESSAGES) for number in range(PROCESSES)]

    messages = [message for process in processes for message in sent(process)]

    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert len(messages) == PROCESSES * MESSAGES
    assert len(keys_of(messages, bob)) == len(messages)
