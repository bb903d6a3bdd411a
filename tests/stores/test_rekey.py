# SPDX-License-Identifier: MIT OR Apache-2.0
"""Another key for a store: nothing but the key changes, and nothing opens with the one before."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, TypedDict

import pytest

import e2ee
from e2ee.store import RekeyableStore, StoreSecret
from tests.api.test_fixtures import FIXTURES, opened
from tests.properties.world import Rows, copy_of, put_rows, read_rows
from tests.stores.kinds import KEY, KINDS, in_a_database, introduced, kind_name
from tests.stores.protocols import PROTOCOLS, SIGNAL, Protocol, protocol_name
from tests.stores.state import ACTS, State, make_state, outcomes
from tests.stores.watched import PlainStore, WatchedStore

OTHER: Final = bytes(31) + b"\x01"
WORD: Final = "correct horse"
FOUND = (e2ee.StoreCorruptionError, e2ee.StoreRollbackError)
Kind = Callable[..., RekeyableStore]


class Options(TypedDict, total=False):
    """What a store or a change takes."""

    key: bytes
    passphrase: str


@pytest.fixture(scope="module", params=PROTOCOLS, ids=protocol_name)
def state(request: pytest.FixtureRequest) -> State:
    return make_state(request.param)


@pytest.fixture(params=KINDS, ids=kind_name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def store(kind: Kind, tmp_path: Path, state: State) -> Iterator[RekeyableStore]:
    """Alice's store, with rows of every kind."""
    made = kind(tmp_path, KEY)
    put_rows(made, state.now)
    yield made
    made.close()


def opens(rows: Rows, key: bytes) -> bool:
    """Whether it is the key of these rows."""
    with suppress(e2ee.StoreKeyError):
        e2ee.Account.open(copy_of(rows, key))
        return True
    return False


def test_whatever_is_done_with_the_store_goes_on(store: RekeyableStore, state: State) -> None:
    expected = outcomes(state, state.now)

    e2ee.Account.open(store).rekey(key=OTHER)

    assert outcomes(state, read_rows(store), OTHER) == expected
    assert [name for name, result in expected.items() if isinstance(result, type)] == []


def test_the_new_key_opens_the_store_and_the_one_before_does_not(
    store: RekeyableStore, kind: Kind, tmp_path: Path
) -> None:
    e2ee.Account.open(store).rekey(key=OTHER)

    assert (opens(read_rows(store), KEY), opens(read_rows(store), OTHER)) == (False, True)
    if kind in KINDS[1:]:
        again = kind(tmp_path, OTHER)
        assert e2ee.Account.open(again).user == "alice"
        again.close()


def test_every_row_is_another_one_of_a_higher_revision(store: RekeyableStore, state: State) -> None:
    e2ee.Account.open(store).rekey(key=OTHER)

    now = read_rows(store)
    assert now.keys() == state.now.keys()
    assert [name for name, row in state.now.items() if now[name][0] <= row[0]] == []
    assert {row[1] for row in state.now.values()} & {row[1] for row in now.values()} == set()


def test_account_and_store_go_on_with_the_new_key(store: RekeyableStore, state: State) -> None:
    alice = e2ee.Account.open(store)

    alice.rekey(key=OTHER)

    assert ACTS["send to bob"](state, alice) == ACTS["read bob"](state, alice)
    assert e2ee.Account.open(store).contacts() == alice.contacts()


def test_only_a_store_that_can_look_says_that_nothing_is_left(
    store: RekeyableStore, kind: Kind
) -> None:
    assert e2ee.Account.open(store).rekey(key=OTHER) is (kind is not in_a_database)


def test_a_key_can_be_changed_again_and_again(
    kind: Kind, tmp_path: Path, protocol: Protocol
) -> None:
    store, bob = kind(tmp_path, KEY), protocol.created(e2ee.MemoryStore(), "bob")
    alice = introduced(store, bob)
    received = bob.encrypt(alice.address, b"handled").to_bytes()
    with alice.receive(bob.address, received):
        pass

    alice.rekey(passphrase=WORD)
    alice.rekey(passphrase=WORD)
    alice.rekey(key=lambda: bytearray(KEY))
    alice.rekey(secret=StoreSecret.from_key(OTHER))

    reopened = e2ee.Account.open(store)
    with (
        pytest.raises(e2ee.DuplicateMessageError) as refusal,
        reopened.receive(bob.address, received),
    ):
        pytest.fail("it was shown again")
    assert refusal.value.delivered
    assert bob.decrypt(alice.address, reopened.encrypt(bob.address, b"on")).plaintext == b"on"
    assert opens(read_rows(store), OTHER)
    store.close()


@pytest.mark.parametrize("name", ["sending", "a/skipped", "a/1/objects", "from/a/1/sending", "é"])
def test_peers_of_any_name_go_on(name: str) -> None:
    store, peer = e2ee.MemoryStore(key=KEY), e2ee.Account.create(e2ee.MemoryStore(), name)
    alice = e2ee.Account.create(store, "alice")
    peer.connect(alice.address, alice.bundle())
    alice.decrypt(name, peer.encrypt(alice.address, b"first"))
    club = peer.create_group(["alice"])
    for _, invitation in club.invitations():
        alice.decrypt(name, invitation)

    alice.rekey(key=OTHER)

    again = e2ee.Account.open(store)
    assert again.decrypt(name, club.encrypt(b"to all")).plaintext == b"to all"
    assert again.decrypt(name, peer.encrypt(alice.address, b"back")).plaintext == b"back"
    assert peer.decrypt(alice.address, again.encrypt(name, b"there")).plaintext == b"there"


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_the_ledger_outlives_the_key_that_it_was_made_under(path: Path) -> None:
    fixture = json.loads(path.read_text())
    account = opened(fixture)
    sender, envelope, _ = fixture["envelopes"][0]
    with account.receive(sender, bytes.fromhex(envelope)):
        pass

    account.rekey(key=OTHER)

    with pytest.raises(e2ee.DuplicateMessageError) as refusal:
        account.receive(sender, bytes.fromhex(envelope)).__enter__()
    assert refusal.value.delivered


def test_the_key_that_the_store_has_is_refused(store: RekeyableStore, state: State) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.Account.open(store).rekey(key=KEY)

    assert read_rows(store) == state.now


@pytest.mark.parametrize("options", [{}, {"key": OTHER, "passphrase": "word"}, {"key": b"short"}])
def test_not_exactly_one_good_secret_is_refused(
    store: RekeyableStore, state: State, options: Options
) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.Account.open(store).rekey(**options)

    assert read_rows(store) == state.now


def test_inside_a_receive_block_the_key_stays(store: RekeyableStore, state: State) -> None:
    alice = e2ee.Account.open(store)

    with (
        alice.receive(state.address("carol"), state.waiting),
        pytest.raises(e2ee.TransactionOpenError),
    ):
        alice.rekey(key=OTHER)

    assert opens(read_rows(store), KEY)


def test_inside_a_transaction_the_key_stays(store: RekeyableStore, state: State) -> None:
    alice = e2ee.Account.open(store)

    with store.transaction(), pytest.raises(e2ee.TransactionOpenError):
        alice.rekey(key=OTHER)

    assert read_rows(store) == state.now


def test_a_store_that_cannot_be_told_keeps_its_key(state: State) -> None:
    inner = copy_of(state.now, KEY)

    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.Account.open(PlainStore(inner)).rekey(key=OTHER)

    assert read_rows(inner) == state.now


def test_a_full_inbox_is_never_held_in_memory(protocol: Protocol) -> None:
    store = WatchedStore(e2ee.MemoryStore(key=KEY))
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    alice = introduced(store, bob)
    texts = [bytes([number]) * 400_000 for number in range(12)]
    for text in texts:
        with (
            suppress(InterruptedError),
            alice.receive(bob.address, bob.encrypt(alice.address, text)),
        ):
            raise InterruptedError
    store.batches.clear()

    alice.rekey(key=OTHER)

    assert max(store.batches) < 2 << 20
    assert sum(store.batches) > sum(map(len, texts))
    assert [message.plaintext for message in alice.inbox()] == texts


def changed(state: State) -> Iterator[tuple[str, Rows]]:
    """A row that nothing may be without, taken away; any row, damaged; any row, as it was once."""
    for name, (revision, sealed) in state.now.items():
        if not name.startswith(("inbox/", "ledger/")):
            yield f"{name} deleted", {each: state.now[each] for each in state.now.keys() - {name}}
        yield (
            f"{name} damaged",
            state.now | {name: (revision, sealed[:-1] + bytes([sealed[-1] ^ 1]))},
        )
        older = state.before.get(name, (revision, sealed))
        if older != (revision, sealed):
            yield f"{name} of old", state.now | {name: older}


def test_a_change_of_the_key_hides_no_damage(state: State) -> None:
    expected, hidden = outcomes(state, state.now), []
    for what, rows in changed(state):
        store = copy_of(state.now, KEY)
        alice = e2ee.Account.open(store)
        put_rows(store, rows)
        try:
            alice.rekey(key=OTHER)
        except FOUND:
            assert read_rows(store) == rows
            continue
        found = outcomes(state, read_rows(store), OTHER)
        differing = {result for act, result in found.items() if result != expected[act]}
        if not differing or not all(result in FOUND for result in differing):
            hidden.append(what)

    assert hidden == []


@pytest.mark.parametrize("is_deleted", [False, True], ids=["of old", "deleted"])
def test_a_change_of_the_key_puts_no_peer_back(protocol: Protocol, *, is_deleted: bool) -> None:
    store, bob = e2ee.MemoryStore(key=KEY), protocol.created(e2ee.MemoryStore(), "bob")
    alice = introduced(store, bob)
    before = read_rows(store)
    if protocol is SIGNAL:
        alice.verify("bob", bob.safety_number("alice"))
    else:
        alice.connect(bob.address, bob.bundle())
    changed_rows = read_rows(store)
    del changed_rows[f"peer/bob/{protocol.device}"]
    put_rows(store, changed_rows if is_deleted else before | changed_rows)
    rows = read_rows(store)

    with pytest.raises(FOUND):
        alice.rekey(key=OTHER)

    assert read_rows(store) == rows


def test_rows_under_the_key_before_are_found_in_the_store(state: State) -> None:
    expected, store, wrong = outcomes(state, state.now), copy_of(state.now, KEY), []
    e2ee.Account.open(store).rekey(key=OTHER)
    now = read_rows(store)
    asked = {name for name in state.now if not name.startswith("ledger/")} - {"store"}
    for name in asked:
        found = outcomes(state, now | {name: state.now[name]}, OTHER)
        differing = {result for act, result in found.items() if result != expected[act]}
        if not differing or not all(result in FOUND for result in differing):
            wrong.append(name)

    assert wrong == []
    before = outcomes(state, now | {"store": state.now["store"]}, OTHER)
    assert set(before.values()) == {e2ee.StoreKeyError}


@pytest.mark.parametrize("secret", [{"key": KEY}, {"passphrase": WORD}], ids=["key", "word"])
@pytest.mark.parametrize("is_changed", [False, True], ids=["at first", "after a change"])
def test_a_damaged_store_record_is_not_a_wrong_key(secret: Options, *, is_changed: bool) -> None:
    first: Options = {"key": OTHER} if is_changed else secret
    store = e2ee.MemoryStore(**first)
    account = e2ee.Account.create(store, "alice")
    if is_changed:
        account.rekey(**secret)
    rows = read_rows(store)
    revision, record = rows["store"]
    wrong: list[Options] = [{"key": bytes(32)}, {"passphrase": "other"}, {"key": OTHER}]

    def outcome(record: bytes, options: Options) -> type[e2ee.E2EEError] | None:
        store = e2ee.MemoryStore(**options)
        put_rows(store, rows | {"store": (revision, record)})
        try:
            e2ee.Account.open(store)
        except e2ee.StoreError as error:
            return type(error)
        return None

    flipped = [
        record[:place] + bytes([record[place] ^ mask]) + record[place + 1 :]
        for place in range(len(record))
        for mask in (1, 0x80, 0xFF)
    ]
    assert outcome(record, secret) is None
    assert {outcome(each, secret) for each in flipped} == {e2ee.StoreCorruptionError}
    assert {outcome(record, each) for each in wrong} == {e2ee.StoreKeyError}
    assert {outcome(each, wrong[0]) for each in flipped} == {e2ee.StoreCorruptionError}


def test_what_waits_in_the_outbox_leaves_as_the_same_bytes(
    kind: Kind, tmp_path: Path, protocol: Protocol
) -> None:
    store, bob = kind(tmp_path, KEY), protocol.created(e2ee.MemoryStore(), "bob")
    alice = introduced(store, bob)
    alice.queue(bob.address, b"queued")
    before = alice.outbox()

    alice.rekey(key=OTHER)

    assert alice.outbox() == e2ee.Account.open(store).outbox() == before
    assert bob.decrypt(alice.address, before[0].envelope).plaintext == b"queued"
    alice.sent(before[0])
    assert alice.outbox() == []
    store.close()


def test_on_a_lent_connection_the_key_is_changed_in_a_transaction_of_its_own(
    tmp_path: Path,
) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    store = e2ee.SQLiteStore.on(connection, key=KEY)
    alice = introduced(store, e2ee.Account.create(e2ee.MemoryStore(), "bob"))

    connection.execute("BEGIN")
    with pytest.raises(e2ee.TransactionOpenError):
        alice.rekey(key=OTHER)
    connection.execute("COMMIT")
    assert not alice.rekey(key=OTHER)

    assert e2ee.Account.open(e2ee.SQLiteStore.on(connection, key=OTHER)).contacts()
    with pytest.raises(e2ee.StoreKeyError):
        e2ee.Account.open(e2ee.SQLiteStore.on(connection, key=KEY))
    connection.close()
