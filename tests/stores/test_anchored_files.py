# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stores in files whose anchors are files: copies, processes that die, and several at a time."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import e2ee
from e2ee.store import FileAnchor, backup, restore
from tests.properties import wire

KEY = bytes(range(32))
PROCESSES, MESSAGES = 3, 20
LIMIT = 120

#: Sends messages, and writes each envelope down; dies at one of the anchor's system calls if told.
SENDER = """
import json, os, signal, sys
import e2ee
from pathlib import Path
folder, name, messages, dies = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
calls = 0
if dies:
    at, what = dies.split()
    def watched(kind, call):
        def made(*arguments, **options):
            global calls
            calls += kind == what
            if calls == int(at) and kind == what:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)
        return made
    os.fsync = watched("fsync", os.fsync)
    Path.replace = watched("replace", Path.replace)
store = e2ee.SQLiteStore(
    folder / "alice.db", key=bytes(range(32)), timeout=60.0,
    anchor=e2ee.store.FileAnchor(folder / "anchor"),
)
alice = e2ee.Account.open(store)
for number in range(messages):
    text = f"{name} {number}"
    try:
        envelope = alice.encrypt("bob", text.encode())
    except e2ee.StoreOutcomeUnknownError:
        continue
    print(json.dumps([text, envelope.to_bytes().hex()]), flush=True)
"""


@pytest.fixture
def bob(tmp_path: Path) -> e2ee.Account:
    """Bob, who has talked with Alice; her store is `alice.db`."""
    bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    with opened(tmp_path / "alice.db") as store:
        alice = e2ee.Account.create(store, "alice")
        alice.connect("bob", bob.bundle())
        bob.decrypt("alice", alice.encrypt("bob", b"Hello."))
        alice.decrypt("bob", bob.encrypt("alice", b"Hello."))
    return bob


def opened(path: Path) -> e2ee.SQLiteStore:
    """A store in a file, anchored in the file beside it that all copies share."""
    return e2ee.SQLiteStore(path, key=KEY, anchor=FileAnchor(path.parent / "anchor"))


def sender(folder: Path, name: str, messages: int, dies: str = "") -> "subprocess.Popen[str]":
    """A process that sends."""
    command = [sys.executable, "-c", SENDER, str(folder), name, str(messages), dies]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def sent(process: "subprocess.Popen[str]") -> list[tuple[str, bytes]]:
    """What a process has sent when it has ended."""
    out, _ = process.communicate(timeout=LIMIT)
    return [(text, bytes.fromhex(envelope)) for text, envelope in map(json.loads, out.splitlines())]


def keys_of(messages: list[tuple[str, bytes]], bob: e2ee.Account) -> set[tuple[bytes, int]]:
    """What names the keys of messages, each of which Bob can open."""
    for text, envelope in messages:
        assert bob.decrypt("alice", envelope).plaintext == text.encode()
    headers = [wire.header(envelope) for _, envelope in messages]
    return {(each.ratchet_key, each.index) for each in headers}


def test_of_two_copies_of_a_file_one_sends(tmp_path: Path, bob: e2ee.Account) -> None:
    shutil.copy(tmp_path / "alice.db", tmp_path / "clone.db")
    with opened(tmp_path / "clone.db") as first, opened(tmp_path / "alice.db") as second:
        clone, alice = e2ee.Account.open(first), e2ee.Account.open(second)

        envelope = clone.encrypt("bob", b"of the clone")

        with pytest.raises(e2ee.StoreRollbackError):
            alice.encrypt("bob", b"never leaves")
    assert bob.decrypt("alice", envelope).plaintext == b"of the clone"


def test_an_older_file_refuses_heals_and_sends(tmp_path: Path, bob: e2ee.Account) -> None:
    shutil.copy(tmp_path / "alice.db", tmp_path / "backup.db")
    before = sent(sender(tmp_path, "before", 3))
    shutil.copy(tmp_path / "backup.db", tmp_path / "alice.db")

    with opened(tmp_path / "alice.db") as store:
        alice = e2ee.Account.open(store)
        with pytest.raises(e2ee.StoreRollbackError):
            alice.encrypt("bob", b"never leaves")
        alice.heal()
        alice.connect("bob", bob.bundle())
    after = sent(sender(tmp_path, "after", 3))

    assert len(keys_of(before + after, bob)) == 6


@pytest.mark.parametrize("call", ["1 fsync", "2 fsync", "1 replace", "3 fsync", "2 replace"])
def test_a_process_that_dies_at_the_anchor_is_done_for_by_the_next(
    tmp_path: Path, bob: e2ee.Account, call: str
) -> None:
    process = sender(tmp_path, "dies", 5, call)
    before = sent(process)
    assert process.returncode == -signal.SIGKILL
    committed = generation(tmp_path / "alice.db")

    after = sent(sender(tmp_path, "goes on", 3))

    assert len(after) == 3
    assert generation(tmp_path / "alice.db") == committed + 3
    assert len(keys_of(before + after, bob)) == len(before) + 3


def generation(path: Path) -> int:
    """How often the generation has moved."""
    with opened(path) as store, store.transaction() as transaction:
        record = transaction.get("generation")
    assert record is not None
    return record[0]


@pytest.mark.slow
def test_processes_that_share_a_file_all_send(tmp_path: Path, bob: e2ee.Account) -> None:
    processes = [sender(tmp_path, str(number), MESSAGES) for number in range(PROCESSES)]

    messages = [message for process in processes for message in sent(process)]

    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert len(messages) == PROCESSES * MESSAGES
    assert len(keys_of(messages, bob)) == len(messages)


def test_another_key_of_the_store_leaves_the_anchor_as_it_is(
    tmp_path: Path, bob: e2ee.Account
) -> None:
    value = FileAnchor(tmp_path / "anchor").read()
    with opened(tmp_path / "alice.db") as store:
        alice = e2ee.Account.open(store)
        alice.rekey(key=bytes(range(1, 33)))
        assert FileAnchor(tmp_path / "anchor").read() == value

        envelope = alice.encrypt("bob", b"under the new key")

    assert bob.decrypt("alice", envelope).plaintext == b"under the new key"


@pytest.mark.parametrize("anchored", [True, False])
def test_a_restored_backup_is_a_store_of_its_own(
    tmp_path: Path, bob: e2ee.Account, *, anchored: bool
) -> None:
    with opened(tmp_path / "alice.db") as store:
        backup(store, tmp_path / "backup")
    anchor = FileAnchor(tmp_path / "another") if anchored else None

    with e2ee.SQLiteStore(tmp_path / "restored.db", key=KEY, anchor=anchor) as store:
        restore(tmp_path / "backup", store)
        alice = e2ee.Account.open(store)
        alice.connect("bob", bob.bundle())
        envelope = alice.encrypt("bob", b"of the restored store")

    assert bob.decrypt("alice", envelope).plaintext == b"of the restored store"


def test_a_file_is_set_only_if_it_holds_what_is_expected(tmp_path: Path) -> None:
    anchor = FileAnchor(tmp_path / "anchor")

    assert anchor.read() is None
    assert not anchor.advance(b"one", b"two")
    assert anchor.advance(None, b"one")
    assert not anchor.advance(None, b"two")
    assert anchor.advance(b"one", b"two")

    assert FileAnchor(tmp_path / "anchor").read() == b"two"
    assert (tmp_path / "anchor").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "anchor.lock").stat().st_mode & 0o777 == 0o600


def test_what_a_dying_process_left_beside_the_file_does_not_matter(tmp_path: Path) -> None:
    anchor = FileAnchor(tmp_path / "anchor")
    anchor.advance(None, b"one")
    (tmp_path / "anchor.new").write_bytes(b"half of the nex")

    assert anchor.read() == b"one"
    assert anchor.advance(b"one", b"two")


def test_a_file_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    anchor = FileAnchor(tmp_path / "no folder" / "anchor")

    assert anchor.read() is None
    with pytest.raises(e2ee.StoreUnavailableError):
        anchor.advance(None, b"one")
    (tmp_path / "folder").mkdir()
    with pytest.raises(e2ee.StoreUnavailableError):
        FileAnchor(tmp_path / "folder").read()
