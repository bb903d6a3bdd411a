# SPDX-License-Identifier: MIT OR Apache-2.0
"""Threads that share an account or a store: no index is lost or used twice, and none hangs."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import e2ee
from e2ee.store import Store
from tests.stores.kinds import KINDS, kind_name
from tests.stores.protocols import Protocol, peer_of

THREADS = 16
MESSAGES = 20
PATIENCE = 120
KEY = bytes(32)


@pytest.fixture
def alice(protocol: Protocol) -> e2ee.Account:
    return protocol.created(e2ee.MemoryStore(), "alice")


@pytest.fixture
def bob(protocol: Protocol) -> e2ee.Account:
    return protocol.created(e2ee.MemoryStore(), "bob")


@pytest.fixture(params=KINDS, ids=kind_name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each of our stores, empty."""
    with closing(request.param(tmp_path)) as made:
        yield made


def in_threads(work: Callable[[int], list[e2ee.Envelope]]) -> list[e2ee.Envelope]:
    """What all threads made, which start at the same moment."""
    barrier = threading.Barrier(THREADS)

    def start(number: int) -> list[e2ee.Envelope]:
        barrier.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(start, number) for number in range(THREADS)]
        return [envelope for each in running for envelope in each.result(PATIENCE)]


def opened(bob: e2ee.Account, envelopes: list[e2ee.Envelope]) -> list[bytes]:
    """The plaintexts, in order, of envelopes that arrive in any order."""
    shuffled = random.Random(1).sample(envelopes, len(envelopes))  # noqa: S311
    return sorted(bob.decrypt(peer_of(bob, "alice"), envelope).plaintext for envelope in shuffled)


def texts() -> list[bytes]:
    return sorted(b"%d/%d" % (thread, n) for thread in range(THREADS) for n in range(MESSAGES))


def test_threads_share_an_account(store: Store, bob: e2ee.Account, protocol: Protocol) -> None:
    alice = protocol.created(store, "alice")
    alice.connect(bob.address, bob.bundle())

    envelopes = in_threads(
        lambda thread: [alice.encrypt(bob.address, b"%d/%d" % (thread, n)) for n in range(MESSAGES)]
    )

    assert opened(bob, envelopes) == texts()


def test_threads_share_a_store_through_accounts_of_their_own(
    store: Store, bob: e2ee.Account, protocol: Protocol
) -> None:
    protocol.created(store, "alice").connect(bob.address, bob.bundle())

    def send(thread: int) -> list[e2ee.Envelope]:
        alice = e2ee.Account.open(store)
        return [alice.encrypt(bob.address, b"%d/%d" % (thread, n)) for n in range(MESSAGES)]

    assert opened(bob, in_threads(send)) == texts()


def test_threads_share_a_file_through_stores_of_their_own(
    tmp_path: Path, bob: e2ee.Account, protocol: Protocol
) -> None:
    path = tmp_path / "a.db"
    with e2ee.SQLiteStore(path, key=KEY) as store:
        protocol.created(store, "alice").connect(bob.address, bob.bundle())

    def send(thread: int) -> list[e2ee.Envelope]:
        with e2ee.SQLiteStore(path, key=KEY, timeout=PATIENCE) as store:
            alice = e2ee.Account.open(store)
            return [alice.encrypt(bob.address, b"%d/%d" % (thread, n)) for n in range(MESSAGES)]

    assert opened(bob, in_threads(send)) == texts()


def test_a_file_is_made_by_many_at_once(tmp_path: Path) -> None:
    for attempt in range(5):
        path = tmp_path / f"{attempt}.db"

        def make(_: int, path: Path = path) -> list[e2ee.Envelope]:
            e2ee.SQLiteStore(path, key=KEY, timeout=PATIENCE).close()
            return []

        assert in_threads(make) == []


def test_one_thread_sends_while_another_handles_a_message(
    alice: e2ee.Account, bob: e2ee.Account
) -> None:
    alice.connect(bob.address, bob.bundle())

    with (
        bob.receive(alice.address, alice.encrypt(bob.address, b"ping")),
        ThreadPoolExecutor(1) as pool,
    ):
        envelope = pool.submit(bob.encrypt, alice.address, b"meanwhile").result(PATIENCE)

    assert alice.decrypt(bob.address, envelope).plaintext == b"meanwhile"


def test_long_and_short_calls_do_not_wait_for_each_other_forever(
    alice: e2ee.Account, bob: e2ee.Account
) -> None:
    alice.connect(bob.address, bob.bundle())
    large = bytes(100_000)

    def mixed(thread: int) -> list[e2ee.Envelope]:
        if thread % 4 == 0 and alice.protocol == "signal":
            alice.safety_number("bob")
        if thread % 4 == 1:
            alice.contacts()
        return [
            alice.encrypt(bob.address, large if thread % 2 else b"small") for _ in range(MESSAGES)
        ]

    assert len(opened(bob, in_threads(mixed))) == THREADS * MESSAGES


def test_only_one_thread_opens_a_message(alice: e2ee.Account, bob: e2ee.Account) -> None:
    alice.connect(bob.address, bob.bundle())
    envelope = alice.encrypt(bob.address, b"once")

    def open_it(_: int) -> list[e2ee.Envelope]:
        try:
            bob.decrypt(alice.address, envelope)
        except (e2ee.DuplicateMessageError, e2ee.UnknownPreKeyError):
            return []
        return [envelope]

    assert in_threads(open_it) == [envelope]
