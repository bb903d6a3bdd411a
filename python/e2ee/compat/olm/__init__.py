# SPDX-License-Identifier: MIT OR Apache-2.0
"""The package `python-olm` with our core below: `from e2ee.compat import olm`.

Names, signatures, exceptions, messages and pickles are the same (docs/guides/libolm.md). State is
the caller's: objects change in place, and what was not pickled before a message left is lost with
them.

>>> alice, bob = Account(), Account()
>>> bob.generate_one_time_keys(1)
>>> (one_time_key,) = bob.one_time_keys["curve25519"].values()
>>> session = OutboundSession(alice, bob.identity_keys["curve25519"], one_time_key)
>>> message = session.encrypt("Meet me at noon.")
>>> theirs = InboundSession(bob, message, alice.identity_keys["curve25519"])
>>> bob.remove_one_time_keys(theirs)
>>> theirs.decrypt(message)
'Meet me at noon.'
>>> session.decrypt(theirs.encrypt("I will."))
'I will.'

Every exception is an `E2EEError` besides, with the text that libolm gives, and its `__cause__` is
the error of `e2ee.errors` that says what happened.
"""

from e2ee.compat.olm._errors import (
    OlmAccountError,
    OlmGroupSessionError,
    OlmHashError,
    OlmSasError,
    OlmSessionError,
    OlmVerifyError,
    PkDecryptionError,
    PkEncryptionError,
    PkSigningError,
)
from e2ee.compat.olm._messages import OlmMessage, OlmPreKeyMessage
from e2ee.compat.olm.account import Account
from e2ee.compat.olm.group_session import InboundGroupSession, OutboundGroupSession
from e2ee.compat.olm.pk import PkDecryption, PkEncryption, PkMessage, PkSigning
from e2ee.compat.olm.sas import Sas
from e2ee.compat.olm.session import InboundSession, OutboundSession, Session
from e2ee.compat.olm.utility import ed25519_verify, sha256

__all__ = [
    "Account",
    "InboundGroupSession",
    "InboundSession",
    "OlmAccountError",
    "OlmGroupSessionError",
    "OlmHashError",
    "OlmMessage",
    "OlmPreKeyMessage",
    "OlmSasError",
    "OlmSessionError",
    "OlmVerifyError",
    "OutboundGroupSession",
    "OutboundSession",
    "PkDecryption",
    "PkDecryptionError",
    "PkEncryption",
    "PkEncryptionError",
    "PkMessage",
    "PkSigning",
    "PkSigningError",
    "Sas",
    "Session",
    "ed25519_verify",
    "sha256",
]
