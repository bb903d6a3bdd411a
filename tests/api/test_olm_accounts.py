# SPDX-License-Identifier: MIT OR Apache-2.0
"""Olm accounts: the keys that start sessions, how often they serve, and sealing."""

from __future__ import annotations

import pytest

from e2ee import (
    AuthenticationError,
    DuplicateMessageError,
    InvalidArgumentError,
    InvalidKeyError,
    StoreCorruptionError,
    UnknownPreKeyError,
    olm,
    signal,
)
from tests.api.olm_pair import Pair, one_time_key

#: One-time keys that are kept (olm_megolm.md §1.4).
KEPT_KEYS = 100


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_a_one_time_key_serves_one_session(pair: Pair) -> None:
    with pytest.raises(UnknownPreKeyError):
        olm.Session.accept(pair.key, pair.bob, pair.alice.identity_key, pair.first)


def test_a_first_message_of_someone_else_uses_no_key_up(pair: Pair) -> None:
    account = olm.Account.generate()
    session = olm.Session.initiate(
        pair.key,
        pair.alice,
        identity_key=account.identity_key,
        one_time_key=one_time_key(account),
    )
    first = session.encrypt(b"text").release()
    forged = first[:-1] + bytes([first[-1] ^ 1])

    for sender, message in ((pair.bob.identity_key, first), (None, forged)):
        with pytest.raises(AuthenticationError):
            olm.Session.accept(pair.key, account, sender, message)
    with pytest.raises(InvalidKeyError):
        olm.Session.accept(pair.key, account, b"short", first)

    _, step = olm.Session.accept(pair.key, account, pair.alice.identity_key, first)
    assert step.release() == b"text"


def test_a_fallback_key_serves_many_sessions_until_it_is_forgotten(pair: Pair) -> None:
    before = pair.bob.fallback_key
    pair.bob.generate_fallback_key()
    waiting = pair.bob.fallback_key
    assert waiting is not None
    pair.bob.mark_keys_as_published()
    assert (before, pair.bob.fallback_key) == (None, None)

    def accept() -> bytes:
        session = olm.Session.initiate(
            pair.key, pair.alice, identity_key=pair.bob.identity_key, one_time_key=waiting[1]
        )
        _, step = olm.Session.accept(pair.key, pair.bob, None, session.encrypt(b"text").release())
        return step.release()

    assert [accept(), accept()] == [b"text", b"text"]
    assert not pair.bob.forget_fallback_key()
    pair.bob.generate_fallback_key()
    assert accept() == b"text"
    assert pair.bob.forget_fallback_key()
    with pytest.raises(UnknownPreKeyError):
        accept()


def test_a_session_under_a_fallback_key_is_accepted_once(pair: Pair) -> None:
    pair.bob.generate_fallback_key()
    assert pair.bob.fallback_key is not None
    session = olm.Session.initiate(
        pair.key,
        pair.alice,
        identity_key=pair.bob.identity_key,
        one_time_key=pair.bob.fallback_key[1],
    )
    first, second = (session.encrypt(text).release() for text in (b"first", b"second"))
    before = pair.bob.seal(pair.key)
    receiving, step = olm.Session.accept(pair.key, pair.bob, pair.alice.identity_key, first)
    assert step.release() == b"first"
    after = pair.bob.seal(pair.key)

    for account in (pair.bob, olm.Account.load(pair.key, *after)):
        for message in (first, second):
            with pytest.raises(DuplicateMessageError):
                olm.Session.accept(pair.key, account, pair.alice.identity_key, message)
    assert receiving.decrypt(0, second).release() == b"second"
    # What was not saved is not remembered.
    forgetful = olm.Account.load(pair.key, *before)
    _, step = olm.Session.accept(pair.key, forgetful, pair.alice.identity_key, first)
    assert step.release() == b"first"


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_no_more_keys_wait_than_the_limit(extra: int) -> None:
    account = olm.Account.generate()
    count = account.max_one_time_keys + extra

    if extra > 0:
        with pytest.raises(InvalidArgumentError):
            account.generate_one_time_keys(count)
        assert account.one_time_keys == {}
    else:
        account.generate_one_time_keys(count)
        assert len(set(account.one_time_keys.values())) == count


@pytest.mark.parametrize("count", [-1, 1 << 32, 1 << 70])
def test_a_number_of_keys_out_of_range_is_an_invalid_argument(count: int) -> None:
    with pytest.raises(InvalidArgumentError):
        olm.Account.generate().generate_one_time_keys(count)


def test_the_oldest_one_time_key_gives_way(pair: Pair) -> None:
    account = olm.Account.generate()
    oldest = one_time_key(account)

    def accept() -> bytes:
        session = olm.Session.initiate(
            pair.key, pair.alice, identity_key=account.identity_key, one_time_key=oldest
        )
        message = session.encrypt(b"text").release()
        return olm.Session.accept(pair.key, account, None, message)[1].release()

    for _ in range(KEPT_KEYS - 1):
        one_time_key(account)
    revision, record = account.seal(pair.key)
    assert accept() == b"text"

    account = olm.Account.load(pair.key, revision, record)
    one_time_key(account)
    with pytest.raises(UnknownPreKeyError):
        accept()


@pytest.mark.parametrize(
    "key", [b"", bytes(31), bytes(33), bytes(32), b"\xed" + b"\xff" * 30 + b"\x7f", b"\xff" * 32]
)
def test_a_key_that_cannot_be_used_starts_no_session(pair: Pair, key: bytes) -> None:
    good = one_time_key(pair.bob)

    for identity, one_time in ((key, good), (pair.bob.identity_key, key)):
        with pytest.raises(InvalidKeyError):
            olm.Session.initiate(pair.key, pair.alice, identity_key=identity, one_time_key=one_time)


def test_an_account_is_loaded_as_it_was_sealed(pair: Pair) -> None:
    pair.bob.generate_one_time_keys(3)
    pair.bob.generate_fallback_key()

    loaded = olm.Account.load(pair.key, *pair.bob.seal(pair.key))

    assert loaded.identity_key == pair.bob.identity_key
    assert loaded.signing_key == pair.bob.signing_key
    assert loaded.one_time_keys == pair.bob.one_time_keys
    assert loaded.fallback_key == pair.bob.fallback_key
    assert loaded.sign(b"text") == pair.bob.sign(b"text")


def test_keys_and_signatures_have_the_lengths_of_the_standards(pair: Pair) -> None:
    pair.bob.generate_one_time_keys(1)

    lengths = [
        len(pair.bob.identity_key),
        len(pair.bob.signing_key),
        len(pair.bob.sign(b"text")),
        *(len(key) for key in pair.bob.one_time_keys.values()),
    ]

    assert lengths == [32, 32, 64, 32]


def test_another_key_or_revision_opens_no_account(pair: Pair) -> None:
    revision, record = pair.bob.seal(pair.key)

    for key, number in ((olm.StateKey(bytes(32)), revision), (pair.key, revision + 1)):
        with pytest.raises(StoreCorruptionError):
            olm.Account.load(key, number, record)
    with pytest.raises(StoreCorruptionError):
        signal.Device.load(pair.key, revision, record)
