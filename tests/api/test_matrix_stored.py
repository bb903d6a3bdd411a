# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret storage, backups and exports, held against recorded ones (olm_megolm.md §5 to §7)."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from e2ee import (
    AuthenticationError,
    InvalidArgumentError,
    InvalidKeyError,
    MalformedMessageError,
    UnsupportedVersionError,
    matrix,
    signal,
)

FOLDER = Path(__file__).parent.parent / "vectors" / "olm"
RECORDED: Any = json.loads((FOLDER / "attachments_exports_ssss.json").read_text(encoding="utf-8"))
STORAGE = RECORDED["secret_storage"]
BACKUP: Any = json.loads((FOLDER / "pk_backup_signing.json").read_text(encoding="utf-8"))["backup"]
ALGORITHM = "m.secret_storage.v1.aes-hmac-sha2"
DESCRIPTION: dict[str, object] = {"algorithm": ALGORITHM, **STORAGE["metadata"]}
NAME = "m.cross_signing.master"
WORD, OWN_WORD = "word", "pässword \U0001f511"


def recorded_secret(name: str) -> dict[str, Any]:
    return next(each for each in STORAGE["secrets"] if each["name"] == name)


@pytest.fixture
def storage() -> matrix.StorageKey:
    return matrix.unlock_storage(DESCRIPTION, written=STORAGE["recovery_key"])


@pytest.mark.parametrize("name", [NAME, "m.megolm_backup.v1"])
def test_a_recorded_secret_opens(storage: matrix.StorageKey, name: str) -> None:
    secret = recorded_secret(name)

    opened = matrix.open_secret(storage, name, secret)

    assert base64.b64decode(opened + "==").hex() == secret["secret"]


def test_recorded_keys_are_restored(storage: matrix.StorageKey) -> None:
    signing = json.loads((FOLDER / "pk_backup_signing.json").read_text(encoding="utf-8"))
    public = signing["pk_signing"][0]["public"]
    key = matrix.restore_signing_key(storage, NAME, recorded_secret(NAME), public_key=public)
    name, public = "m.megolm_backup.v1", BACKUP["auth_data"]["public_key"]
    backup = matrix.restore_backup_key(storage, name, recorded_secret(name), public_key=public)

    assert (
        key.sign(signing["pk_signing"][0]["canonical_json"].encode())
        == (signing["pk_signing"][0]["signature"])
    )
    assert matrix.open_backup(backup, BACKUP["session_data"]) == json.loads(BACKUP["plaintext"])


def test_another_key_than_the_expected_one_is_refused(storage: matrix.StorageKey) -> None:
    other, name = matrix.BackupKey.generate(), "m.megolm_backup.v1"

    with pytest.raises(AuthenticationError):
        matrix.restore_backup_key(storage, name, recorded_secret(name), public_key=other.public_key)
    with pytest.raises(AuthenticationError):
        matrix.restore_signing_key(
            storage, NAME, recorded_secret(NAME), public_key=other.public_key
        )


def test_a_changed_iv_gives_no_key_of_the_expected_name(storage: matrix.StorageKey) -> None:
    backup, name = matrix.BackupKey.generate(), "m.megolm_backup.v1"
    sealed = matrix.store_key(storage, name, backup)
    iv = bytearray(base64.b64decode(sealed["iv"] + "=="))
    iv[15] ^= 1
    changed = sealed | {"iv": base64.b64encode(iv).decode()}

    with pytest.raises((AuthenticationError, MalformedMessageError)):
        matrix.restore_backup_key(storage, name, changed, public_key=backup.public_key)


def test_a_secret_opens_under_its_name_only(storage: matrix.StorageKey) -> None:
    sealed = matrix.seal_secret(storage, "org.example.pin", "1234 \u20ac")

    assert matrix.open_secret(storage, "org.example.pin", sealed) == "1234 \u20ac"
    padded = {name: text + "=" * (-len(text) % 4) for name, text in sealed.items()}
    assert matrix.open_secret(storage, "org.example.pin", padded) == "1234 \u20ac"
    for name, key in (("org.example.pins", storage), ("org.example.pin", fresh())):
        with pytest.raises(AuthenticationError):
            matrix.open_secret(key, name, sealed)


def fresh() -> matrix.StorageKey:
    return matrix.create_storage_key()[0]


@pytest.mark.parametrize("field", ["iv", "ciphertext", "mac"])
def test_a_sealed_secret_without_a_field_is_malformed(
    storage: matrix.StorageKey, field: str
) -> None:
    sealed = matrix.seal_secret(storage, "name", "text")

    for wrong in ({**sealed, field: 1}, {**sealed, field: "A"}, {**sealed, field: "ä"}):
        with pytest.raises(MalformedMessageError):
            matrix.open_secret(storage, "name", wrong)
    del sealed[field]
    with pytest.raises(MalformedMessageError):
        matrix.open_secret(storage, "name", sealed)


def test_a_fresh_storage_is_unlocked_by_what_was_written_down() -> None:
    key, description = matrix.create_storage_key()
    other, _ = matrix.create_storage_key()
    sealed = matrix.seal_secret(key, "name", "text")

    again = matrix.unlock_storage(description, written=key.written().replace(" ", "\n"))

    assert matrix.open_secret(again, "name", sealed) == "text"
    assert description["algorithm"] == ALGORITHM
    with pytest.raises(AuthenticationError):
        matrix.unlock_storage(description, written=other.written())
    with pytest.raises(MalformedMessageError):
        matrix.unlock_storage(description, written=key.written()[:-1])


def test_a_passphrase_gives_the_key_of_its_description() -> None:
    key, description = matrix.create_storage_key(passphrase=OWN_WORD, rounds=100_000)
    sealed = matrix.seal_secret(key, "name", "text")

    again = matrix.unlock_storage(description, passphrase=OWN_WORD)

    assert matrix.open_secret(again, "name", sealed) == "text"
    with pytest.raises(AuthenticationError):
        matrix.unlock_storage(description, passphrase=WORD)


def test_a_recorded_passphrase_gives_the_recorded_key() -> None:
    word = STORAGE["passphrase"]
    made = matrix.StorageKey.from_passphrase(word["passphrase"], word["salt"], word["iterations"])
    wanted = signal.StateKey(bytes(32))

    # The written form is the only one that shows a key.
    digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number = 0
    for character in made.written().replace(" ", ""):
        number = number * 58 + digits.index(character)

    assert number.to_bytes(35)[2:34].hex() == word["key"]
    assert matrix.StorageKey.load(wanted, made.seal(wanted)).written() == made.written()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"algorithm": "other"}, UnsupportedVersionError),
        ({"iterations": 0}, InvalidArgumentError),
        ({"iterations": 5_000_001}, InvalidArgumentError),
        ({"iterations": 2**40}, InvalidArgumentError),
        ({"iterations": "5"}, MalformedMessageError),
        ({"iterations": True}, MalformedMessageError),
        ({"bits": 512}, UnsupportedVersionError),
        ({"salt": 5}, MalformedMessageError),
    ],
)
def test_a_passphrase_of_another_kind_is_refused(
    changed: dict[str, object], error: type[Exception]
) -> None:
    how = {"algorithm": "m.pbkdf2", "salt": "abc", "iterations": 1000} | changed

    with pytest.raises(error):
        matrix.unlock_storage(DESCRIPTION | {"passphrase": how}, passphrase=WORD)


def test_a_storage_is_unlocked_in_one_way() -> None:
    with pytest.raises(InvalidArgumentError):
        matrix.unlock_storage(DESCRIPTION)
    with pytest.raises(InvalidArgumentError):
        matrix.unlock_storage(DESCRIPTION, passphrase=WORD, written="word")
    with pytest.raises(UnsupportedVersionError):
        matrix.unlock_storage(DESCRIPTION | {"algorithm": "m.other"}, passphrase=WORD)
    with pytest.raises(MalformedMessageError):
        matrix.unlock_storage({"algorithm": ALGORITHM}, passphrase=WORD)
    with pytest.raises(InvalidArgumentError):
        matrix.create_storage_key(passphrase=WORD, rounds=99_999)


def test_a_backup_is_opened_by_its_owner_whoever_made_it() -> None:
    own, session = matrix.BackupKey.generate(), {"session_key": "AQAA", "algorithm": "m"}

    # Nobody needs a secret for this.
    session_data = matrix.seal_backup(own.public_key, session)

    assert matrix.open_backup(own, session_data) == session
    with pytest.raises(AuthenticationError):
        matrix.open_backup(matrix.BackupKey.generate(), session_data)


def test_the_mac_of_a_backup_covers_nothing() -> None:
    own = matrix.BackupKey.generate()
    session_data = matrix.seal_backup(own.public_key, {"session_key": "AAAA" * 10, "z": 1})
    ciphertext = bytearray(base64.b64decode(session_data["ciphertext"] + "=="))
    # The first block is spoilt, the chosen place of the second is changed as wished.
    ciphertext[4] ^= ord("A") ^ ord("B")
    spoilt = session_data | {"ciphertext": base64.b64encode(ciphertext).decode()}

    opened = own.open((spoilt["ephemeral"], spoilt["ciphertext"], spoilt["mac"]))

    assert b"AAAABAAA" in opened


@pytest.mark.parametrize("field", ["ephemeral", "ciphertext", "mac"])
def test_session_data_without_a_field_is_malformed(field: str) -> None:
    own = matrix.BackupKey.generate()
    session_data = matrix.seal_backup(own.public_key, {})

    for wrong in ({**session_data, field: 1}, {**session_data, field: "A"}):
        with pytest.raises(MalformedMessageError):
            matrix.open_backup(own, wrong)


def test_a_key_that_cannot_be_used_gets_no_backup() -> None:
    with pytest.raises(InvalidKeyError):
        matrix.seal_backup("A" * 43, {})
    with pytest.raises(MalformedMessageError):
        matrix.seal_backup("AAAA", {})


@pytest.mark.parametrize("recorded", RECORDED["key_exports"], ids=lambda each: each["passphrase"])
def test_a_recorded_export_opens(recorded: dict[str, Any]) -> None:
    opened = matrix.open_key_export(recorded["file"], recorded["passphrase"])

    assert opened == json.loads(recorded["plaintext"])
    with pytest.raises(AuthenticationError):
        matrix.open_key_export(recorded["file"], recorded["passphrase"] + " ")


def test_an_export_is_read_again() -> None:
    sessions = [{"room_id": "!r:example.org", "session_key": "AQAA"}, {}]

    file = matrix.seal_key_export(sessions, "\U0001f511", rounds=100_000)

    assert matrix.open_key_export(file, "\U0001f511") == sessions
    assert all(len(line) <= 96 for line in file.splitlines())
    for rounds in (0, 99_999, 5_000_001, 2**32, -1):
        with pytest.raises(InvalidArgumentError):
            matrix.seal_key_export([], "word", rounds=rounds)


def test_what_is_no_export_is_malformed() -> None:
    for wrong in ("", "text", "-----BEGIN MEGOLM SESSION DATA-----\n"):
        with pytest.raises(MalformedMessageError):
            matrix.open_key_export(wrong, "word")


@pytest.mark.parametrize(
    "holder", [fresh(), matrix.BackupKey.generate()], ids=lambda each: type(each).__name__
)
def test_what_holds_keys_cannot_be_pickled_and_shows_nothing(holder: object) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(holder)
    assert " object at " in repr(holder)
