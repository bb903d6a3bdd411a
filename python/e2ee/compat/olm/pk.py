# SPDX-License-Identifier: MIT OR Apache-2.0
"""Encryption to a public key, and single signatures, of `python-olm` (olm_megolm.md §5)."""

from __future__ import annotations

import secrets
from typing import Final, Self

from e2ee._core import (
    CompatCurve25519PublicKey,
    CompatCurve25519SecretKey,
    CompatSigningKey,
    compat_pk_decrypt,
    compat_pk_encrypt,
)
from e2ee.compat.olm._errors import (
    PkDecryptionError,
    PkEncryptionError,
    PkSigningError,
    words,
)
from e2ee.compat.olm._text import decode, encode, to_bytes, to_text

_SEED_LEN: Final = 32


class PkMessage:
    """A message to a public key, in its three fields; nothing authenticates its ciphertext."""

    def __init__(self, ephemeral_key: str, mac: str, ciphertext: str) -> None:
        self.ephemeral_key = ephemeral_key
        self.mac = mac
        self.ciphertext = ciphertext


class PkEncryption:
    """Encrypts to one public key."""

    def __init__(self, recipient_key: str | bytes) -> None:
        if not recipient_key:
            raise ValueError("Recipient key can't be empty")
        with words(PkEncryptionError):
            self._key = CompatCurve25519PublicKey.from_base64(to_text(recipient_key))

    def encrypt(self, plaintext: str | bytes) -> PkMessage:
        """The message, which its owner opens."""
        with words(PkEncryptionError):
            parts = compat_pk_encrypt(self._key, to_bytes(plaintext))
        return PkMessage(*map(encode, parts))


class PkDecryption:
    """Opens messages to one public key, whoever made them."""

    _key: CompatCurve25519SecretKey
    public_key: str

    def __new__(cls) -> Self:
        """A key that has nothing yet."""
        return super().__new__(cls)

    def __init__(self) -> None:
        """A fresh key."""
        self._set(CompatCurve25519SecretKey())

    def _set(self, key: CompatCurve25519SecretKey) -> None:
        self._key = key
        self.public_key = key.public_key().to_base64()

    def pickle(self, passphrase: str = "") -> bytes:
        """The key, encrypted under the passphrase, in base64."""
        return self._key.to_libolm_pickle(to_bytes(passphrase)).encode()

    @classmethod
    def from_pickle(cls, pickle: bytes, passphrase: str = "") -> Self:
        """The key of a pickle; raises `PkDecryptionError` if it does not open."""
        if not pickle:
            raise ValueError("Pickle can't be empty")
        made = cls.__new__(cls)
        with words(PkDecryptionError):
            made._set(
                CompatCurve25519SecretKey.from_libolm_pickle(
                    bytes(pickle).decode("ascii", errors="replace"), to_bytes(passphrase)
                )
            )
        return made

    def decrypt(self, message: PkMessage, unicode_errors: str = "replace") -> str:
        """What was encrypted; raises `PkDecryptionError` if it was to another key."""
        fields = (message.ephemeral_key, message.mac, message.ciphertext)
        ephemeral_key, mac, ciphertext = map(decode, fields)
        if ephemeral_key is None or mac is None or ciphertext is None:
            raise PkDecryptionError("INVALID_BASE64")
        with words(PkDecryptionError):
            plaintext = compat_pk_decrypt(self._key, ephemeral_key, mac, ciphertext)
        return plaintext.decode(errors=unicode_errors)


class PkSigning:
    """Signs with the key of a seed, which a secret storage keeps."""

    def __init__(self, seed: bytes) -> None:
        if not seed:
            raise ValueError("seed can't be empty")
        if len(seed) != _SEED_LEN:
            raise PkSigningError("INPUT_BUFFER_TOO_SMALL")
        self._signing = CompatSigningKey(seed)
        self.public_key = self._signing.public_key.to_base64()

    @classmethod
    def generate_seed(cls) -> bytes:
        """A fresh seed, 32 bytes."""
        return secrets.token_bytes(_SEED_LEN)

    def sign(self, message: str | bytes) -> str:
        """The signature of a message, in base64."""
        return self._signing.sign(to_bytes(message)).to_base64()
