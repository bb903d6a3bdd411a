# SPDX-License-Identifier: MIT OR Apache-2.0
"""The `key=` and `passphrase=` of the stores."""

from __future__ import annotations

import unicodedata
from typing import TypeAlias

from e2ee._core import StoreSecret
from e2ee.errors import InvalidArgumentError

Bytes: TypeAlias = bytes | bytearray | memoryview


def store_secret(key: Bytes | None, passphrase: str | Bytes | None) -> StoreSecret:
    """The secret that exactly one of the two makes.

    Text is normalized (NFC), so that keyboards that spell a letter differently agree.

    Raises:
        InvalidArgumentError: Not exactly one is given, the key has not 32 bytes, or the passphrase
            is empty.
    """
    if key is not None and passphrase is None:
        return StoreSecret.from_key(key)
    if passphrase is None or key is not None:
        raise InvalidArgumentError("a store needs either a key or a passphrase")
    if isinstance(passphrase, str):
        try:
            passphrase = unicodedata.normalize("NFC", passphrase).encode()
        except UnicodeEncodeError:
            raise InvalidArgumentError("the passphrase is no Unicode text") from None
    if len(passphrase) == 0:
        raise InvalidArgumentError("the passphrase is empty")
    return StoreSecret.from_passphrase(passphrase)
