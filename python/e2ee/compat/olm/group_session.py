# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sessions of rooms of the package `python-olm` (olm_megolm.md §2)."""

from __future__ import annotations

from typing import Self

from e2ee._core import (
    CompatExportedSessionKey,
    CompatGroupSession,
    CompatInboundGroupSession,
    CompatMegolmMessage,
    CompatSessionKey,
)
from e2ee.compat.olm._errors import OlmGroupSessionError, words
from e2ee.compat.olm._text import passphrase_bytes, to_bytes, to_text


class InboundGroupSession:
    """What somebody writes to a room, from some message on."""

    _session: CompatInboundGroupSession

    def __new__(cls, session_key: str | bytes | None = None) -> Self:
        """A session that has nothing yet."""
        return super().__new__(cls)

    def __init__(self, session_key: str | bytes) -> None:
        """From the key that its owner shares; raises `OlmGroupSessionError` if it is none."""
        with words(OlmGroupSessionError):
            self._session = CompatInboundGroupSession(CompatSessionKey(to_text(session_key)))

    def pickle(self, passphrase: str | None = "") -> bytes:
        """The session, encrypted under the passphrase, in base64."""
        return self._session.to_libolm_pickle(passphrase_bytes(passphrase)).encode()

    @classmethod
    def from_pickle(cls, pickle: bytes, passphrase: str | None = "") -> Self:
        """The session of a pickle; raises `OlmGroupSessionError` if it does not open."""
        if not pickle:
            raise ValueError("Pickle can't be empty")
        made = cls.__new__(cls)
        with words(OlmGroupSessionError):
            made._session = CompatInboundGroupSession.from_libolm_pickle(
                bytes(pickle).decode("ascii", errors="replace"), passphrase_bytes(passphrase)
            )
        return made

    def decrypt(self, ciphertext: str | bytes, unicode_errors: str = "replace") -> tuple[str, int]:
        """Plaintext and index of a message; raises `OlmGroupSessionError`, whose text says why.

        Nothing here notices a message that comes again: keep the pairs of session and index.
        """
        if not ciphertext:
            raise ValueError("Ciphertext can't be empty.")
        with words(OlmGroupSessionError):
            message = CompatMegolmMessage.from_base64(to_text(ciphertext))
            opened = self._session.decrypt(message)
        return opened.plaintext.decode(errors=unicode_errors), opened.message_index

    @property
    def id(self) -> str:
        """The id of the session."""
        return self._session.session_id

    @property
    def first_known_index(self) -> int:
        """The index of the first message that opens."""
        return self._session.first_known_index

    def export_session(self, message_index: int) -> str:
        """The key from this index on, unsigned; raises `OlmGroupSessionError` for an older one."""
        exported = self._session.export_at(message_index)
        if exported is None:
            raise OlmGroupSessionError("UNKNOWN_MESSAGE_INDEX")
        return exported.to_base64()

    @classmethod
    def import_session(cls, session_key: str | bytes) -> Self:
        """The session of an exported key, whose owner nothing proves."""
        made = cls.__new__(cls)
        with words(OlmGroupSessionError):
            made._session = CompatInboundGroupSession.import_session(
                CompatExportedSessionKey(to_text(session_key))
            )
        return made


class OutboundGroupSession:
    """What we write to a room."""

    _session: CompatGroupSession

    def __new__(cls) -> Self:
        """A session that has nothing yet."""
        return super().__new__(cls)

    def __init__(self) -> None:
        """A session with fresh keys."""
        self._session = CompatGroupSession()

    def pickle(self, passphrase: str | None = "") -> bytes:
        """The session, encrypted under the passphrase, in base64."""
        return self._session.to_libolm_pickle(passphrase_bytes(passphrase)).encode()

    @classmethod
    def from_pickle(cls, pickle: bytes, passphrase: str | None = "") -> Self:
        """The session of a pickle; raises `OlmGroupSessionError` if it does not open."""
        if not pickle:
            raise ValueError("Pickle can't be empty")
        made = cls.__new__(cls)
        with words(OlmGroupSessionError):
            made._session = CompatGroupSession.from_libolm_pickle(
                bytes(pickle).decode("ascii", errors="replace"), passphrase_bytes(passphrase)
            )
        return made

    def encrypt(self, plaintext: str | bytes) -> str:
        """Encrypts; the session has moved on, and must be pickled before the message is sent."""
        return self._session.encrypt(to_bytes(plaintext)).to_base64()

    @property
    def id(self) -> str:
        """The id of the session."""
        return self._session.session_id

    @property
    def message_index(self) -> int:
        """The index of the next message."""
        return self._session.message_index

    @property
    def session_key(self) -> str:
        """What members need from the next message on; it goes through sessions of two."""
        return self._session.session_key.to_base64()
