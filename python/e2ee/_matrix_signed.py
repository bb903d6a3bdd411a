# SPDX-License-Identifier: MIT OR Apache-2.0
"""Signed objects: what devices, cross-signing keys and backups say (olm_megolm.md §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from e2ee import _core
from e2ee._matrix_json import canonical_json
from e2ee.errors import BadSignatureError, MalformedMessageError

if TYPE_CHECKING:
    from collections.abc import Mapping

Object: TypeAlias = "dict[str, object]"

_UNSIGNED: Final = ("signatures", "unsigned")
_ALGORITHM: Final = "ed25519:"


class Signer(Protocol):
    """What can sign: a `SigningKey`, or an Olm account for its device."""

    def sign(self, message: bytes, /) -> str:
        """The text of an Ed25519 signature, unpadded base64."""


def sign_object(
    value: Mapping[str, object], signer: Signer, *, user: str, key_id: str
) -> dict[str, object]:
    """The object with one more signature; others in it stay (olm_megolm.md §8).

    Args:
        value: What is signed, but for its `signatures` and `unsigned`.
        signer: Whose signature it gets.
        user: The user id under which the signature stands.
        key_id: `ed25519:` and a device id, or the text of a cross-signing key.

    Raises:
        InvalidArgumentError: The object has no canonical JSON.
        MalformedMessageError: Its `signatures` are none.
    """
    signature = signer.sign(_signed_part(value))
    every = {owner: dict(made) for owner, made in _signatures(value).items()}
    every.setdefault(user, {})[key_id] = signature
    return {**value, "signatures": every}


def verify_object(value: Mapping[str, object], public_key: str, *, user: str, key_id: str) -> None:
    """Verifies one signature of an object (olm_megolm.md §8).

    The key has to be known from elsewhere: a key that stands in the object itself proves that its
    owner made it, and nothing about who that is.

    Args:
        value: The object, as `parse_json` reads it.
        public_key: The text of the key, unpadded base64.
        user: The user id under which the signature stands.
        key_id: `ed25519:` and a device id, or the text of a cross-signing key.

    Raises:
        BadSignatureError: There is no such signature, or it does not verify.
        InvalidArgumentError: The object has no canonical JSON.
        MalformedMessageError: Its `signatures` are none.
    """
    signature = _signatures(value).get(user, {}).get(key_id)
    if signature is None:
        raise BadSignatureError("a signature is missing")
    _core.verify_signature(public_key, _signed_part(value), signature)


def text_of(value: Mapping[str, object], name: str) -> str:
    """A field that has to be a text."""
    found = value.get(name)
    if not isinstance(found, str):
        raise MalformedMessageError("a field is missing or no text")
    return found


def object_of(value: Mapping[str, object], name: str) -> dict[str, object]:
    """A field that has to be an object."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise MalformedMessageError("a field is missing or no object")
    return found


def keys_of(value: Mapping[str, object]) -> dict[str, str]:
    """The keys of an object, texts under their ids."""
    return {name: text_of(found, name) for found in [object_of(value, "keys")] for name in found}


def named(public_key: str) -> str:
    """The id of a cross-signing key, which its text names."""
    return _ALGORITHM + public_key


def _signed_part(value: Mapping[str, object]) -> bytes:
    return canonical_json({name: value[name] for name in value if name not in _UNSIGNED})


def _signatures(value: Mapping[str, object]) -> dict[str, dict[str, str]]:
    if "signatures" not in value:
        return {}
    found = object_of(value, "signatures")
    return {
        user: {key: text_of(object_of(found, user), key) for key in object_of(found, user)}
        for user in found
    }
