# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a Matrix client publishes of its account (olm_megolm.md §8).

`generate_keys`, `mark_keys_as_published`, `mark_verified` and `sign_object` are methods of
`e2ee.Account`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from e2ee import _matrix_signed
from e2ee._given import address_of
from e2ee._matrix_bundles import SIGNED_KEY, encoded_text, make_bundle, verified_keys
from e2ee._protocols import olm_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2ee import _core
    from e2ee.account import Account
    from e2ee.values import Address, PreKeyBundle

__all__ = [
    "KeyUpload",
    "bundle_of",
    "device_keys",
    "generate_keys",
    "mark_keys_as_published",
    "mark_verified",
    "sign_object",
    "verified_keys",
]

#: What devices of ours speak.
_ALGORITHMS: Final = ("m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2")


@final
@dataclass(frozen=True, slots=True)
class KeyUpload:
    """What `/keys/upload` takes of a device, each object under its signature (olm_megolm.md §8).

    `device_keys` says which device it is, and its two identity keys; `one_time_keys` and
    `fallback_keys` have their objects under `signed_curve25519:` and an id: unpadded base64 of a
    number of 8 bytes.
    """

    device_keys: dict[str, object]
    one_time_keys: dict[str, object]
    fallback_keys: dict[str, object]


def generate_keys(  # noqa: D417 (self is the account)
    self: Account, one_time: int = 0, *, fallback: bool = False
) -> KeyUpload:
    """Makes keys for first messages, and returns all that wait to be published (olm_megolm.md §8).

    Upload them, then call `mark_keys_as_published`. The private halves of 100 one-time keys are
    kept, of which the oldest go, and two fallback keys.

    Args:
        one_time: How many one-time keys to make.
        fallback: Whether to make a fallback key, for when the server has no others.

    Raises:
        InvalidArgumentError: More than 50 one-time keys would wait, or the account is not of Olm.
    """
    core = olm_of(self._inner)
    one_time_rows, fallback_row = self._commits.write(
        lambda inside: core.generate_keys(inside, one_time, fallback=fallback)
    )
    spare = [] if fallback_row is None else [fallback_row]
    return KeyUpload(
        device_keys(core),
        dict(_signed_key(core, row) for row in one_time_rows),
        dict(_signed_key(core, row, fallback=True) for row in spare),
    )


def mark_keys_as_published(self: Account) -> None:
    """Says that the server has all keys that waited (olm_megolm.md §8).

    Raises:
        InvalidArgumentError: The account is not of Olm.
    """
    self._commits.write(olm_of(self._inner).mark_keys_as_published)


def mark_verified(  # noqa: D417 (self is the account)
    self: Account, peer: Address, identity_key: bytes
) -> None:
    """Marks a device as verified, after its keys were (olm_megolm.md §6 and §8).

    For what a comparison by emoji, numbers or a QR code has shown, or a user's cross-signing keys
    that were verified so: the device's signed keys have passed `e2ee.matrix.verify_device`, and
    the Curve25519 key is among them.

    Args:
        peer: The device.
        identity_key: The Curve25519 key that was verified, 32 bytes.

    Raises:
        UntrustedIdentityError: Another key is trusted of the device. Nothing has changed.
        NoSessionError: The device is not known.
        InvalidKeyError: The key is not 32 bytes.
        InvalidArgumentError: The account is not of Olm: compare safety numbers, and call `verify`.
    """
    core, whom = olm_of(self._inner), address_of(peer)
    self._commits.write(lambda inside: core.mark_verified(inside, whom, identity_key))


def sign_object(self: Account, value: Mapping[str, object]) -> dict[str, object]:
    """The object with the signature of this device; others in it stay (olm_megolm.md §8).

    Raises:
        InvalidArgumentError: The object has no canonical JSON, or the account is not of Olm.
        MalformedMessageError: Its `signatures` are none.
    """
    return _signed(olm_of(self._inner), value)


def device_keys(core: _core.OlmStoredAccount) -> dict[str, object]:
    """The object of the device, under its own signature."""
    return _signed(
        core,
        {
            "user_id": core.user,
            "device_id": core.device,
            "algorithms": list(_ALGORITHMS),
            "keys": {
                f"curve25519:{core.device}": encoded_text(core.identity_key),
                f"ed25519:{core.device}": encoded_text(core.signing_key),
            },
        },
    )


def bundle_of(self: Account, *, reusable: bool) -> PreKeyBundle:
    """The bundle of an account of Olm, with a one-time or a fallback key."""
    core = olm_of(self._inner)
    row = self._commits.write(core.reusable_bundle if reusable else core.bundle)
    return make_bundle(device_keys(core), dict([_signed_key(core, row, fallback=reusable)]))


def _signed_key(
    core: _core.OlmStoredAccount, row: tuple[int, bytes], *, fallback: bool = False
) -> tuple[str, dict[str, object]]:
    number, key = row
    value: dict[str, object] = {"key": encoded_text(key)}
    if fallback:
        value["fallback"] = True
    return SIGNED_KEY + encoded_text(number.to_bytes(8)), _signed(core, value)


def _signed(core: _core.OlmStoredAccount, value: Mapping[str, object]) -> dict[str, object]:
    key_id = f"ed25519:{core.device}"
    return _matrix_signed.sign_object(value, _Signer(core), user=core.user, key_id=key_id)


@final
class _Signer:
    """The device, as `sign_object` takes it."""

    __slots__ = ("_core",)

    def __init__(self, core: _core.OlmStoredAccount) -> None:
        self._core = core

    def sign(self, message: bytes, /) -> str:
        """The text of the signature."""
        return encoded_text(self._core.sign(message))
