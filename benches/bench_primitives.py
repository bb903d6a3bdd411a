# SPDX-License-Identifier: MIT OR Apache-2.0
"""Single primitives of PyNaCl and `cryptography` through Python, beside ours (`PRIMITIVES`)."""

import os
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import NoReturn, TypeAlias

import pytest

from benches.conftest import Load, Measure
from benches.operations import AEAD
from benches.peers import CRYPTOGRAPHY, NACL, Peer

#: A row's name, and what is called again and again.
Calls: TypeAlias = Iterator[tuple[str, Callable[[], object]]]

TEXT, MEBIBYTE = os.urandom(64), os.urandom(1 << 20)
AGREE, SIGN, VERIFY = "X25519, one agreement", "sign 64 B", "verify 64 B"
DERIVE, AUTHENTICATE = "HKDF-SHA-256 to 80 B", "HMAC-SHA-256, 64 B"
INFO = b"WhisperMessageKeys"


def nacl_calls() -> Calls:
    """What PyNaCl has of them."""
    from nacl import bindings  # noqa: PLC0415 - may not be there
    from nacl.signing import SigningKey  # noqa: PLC0415 - may not be there

    key = SigningKey.generate()
    signature, verifier = key.sign(TEXT).signature, key.verify_key
    scalar = os.urandom(32)
    point = bindings.crypto_scalarmult_base(os.urandom(32))
    yield AGREE, lambda: bindings.crypto_scalarmult(scalar, point)
    yield SIGN, lambda: key.sign(TEXT).signature
    yield VERIFY, lambda: verifier.verify(TEXT, signature)
    nonce, secret = os.urandom(12), os.urandom(32)
    if hasattr(bindings, "crypto_aead_aes256gcm_encrypt"):
        yield AEAD, lambda: bindings.crypto_aead_aes256gcm_encrypt(MEBIBYTE, b"", nonce, secret)


def cryptography_calls() -> Calls:
    """The same of `cryptography`; keys that a message has once are read with each call."""
    from cryptography.hazmat.primitives import hashes, hmac  # noqa: PLC0415 - may not be there
    from cryptography.hazmat.primitives.asymmetric import ed25519, x25519  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    ours = x25519.X25519PrivateKey.generate()
    theirs = x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()
    read = x25519.X25519PublicKey.from_public_bytes
    yield AGREE, lambda: ours.exchange(read(theirs))
    key = ed25519.Ed25519PrivateKey.generate()
    signature, verifier = key.sign(TEXT), key.public_key()
    yield SIGN, lambda: key.sign(TEXT)
    yield VERIFY, lambda: verifier.verify(signature, TEXT)
    secret, salt = os.urandom(32), os.urandom(32)
    yield DERIVE, lambda: HKDF(hashes.SHA256(), 80, salt, INFO).derive(secret)

    def authenticate() -> bytes:
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(TEXT)
        return mac.finalize()

    yield AUTHENTICATE, authenticate
    cipher, nonce = AESGCM(secret), os.urandom(12)
    yield AEAD, lambda: cipher.encrypt(nonce, MEBIBYTE, None)


ALL = {NACL: nacl_calls, CRYPTOGRAPHY: cryptography_calls}
NAMES = (AGREE, SIGN, VERIFY, DERIVE, AUTHENTICATE, AEAD)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("peer", ALL, ids=lambda peer: peer.name)
def test_primitive(
    measure: Measure, left_out: Callable[[str, str], NoReturn], peer: Peer, name: str
) -> None:
    try:
        calls = dict(ALL[peer]())
    except ImportError as error:
        left_out(peer.name, str(error))
    if name not in calls:
        pytest.skip(f"{peer.name} has no {name}")
    call, count = calls[name], 1 if name == AEAD else 50

    def run(count: int) -> None:
        for _ in repeat(None, count):
            call()

    load = Load(lambda: count, run, operations=count, rounds=100)
    measure(name, load, library=peer.name)
