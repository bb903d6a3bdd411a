# SPDX-License-Identifier: MIT OR Apache-2.0
"""A backup is a copy of one moment, cannot be run, and is restored so that no key is used twice."""

from __future__ import annotations

import stat
import threading
from typing import TYPE_CHECKING, final
from uuid import UUID

import pytest

import e2ee
from e2ee.store import Store, backup, examine, examine_file, restore
from e2ee.store._sqlite_reading import reading
from tests.properties import wire
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.kinds import KINDS, kind_name
from tests.stores.state import KEY, State, make_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OTHER = bytes(reversed(range(32)))
CLUB = UUID(int=77)


@pytest.fixture(scope="module")
def state() -> State:
    return make_state()


@pytest.fixture
def saved(state: State, tmp_path: Path) -> Path:
    """A backup of the state."""
    path = tmp_path / "alice.backup"
    backup(copy_of(state.now, KEY), path)
    return path


@pytest.mark.parametrize("begins", KINDS, ids=kind_name)
def test_a_backup_of_every_store_goes_into_every_store(
    state: State, begins: Callable[[Path], Store], tmp_path: Path
) -> None:
    store = begins(tmp_path)
    put_rows(store, state.now)
    path = tmp_path / "alice.backup"

    backup(store, path)

    assert read_rows(store) == state.now
    assert examine_file(path, key=KEY).backup
    assert examine_file(path, key=KEY).is_sound
    put_rows(store, {})
    restored = restore(path, store)
    assert [peer.user for peer in restored.peers] == ["bob", "carol"]
    account = e2ee.Account.open(store)
    assert [contact.address.user for contact in account.contacts()] == ["bob", "carol"]
    assert len(account.inbox()) == 1
    store.close()


def test_a_backup_is_its_owners_alone(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_backup_cannot_be_opened_as_a_store(saved: Path) -> None:
    before = saved.read_bytes()

    with pytest.raises(e2ee.StoreBackupError, match="use restore"):
        e2ee.SQLiteStore(saved, key=KEY)

    assert saved.read_bytes() == before


def test_a_file_is_not_overwritten(saved: Path, state: State) -> None:
    before = saved.read_bytes()

    with pytest.raises(e2ee.StoreExistsError):
        backup(copy_of(state.now, KEY), saved)

    assert saved.read_bytes() == before


def test_a_backup_needs_no_key_and_waits_for_nobody(state: State, tmp_path: Path) -> None:
    live, path = tmp_path / "alice.db", tmp_path / "alice.backup"
    with e2ee.SQLiteStore(live, key=KEY) as store:
        put_rows(store, state.now)
        with store.transaction() as transaction:
            transaction.apply([("zebra", 0, 1, b"not committed")])
            backup(live, path)

    with e2ee.MemoryStore(key=KEY) as target:
        restore(path, target)
        assert "zebra" not in read_rows(target)


def test_a_backup_is_of_one_moment(tmp_path: Path) -> None:
    path, live = tmp_path / "alice.backup", tmp_path / "alice.db"
    bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    with e2ee.SQLiteStore(live, key=KEY) as store:
        alice = e2ee.Account.create(store, "alice")
        alice.connect("bob", bob.bundle())
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                alice.encrypt("bob", b"text")
                alice.bundle()

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for number in range(20):
                backup(live, path.with_name(f"{number}.backup"))
        finally:
            stop.set()
            thread.join()

    for number in range(20):
        assert examine_file(path.with_name(f"{number}.backup"), key=KEY).is_sound


def test_progress_is_told(saved: Path, state: State, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    backup(copy_of(state.now, KEY), tmp_path / "other", progress=lambda *at: told.append(at))
    restore(saved, e2ee.MemoryStore(key=KEY), progress=lambda *at: told.append(at))

    assert told == [(len(state.now), len(state.now))] * 2


def test_an_empty_store_has_no_backup(tmp_path: Path) -> None:
    with pytest.raises(e2ee.StoreMissingError):
        backup(e2ee.MemoryStore(), tmp_path / "none")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(state: State, tmp_path: Path) -> None:
    with pytest.raises(e2ee.StoreUnavailableError):
        backup(copy_of(state.now, KEY), tmp_path / "none" / "backup")


def test_a_store_that_holds_something_is_left_alone(saved: Path) -> None:
    store = e2ee.MemoryStore(key=KEY)
    e2ee.Account.create(store, "dora")
    before = read_rows(store)

    with pytest.raises(e2ee.StoreExistsError):
        restore(saved, store)

    assert read_rows(store) == before


def test_a_store_is_no_backup(state: State, tmp_path: Path) -> None:
    live = tmp_path / "alice.db"
    with e2ee.SQLiteStore(live, key=KEY) as store:
        put_rows(store, state.now)

    with pytest.raises(e2ee.StoreFormatError, match="no backup"):
        restore(live, e2ee.MemoryStore(key=KEY))


def test_a_wrong_key_restores_nothing(saved: Path) -> None:
    store = e2ee.MemoryStore(key=OTHER)

    with pytest.raises(e2ee.StoreKeyError):
        restore(saved, store)

    assert read_rows(store) == {}


@pytest.mark.parametrize("begin", ["identity", "peer/", "session/", "prekeys", "ledger/", "group/"])
def test_a_damaged_backup_restores_nothing(state: State, tmp_path: Path, begin: str) -> None:
    name = next(name for name in state.now if name.startswith(begin))
    revision, sealed = state.now[name]
    rows = state.now | {name: (revision, sealed[:-1] + bytes([sealed[-1] ^ 1]))}
    backup(copy_of(rows, KEY), tmp_path / "backup")
    store = e2ee.MemoryStore(key=KEY)

    with pytest.raises(e2ee.StoreCorruptionError):
        restore(tmp_path / "backup", store)

    assert read_rows(store) == {}


def test_the_restored_store_may_have_another_key(saved: Path) -> None:
    store = e2ee.MemoryStore(key=OTHER)

    restore(saved, store, key=KEY)

    assert e2ee.Account.open(store).user == "alice"


def test_nothing_from_before_opens_in_the_restored_store(saved: Path, state: State) -> None:
    store = e2ee.MemoryStore(key=KEY)
    restore(saved, store)
    rows = read_rows(store)
    assert rows["store"][1][1:17] != state.now["store"][1][1:17]

    for name in sorted(set(state.now) & set(rows) - {"store"}):
        found = examine(copy_of(rows | {name: state.now[name]}, KEY)).findings
        assert [each.code for each in found].count("does-not-open") == 1, name


def test_the_ledger_still_knows_what_was_handled(saved: Path, state: State) -> None:
    store = e2ee.MemoryStore(key=KEY)
    restore(saved, store)

    with (
        pytest.raises(e2ee.DuplicateMessageError) as refused,
        e2ee.Account.open(store).receive("bob", state.handled),
    ):
        pass

    assert refused.value.delivered


def header(envelope: e2ee.Envelope) -> wire.Header:
    """What names the message key of an envelope."""
    return wire.header(envelope.to_bytes())


def chain(envelope: e2ee.Envelope) -> bytes:
    """What names the chain of a group message, and its index: its first fields."""
    return envelope.to_bytes()[3:33]


def carry(sender: e2ee.Account, *members: e2ee.Account) -> None:
    """Carries the invitations to a group."""
    found = {member.user: member for member in members}
    for address, invitation in sender.group(CLUB).invitations():
        found[address.user].decrypt(sender.user, invitation)


@final
class Past:
    """Alice before and after a backup, her friends, and what names each key that she has used."""

    def __init__(self, folder: Path) -> None:
        self.bob, self.carol = (
            e2ee.Account.create(e2ee.MemoryStore(), name) for name in ("bob", "carol")
        )
        self.backup = folder / "alice.backup"
        self.sent: list[wire.Header] = []
        self.to_club: list[bytes] = []
        with e2ee.SQLiteStore(folder / "alice.db", key=KEY) as store:
            self.alice = e2ee.Account.create(store, "alice")
            self.begin()
            self.one_time = self.alice.bundle()
            backup(store, self.backup)
            self.lose()

    def begin(self) -> None:
        """What the backup knows: sessions both ways, and a group."""
        for peer in (self.bob, self.carol):
            self.alice.connect(peer.user, peer.bundle())
            self.say(peer, b"hello")
            self.alice.decrypt(peer.user, peer.encrypt("alice", b"hello"))
        self.alice.create_group(["bob", "carol"], id=CLUB)
        carry(self.alice, self.bob, self.carol)
        self.bob.group(CLUB).add("alice")
        carry(self.bob, self.alice)
        for peer in (self.bob, self.carol):
            self.say(peer, b"on a chain that the backup holds")
        self.tell()

    def lose(self) -> None:
        """What it does not know."""
        for number in range(5):
            self.say(self.bob, b"lost %d" % number)
            self.say(self.carol, b"lost %d" % number)
            self.tell()
        self.alice.decrypt("carol", self.carol.encrypt("alice", b"of the lost past"))
        self.say(self.carol, b"on a chain that nobody knows any more")

    def say(self, peer: e2ee.Account, text: bytes) -> None:
        """Sends to a peer, who opens it."""
        envelope = self.alice.encrypt(peer.user, text)
        self.sent.append(header(envelope))
        assert peer.decrypt("alice", envelope).plaintext == text

    def tell(self) -> None:
        """Sends to the group, whose members open it."""
        envelope = self.alice.group(CLUB).encrypt(b"to all")
        self.to_club.append(chain(envelope))
        for peer in (self.bob, self.carol):
            assert peer.decrypt("alice", envelope).plaintext == b"to all"

    def no_key_was_used_twice(self) -> bool:
        """Whether all headers and all chain positions are different."""
        return len({*self.sent}) == len(self.sent) and len({*self.to_club}) == len(self.to_club)


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


@pytest.fixture
def back(past: Past, tmp_path: Path) -> Iterator[Past]:
    """Alice after her old backup was restored."""
    with e2ee.SQLiteStore(tmp_path / "restored.db", key=KEY) as target:
        restored = restore(past.backup, target)
        assert restored == e2ee.Healed((e2ee.Address("bob"), e2ee.Address("carol")), (CLUB,), ())
        past.alice = e2ee.Account.open(target)
        yield past


def test_nothing_is_sent_before_new_sessions_and_invitations(back: Past) -> None:
    for peer in ("bob", "carol"):
        with pytest.raises(e2ee.NoSessionError):
            back.alice.encrypt(peer, b"never leaves")
    with pytest.raises(e2ee.InvitationsPendingError):
        back.alice.group(CLUB).encrypt(b"never leaves")


def test_what_is_on_its_way_opens(back: Past) -> None:
    to_all = back.bob.group(CLUB).encrypt(b"from Bob")
    envelope = back.bob.encrypt("alice", b"on its way")

    assert back.alice.decrypt("bob", envelope).plaintext == b"on its way"
    assert back.alice.decrypt("bob", to_all).plaintext == b"from Bob"


def test_what_rests_on_a_key_of_the_lost_past_is_asked_for_again(back: Past) -> None:
    envelope = back.carol.encrypt("alice", b"to a key that is lost")
    with pytest.raises(e2ee.AuthenticationError):
        back.alice.decrypt("carol", envelope)

    request = back.alice.repair("carol", envelope, 5)

    message = back.carol.decrypt("alice", request)
    assert message.content == "resend"


def test_one_time_keys_from_before_open_nothing(back: Past) -> None:
    dora = e2ee.Account.create(e2ee.MemoryStore(), "dora")
    dora.connect("alice", back.one_time)

    with pytest.raises(e2ee.UnknownPreKeyError):
        back.alice.decrypt("dora", dora.encrypt("alice", b"with a key that may be used"))


def test_an_old_backup_sends_and_receives_and_uses_no_key_twice(back: Past) -> None:
    back.alice.decrypt("bob", back.bob.encrypt("alice", b"on its way"))
    for peer in (back.bob, back.carol):
        back.alice.connect(peer.user, peer.bundle())
        for number in range(5):
            back.say(peer, b"new %d" % number)
        answer = peer.encrypt("alice", b"answer")
        assert back.alice.decrypt(peer.user, answer).plaintext == b"answer"
        back.say(peer, b"and again")
    carry(back.alice, back.bob, back.carol)
    for _ in range(3):
        back.tell()

    assert back.no_key_was_used_twice()


def test_a_backup_that_is_run_as_it_is_would_use_keys_twice(past: Past) -> None:
    with e2ee.MemoryStore(key=KEY) as copied, reading(past.backup) as records:
        rows = ((name, records.get(name)) for name, _ in records.list(""))
        put_rows(copied, {name: row for name, row in rows if row is not None})
        past.alice = e2ee.Account.open(copied)
        past.sent.append(header(past.alice.encrypt("bob", b"another text")))

    assert not past.no_key_was_used_twice()
