# SPDX-License-Identifier: MIT OR Apache-2.0
"""Account keys, PIN hashes, usernames and single messages, held against recorded ones."""

from __future__ import annotations

import json
import pickle
import re
import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from e2ee import (
    AuthenticationError,
    InvalidArgumentError,
    InvalidKeyError,
    MalformedMessageError,
    StoreCorruptionError,
    signal,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "signal" / "misc.json"
MISC: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
ACCOUNT: dict[str, str] = MISC["account"]
ACI = UUID(ACCOUNT["aci"])


@pytest.fixture
def keys() -> signal.AccountKeys:
    return signal.AccountKeys(ACCOUNT["entropy_pool"])


@pytest.fixture
def state_key() -> signal.StateKey:
    return signal.StateKey(secrets.token_bytes(32))


@pytest.mark.parametrize(
    "name",
    [
        "svr_key",
        "registration_lock",
        "registration_recovery_password",
        "storage_service_key",
        "logging_key",
    ],
)
def test_a_key_of_the_account_is_the_recorded_one(keys: signal.AccountKeys, name: str) -> None:
    assert getattr(keys, name).hex() == ACCOUNT[name]


def test_the_keys_of_backups_are_the_recorded_ones(keys: signal.AccountKeys) -> None:
    backup = keys.backup
    media_id = backup.media_id(ACCOUNT["media_name"])

    assert backup.key.hex() == ACCOUNT["backup_key"]
    assert backup.local_metadata_key.hex() == ACCOUNT["local_backup_metadata_key"]
    assert backup.id(ACI).hex() == ACCOUNT["backup_id"]
    assert media_id.hex() == ACCOUNT["media_id"]
    assert backup.media_key(media_id).hex() == ACCOUNT["media_key"]
    assert backup.thumbnail_key(media_id).hex() == ACCOUNT["thumbnail_key"]
    assert len(backup.sign(ACI, b"message")) == 64
    assert backup.public_key(ACI)[:1] == b"\x05"


@pytest.mark.parametrize("length", [14, 16])
def test_a_media_id_has_15_bytes(keys: signal.AccountKeys, length: int) -> None:
    with pytest.raises(InvalidArgumentError):
        keys.backup.media_key(bytes(length))
    with pytest.raises(InvalidArgumentError):
        keys.backup.thumbnail_key(bytes(length))


def test_a_fresh_pool_is_random_and_makes_the_same_keys_again() -> None:
    first, second = signal.AccountKeys.generate(), signal.AccountKeys.generate()

    assert re.fullmatch("[0-9a-z]{64}", first.pool())
    assert first.pool() != second.pool()
    assert signal.AccountKeys(first.pool()).svr_key == first.svr_key


@pytest.mark.parametrize("pool", ["", "a" * 63, "a" * 65, "A" * 64, "ä" * 32, "a" * 63 + " "])
def test_what_is_no_pool_is_refused(pool: str) -> None:
    with pytest.raises(InvalidArgumentError):
        signal.AccountKeys(pool)


def test_a_sealed_pool_loads_with_its_key_only(
    keys: signal.AccountKeys, state_key: signal.StateKey
) -> None:
    record = keys.seal(state_key)

    assert signal.AccountKeys.load(state_key, record).pool() == keys.pool()
    assert keys.pool().encode() not in record
    with pytest.raises(StoreCorruptionError):
        signal.AccountKeys.load(signal.StateKey(bytes(32)), record)
    with pytest.raises(StoreCorruptionError):
        signal.HpkeKey.load(state_key, record)


def test_a_pin_hash_is_the_recorded_one() -> None:
    recorded = MISC["pin_hash"]

    hashed = signal.hash_pin(recorded["pin"].encode(), bytes.fromhex(recorded["salt"]))

    assert [each.hex() for each in hashed] == [recorded["encryption_key"], recorded["access_key"]]
    with pytest.raises(InvalidArgumentError):
        signal.hash_pin(b"1234", bytes(31))


@pytest.mark.parametrize("recorded", MISC["usernames"], ids=lambda each: each["username"])
def test_a_username_is_the_recorded_one(recorded: dict[str, str]) -> None:
    username = signal.Username(recorded["username"])
    link_key = bytes.fromhex(recorded["link_entropy"])

    assert username.hash.hex() == recorded["hash"]
    found = signal.Username.from_link(link_key, bytes.fromhex(recorded["link_encrypted"]))
    assert found == username
    assert hash(found) == hash(username)
    assert found.text == recorded["username"]


@pytest.mark.parametrize("text", ["", "a", "a.1", "a.00", "a.012", "1a.12", "a b.12", "a.12.12"])
def test_what_is_no_username_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        signal.Username(text)


def test_a_link_opens_with_its_key_and_can_be_renewed() -> None:
    username = signal.Username("Carl.42")
    link_key, sealed = username.link()
    again = username.relink(link_key)

    assert sealed != again
    for each in (sealed, again):
        assert signal.Username.from_link(link_key, each).text == "Carl.42"
    assert repr(username) == "Username('Carl.42')"
    with pytest.raises(AuthenticationError):
        signal.Username.from_link(bytes(32), sealed)
    with pytest.raises(AuthenticationError):
        signal.Username.from_link(link_key, sealed[:-1])
    with pytest.raises(InvalidArgumentError):
        signal.Username.from_link(bytes(31), sealed)
    with pytest.raises(InvalidArgumentError):
        username.relink(bytes(33))


def test_a_single_message_opens_for_its_owner_and_binding_only(
    state_key: signal.StateKey,
) -> None:
    key = signal.HpkeKey.generate()
    sealed = signal.hpke_seal(key.public_key, b"text", info=b"i", associated_data=b"a")

    loaded = signal.HpkeKey.load(state_key, key.seal(state_key))
    assert loaded.public_key == key.public_key
    assert loaded.open(sealed, info=b"i", associated_data=b"a") == b"text"
    assert len(sealed) == len(b"text") + 49
    for owner, message, info, data in (
        (key, sealed, b"", b""),
        (key, sealed, b"a", b"i"),
        (signal.HpkeKey.generate(), sealed, b"i", b"a"),
        (key, sealed[:-1], b"i", b"a"),
    ):
        with pytest.raises(AuthenticationError):
            owner.open(message, info=info, associated_data=data)


@pytest.mark.parametrize("sealed", [b"", b"\x01", bytes(60), b"\x02" + bytes(60), b"\x01" * 48])
def test_what_is_no_single_message_is_malformed(sealed: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        signal.HpkeKey.generate().open(sealed)


@pytest.mark.parametrize("key", [b"", bytes(33), b"\x05" + bytes(31), b"\x05" + bytes(32)])
def test_nothing_is_sealed_for_a_key_that_cannot_be_used(key: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        signal.hpke_seal(key, b"text")


@pytest.mark.parametrize(
    "holder",
    [
        signal.AccountKeys.generate(),
        signal.AccountKeys.generate().backup,
        signal.HpkeKey.generate(),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_holds_keys_cannot_be_pickled_and_shows_nothing(holder: object) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(holder)
    assert re.fullmatch(
        r"<builtins\.\w+ object at \w+>|<e2ee\._core\.\w+ object at \w+>", repr(holder)
    )
