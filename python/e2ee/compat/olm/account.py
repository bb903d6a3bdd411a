# SPDX-License-Identifier: MIT OR Apache-2.0
"""The account of the package `python-olm` (olm_megolm.md §1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from e2ee._core import CompatAccount, CompatCurve25519PublicKey
from e2ee.compat.olm._errors import OlmAccountError, words
from e2ee.compat.olm._text import decode, encode, passphrase_bytes, to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2ee.compat.olm.session import Session

#: As many as an account keeps.
_MAX_ONE_TIME_KEYS = 100


class Account:
    """A device: its identity keys, and the keys with which others start sessions."""

    _account: CompatAccount

    def __init__(self) -> None:
        """A device with fresh identity keys."""
        self._account = CompatAccount()

    def pickle(self, passphrase: str | None = "") -> bytes:
        """The account, encrypted under the passphrase, in base64."""
        return self._account.to_libolm_pickle(passphrase_bytes(passphrase)).encode()

    @classmethod
    def from_pickle(cls, pickle: bytes, passphrase: str | None = "") -> Self:
        """The account of a pickle; raises `OlmAccountError` if it does not open."""
        if not pickle:
            raise ValueError("Pickle can't be empty")
        made = cls.__new__(cls)
        with words(OlmAccountError):
            made._account = CompatAccount.from_libolm_pickle(
                bytes(pickle).decode("ascii", errors="replace"), passphrase_bytes(passphrase)
            )
        return made

    @property
    def identity_keys(self) -> dict[str, str]:
        """The public keys, `curve25519` and `ed25519`."""
        account = self._account
        return {
            "curve25519": account.curve25519_key.to_base64(),
            "ed25519": account.ed25519_key.to_base64(),
        }

    def sign(self, message: str | bytes) -> str:
        """The signature of a message, in base64."""
        return self._account.sign(to_bytes(message)).to_base64()

    @property
    def max_one_time_keys(self) -> int:
        """How many one-time keys the account keeps."""
        return _MAX_ONE_TIME_KEYS

    def mark_keys_as_published(self) -> None:
        """Says that the server has all keys that waited."""
        self._account.mark_keys_as_published()

    def generate_one_time_keys(self, count: int) -> None:
        """Makes one-time keys; the oldest go where there are too many."""
        self._account.generate_one_time_keys(count)

    @property
    def one_time_keys(self) -> dict[str, dict[str, str]]:
        """The public halves of the one-time keys that wait to be published."""
        return {"curve25519": _named(self._account.one_time_keys)}

    def remove_one_time_keys(self, session: Session) -> None:
        """Forgets the one-time key that a session of somebody else's used."""
        if not self._account.forget_one_time_key(session._session):
            raise OlmAccountError("BAD_MESSAGE_KEY_ID")

    def generate_fallback_key(self) -> None:
        """Makes a fallback key; the one before the current one goes."""
        self._account.generate_fallback_key()

    def forget_old_fallback_key(self) -> None:
        """Forgets the fallback key before the current one."""
        self._account.forget_fallback_key()

    @property
    def fallback_key(self) -> dict[str, dict[str, str]]:
        """The public half of the fallback key, if it waits to be published."""
        return {"curve25519": _named(self._account.fallback_key)}


def _named(keys: Mapping[str, CompatCurve25519PublicKey]) -> dict[str, str]:
    """The keys, newest first, with the four bytes of an id that libolm shows."""
    found = sorted(((decode(name) or b"", key.to_base64()) for name, key in keys.items()))
    return {encode(number[-4:]): text for number, text in reversed(found)}
