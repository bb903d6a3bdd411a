# SPDX-License-Identifier: MIT OR Apache-2.0
"""Account keys, usernames and HPKE over the C library, with the names of `e2ee.signal`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tests.capi.objects import Handle, StateKey, bytes_of, ffi, lib, text

if TYPE_CHECKING:
    from uuid import UUID

__all__ = [
    "AccountKeys",
    "BackupKeys",
    "HpkeKey",
    "hash_pin",
    "hpke_seal",
    "username_from_link",
    "username_hash",
    "username_link",
    "username_link_key",
]


class AccountKeys(Handle):
    """The keys that follow from an account's entropy pool."""

    ctype = "e2ee_signal_account_keys"

    @classmethod
    def generate(cls) -> Self:
        """The keys of a fresh pool."""
        return cls.made(lib.e2ee_signal_account_keys_generate)

    @classmethod
    def of(cls, pool: str) -> Self:
        """The keys of a pool."""
        characters = text(pool)
        return cls.made(lambda place: lib.e2ee_signal_account_keys_new(*characters, place))

    @classmethod
    def load(cls, key: StateKey, record: bytes) -> Self:
        """The keys that `seal` gave."""
        return cls.made(
            lambda place: lib.e2ee_signal_account_keys_load(key.pointer, record, len(record), place)
        )

    def seal(self, key: StateKey) -> bytes:
        """The pool, sealed."""
        return self.output(lib.e2ee_signal_account_keys_seal, key.pointer)

    def pool(self) -> str:
        """The pool itself."""
        return self.output(lib.e2ee_signal_account_keys_pool).decode()

    def get(self, which: int) -> bytes:
        """The key of this number."""
        return self.output(lib.e2ee_signal_account_keys_get, which)

    @property
    def svr_key(self) -> bytes:
        """What secure value recovery keeps."""
        return self.get(lib.E2EE_SIGNAL_SVR_KEY)

    @property
    def registration_lock(self) -> bytes:
        """What proves that the number may be registered again."""
        return self.get(lib.E2EE_SIGNAL_REGISTRATION_LOCK)

    @property
    def registration_recovery_password(self) -> bytes:
        """What registers again without a code."""
        return self.get(lib.E2EE_SIGNAL_REGISTRATION_RECOVERY_PASSWORD)

    @property
    def storage_service_key(self) -> bytes:
        """The key of the storage service."""
        return self.get(lib.E2EE_SIGNAL_STORAGE_SERVICE_KEY)

    @property
    def logging_key(self) -> bytes:
        """The key of log files."""
        return self.get(lib.E2EE_SIGNAL_LOGGING_KEY)

    @property
    def backup(self) -> BackupKeys:
        """The keys of backups."""
        return BackupKeys(self)


class BackupKeys:
    """The keys of an account's backups."""

    def __init__(self, keys: AccountKeys) -> None:
        self._keys = keys

    @property
    def key(self) -> bytes:
        """The key from which the others follow."""
        return self._keys.get(lib.E2EE_SIGNAL_BACKUP_KEY)

    @property
    def local_metadata_key(self) -> bytes:
        """The key of a backup's metadata."""
        return self._keys.get(lib.E2EE_SIGNAL_LOCAL_METADATA_KEY)

    def id(self, aci: UUID) -> bytes:
        """Under which id a service keeps the backups."""
        return self._keys.output(lib.e2ee_signal_backup_keys_id, _aci(aci))

    def public_key(self, aci: UUID) -> bytes:
        """The public key that goes with that id."""
        return self._keys.output(lib.e2ee_signal_backup_keys_public_key, _aci(aci))

    def sign(self, aci: UUID, message: bytes) -> bytes:
        """A signature with its private key."""
        return self._keys.output(lib.e2ee_signal_backup_keys_sign, _aci(aci), message, len(message))

    def media_id(self, name: str) -> bytes:
        """Under which id a service keeps a media file."""
        return self._keys.output(lib.e2ee_signal_backup_keys_media_id, *text(name))

    def media_key(self, media_id: bytes) -> bytes:
        """The key of a media file."""
        return self._keys.output(lib.e2ee_signal_backup_keys_media_key, media_id, len(media_id))

    def thumbnail_key(self, media_id: bytes) -> bytes:
        """The key of its thumbnail."""
        return self._keys.output(lib.e2ee_signal_backup_keys_thumbnail_key, media_id, len(media_id))


def _aci(aci: UUID) -> Any:
    return ffi.new("uint8_t[16]", aci.bytes)


def hash_pin(pin: bytes, binding: bytes) -> tuple[bytes, bytes]:
    """The encryption key and the access key of a PIN."""
    both = bytes_of(
        lambda *room: lib.e2ee_signal_hash_pin(pin, len(pin), binding, len(binding), *room)
    )
    return both[:32], both[32:]


def username_hash(username: str) -> bytes:
    """The hash by which a service finds an account."""
    return bytes_of(lambda *room: lib.e2ee_signal_username_hash(*text(username), *room))


def username_link_key() -> bytes:
    """A fresh key for a link."""
    return bytes_of(lib.e2ee_signal_username_link_key)


def username_link(username: str, link_key: bytes) -> bytes:
    """What a service keeps for a link."""
    return bytes_of(
        lambda *room: lib.e2ee_signal_username_link(*text(username), link_key, len(link_key), *room)
    )


def username_from_link(link_key: bytes, sealed: bytes) -> str:
    """The username in a link."""
    return bytes_of(
        lambda *room: lib.e2ee_signal_username_from_link(
            link_key, len(link_key), sealed, len(sealed), *room
        )
    ).decode()


class HpkeKey(Handle):
    """A private key to which others seal single messages."""

    ctype = "e2ee_signal_hpke_key"

    @classmethod
    def generate(cls) -> Self:
        """A fresh key."""
        return cls.made(lib.e2ee_signal_hpke_key_generate)

    @classmethod
    def load(cls, key: StateKey, record: bytes) -> Self:
        """The key that `seal` gave."""
        return cls.made(
            lambda place: lib.e2ee_signal_hpke_key_load(key.pointer, record, len(record), place)
        )

    def seal(self, key: StateKey) -> bytes:
        """The key, sealed."""
        return self.output(lib.e2ee_signal_hpke_key_seal, key.pointer)

    @property
    def public_key(self) -> bytes:
        """The public key."""
        return self.output(lib.e2ee_signal_hpke_key_public_key)

    def open(self, sealed: bytes, *, info: bytes = b"", associated_data: bytes = b"") -> bytes:
        """Opens what `hpke_seal` gave."""
        return self.output(
            lib.e2ee_signal_hpke_key_open,
            *(info, len(info), associated_data, len(associated_data), sealed, len(sealed)),
        )


def hpke_seal(
    public_key: bytes, plaintext: bytes, *, info: bytes = b"", associated_data: bytes = b""
) -> bytes:
    """Seals a single message for the owner of a public key."""
    bound = (info, len(info), associated_data, len(associated_data))
    return bytes_of(
        lambda *room: lib.e2ee_signal_hpke_seal(
            public_key, len(public_key), *bound, plaintext, len(plaintext), *room
        )
    )
