# SPDX-License-Identifier: MIT OR Apache-2.0
"""Devices of recorded conversations, as records that the library loads (docs/formats.md).

They are written here by the page alone, with another library's cipher.
"""

from __future__ import annotations

import time
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

unhex = bytes.fromhex
KEY: Final = bytes(range(32))
REVISION: Final = 1
#: Above all numbers of recorded prekeys.
_NEXT: Final = 5_000
_NOTHING: Final = bytes(4)
_EXPANDED: Final = b"\x02"


def sealed(name: str, content: bytes) -> bytes:
    """A sealed record without a store (*Sealed records*, *Device*)."""
    store = hkdf(KEY, b"e2ee standalone store id", 16)
    key = hkdf(KEY, b"e2ee store record key:" + name.encode(), 32, salt=store)
    version, nonce = b"\x01", bytes(12)
    associated = version + store + REVISION.to_bytes(8) + name.encode()
    return version + nonce + AESGCMSIV(key).encrypt(nonce, content, associated)


def device(party: dict[str, Any], bundle: dict[str, Any]) -> bytes:
    """The record of a recorded device with the private halves of its bundle."""
    identity = unhex(party["identity_private"]) + unhex(party["identity_public"])[1:]
    record = bytes([1]) + of_length(party["name"].encode()) + bytes([party["device_id"]])
    record += party["registration_id"].to_bytes(4) + identity + of_length(prekeys(bundle))
    return sealed("device", record)


def prekeys(bundle: dict[str, Any]) -> bytes:
    """The prekeys of a bundle: all were given away, the Kyber key as the last resort."""
    now = int(time.time() * 1_000).to_bytes(8)
    signed, kyber = bundle["signed_prekey"], bundle["kyber_prekey"]
    one_time = bundle.get("one_time_prekey")
    given = _NOTHING if one_time is None else (1).to_bytes(4) + numbered(one_time)
    last_resort = kyber["id"].to_bytes(4) + _EXPANDED + unhex(kyber["secret"])[1:]
    return b"".join(
        (
            *(bytes([2]), _NEXT.to_bytes(4)),
            *(now, numbered(signed), unhex(signed["signature"]), _NOTHING),
            *(now, last_resort, unhex(kyber["signature"]), _NOTHING, _NOTHING),
            *(given, _NOTHING, _NOTHING, _NOTHING),
        )
    )


def numbered(key: dict[str, Any]) -> bytes:
    """Number and key pair."""
    number: int = key["id"]
    return number.to_bytes(4) + unhex(key["private"]) + unhex(key["public"])[1:]


def of_length(content: bytes) -> bytes:
    """Bytes behind their length."""
    return len(content).to_bytes(4) + content


def hkdf(secret: bytes, info: bytes, length: int, salt: bytes | None = None) -> bytes:
    """HKDF-SHA-256."""
    return HKDF(SHA256(), length, salt, info).derive(secret)
