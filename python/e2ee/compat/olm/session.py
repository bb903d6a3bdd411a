# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sessions of two of the package `python-olm` (olm_megolm.md §1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from e2ee._core import CompatCurve25519PublicKey, CompatSession
from e2ee.compat.olm._errors import OlmSessionError, words
from e2ee.compat.olm._messages import OlmMessage, OlmPreKeyMessage, read
from e2ee.compat.olm._text import encode, passphrase_bytes, to_bytes, to_text
from e2ee.compat.vodozemac import DecodeException

if TYPE_CHECKING:
    from e2ee._core import CompatPreKeyMessage
    from e2ee.compat.olm.account import Account


class Session:
    """A session with one device; only `from_pickle` makes one of this class itself."""

    _session: CompatSession

    def __new__(cls) -> Self:
        """A session that has nothing yet."""
        return super().__new__(cls)

    def __init__(self) -> None:
        if type(self) is Session:
            raise TypeError("Session class may not be instantiated.")

    def pickle(self, passphrase: str | None = "") -> bytes:
        """The session, encrypted under the passphrase, in base64."""
        return self._session.to_libolm_pickle(passphrase_bytes(passphrase)).encode()

    @classmethod
    def from_pickle(cls, pickle: bytes, passphrase: str | None = "") -> Self:
        """The session of a pickle; raises `OlmSessionError` if it does not open."""
        if not pickle:
            raise ValueError("Pickle can't be empty")
        made = cls.__new__(cls)
        with words(OlmSessionError):
            made._session = CompatSession.from_libolm_pickle(
                bytes(pickle).decode("ascii", errors="replace"), passphrase_bytes(passphrase)
            )
        return made

    def encrypt(self, plaintext: str | bytes) -> OlmMessage | OlmPreKeyMessage:
        """Encrypts; the session has moved on, and must be pickled before the message is sent."""
        with words(OlmSessionError):
            kind, data = self._session.encrypt(to_bytes(plaintext)).to_parts()
        return OlmMessage(encode(data)) if kind else OlmPreKeyMessage(encode(data))

    def decrypt(
        self, message: OlmMessage | OlmPreKeyMessage, unicode_errors: str = "replace"
    ) -> str:
        """Opens a message; raises `OlmSessionError`, whose text says why, and changes nothing."""
        with words(OlmSessionError):
            plaintext = self._session.decrypt(read(message, message.message_type))
        return plaintext.decode(errors=unicode_errors)

    @property
    def id(self) -> str:
        """The id of the session, the same at both ends."""
        return self._session.session_id

    def matches(self, message: OlmPreKeyMessage, identity_key: str | bytes | None = None) -> bool:
        """Whether a message of type 0 names this session, and this sender if one is given."""
        if not isinstance(message, OlmPreKeyMessage):
            raise TypeError("Matches can only be called with prekey messages.")
        with words(OlmSessionError):
            first = _first(message)
            theirs = identity_key and first.identity_key().to_base64() != to_text(identity_key)
            return not theirs and self._session.session_matches(first)

    def describe(self, buffer_length: int = 600) -> str:
        """How far the chains have come, for a person who looks for a fault."""
        text = self._session.describe()
        return text if len(text) < buffer_length else text[: max(0, buffer_length - 4)] + "..."


class InboundSession(Session):
    """A session that somebody else started."""

    def __new__(
        cls, account: Account, message: OlmPreKeyMessage, identity_key: str | bytes | None = None
    ) -> Self:
        """A session that has nothing yet."""
        return super().__new__(cls)

    def __init__(
        self, account: Account, message: OlmPreKeyMessage, identity_key: str | bytes | None = None
    ) -> None:
        """The session that the message asks for, which still has to be opened by `decrypt`.

        The one-time key stays until `Account.remove_one_time_keys`. Raises `OlmSessionError` if
        the message is of another sender, or names a key that is not held.
        """
        super().__init__()
        with words(OlmSessionError):
            sender = None if not identity_key else _key(identity_key)
            self._session = account._account.start_inbound_session(sender, _first(message))


class OutboundSession(Session):
    """A session that we started."""

    def __new__(
        cls, account: Account, identity_key: str | bytes, one_time_key: str | bytes
    ) -> Self:
        """A session that has nothing yet."""
        return super().__new__(cls)

    def __init__(
        self, account: Account, identity_key: str | bytes, one_time_key: str | bytes
    ) -> None:
        """A session with the owner of these keys; raises `OlmSessionError` if one is none."""
        if not identity_key:
            raise ValueError("Identity key can't be empty")
        if not one_time_key:
            raise ValueError("One-time key can't be empty")
        super().__init__()
        with words(OlmSessionError):
            self._session = account._account.create_outbound_session(
                _key(identity_key), _key(one_time_key)
            )


def _key(given: str | bytes) -> CompatCurve25519PublicKey:
    return CompatCurve25519PublicKey.from_base64(to_text(given))


def _first(message: OlmPreKeyMessage) -> CompatPreKeyMessage:
    """A message of type 0, whatever its class says."""
    first = read(message, 0).to_pre_key()
    if first is None:
        raise DecodeException("the message is of another type")
    return first
