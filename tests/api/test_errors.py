# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every class of error: which call raises it, and what it says."""

import pickle
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

import pytest

import e2ee

#: Errors that are never raised themselves, only their subclasses.
FAMILIES = {e2ee.E2EEError, e2ee.DecryptionError, e2ee.StoreError}
#: Errors whose calls need a process or a machine of their own; they have their own tests.
ELSEWHERE = {
    e2ee.StoreBackupError: "../stores/test_backup.py",
    e2ee.FatalChatError: "test_secret_chats.py",
    e2ee.IgnoredMessageError: "test_secret_chats.py",
    e2ee.InvalidCertificateError: "test_sealed.py",
    e2ee.RandomnessError: "test_randomness.py",
    e2ee.SelfSendError: "test_sealed.py",
    e2ee.SessionExhaustedError: "test_limits.py",
    e2ee.StoreBusyError: "test_sqlite.py",
    e2ee.StoreOutcomeUnknownError: "../stores/test_postgres_lines.py",
    e2ee.StoreRollbackError: "test_sqlite_rows.py",
    e2ee.StoreUnavailableError: "test_sqlite.py",
    e2ee.UnknownMessageIndexError: "test_megolm.py",
}
KEY = bytes(32)


class World:
    """What the calls need: Alice and Bob, who have talked, and a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = e2ee.MemoryStore()
        self.alice = e2ee.Account.create(self.store, "alice")
        self.bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
        self.alice.connect("bob", self.bob.bundle())
        self.envelope = self.alice.encrypt("bob", b"first")

    def changed(self, encoded: bytes, old: bytes, new: bytes) -> bytes:
        """The bytes with one occurrence replaced, which must be there."""
        assert old in encoded
        return encoded.replace(old, new, 1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def conflict(world: World) -> None:
    with world.store.transaction() as transaction:
        transaction.apply([("identity", 7, 8, b"")])


def corruption(world: World) -> None:
    path = world.folder / "a.db"
    with e2ee.SQLiteStore(path, key=KEY) as store:
        e2ee.Account.create(store, "alice")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE record SET sealed = zeroblob(100) WHERE name = 'index'")
    connection.commit()
    connection.close()
    with e2ee.SQLiteStore(path, key=KEY) as store:
        e2ee.Account.open(store)


def without_its_anchor(world: World) -> None:
    path = world.folder / "a.db"
    anchor = e2ee.store.FileAnchor(world.folder / "a.anchor")
    with e2ee.SQLiteStore(path, key=KEY, anchor=anchor) as store:
        e2ee.Account.create(store, "alice")
    with e2ee.SQLiteStore(path, key=KEY) as store:
        e2ee.Account.open(store)


def foreign_file(world: World) -> None:
    connection = sqlite3.connect(world.folder / "a.db")
    connection.execute("CREATE TABLE notes (text)")
    connection.close()
    e2ee.SQLiteStore(world.folder / "a.db", key=KEY)


def wrong_key(world: World) -> None:
    path = world.folder / "a.db"
    with e2ee.SQLiteStore(path, key=KEY) as store:
        e2ee.Account.create(store, "alice")
    with e2ee.SQLiteStore(path, key=bytes(31) + b"\x01") as store:
        e2ee.Account.open(store)


def duplicate(world: World) -> None:
    world.bob.decrypt("alice", world.envelope)
    world.bob.decrypt("alice", world.envelope)


def forged(world: World) -> None:
    world.bob.decrypt("alice", world.envelope)
    encoded = world.bob.encrypt("alice", b"x").to_bytes()
    world.alice.decrypt("bob", encoded[:-1] + bytes([encoded[-1] ^ 1]))


def malformed(world: World) -> None:
    world.bob.decrypt("alice", world.envelope.to_bytes()[:-30])


def unknown_prekey(world: World) -> None:
    bundle = world.bob.bundle()
    for name in ("carol", "dave"):
        sender = e2ee.Account.create(e2ee.MemoryStore(), name)
        sender.connect("bob", bundle)
        world.bob.decrypt(name, sender.encrypt("bob", b"x"))


def untrusted(world: World) -> None:
    other = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    world.alice.connect("bob", other.bundle())


def bad_signature(world: World) -> None:
    bundle = world.bob.bundle().to_bytes()
    world.alice.connect("bob", bundle[:-1] + bytes([bundle[-1] ^ 1]))


def invalid_key(world: World) -> None:
    key = world.bob.identity_key
    e2ee.PreKeyBundle.from_bytes(
        world.changed(world.bob.bundle().to_bytes(), key, b"\x06" + key[1:])
    )


def too_far_ahead(world: World) -> None:
    world.bob.decrypt("alice", world.envelope)
    envelopes = [world.alice.encrypt("bob", b"") for _ in range(25_010)]
    world.bob.decrypt("alice", envelopes[-1])


def no_sender_key(world: World) -> None:
    club = world.alice.create_group(["bob"])
    club.invitations()
    world.bob.decrypt("alice", club.encrypt(b"x"))


def too_many_requests(world: World) -> None:
    for number in range(6):
        world.alice.decrypt("bob", world.bob.repair("alice", world.envelope, number))


def other_version(world: World) -> None:
    scanned = world.alice.safety_number("bob").scannable
    assert scanned is not None
    world.alice.verify("bob", b"\x08\x01" + scanned[2:])


def closed_store(world: World) -> None:
    world.store.close()
    world.alice.encrypt("bob", b"")


def open_transaction(world: World) -> None:
    with world.store.transaction():
        world.alice.encrypt("bob", b"")


CALLS: Mapping[type[e2ee.E2EEError], Callable[[World], object]] = {
    e2ee.AuthenticationError: forged,
    e2ee.BadSignatureError: bad_signature,
    e2ee.DuplicateMessageError: duplicate,
    e2ee.InvalidArgumentError: lambda world: world.alice.encrypt("", b""),
    e2ee.InvalidKeyError: invalid_key,
    e2ee.InvitationsPendingError: lambda world: world.alice.create_group(["bob"]).encrypt(b""),
    e2ee.MalformedMessageError: malformed,
    e2ee.MessageTooFarAheadError: too_far_ahead,
    e2ee.NoGroupError: lambda world: world.alice.group(UUID(int=0)),
    e2ee.NoSenderKeyError: no_sender_key,
    e2ee.NoSessionError: lambda world: world.alice.encrypt("nobody", b""),
    e2ee.RepairLimitError: too_many_requests,
    e2ee.SafetyNumberMismatchError: lambda world: world.alice.verify("bob", "1" * 60),
    e2ee.SafetyNumberVersionError: other_version,
    e2ee.StaleSessionError: closed_store,
    e2ee.StoreAnchorError: without_its_anchor,
    e2ee.StoreConflictError: conflict,
    e2ee.StoreCorruptionError: corruption,
    e2ee.StoreExistsError: lambda world: e2ee.Account.create(world.store, "alice"),
    e2ee.StoreFormatError: foreign_file,
    e2ee.StoreKeyError: wrong_key,
    e2ee.StoreMissingError: lambda _: e2ee.Account.open(e2ee.MemoryStore()),
    e2ee.TransactionOpenError: open_transaction,
    e2ee.UnknownPreKeyError: unknown_prekey,
    e2ee.UnsupportedVersionError: lambda _: e2ee.Envelope(b"\x07\x02"),
    e2ee.UntrustedIdentityError: untrusted,
}


def all_errors() -> set[type[e2ee.E2EEError]]:
    exported = (getattr(e2ee, name) for name in e2ee.__all__)
    return {
        each for each in exported if isinstance(each, type) and issubclass(each, e2ee.E2EEError)
    }


@pytest.mark.parametrize("kind", CALLS, ids=lambda kind: kind.__name__)
def test_a_call_raises_it(world: World, kind: type[e2ee.E2EEError]) -> None:
    with pytest.raises(kind) as caught:
        CALLS[kind](world)

    assert caught.type is kind
    assert re.fullmatch(r"[a-z][a-zA-Z0-9 ,:'-]*[a-z]", str(caught.value))
    assert type(pickle.loads(pickle.dumps(caught.value))) is kind  # noqa: S301


def test_every_error_has_its_call() -> None:
    here = Path(__file__).parent

    assert all_errors() == FAMILIES | CALLS.keys() | ELSEWHERE.keys()
    for kind, name in ELSEWHERE.items():
        assert f"raises(e2ee.{kind.__name__}" in (here / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", sorted(all_errors(), key=str), ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do(kind: type[e2ee.E2EEError]) -> None:
    first = (kind.__doc__ or "").splitlines()[0]

    assert kind.__name__.endswith("Error")
    assert issubclass(kind, e2ee.E2EEError)
    assert re.search(r": .+\.$", first), first


def test_an_argument_error_is_a_value_error() -> None:
    assert issubclass(e2ee.InvalidArgumentError, ValueError)


def test_a_copied_file_opens_like_its_original(tmp_path: Path) -> None:
    with e2ee.SQLiteStore(tmp_path / "a.db", key=KEY) as store:
        e2ee.Account.create(store, "alice")
    shutil.copy(tmp_path / "a.db", tmp_path / "b.db")

    with e2ee.SQLiteStore(tmp_path / "b.db", key=KEY) as store:
        assert e2ee.Account.open(store).user == "alice"


@pytest.mark.parametrize(
    ("key", "passphrase"),
    [(None, None), (KEY, "x"), (KEY[1:], None), (KEY + b"x", None), (None, ""), (None, "\ud800")],
    ids=["none", "both", "short", "long", "empty", "no text"],
)
def test_a_wrong_secret_is_refused_before_a_file_is_made(
    tmp_path: Path, key: bytes | None, passphrase: str | None
) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.SQLiteStore(tmp_path / "a.db", key=key, passphrase=passphrase)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("typed", ["Zo\u00eb", "Zoe\u0308", "Zo\u00eb".encode()])
def test_a_passphrase_is_the_same_however_its_letters_are_composed(
    tmp_path: Path, typed: str | bytes
) -> None:
    with e2ee.SQLiteStore(tmp_path / "a.db", passphrase="Zoe\u0308") as store:  # noqa: S106
        e2ee.Account.create(store, "zoe")

    with e2ee.SQLiteStore(tmp_path / "a.db", passphrase=typed) as store:
        assert e2ee.Account.open(store).user == "zoe"
