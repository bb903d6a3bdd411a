# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is needed to start an Olm session with a device: its signed keys, and one that it published.

A Matrix client gets the first from `/keys/query` and the second from `/keys/claim`
(olm_megolm.md §8).
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

from e2ee._matrix_cross_signing import verify_device_itself, verify_one_time_key
from e2ee._matrix_json import canonical_json, parse_json
from e2ee._matrix_signed import keys_of, object_of, text_of
from e2ee.errors import InvalidKeyError, MalformedMessageError
from e2ee.values import PreKeyBundle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2ee.values import Address

SIGNED_KEY: Final = "signed_curve25519:"
_KEY_LEN: Final = 32


def make_bundle(
    device_keys: Mapping[str, object], one_time_keys: Mapping[str, object]
) -> PreKeyBundle:
    """The bundle for `Account.connect` of what a Matrix server gave (olm_megolm.md §8).

    The signatures are verified by `connect`. Whose device it is they do not say: see
    `verify_device`.

    Args:
        device_keys: The object of the device from `/keys/query`.
        one_time_keys: One object under `signed_curve25519:` and an id, as `/keys/claim` has it for
            the device.

    Raises:
        MalformedMessageError: A field is missing, or there is not one key.
        InvalidKeyError: A key is no text of 32 bytes.
        InvalidArgumentError: The objects have no canonical JSON.
    """
    found = {"device_keys": dict(device_keys), "one_time_keys": dict(one_time_keys)}
    return PreKeyBundle(canonical_json(found))


def read_bundle(encoded: bytes) -> tuple[bytes, str, bool]:
    """Identity key, device id, and whether the key in it is a fallback key; nothing is verified."""
    device_keys, key = _parts(encoded)
    device = text_of(device_keys, "device_id")
    identity_key = _identity_key(keys_of(device_keys), device)
    decoded_key(text_of(key, "key"))
    return identity_key, device, key.get("fallback") is True


def verified_keys(whom: Address, encoded: bytes) -> tuple[bytes, bytes, bytes]:
    """Identity key, Ed25519 key and one-time key of a device, after its signatures were verified.

    Raises:
        BadSignatureError: A signature of the device is missing or does not verify.
        MalformedMessageError: The bundle is of another device.
    """
    device_keys, key = _parts(encoded)
    device = str(whom.device)
    keys = verify_device_itself(device_keys, user=whom.user, device_id=device)
    signing_key = keys[f"ed25519:{device}"]
    one_time = verify_one_time_key(key, user=whom.user, device_id=device, signing_key=signing_key)
    return _identity_key(keys, device), decoded_key(signing_key), decoded_key(one_time)


def decoded_key(text: str) -> bytes:
    """The 32 bytes of a key, which is base64 with or without padding."""
    try:
        key = binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        raise InvalidKeyError("a key is no base64") from None
    if len(key) != _KEY_LEN:
        raise InvalidKeyError("a key has another length")
    return key


def encoded_text(value: bytes) -> str:
    """Unpadded base64, as Matrix writes it."""
    return binascii.b2a_base64(value, newline=False).decode().rstrip("=")


def _identity_key(keys: Mapping[str, str], device: str) -> bytes:
    text = keys.get(f"curve25519:{device}")
    if text is None:
        raise MalformedMessageError("the device has no key that agrees")
    return decoded_key(text)


def _parts(encoded: bytes) -> tuple[dict[str, object], dict[str, object]]:
    bundle = parse_json(encoded)
    if not isinstance(bundle, dict):
        raise MalformedMessageError("the bundle is no object")
    keys = object_of(bundle, "one_time_keys")
    match list(keys):
        case [name] if name.startswith(SIGNED_KEY):
            return object_of(bundle, "device_keys"), object_of(keys, name)
    raise MalformedMessageError("the bundle has not one signed key")
