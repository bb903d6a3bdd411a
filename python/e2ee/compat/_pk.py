# SPDX-License-Identifier: MIT OR Apache-2.0
"""Encryption to a public key as the package `vodozemac` has it (olm_megolm.md §5)."""

from __future__ import annotations

import base64
import binascii
from typing import final

from e2ee._core import (
    CompatCurve25519PublicKey,
    CompatCurve25519SecretKey,
    compat_pk_decrypt,
    compat_pk_encrypt,
)
from e2ee.errors import MalformedMessageError


@final
class Message:
    """A message to a public key, in its three fields; nothing authenticates its ciphertext."""

    __slots__ = ("_ciphertext", "_ephemeral_key", "_mac")

    def __init__(self, ciphertext: bytes, mac: bytes, ephemeral_key: bytes) -> None:
        self._ciphertext = bytes(ciphertext)
        self._mac = bytes(mac)
        self._ephemeral_key = bytes(ephemeral_key)

    @classmethod
    def from_base64(cls, ciphertext: str, mac: str, ephemeral_key: str) -> Message:
        """The message of three texts in base64; raises `PkDecodeException` if one is none."""
        return cls(_decode(ciphertext), _decode(mac), _decode(ephemeral_key))

    def to_base64(self) -> tuple[str, str, str]:
        """Ephemeral key, MAC and ciphertext in unpadded base64: the order of the package."""
        return _encode(self._ephemeral_key), _encode(self._mac), _encode(self._ciphertext)

    @property
    def ciphertext(self) -> bytes:
        """What is encrypted."""
        return self._ciphertext

    @property
    def mac(self) -> bytes:
        """The MAC, which is not one of the ciphertext."""
        return self._mac

    @property
    def ephemeral_key(self) -> bytes:
        """The key that was made for this message."""
        return self._ephemeral_key


@final
class PkEncryption:
    """Encrypts to one public key."""

    __slots__ = ("_key",)

    _key: CompatCurve25519PublicKey

    def __init__(self) -> None:
        raise TypeError("No constructor defined for PkEncryption")

    @classmethod
    def from_key(cls, key: CompatCurve25519PublicKey) -> PkEncryption:
        """For the owner of this key."""
        made = object.__new__(cls)
        made._key = key
        return made

    def encrypt(self, message: bytes) -> Message:
        """The message, which its owner opens; raises `KeyException` if the key cannot be used."""
        ephemeral_key, mac, ciphertext = compat_pk_encrypt(self._key, message)
        return Message(ciphertext, mac, ephemeral_key)


@final
class PkDecryption:
    """Opens messages to one public key, whoever made them."""

    __slots__ = ("_key",)

    def __init__(self) -> None:
        self._key = CompatCurve25519SecretKey()

    @classmethod
    def from_key(cls, key: CompatCurve25519SecretKey) -> PkDecryption:
        """With this secret key."""
        made = object.__new__(cls)
        made._key = key
        return made

    @property
    def key(self) -> CompatCurve25519SecretKey:
        """The secret key."""
        return self._key

    @property
    def public_key(self) -> CompatCurve25519PublicKey:
        """The key to which others encrypt."""
        return self._key.public_key()

    def decrypt(self, message: Message) -> bytes:
        """What was encrypted; raises `PkDecodeException` if it was to another key."""
        return compat_pk_decrypt(self._key, message.ephemeral_key, message.mac, message.ciphertext)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        from e2ee.compat.vodozemac import PkDecodeException  # noqa: PLC0415 (it imports this)

        raise PkDecodeException("the text is no base64") from MalformedMessageError(str(error))
