# SPDX-License-Identifier: MIT OR Apache-2.0
"""The `key=`, `passphrase=` and `secret=` of the stores."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias, cast

from e2ee._core import StoreSecret
from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

Bytes: TypeAlias = bytes | bytearray | memoryview
#: 32 uniformly random bytes, or what is called for them.
Key: TypeAlias = Bytes | Callable[[], Bytes]
#: What a person remembers, or what is called for it.
Passphrase: TypeAlias = str | Bytes | Callable[[], str | Bytes]


def store_secret(
    key: Key | None, passphrase: Passphrase | None, secret: StoreSecret | None
) -> StoreSecret:
    """The secret that exactly one of the three is or makes.

    What is called is called once, and a `bytearray` that it returns is wiped. Text is normalized
    (NFC), so that keyboards that spell a letter differently agree.

    Raises:
        InvalidArgumentError: Not exactly one is given, the key has not 32 bytes, or the passphrase
            is empty.
    """
    if sum(each is not None for each in (key, passphrase, secret)) != 1:
        raise InvalidArgumentError("a store needs either a key, a passphrase or a secret")
    if secret is not None:
        return secret
    if key is not None:
        with _called(key) as given:
            return StoreSecret.from_key(cast("Bytes", given))
    with _called(cast("Passphrase", passphrase)) as given:
        return _of_passphrase(given)


def _of_passphrase(passphrase: str | Bytes) -> StoreSecret:
    if isinstance(passphrase, str):
        try:
            passphrase = unicodedata.normalize("NFC", passphrase).encode()
        except UnicodeEncodeError:
            raise InvalidArgumentError("the passphrase is no Unicode text") from None
    if len(passphrase) == 0:
        raise InvalidArgumentError("the passphrase is empty")
    return StoreSecret.from_passphrase(passphrase)


@contextmanager
def _called(given: Key | Passphrase) -> Iterator[str | Bytes]:
    """What is given, or the answer of what is to be called, which is wiped if it can be."""
    if not callable(given):
        yield given
        return
    answer = given()
    try:
        yield answer
    finally:
        if isinstance(answer, bytearray):
            answer[:] = bytes(len(answer))
