# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stores in files whose anchors are files: copies, and the anchor's file."""

import shutil
from pathlib import Path

import pytest

import e2ee
from e2ee.store import FileAnchor, backup, restore
from tests.properties import wire
from tests.stores.anchored_sender import sender, sent
from tests.stores.kinds import introduced
from tests.stores.protocols import Protocol, peer_of

KEY = bytes(range(32))


@pytest.fixture
def bob(tmp_path: Path, protocol: Protocol) -> e2ee.Account:
    """Bob, who has talked with Alice; her store is `alice.db`."""
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    with opened(tmp_path / "alice.db") as store:
        introduced(store, bob)
    return bob


def opened(path: Path) -> e2ee.SQLiteStore:
    """A store in a file, anchored in the file beside it that all copies share."""
    return e2ee.SQLiteStore(path, key=KEY, anchor=FileAnchor(path.parent / "anchor"))


def keys_of(messages: list[tuple[str, bytes]], bob: e2ee.Account) -> set[tuple[bytes, int]]:
    """What names the keys of messages, each of which Bob can open."""
    for text, envelope in messages:
        assert bob.decrypt(peer_of(bob, "alice"), envelope).plaintext == text.encode()
    headers = [wire.header(envelope) for _, envelope in messages]
    return {(each.ratchet_key, each.index) for each in headers}


def test_of_two_copies_of_a_file_one_sends(tmp_path: Path, bob: e2ee.Account) -> None:
    shutil.copy(tmp_path / "alice.db", tmp_path / "clone.db")
    with opened(tmp_path / "clone.db") as first, opened(tmp_path / "alice.db") as second:
        clone, alice = e2ee.Account.open(first), e2ee.Account.open(second)

        envelope = clone.encrypt(bob.address, b"of the clone")

        with pytest.raises(e2ee.StoreRollbackError):
            alice.encrypt(bob.address, b"never leaves")
    assert bob.decrypt(alice.address, envelope).plaintext == b"of the clone"


def test_an_older_file_refuses_heals_and_sends(tmp_path: Path, bob: e2ee.Account) -> None:
    shutil.copy(tmp_path / "alice.db", tmp_path / "backup.db")
    before = sent(sender(tmp_path, "before", 3))
    shutil.copy(tmp_path / "backup.db", tmp_path / "alice.db")

    with opened(tmp_path / "alice.db") as store:
        alice = e2ee.Account.open(store)
        with pytest.raises(e2ee.StoreRollbackError):
            alice.encrypt(bob.address, b"never leaves")
        alice.heal()
        alice.connect(bob.address, bob.bundle())
    after = sent(sender(tmp_path, "after", 3))

    assert len(keys_of(before + after, bob)) == 6


def test_another_key_of_the_store_leaves_the_anchor_as_it_is(
    tmp_path: Path, bob: e2ee.Account
) -> None:
    value = FileAnchor(tmp_path / "anchor").read()
    with opened(tmp_path / "alice.db") as store:
        alice = e2ee.Account.open(store)
        alice.rekey(key=bytes(range(1, 33)))
        assert FileAnchor(tmp_path / "anchor").read() == value

        envelope = alice.encrypt(bob.address, b"under the new key")

    assert bob.decrypt(alice.address, envelope).plaintext == b"under the new key"


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
        alice.connect(bob.address, bob.bundle())
        envelope = alice.encrypt(bob.address, b"of the restored store")

    assert bob.decrypt(alice.address, envelope).plaintext == b"of the restored store"


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
