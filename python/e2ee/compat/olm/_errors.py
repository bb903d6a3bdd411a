# SPDX-License-Identifier: MIT OR Apache-2.0
"""The exceptions of the package `python-olm`, with the words that libolm has for each failure."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from e2ee.compat import vodozemac
from e2ee.errors import (
    BadSignatureError,
    DecryptionError,
    E2EEError,
    InvalidKeyError,
    UnknownMessageIndexError,
    UnsupportedVersionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class OlmAccountError(E2EEError):
    """An account refused: the text says why, as libolm does."""


class OlmSessionError(DecryptionError):
    """A session refused: the text says why, as libolm does."""


class OlmGroupSessionError(DecryptionError):
    """A session of a room refused: the text says why, as libolm does."""


class OlmVerifyError(BadSignatureError):
    """A signature cannot be read, or does not verify: drop what it signs."""


class OlmHashError(E2EEError):
    """A hash could not be made: it is never raised."""


class OlmSasError(E2EEError):
    """A verification refused: the text says why, as libolm does."""


class PkEncryptionError(InvalidKeyError):
    """A public key cannot be used: drop what brought it."""


class PkDecryptionError(DecryptionError):
    """A message to a public key does not open: the text says why, as libolm does."""


class PkSigningError(InvalidKeyError):
    """A seed has another length: look for the right one."""


#: What libolm says where we say something else; the first that fits the exception or its cause.
_WORDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (vodozemac.LibolmPickleException, "BAD_ACCOUNT_KEY"),
    (vodozemac.KeyException, "INVALID_BASE64"),
    (BadSignatureError, "BAD_SIGNATURE"),
    (vodozemac.SessionKeyDecodeException, "BAD_SESSION_KEY"),
    (UnsupportedVersionError, "BAD_MESSAGE_VERSION"),
    (vodozemac.SessionCreationException, "BAD_MESSAGE_KEY_ID"),
    (vodozemac.DecodeException, "BAD_MESSAGE_FORMAT"),
    (UnknownMessageIndexError, "UNKNOWN_MESSAGE_INDEX"),
    # Of rooms: nobody without the session's key gets as far as the MAC.
    (vodozemac.MegolmDecryptionException, "BAD_SIGNATURE"),
    (DecryptionError, "BAD_MESSAGE_MAC"),
)


@contextmanager
def words(kind: type[E2EEError]) -> Iterator[None]:
    """Raises exceptions of the core as ones of this class, in the words of libolm."""
    try:
        yield
    except E2EEError as error:
        cause = error.__cause__ if isinstance(error.__cause__, E2EEError) else error
        fitting = (
            word for each, word in _WORDS if isinstance(error, each) or isinstance(cause, each)
        )
        raise kind(next(fitting, "BAD_MESSAGE_FORMAT")) from cause
