# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the package `python-olm` has besides: signatures of others, and hashes."""

from __future__ import annotations

import hashlib

from e2ee._core import CompatEd25519PublicKey, CompatEd25519Signature
from e2ee.compat.olm._errors import OlmVerifyError
from e2ee.compat.olm._text import encode, to_bytes, to_text
from e2ee.compat.vodozemac import KeyException, SignatureException


def ed25519_verify(key: str | bytes, message: str | bytes, signature: str | bytes) -> None:
    """Raises `OlmVerifyError` unless the signature is this key's, of exactly this message."""
    try:
        public_key = CompatEd25519PublicKey.from_base64(to_text(key))
    except KeyException as error:
        raise OlmVerifyError("INVALID_BASE64") from error
    try:
        made = CompatEd25519Signature.from_base64(to_text(signature))
        public_key.verify_signature(to_bytes(message), made)
    except SignatureException as error:
        raise OlmVerifyError("BAD_MESSAGE_MAC") from error


def sha256(input_string: str | bytes) -> str:
    """The SHA-256 of a text, in base64."""
    return encode(hashlib.sha256(to_bytes(input_string)).digest())
