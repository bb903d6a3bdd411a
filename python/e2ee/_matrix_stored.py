# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a server or a user keeps for a client (olm_megolm.md §5 to §7).

Secrets, backups of room keys, and files of them.

The objects hold texts, as Matrix has them. Plaintexts of backups and exports pass through Python's
JSON, since the application handles them as objects: their copies are not wiped.
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Final, TypeVar

from e2ee import _core
from e2ee._matrix_json import canonical_json, parse_json
from e2ee._matrix_signed import object_of, text_of
from e2ee.errors import (
    AuthenticationError,
    InvalidArgumentError,
    MalformedMessageError,
    UnsupportedVersionError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ALGORITHM: Final = "m.secret_storage.v1.aes-hmac-sha2"
_STRETCHING: Final = "m.pbkdf2"
_BITS: Final = 256
_ROUNDS: Final = 500_000
_MIN_ROUNDS: Final = 100_000
_ALPHABET: Final = string.ascii_letters + string.digits
_BINDING_LEN: Final = 32

_Key = TypeVar("_Key", _core.SigningKey, _core.BackupKey)


def create_storage_key(
    *, passphrase: str | None = None, rounds: int = _ROUNDS
) -> tuple[_core.StorageKey, dict[str, object]]:
    """A fresh key of a secret storage, and its description for the server (olm_megolm.md §6).

    The description is the content of `m.secret_storage.key.` and an id that the caller draws.

    Args:
        passphrase: What gives the key, stretched; without it the key is random.
        rounds: How often a guess at the passphrase has to be stretched.

    Raises:
        InvalidArgumentError: The rounds are less than 100 000 or more than five million.
    """
    description: dict[str, object] = {"algorithm": _ALGORITHM}
    if passphrase is None:
        key = _core.StorageKey.generate()
    else:
        if rounds < _MIN_ROUNDS:
            raise InvalidArgumentError("fewer rounds than a passphrase needs")
        binding = "".join(secrets.choice(_ALPHABET) for _ in range(_BINDING_LEN))
        key = _core.StorageKey.from_passphrase(passphrase, binding, rounds)
        description["passphrase"] = {
            "algorithm": _STRETCHING,
            "salt": binding,
            "iterations": rounds,
            "bits": _BITS,
        }
    description["iv"], description["mac"] = key.check()
    return key, description


def unlock_storage(
    description: Mapping[str, object], *, passphrase: str | None = None, written: str | None = None
) -> _core.StorageKey:
    """The key of a description, from a passphrase or as it was written down (olm_megolm.md §6).

    Args:
        description: The content of `m.secret_storage.key.` and the key's id.
        passphrase: What gave the key.
        written: Its 48 characters.

    Raises:
        AuthenticationError: It is another key.
        InvalidArgumentError: Not one of both is given, or the description asks for no or too many
            rounds.
        MalformedMessageError: The description is none, or a written character is wrong.
        UnsupportedVersionError: The description names other algorithms.
    """
    if (passphrase is None) == (written is None):
        raise InvalidArgumentError("either a passphrase or a written key is needed")
    if text_of(description, "algorithm") != _ALGORITHM:
        raise UnsupportedVersionError("the storage is of another algorithm")
    if written is not None:
        key = _core.StorageKey.from_written(written)
    else:
        key = _stretched(object_of(description, "passphrase"), passphrase or "")
    if not key.matches((text_of(description, "iv"), text_of(description, "mac"))):
        raise AuthenticationError("the key is not the one of this storage")
    return key


def seal_secret(key: _core.StorageKey, name: str, secret: str) -> dict[str, str]:
    """`iv`, `ciphertext` and `mac` of the secret `name`, a text (olm_megolm.md §6)."""
    return dict(zip(_FIELDS, key.seal_text(name, secret), strict=True))


def open_secret(key: _core.StorageKey, name: str, sealed: Mapping[str, object]) -> str:
    """The text of the secret `name` (olm_megolm.md §6).

    Its IV is not authenticated: whoever changes it makes another text of the same length. And a
    server can give an older secret of this name.

    Raises:
        AuthenticationError: It was sealed with another key or name, or was altered.
        MalformedMessageError: It is no sealed secret.
    """
    return key.open_text(name, _texts(sealed, _FIELDS))


def store_key(
    storage: _core.StorageKey, name: str, key: _core.SigningKey | _core.BackupKey
) -> dict[str, str]:
    """A key as the secret `name`, such as `m.cross_signing.master` (olm_megolm.md §6)."""
    return dict(zip(_FIELDS, key.store(storage, name), strict=True))


def restore_signing_key(
    storage: _core.StorageKey, name: str, sealed: Mapping[str, object], *, public_key: str
) -> _core.SigningKey:
    """The signing key that is the secret `name` (olm_megolm.md §6).

    Args:
        storage: The key of the storage.
        name: Such as `m.cross_signing.master`.
        sealed: `iv`, `ciphertext` and `mac`.
        public_key: The text of the public key that it must have.

    Raises:
        AuthenticationError: It does not open, or is another key.
        MalformedMessageError: It is no sealed secret, or no key.
    """
    key = _core.SigningKey.restore(storage, name, _texts(sealed, _FIELDS))
    return _expected(key, public_key)


def restore_backup_key(
    storage: _core.StorageKey, name: str, sealed: Mapping[str, object], *, public_key: str
) -> _core.BackupKey:
    """The key of a backup that is the secret `name`, `m.megolm_backup.v1` (olm_megolm.md §6).

    Args:
        storage: The key of the storage.
        name: `m.megolm_backup.v1`.
        sealed: `iv`, `ciphertext` and `mac`.
        public_key: The text of the public key in the backup's `auth_data`.

    Raises:
        AuthenticationError: It does not open, or is another key.
        MalformedMessageError: It is no sealed secret, or no key.
    """
    key = _core.BackupKey.restore(storage, name, _texts(sealed, _FIELDS))
    return _expected(key, public_key)


def seal_backup(public_key: str, session: Mapping[str, object]) -> dict[str, str]:
    """The `session_data` of a room key for a backup (olm_megolm.md §5).

    Verify that one's own device or master key has signed the `auth_data` with this public key
    first: else it may be the server's, which then reads the backup.

    Args:
        public_key: The text of the public key in `auth_data`.
        session: `algorithm`, `sender_key`, `session_key` and what else belongs to it.

    Raises:
        InvalidKeyError: The key cannot be used.
        InvalidArgumentError: The session is no JSON.
        MalformedMessageError: The key is no text of 32 bytes.
    """
    return dict(
        zip(_BACKUP, _core.seal_for_backup(public_key, canonical_json(dict(session))), strict=True)
    )


def open_backup(key: _core.BackupKey, session_data: Mapping[str, object]) -> dict[str, object]:
    """The room key in `session_data` (olm_megolm.md §5).

    **It proves nothing about its origin.** The format authenticates no ciphertext: everyone who
    knows the public key can make it, and the server can alter it. Mark what comes from a backup as
    such, and prefer a session that came from its sender.

    Raises:
        AuthenticationError: It was not made for this key, or has no padding.
        InvalidKeyError: Its ephemeral key cannot be used.
        MalformedMessageError: It is no session data, or what opens is no JSON object.
    """
    return _object(parse_json(key.open(_texts(session_data, _BACKUP))))


def seal_key_export(
    sessions: Sequence[Mapping[str, object]], passphrase: str, *, rounds: int = _ROUNDS
) -> str:
    """The file in which a user takes room keys to another client (olm_megolm.md §7).

    Args:
        sessions: What the file holds, as Matrix names it.
        passphrase: What opens it; the file is as safe as this is hard to guess.
        rounds: How often a guess has to be stretched, 100 000 to five million.

    Raises:
        InvalidArgumentError: The rounds are out of their range, or the sessions are no JSON.
    """
    return _core.seal_key_export(
        canonical_json([dict(session) for session in sessions]), passphrase, rounds
    )


def open_key_export(file: str, passphrase: str) -> list[dict[str, object]]:
    """The room keys in a file (olm_megolm.md §7).

    Whoever knows the passphrase can make one: it proves nothing about where the keys come from.

    Raises:
        AuthenticationError: The passphrase is another, or the file was altered.
        InvalidArgumentError: The file asks for more than five million rounds.
        MalformedMessageError: It is no such file, or what opens is no list of JSON objects.
        UnsupportedVersionError: The file is of another version.
    """
    sessions = parse_json(_core.open_key_export(file, passphrase))
    if not isinstance(sessions, list):
        raise MalformedMessageError("what opens is no list")
    return [_object(session) for session in sessions]


_FIELDS: Final = ("iv", "ciphertext", "mac")
_BACKUP: Final = ("ephemeral", "ciphertext", "mac")


def _stretched(how: Mapping[str, object], passphrase: str) -> _core.StorageKey:
    rounds, bits = how.get("iterations"), how.get("bits", _BITS)
    if text_of(how, "algorithm") != _STRETCHING or bits != _BITS:
        raise UnsupportedVersionError("the passphrase is stretched in another way")
    if not isinstance(rounds, int) or isinstance(rounds, bool):
        raise MalformedMessageError("the rounds are no number")
    return _core.StorageKey.from_passphrase(passphrase, text_of(how, "salt"), rounds)


def _texts(value: Mapping[str, object], names: tuple[str, str, str]) -> tuple[str, str, str]:
    first, second, third = names
    return text_of(value, first), text_of(value, second), text_of(value, third)


def _expected(key: _Key, public_key: str) -> _Key:
    if key.public_key != public_key.rstrip("="):
        raise AuthenticationError("the key in the storage is another one")
    return key


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise MalformedMessageError("what opens is no object")
    return value
