# SPDX-License-Identifier: MIT OR Apache-2.0
"""States of libolm and vodozemac, taken over and given back."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

import e2ee
from e2ee import matrix, olm
from e2ee.compat import olm as compat

FAMILIES = [olm.Pickles.libolm(b"any key"), olm.Pickles.vodozemac(bytes(range(32)))]
FAMILY = pytest.mark.parametrize("pickles", FAMILIES, ids=["libolm", "vodozemac"])


@pytest.fixture
def key() -> olm.StateKey:
    return olm.StateKey(secrets.token_bytes(32))


def people(
    key: olm.StateKey,
) -> tuple[olm.Account, olm.Account, olm.Session, olm.Session]:
    """Two accounts and their sessions, after one message."""
    alice, bob = olm.Account.generate(), olm.Account.generate()
    bob.generate_one_time_keys(1)
    [one_time_key] = bob.one_time_keys.values()
    sending = olm.Session.initiate(
        key, alice, identity_key=bob.identity_key, one_time_key=one_time_key
    )
    first = sending.encrypt(b"first").release()
    receiving, step = olm.Session.accept(key, bob, alice.identity_key, first)
    step.release()
    return alice, bob, sending, receiving


@FAMILY
def test_an_account_comes_back_with_its_keys(pickles: olm.Pickles) -> None:
    account = olm.Account.generate()
    account.generate_one_time_keys(3)
    account.generate_fallback_key()

    read = pickles.read_account(pickles.write_account(account))

    assert read.identity_key == account.identity_key
    assert read.signing_key == account.signing_key
    assert read.one_time_keys == account.one_time_keys
    assert read.fallback_key == account.fallback_key
    assert read.sign(b"text") == account.sign(b"text")
    read.generate_one_time_keys(1)
    assert max(read.one_time_keys) > max(account.one_time_keys)


@FAMILY
def test_sessions_go_on_in_both_roles(key: olm.StateKey, pickles: olm.Pickles) -> None:
    alice, bob, sending, receiving = people(key)

    sending = pickles.read_session(key, alice, bob.identity_key, pickles.write_session(sending))
    written = pickles.write_session(receiving)
    receiving = pickles.read_session(key, bob, alice.identity_key, written)

    step = receiving.encrypt(b"back")
    assert set(step.writes) == {"chains", "head", "skipped"}
    assert step.kind == 1
    assert sending.decrypt(1, step.release()).release() == b"back"
    step = sending.encrypt(b"there")
    assert receiving.decrypt(1, step.release()).release() == b"there"


@FAMILY
def test_what_was_written_is_stale(key: olm.StateKey, pickles: olm.Pickles) -> None:
    _, _, sending, receiving = people(key)
    own = olm.OutboundGroupSession.create(key)
    open_step = receiving.encrypt(b"open")

    pickles.write_session(sending)
    pickles.write_outbound(own)

    with pytest.raises(e2ee.StaleSessionError):
        sending.encrypt(b"next")
    with pytest.raises(e2ee.StaleSessionError):
        own.encrypt(b"next")
    with pytest.raises(e2ee.StaleSessionError):
        pickles.write_outbound(own)
    with pytest.raises(e2ee.StaleSessionError):
        pickles.write_session(receiving)
    open_step.release()


@FAMILY
def test_a_session_of_other_people_is_refused(key: olm.StateKey, pickles: olm.Pickles) -> None:
    _, _, sending, _ = people(key)
    stranger = olm.Account.generate()
    written = pickles.write_session(sending)

    with pytest.raises(e2ee.InvalidKeyError):
        pickles.read_session(key, stranger, stranger.identity_key, written)
    with pytest.raises(e2ee.InvalidKeyError):
        pickles.read_session(key, stranger, b"short", written)


@FAMILY
def test_group_sessions_go_on(key: olm.StateKey, pickles: olm.Pickles) -> None:
    own = olm.OutboundGroupSession.create(key)
    received, step = olm.InboundGroupSession.accept(key, own.session_key())
    step.release()
    first = own.encrypt(b"first").release()

    other = pickles.read_inbound(key, pickles.write_inbound(received))
    own = pickles.read_outbound(key, pickles.write_outbound(own))

    assert (own.message_index, other.is_signed) == (1, True)
    assert other.decrypt(first, "$first").release() == (0, b"first")
    second = own.encrypt(b"second").release()
    assert received.decrypt(second, "$second").release() == (1, b"second")


@FAMILY
def test_what_was_read_is_saved_before_it_is_used(key: olm.StateKey, pickles: olm.Pickles) -> None:
    _, bob, sending, receiving = people(key)
    own = olm.OutboundGroupSession.create(key)
    received, step = olm.InboundGroupSession.accept(key, own.session_key())
    step.release()
    session = pickles.read_session(
        key, bob, receiving.their_identity_key, pickles.write_session(receiving)
    )
    others = pickles.read_inbound(key, pickles.write_inbound(received))
    own = pickles.read_outbound(key, pickles.write_outbound(own))

    steps = [session.save(), others.save(), own.save()]
    rows = [step.writes for step in steps]
    results = [step.release() for step in steps]

    assert results == [b"", b"", b""]
    records = [rows[0][part] for part in ("head", "chains", "skipped")]
    session = olm.Session.load(key, (session.name, records))
    assert sending.decrypt(1, session.encrypt(b"back").release()).release() == b"back"
    id_ = own.session_id
    others = olm.InboundGroupSession.load(key, id_, [rows[1][part] for part in ("head", "events")])
    own = olm.OutboundGroupSession.load(key, id_, rows[2]["sending"])
    assert others.decrypt(own.encrypt(b"text").release(), None).release() == (0, b"text")


def test_saving_is_a_step_like_others(key: olm.StateKey) -> None:
    _, _, sending, _ = people(key)
    own = olm.OutboundGroupSession.create(key)
    received, step = olm.InboundGroupSession.accept(key, own.session_key())
    step.release()

    for session in (sending, own, received):
        open_step = session.save()
        with pytest.raises(e2ee.StaleSessionError):
            session.save()
        open_step.release()
        dropped = session.save()
        assert max(revision for revision, _ in dropped.writes.values()) > 1
        del dropped
        with pytest.raises(e2ee.StaleSessionError):
            session.save()


@FAMILY
def test_what_was_opened_elsewhere_is_of_one_event(key: olm.StateKey, pickles: olm.Pickles) -> None:
    own = olm.OutboundGroupSession.create(key)
    received, step = olm.InboundGroupSession.accept(key, own.session_key())
    step.release()
    messages = [own.encrypt(b"text").release() for _ in range(2)]
    written = pickles.write_inbound(received)

    read = pickles.read_inbound(key, written, opened=[(0, "$first"), (0, "$first")])

    with pytest.raises(e2ee.DuplicateMessageError):
        read.decrypt(messages[0], "$another")
    assert read.decrypt(messages[0], "$first").release() == (0, b"text")
    assert read.decrypt(messages[1], "$another").release() == (1, b"text")
    with pytest.raises(e2ee.DuplicateMessageError):
        pickles.read_inbound(key, written, opened=[(0, "$first"), (0, "$another")])
    with pytest.raises(e2ee.InvalidArgumentError):
        pickles.read_inbound(key, written, opened=[(2**32, "$first")])
    with pytest.raises(e2ee.SessionExhaustedError):
        pickles.read_inbound(key, written, opened=[(index, "") for index in range(65_537)])


@FAMILY
def test_another_key_and_altered_text_are_refused(pickles: olm.Pickles) -> None:
    written = pickles.write_account(olm.Account.generate())
    altered = ("B" if written[0] == "A" else "A") + written[1:]
    reads = (pickles.read_account, olm.Pickles.libolm(b"other").read_account)

    with pytest.raises(e2ee.AuthenticationError):
        reads[0](altered)
    with pytest.raises(e2ee.AuthenticationError):
        reads[1](written)
    for text in ("", "no pickle!", "AAAA"):
        with pytest.raises(e2ee.MalformedMessageError):
            reads[0](text)


def test_the_pickle_of_another_kind_or_family_is_refused(key: olm.StateKey) -> None:
    vodozemac = olm.Pickles.vodozemac(bytes(range(32)))
    libolm = olm.Pickles.libolm(bytes(range(32)))
    account = olm.Account.generate()

    with pytest.raises((e2ee.MalformedMessageError, e2ee.UnsupportedVersionError)):
        libolm.read_account(vodozemac.write_account(account))
    with pytest.raises(e2ee.MalformedMessageError):
        vodozemac.read_account(libolm.write_account(account))
    with pytest.raises((e2ee.MalformedMessageError, e2ee.UnsupportedVersionError)):
        libolm.read_outbound(key, libolm.write_account(account))
    with pytest.raises(e2ee.MalformedMessageError):
        vodozemac.read_inbound(key, vodozemac.write_account(account))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_vodozemac_has_32_bytes(length: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        olm.Pickles.vodozemac(bytes(length))


LIBOLM = olm.Pickles.libolm(b"any key")
RECORDED = json.loads(
    (Path(__file__).parent.parent / "vectors" / "olm" / "libolm_pickles.json").read_text()
)


def test_the_key_of_a_backup_comes_from_libolm() -> None:
    recorded = RECORDED["pk_decryption"]
    pickles = olm.Pickles.libolm(bytes.fromhex(RECORDED["pickle_key_hex"]))

    key = pickles.read_backup_key(recorded["pickle"])

    assert key.public_key == recorded["public_key"]
    sealed = matrix.seal_backup(key.public_key, {"session_key": "text"})
    assert matrix.open_backup(key, sealed) == {"session_key": "text"}


def test_the_key_of_a_backup_goes_back_to_libolm_and_stays_here() -> None:
    key = matrix.BackupKey.generate()
    sealed = matrix.seal_backup(key.public_key, {"session_key": "text"})
    fields = (sealed["ephemeral"], sealed["mac"], sealed["ciphertext"])

    written = LIBOLM.write_backup_key(key)

    there = compat.PkDecryption.from_pickle(written.encode(), "any key")
    assert json.loads(there.decrypt(compat.PkMessage(*fields))) == {"session_key": "text"}
    again = LIBOLM.read_backup_key(there.pickle("any key").decode())
    assert again.public_key == key.public_key
    assert matrix.open_backup(key, sealed) == {"session_key": "text"}


def test_the_pickle_of_a_backup_key_opens_as_itself_only() -> None:
    written = LIBOLM.write_backup_key(matrix.BackupKey.generate())
    altered = ("B" if written[0] == "A" else "A") + written[1:]

    for pickles, text in ((LIBOLM, altered), (olm.Pickles.libolm(b"other"), written)):
        with pytest.raises(e2ee.AuthenticationError):
            pickles.read_backup_key(text)
    with pytest.raises(e2ee.UnsupportedVersionError):
        LIBOLM.read_backup_key(LIBOLM.write_account(olm.Account.generate()))
    with pytest.raises(e2ee.UnsupportedVersionError):
        LIBOLM.read_account(written)


def test_vodozemac_has_no_pickle_of_a_backup_key() -> None:
    vodozemac = olm.Pickles.vodozemac(bytes(32))

    with pytest.raises(e2ee.InvalidArgumentError):
        vodozemac.write_backup_key(matrix.BackupKey.generate())
    with pytest.raises(e2ee.InvalidArgumentError):
        vodozemac.read_backup_key("")
