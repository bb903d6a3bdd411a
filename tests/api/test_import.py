# SPDX-License-Identifier: MIT OR Apache-2.0
"""An account is made of what libsignal's stores hold (docs/guides/import.md)."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

import e2ee
from e2ee import signal
from tests.api.libsignal import (
    ALICE,
    BOB,
    bobs_stores,
    bundle,
    records,
    sender_key_record,
    vector,
)
from tests.properties.world import read_rows

if TYPE_CHECKING:
    from pathlib import Path

GROUP = UUID("d1d1d1d1-7000-11eb-b32a-33b8a8a487a6")


def imported(store: e2ee.MemoryStore, **others: object) -> e2ee.ImportReport:
    """The report of an import of Bob's stores."""
    return e2ee.Account.import_records(store, BOB.user, records(**others), device=int(BOB.device))


def outcomes(report: e2ee.ImportReport) -> list[tuple[str, str, str]]:
    return [(row.kind, row.name, row.outcome) for row in report.rows]


def old_message(text: bytes, *, one_time: bool = True) -> tuple[e2ee.Account, e2ee.Envelope]:
    """A first message to Bob's former program, from Alice's new device."""
    alice = e2ee.Account.create(e2ee.MemoryStore(), ALICE.user, device=2)
    alice.connect(BOB, bundle(one_time=one_time))
    return alice, alice.encrypt(BOB, text)


def test_everything_of_a_recorded_client_is_in_the_report() -> None:
    report = imported(e2ee.MemoryStore())

    assert outcomes(report) == [
        ("identity key pair", "own", "imported"),
        ("prekey", "1001", "imported"),
        ("signed prekey", "22", "imported"),
        ("kyber prekey", "333", "imported"),
        ("identity", str(ALICE), "imported"),
        ("session", str(ALICE), "re-establish"),
    ]
    assert report.counts == {"imported": 5, "re-establish": 1, "refused": 0}
    assert report.to_reestablish == (ALICE,)


def test_the_report_says_in_which_state_a_session_was() -> None:
    report = imported(e2ee.MemoryStore())

    assert report.rows[-1].reason == "current of version 4, their registration id 5, 0 archived"


def test_the_report_is_a_table_for_a_person() -> None:
    report = imported(e2ee.MemoryStore(), prekeys={7: b""}, identities={}, sessions={})

    assert str(report).splitlines() == [
        "imported  identity key pair  own",
        "refused   prekey             7    a key in it cannot be used",
        "imported  signed prekey      22",
        "imported  kyber prekey       333",
        "3 imported, 0 re-establish, 1 refused",
    ]


def test_the_account_has_the_identity_that_was_recorded() -> None:
    store = e2ee.MemoryStore()
    imported(store)

    bob = e2ee.Account.open(store)

    assert bob.address == BOB
    assert bob.identity_key.hex() == vector()["bob"]["identity_public"]


@pytest.mark.parametrize("one_time", [True, False])
def test_a_first_message_to_the_former_program_opens(*, one_time: bool) -> None:
    alice, envelope = old_message(b"sent before the move", one_time=one_time)
    store = e2ee.MemoryStore()
    imported(store)
    bob = e2ee.Account.open(store)

    with bob.receive(alice.address, envelope) as message:
        assert message.plaintext == b"sent before the move"

    answer = bob.encrypt(alice.address, b"answered after it")
    assert alice.decrypt(BOB, answer).plaintext == b"answered after it"


def test_a_one_time_prekey_of_the_former_program_serves_one_session() -> None:
    (alice, first), (_, second) = old_message(b"first"), old_message(b"second")
    store = e2ee.MemoryStore()
    imported(store)
    bob = e2ee.Account.open(store)
    bob.decrypt(alice.address, first)

    with pytest.raises(e2ee.UnknownPreKeyError):
        bob.decrypt(e2ee.Address("mallory"), second)


def test_a_prekey_of_last_resort_serves_more_than_one_session() -> None:
    (alice, first), (_, second) = (old_message(text, one_time=False) for text in (b"1", b"2"))
    store = e2ee.MemoryStore()
    imported(store, last_resort=[333])
    bob = e2ee.Account.open(store)

    assert bob.decrypt(alice.address, first).plaintext == b"1"
    bob.forget(alice.address)
    assert bob.decrypt(alice.address, second).plaintext == b"2"
    bob.forget(alice.address)
    with pytest.raises(e2ee.DuplicateMessageError):
        bob.decrypt(alice.address, first)


def test_used_prekeys_of_the_former_program_stay_used_after_a_restart() -> None:
    (alice, first), (_, second) = old_message(b"first"), old_message(b"second")
    store = e2ee.MemoryStore()
    imported(store)
    e2ee.Account.open(store).decrypt(alice.address, first)

    bob = e2ee.Account.open(store)

    with pytest.raises(e2ee.UnknownPreKeyError):
        bob.decrypt(e2ee.Address("mallory"), second)


def test_bundles_after_an_import_are_new() -> None:
    store = e2ee.MemoryStore()
    imported(store)
    bob, alice = e2ee.Account.open(store), e2ee.Account.create(e2ee.MemoryStore(), "alice")

    alice.connect(BOB, bob.bundle())

    assert bob.decrypt("alice", alice.encrypt(BOB, b"new")).plaintext == b"new"
    assert bob.bundle(reusable=True).to_bytes() != bundle(one_time=False).to_bytes()


def test_imported_identities_are_pinned() -> None:
    store = e2ee.MemoryStore()
    imported(store)
    bob = e2ee.Account.open(store)
    (contact,) = bob.contacts()
    stranger = e2ee.Account.create(e2ee.MemoryStore(), ALICE.user)

    assert (contact.address, contact.verified, contact.pq_epoch) == (ALICE, False, None)
    assert contact.identity_key.hex() == vector()["alice"]["identity_public"]
    with pytest.raises(e2ee.UntrustedIdentityError):
        bob.connect(ALICE, stranger.bundle())
    with pytest.raises(e2ee.NoSessionError):
        bob.encrypt(ALICE, b"before connect")


def test_the_identity_of_a_user_is_pinned_for_every_device_that_the_records_name() -> None:
    alice, other = (vector()[name]["identity_public"] for name in ("alice", "bob"))
    session = bobs_stores()["sessions"][ALICE]
    store = e2ee.MemoryStore()
    imported(
        store,
        identities={
            ALICE.user: bytes.fromhex(alice),
            e2ee.Address(ALICE.user, 3): bytes.fromhex(other),
        },
        sessions={e2ee.Address(ALICE.user, device): session for device in (2, 3)},
    )

    contacts = e2ee.Account.open(store).contacts()

    assert [(each.address.device, each.identity_key.hex()) for each in contacts] == [
        (1, alice),
        (2, alice),
        (3, other),
    ]


def test_a_session_under_another_identity_than_the_pinned_one_is_reported() -> None:
    key = bytes.fromhex(vector()["bob"]["identity_public"])

    report = imported(e2ee.MemoryStore(), identities={ALICE: key})

    assert report.rows[-1].reason.endswith("0 archived, under another identity than the pinned one")


def group_message(text: bytes) -> tuple[bytes, e2ee.Envelope]:
    """An invitation to Alice's chain as libsignal stores it, and a message under the chain."""
    chain = signal.SenderKey.create(signal.StateKey(bytes(32)), GROUP)
    distribution = chain.distribution()
    padded = (text + b"\x80").ljust(79, b"\0")
    return distribution, e2ee.Envelope(b"\1\7" + chain.encrypt(padded).release())


def test_a_group_message_opens_under_an_imported_chain() -> None:
    distribution, envelope = group_message(b"to all")
    store = e2ee.MemoryStore()
    record = sender_key_record(distribution)
    report = imported(store, sender_keys={(ALICE, GROUP): record})

    bob = e2ee.Account.open(store)

    assert (report.rows[-1].kind, report.rows[-1].outcome) == ("sender key", "imported")
    with bob.receive(ALICE, envelope) as message:
        assert (message.plaintext, message.group) == (b"to all", GROUP)
    assert bob.groups() == [GROUP]
    with pytest.raises(e2ee.DuplicateMessageError):
        e2ee.Account.open(store).decrypt(ALICE, envelope)


def test_chains_without_a_pinned_identity_are_refused() -> None:
    record = sender_key_record(group_message(b"to all")[0])

    report = imported(e2ee.MemoryStore(), identities={}, sender_keys={(ALICE, GROUP): record})

    assert report.rows[-1].reason == "no identity of this device is imported"


def test_a_chain_that_sends_is_not_copied() -> None:
    recorded = vector("sender_key")
    own = bytes.fromhex(recorded["sender_record_initial"])
    theirs = bytes.fromhex(recorded["receiver_record_initial"])
    group = UUID(recorded["distribution_id"])
    store = e2ee.MemoryStore()

    report = imported(store, sender_keys={(ALICE, group): own, (BOB, group): theirs})

    assert [row.outcome for row in report.rows[-2:]] == ["re-establish"] * 2
    assert report.to_reestablish == (ALICE,)
    assert e2ee.Account.open(store).groups() == []


@pytest.mark.parametrize("record", [b"", b"\xff", b"\x0a\0"])
def test_damaged_chains_are_refused(record: bytes) -> None:
    report = imported(e2ee.MemoryStore(), sender_keys={(ALICE, GROUP): record})

    assert report.rows[-1].outcome == "refused"


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"prekeys": {7: b"\xff"}}, "the bytes are no such record"),
        ({"prekeys": {7: b""}}, "a key in it cannot be used"),
        ({"signed_prekeys": {7: b""}}, "a key in it cannot be used"),
        ({"kyber_prekeys": {7: b""}}, "a key in it cannot be used"),
        ({"identities": {ALICE: b"\5" + bytes(31)}}, "a key in it cannot be used"),
        ({"identities": {ALICE: b"\5" + bytes(32)}}, "a key in it cannot be used"),
        ({"identities": {ALICE: b"\5" + b"\xff" * 32}}, "a key in it cannot be used"),
        ({"sessions": {ALICE: b""}}, "it holds nothing"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(
    others: dict[str, Any], reason: str
) -> None:
    report = imported(e2ee.MemoryStore(), **others)

    (refused,) = [row for row in report.rows if row.outcome == "refused"]
    assert refused.reason == reason


def test_a_record_under_another_number_is_refused() -> None:
    (record,) = bobs_stores()["prekeys"].values()

    report = imported(e2ee.MemoryStore(), prekeys={1001: record, 1002: record})

    assert [(row.name, row.outcome) for row in report.rows if row.kind == "prekey"] == [
        ("1001", "imported"),
        ("1002", "refused"),
    ]


def test_a_session_that_cannot_be_read_is_started_anew_too() -> None:
    report = imported(
        e2ee.MemoryStore(), sessions={ALICE: b"\xff", e2ee.Address("carol", 2): b"\7"}
    )

    assert [row.reason for row in report.rows[-2:]] == ["the record cannot be read"] * 2
    assert report.to_reestablish == (ALICE, e2ee.Address("carol", 2))


def test_a_prekey_that_another_identity_signed_is_refused() -> None:
    pair = bytes.fromhex(vector()["alice"]["identity_key_pair_serialized"])

    report = imported(e2ee.MemoryStore(), identity_key_pair=pair)

    assert [row.outcome for row in report.rows[:4]] == ["imported", "imported"] + ["refused"] * 2


@pytest.mark.parametrize(
    ("pair", "error"),
    [
        (b"\xff", e2ee.MalformedMessageError),
        (b"", e2ee.InvalidKeyError),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_without_a_usable_identity_there_is_no_account(
    pair: bytes, error: type[e2ee.E2EEError], *, dry_run: bool
) -> None:
    store = e2ee.MemoryStore()
    given = records(identity_key_pair=pair)

    with pytest.raises(error):
        e2ee.Account.import_records(store, "bob", given, dry_run=dry_run)

    assert read_rows(store) == {}


def test_the_halves_of_the_identity_must_belong_together() -> None:
    pair = bytearray(bobs_stores()["identity_key_pair"])
    pair[-5] ^= 1

    with pytest.raises(e2ee.InvalidKeyError):
        imported(e2ee.MemoryStore(), identity_key_pair=bytes(pair))


def test_a_dry_run_says_the_same_and_writes_nothing() -> None:
    store = e2ee.MemoryStore()

    report = e2ee.Account.import_records(
        store, BOB.user, records(), device=int(BOB.device), dry_run=True
    )

    assert read_rows(store) == {}
    assert report == imported(store)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_store_that_holds_an_account_is_left_alone(*, dry_run: bool) -> None:
    store = e2ee.MemoryStore()
    e2ee.Account.create(store, "carol")
    before = read_rows(store)

    with pytest.raises(e2ee.StoreExistsError):
        e2ee.Account.import_records(store, "bob", records(), dry_run=dry_run)

    assert read_rows(store) == before


@pytest.mark.parametrize(
    "others",
    [
        {"registration_id": -1},
        {"registration_id": 2**32},
        {"prekeys": {2**32: b""}},
        {"prekeys": {-1: b""}},
        {"last_resort": [1]},
        {"identities": {"": b""}},
        {"sessions": {"\n": b""}},
    ],
)
def test_what_no_record_can_be_called_is_an_argument_out_of_range(others: dict[str, Any]) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        records(**others)


@pytest.mark.parametrize("registration_id", [0, 2**32 - 1])
def test_every_registration_id_of_32_bits_is_kept(registration_id: int) -> None:
    store = e2ee.MemoryStore()
    imported(store, registration_id=registration_id)

    encoded = e2ee.Account.open(store).bundle(reusable=True).to_bytes()

    assert encoded[1] == 1 << 3
    assert encoded[2:7].startswith({0: b"\0", 2**32 - 1: b"\xff\xff\xff\xff\x0f"}[registration_id])


def test_records_show_nothing_and_cannot_be_copied() -> None:
    given = records()

    assert repr(given) == "LibsignalRecords(prekeys=3, sessions=1)"
    assert [name for name in dir(given) if not name.startswith("_")] == []
    with pytest.raises(TypeError):
        pickle.dumps(given)


def test_an_import_survives_in_a_file(tmp_path: Path) -> None:
    alice, envelope = old_message(b"sent before the move")
    key = bytes(range(32))
    with e2ee.SQLiteStore(tmp_path / "bob.db", key=key) as store:
        e2ee.Account.import_records(store, BOB.user, records(), device=int(BOB.device))

    with e2ee.SQLiteStore(tmp_path / "bob.db", key=key) as store:
        bob = e2ee.Account.open(store)
        assert bob.decrypt(alice.address, envelope).plaintext == b"sent before the move"
