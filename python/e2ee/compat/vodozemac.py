# SPDX-License-Identifier: MIT OR Apache-2.0
"""The package `vodozemac` with our core below: `from e2ee.compat import vodozemac`.

Names, signatures, exceptions, messages and pickles are the same (docs/guides/libolm.md). State is
the caller's: objects change in place, and what was not pickled before a message left is lost with
them. Unlike the package, messages and keys are taken in one form only: what was altered on the way
does not open, whoever altered it.

>>> alice, bob = Account(), Account()
>>> bob.generate_one_time_keys(1)
>>> (one_time_key,) = bob.one_time_keys.values()
>>> session = alice.create_outbound_session(bob.curve25519_key, one_time_key)
>>> message = session.encrypt(b"Meet me at noon.")
>>> theirs, plaintext = bob.create_inbound_session(alice.curve25519_key, message.to_pre_key())
>>> plaintext
b'Meet me at noon.'
>>> session.decrypt(theirs.encrypt(b"I will."))
b'I will.'

Every exception is a `ValueError`, as there, and an `E2EEError` besides; its `__cause__` is the
error of `e2ee.errors` that says what happened.
"""

from __future__ import annotations

from e2ee._core import CompatAccount as Account
from e2ee._core import CompatAnyOlmMessage as AnyOlmMessage
from e2ee._core import CompatCurve25519PublicKey as Curve25519PublicKey
from e2ee._core import CompatCurve25519SecretKey as Curve25519SecretKey
from e2ee._core import CompatEd25519PublicKey as Ed25519PublicKey
from e2ee._core import CompatEd25519Signature as Ed25519Signature
from e2ee._core import CompatEstablishedSas as EstablishedSas
from e2ee._core import CompatExportedSessionKey as ExportedSessionKey
from e2ee._core import CompatGroupSession as GroupSession
from e2ee._core import CompatInboundGroupSession as InboundGroupSession
from e2ee._core import CompatMegolmMessage as MegolmMessage
from e2ee._core import CompatPreKeyMessage as PreKeyMessage
from e2ee._core import CompatSas as Sas
from e2ee._core import CompatSession as Session
from e2ee._core import CompatSessionKey as SessionKey
from e2ee.compat._pk import Message, PkDecryption, PkEncryption
from e2ee.errors import (
    BadSignatureError,
    DecryptionError,
    E2EEError,
    InvalidKeyError,
    MalformedMessageError,
)

__all__ = [
    "Account",
    "AnyOlmMessage",
    "Curve25519PublicKey",
    "Curve25519SecretKey",
    "DecodeException",
    "Ed25519PublicKey",
    "Ed25519Signature",
    "EstablishedSas",
    "ExportedSessionKey",
    "GroupSession",
    "InboundGroupSession",
    "KeyException",
    "LibolmPickleException",
    "MegolmDecryptionException",
    "MegolmMessage",
    "Message",
    "OlmDecryptionException",
    "OlmEncryptionException",
    "PickleException",
    "PkDecodeException",
    "PkDecryption",
    "PkEncryption",
    "PkInvalidKeySizeException",
    "PreKeyMessage",
    "Sas",
    "SasException",
    "Session",
    "SessionCreationException",
    "SessionKey",
    "SessionKeyDecodeException",
    "SignatureException",
]


class KeyException(InvalidKeyError, ValueError):  # noqa: N818 (the package's name)
    """A key cannot be read or used: drop what brought it."""


class SignatureException(BadSignatureError, ValueError):  # noqa: N818
    """A signature cannot be read, or does not verify: drop what it signs."""


class DecodeException(MalformedMessageError, ValueError):  # noqa: N818
    """The bytes are no message: drop them."""


class LibolmPickleException(E2EEError, ValueError):  # noqa: N818
    """A pickle of libolm does not open: look for its key, or for its version."""


class SessionKeyDecodeException(MalformedMessageError, ValueError):  # noqa: N818
    """A room's session key cannot be read: ask for it again."""


class PickleException(E2EEError, ValueError):  # noqa: N818
    """A pickle does not open: look for its key."""


class SessionCreationException(E2EEError, ValueError):  # noqa: N818
    """No session can be started: claim another one-time key."""


class SasException(E2EEError, ValueError):  # noqa: N818
    """A verification failed: cancel it."""


class OlmEncryptionException(E2EEError, ValueError):  # noqa: N818
    """The message cannot be encrypted: start another session."""


class OlmDecryptionException(DecryptionError, ValueError):  # noqa: N818
    """The message does not open: drop it, and see the cause."""


class MegolmDecryptionException(DecryptionError, ValueError):  # noqa: N818
    """The room's message does not open: ask for its key, or drop it."""


class PkInvalidKeySizeException(InvalidKeyError, ValueError):  # noqa: N818
    """A key has another size: look for the right one."""


class PkDecodeException(MalformedMessageError, ValueError):  # noqa: N818
    """A message to a public key cannot be read, or is for another key: drop it."""
