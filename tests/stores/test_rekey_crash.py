# SPDX-License-Identifier: MIT OR Apache-2.0
"""Killed at any time, a change of the key leaves a store that opens with exactly one key (P8)."""

import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest

import e2ee
from tests.hygiene.tree import ROOT
from tests.properties.world import (
    CrashError,
    FaultyStore,
    Moment,
    Rows,
    copy_of,
    read_rows,
)
from tests.stores.kinds import introduced
from tests.stores.leftovers import left_in_files
from tests.stores.protocols import PROTOCOLS, Protocol, protocol_name
from tests.stores.rekeyer import KEYS, MOMENTS, store_with
from tests.stores.watched import WatchedStore

#: Deaths at a random time, each of a process that changes the key there and back without end.
KILLS = 24
#: The longest life of such a process, in seconds; a change takes some hundredths.
LIFE = 0.4
BEFORE, AFTER = KEYS


@final
@dataclass
class World:
    """Alice's file and her peer, with a message that was handled and one that waits."""

    folder: Path
    bob: Rows
    handled: bytes
    rows: Rows

    def kill(self, *moment: str, life: float = 0.0) -> None:
        """Runs the process until it dies."""
        command = [sys.executable, "-m", "tests.stores.rekeyer", str(self.folder), *moment]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            if not moment:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                time.sleep(life)
                process.send_signal(signal.SIGKILL)
            _, complaints = process.communicate(timeout=60)
        assert (process.returncode, complaints) == (-signal.SIGKILL, b"")

    def keys(self) -> list[bytes]:
        """The keys that open the store."""
        found = []
        for key in KEYS:
            with suppress(e2ee.StoreKeyError), closing(store_with(self.folder, key)) as store:
                e2ee.Account.open(store)
                found.append(key)
        return found

    def check(self, key: bytes) -> None:
        """All that was in the store is there, and goes on in both directions."""
        bob = e2ee.Account.open(copy_of(self.bob, BEFORE))
        with closing(store_with(self.folder, key)) as store:
            assert read_rows(store).keys() == self.rows.keys()
            alice = e2ee.Account.open(copy_of(read_rows(store), key))
        (message,) = alice.inbox()
        assert message.plaintext == b"waiting"
        with pytest.raises(e2ee.DuplicateMessageError) as refusal:
            alice.receive(bob.address, self.handled).__enter__()
        assert refusal.value.delivered
        there, back = alice.encrypt(bob.address, b"there"), bob.encrypt(alice.address, b"back")
        assert bob.decrypt(alice.address, there).plaintext == b"there"
        assert alice.decrypt(bob.address, back).plaintext == b"back"


@pytest.fixture(scope="module", params=PROTOCOLS, ids=protocol_name)
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    protocol: Protocol = request.param
    folder = tmp_path_factory.mktemp("alice")
    bob_store = e2ee.MemoryStore(key=BEFORE)
    bob = protocol.created(bob_store, "bob")
    with closing(store_with(folder, BEFORE)) as store:
        alice = introduced(store, bob)
        handled = bob.encrypt(alice.address, b"handled").to_bytes()
        with alice.receive(bob.address, handled):
            pass
        waiting = bob.encrypt(alice.address, b"waiting")
        with suppress(InterruptedError), alice.receive(bob.address, waiting):
            raise InterruptedError
        rows = read_rows(store)
    return World(folder, read_rows(bob_store), handled, rows)


@pytest.fixture
def world(prepared: World, tmp_path: Path) -> World:
    """A copy for each test."""
    shutil.copy(prepared.folder / "alice.db", tmp_path)
    return World(tmp_path, prepared.bob, prepared.handled, prepared.rows)


def test_killed_at_any_write_it_never_began(world: World) -> None:
    for number in range(len(world.rows)):
        world.kill(str(number))

        assert world.keys() == [BEFORE], number
    world.check(BEFORE)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_around_the_commit_it_is_whole(world: World, moment: str) -> None:
    world.kill(moment)

    key = BEFORE if moment == "uncommitted" else AFTER
    assert world.keys() == [key]
    world.check(key)


@pytest.mark.parametrize("moment", ["committed", "vacuum", "checkpoint"])
def test_what_a_killed_process_left_behind_can_be_scrubbed(world: World, moment: str) -> None:
    world.kill(moment)

    with closing(store_with(world.folder, AFTER)) as store:
        store.scrub()

        assert left_in_files(world.folder / "alice.db", world.rows) == []


@pytest.mark.slow
def test_killed_at_random_one_key_opens_it(world: World) -> None:
    lives, found = random.Random(4), []  # noqa: S311 - not for keys
    for _ in range(KILLS):
        world.kill(life=lives.uniform(0, LIFE))

        (key,) = world.keys()
        world.check(key)
        found.append(key)
        if key == AFTER:
            with closing(store_with(world.folder, key)) as store:
                e2ee.Account.open(store).rekey(key=BEFORE)

    assert set(found) == set(KEYS), "it was never killed between two changes"


def test_undone_at_any_write_it_never_began(world: World) -> None:
    inner = copy_of(world.rows, BEFORE)
    left = 0

    def watch(_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise CrashError

    store = WatchedStore(inner, watch)
    alice = e2ee.Account.open(store)
    for number in range(len(world.rows)):
        left = number
        with pytest.raises(CrashError):
            alice.rekey(key=AFTER)
        assert read_rows(inner) == world.rows

    left = len(world.rows)
    assert alice.rekey(key=AFTER)
    assert read_rows(inner).keys() == world.rows.keys()
    assert len(e2ee.Account.open(store).contacts()) == 1


@pytest.mark.parametrize("moment", Moment)
def test_a_commit_of_unknown_outcome_is_followed_by_what_is_in_the_store(
    world: World, moment: Moment
) -> None:
    store = FaultyStore(copy_of(world.rows, BEFORE))
    alice, bob = e2ee.Account.open(store), e2ee.Account.open(copy_of(world.bob, BEFORE))
    store.die(moment)

    with pytest.raises(CrashError):
        alice.rekey(key=AFTER)

    assert bob.decrypt(alice.address, alice.encrypt(bob.address, b"there")).plaintext == b"there"
    assert alice.decrypt(bob.address, bob.encrypt(alice.address, b"back")).plaintext == b"back"
    key = AFTER if moment is Moment.AFTER_COMMIT else BEFORE
    assert len(e2ee.Account.open(copy_of(read_rows(store), key)).contacts()) == 1


def test_rows_under_the_key_before_stay_until_they_are_scrubbed(world: World) -> None:
    world.kill("committed")

    assert left_in_files(world.folder / "alice.db", world.rows) != []
