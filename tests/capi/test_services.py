# SPDX-License-Identifier: MIT OR Apache-2.0
"""Account keys, PIN hashes, usernames and single messages, beside recorded ones and Python's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
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
from tests.capi import services
from tests.capi.objects import StateKey, ffi, lib

VECTORS: Final = Path(__file__).parent.parent / "vectors" / "signal" / "misc.json"
MISC: Final[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))
ACCOUNT: Final[dict[str, str]] = MISC["account"]
ACI: Final = UUID(ACCOUNT["aci"])
KEY: Final = bytes(range(32))


@pytest.fixture
def keys() -> services.AccountKeys:
    return services.AccountKeys.of(ACCOUNT["entropy_pool"])


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
def test_a_key_of_the_account_is_the_recorded_one(keys: services.AccountKeys, name: str) -> None:
    assert getattr(keys, name).hex() == ACCOUNT[name]


def test_the_keys_of_backups_are_the_recorded_ones(keys: services.AccountKeys) -> None:
    backup = keys.backup
    media_id = backup.media_id(ACCOUNT["media_name"])

    assert backup.key.hex() == ACCOUNT["backup_key"]
    assert backup.local_metadata_key.hex() == ACCOUNT["local_backup_metadata_key"]
    assert backup.id(ACI).hex() == ACCOUNT["backup_id"]
    assert media_id.hex() == ACCOUNT["media_id"]
    assert backup.media_key(media_id).hex() == ACCOUNT["media_key"]
    assert backup.thumbnail_key(media_id).hex() == ACCOUNT["thumbnail_key"]


def test_the_signing_key_of_backups_is_that_of_python(keys: services.AccountKeys) -> None:
    in_python = signal.AccountKeys(ACCOUNT["entropy_pool"]).backup

    assert keys.backup.public_key(ACI) == in_python.public_key(ACI)
    assert len(keys.backup.sign(ACI, b"message")) == 64
    assert keys.backup.sign(ACI, b"message") != keys.backup.sign(ACI, b"message")


@pytest.mark.parametrize("which", [-1, 7, 1 << 30])
def test_there_are_seven_keys(keys: services.AccountKeys, which: int) -> None:
    with pytest.raises(InvalidArgumentError):
        keys.get(which)


@pytest.mark.parametrize("length", [0, 14, 16])
def test_a_media_id_has_15_bytes(keys: services.AccountKeys, length: int) -> None:
    with pytest.raises(InvalidArgumentError):
        keys.backup.media_key(bytes(length))
    with pytest.raises(InvalidArgumentError):
        keys.backup.thumbnail_key(bytes(length))


@pytest.mark.parametrize("pool", ["", "a" * 63, "a" * 65, "A" * 64])
def test_what_is_no_pool_is_refused(pool: str) -> None:
    with pytest.raises(InvalidArgumentError):
        services.AccountKeys.of(pool)


def test_a_pool_that_c_sealed_python_loads_and_the_reverse() -> None:
    fresh = services.AccountKeys.generate()

    in_python = signal.AccountKeys.load(signal.StateKey(KEY), fresh.seal(StateKey(KEY)))
    back = services.AccountKeys.load(StateKey(KEY), in_python.seal(signal.StateKey(KEY)))

    assert fresh.pool() == in_python.pool() == back.pool()
    assert fresh.pool() != services.AccountKeys.generate().pool()
    with pytest.raises(StoreCorruptionError):
        services.AccountKeys.load(StateKey(bytes(32)), fresh.seal(StateKey(KEY)))


def test_a_pin_hash_is_the_recorded_one() -> None:
    recorded = MISC["pin_hash"]

    hashed = services.hash_pin(recorded["pin"].encode(), bytes.fromhex(recorded["salt"]))

    assert [each.hex() for each in hashed] == [recorded["encryption_key"], recorded["access_key"]]
    with pytest.raises(InvalidArgumentError):
        services.hash_pin(b"1234", bytes(31))


@pytest.mark.parametrize("recorded", MISC["usernames"], ids=lambda each: each["username"])
def test_a_username_is_the_recorded_one(recorded: dict[str, str]) -> None:
    link_key = bytes.fromhex(recorded["link_entropy"])

    assert services.username_hash(recorded["username"]).hex() == recorded["hash"]
    found = services.username_from_link(link_key, bytes.fromhex(recorded["link_encrypted"]))
    assert found == recorded["username"]


def test_a_link_of_c_opens_in_python() -> None:
    link_key = services.username_link_key()
    sealed = services.username_link("Carl.42", link_key)

    assert signal.Username.from_link(link_key, sealed).text == "Carl.42"
    assert link_key != services.username_link_key()
    with pytest.raises(AuthenticationError):
        services.username_from_link(bytes(32), sealed)
    with pytest.raises(InvalidArgumentError):
        services.username_from_link(link_key[1:], sealed)
    with pytest.raises(InvalidArgumentError):
        services.username_link("Carl.42", link_key[1:])


@pytest.mark.parametrize("username", ["", "a", "a.1", "a.00", "a.012", "1a.12", "a b.12"])
def test_what_is_no_username_is_refused(username: str) -> None:
    with pytest.raises(InvalidArgumentError):
        services.username_hash(username)


def test_python_opens_what_c_sealed_for_its_key_and_the_reverse() -> None:
    ours, theirs = services.HpkeKey.generate(), signal.HpkeKey.generate()
    bound = {"info": b"i", "associated_data": b"a"}

    to_python = services.hpke_seal(theirs.public_key, b"text", **bound)
    to_c = signal.hpke_seal(ours.public_key, b"text", **bound)

    assert len(to_python) == len(b"text") + lib.E2EE_SIGNAL_HPKE_OVERHEAD
    assert theirs.open(to_python, **bound) == ours.open(to_c, **bound) == b"text"
    loaded = services.HpkeKey.load(StateKey(KEY), ours.seal(StateKey(KEY)))
    assert loaded.public_key == ours.public_key
    for info, data, message in ((b"", b"", to_c), (b"a", b"i", to_c), (b"i", b"a", to_c[:-1])):
        with pytest.raises(AuthenticationError):
            ours.open(message, info=info, associated_data=data)
    with pytest.raises(StoreCorruptionError):
        services.HpkeKey.load(StateKey(bytes(32)), ours.seal(StateKey(KEY)))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 48])
def test_what_is_no_single_message_is_malformed(sealed: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        services.HpkeKey.generate().open(sealed)


@pytest.mark.parametrize("key", [b"", bytes(33), b"\x05" + bytes(31), b"\x05" + bytes(32)])
def test_nothing_is_sealed_for_a_key_that_cannot_be_used(key: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        services.hpke_seal(key, b"text")


def test_a_length_is_asked_for_without_the_work() -> None:
    length = ffi.new("size_t *")

    status = lib.e2ee_signal_hash_pin(b"1234", 4, bytes(32), 32, ffi.NULL, 0, length)

    assert (status, length[0]) == (lib.E2EE_BUFFER_TOO_SMALL, 64)
