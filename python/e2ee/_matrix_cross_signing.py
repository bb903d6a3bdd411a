# SPDX-License-Identifier: MIT OR Apache-2.0
"""Cross-signing: who vouches for whom (olm_megolm.md §8).

our master ──► our user-signing ──► their master ──► their self-signing ──► their devices
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from e2ee import _core
from e2ee._matrix_signed import (
    Signer,
    keys_of,
    named,
    sign_object,
    text_of,
    verify_object,
)
from e2ee.errors import BadSignatureError, InvalidArgumentError, MalformedMessageError

if TYPE_CHECKING:
    from collections.abc import Mapping

Usage: TypeAlias = Literal["master", "self_signing", "user_signing"]

_USAGES: Final[tuple[Usage, ...]] = ("master", "self_signing", "user_signing")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CrossSigningKeys:
    """The three keys of one user (olm_megolm.md §8); `objects` gives what is uploaded.

    `keys` has one under each of `master`, which signs the other two, `self_signing`, which signs
    one's own devices, and `user_signing`, which signs the master keys of users one has verified.

    Raises:
        InvalidArgumentError: A key is missing, or there is another one.
    """

    user: str
    keys: Mapping[Usage, _core.SigningKey]

    def __post_init__(self) -> None:
        """Checks that all are there."""
        if sorted(self.keys) != sorted(_USAGES):
            raise InvalidArgumentError("a user has three cross-signing keys")

    @classmethod
    def generate(cls, user: str) -> CrossSigningKeys:
        """Three fresh keys of this user id."""
        return cls(user, {usage: _core.SigningKey.generate() for usage in _USAGES})

    @property
    def master(self) -> _core.SigningKey:
        """The key that vouches for the other two."""
        return self.keys["master"]

    @property
    def self_signing(self) -> _core.SigningKey:
        """The key that vouches for one's own devices."""
        return self.keys["self_signing"]

    @property
    def user_signing(self) -> _core.SigningKey:
        """The key that vouches for users whom one has verified."""
        return self.keys["user_signing"]

    def objects(self, device: Signer, device_id: str) -> dict[str, dict[str, object]]:
        """The three signed objects of an upload, under the names of their fields.

        The master key is signed by the device, so that one's other devices know whence it comes.
        """
        master = cross_signing_key(self.user, "master", self.master.public_key)
        signed = {
            "master_key": sign_object(master, device, user=self.user, key_id=f"ed25519:{device_id}")
        }
        for usage in _USAGES[1:]:
            value = cross_signing_key(self.user, usage, self.keys[usage].public_key)
            signed[f"{usage}_key"] = _signed(value, self.master, self.user)
        return signed

    def sign_device(self, device_keys: Mapping[str, object]) -> dict[str, object]:
        """One's own device keys, signed by the self-signing key.

        Raises:
            MalformedMessageError: They are those of another user.
        """
        if text_of(device_keys, "user_id") != self.user:
            raise MalformedMessageError("the device is another user's")
        return _signed(device_keys, self.self_signing, self.user)

    def sign_user(self, their_key: Mapping[str, object]) -> dict[str, object]:
        """Another user's master key, whom one has verified, signed by the user-signing key.

        Raises:
            MalformedMessageError: It is no master key.
        """
        public_key_of(their_key, text_of(their_key, "user_id"), "master")
        return _signed(their_key, self.user_signing, self.user)

    def __repr__(self) -> str:
        """The user and the public master key."""
        return f"CrossSigningKeys({self.user!r}, {self.master.public_key!r})"


def cross_signing_key(user: str, usage: str, public_key: str) -> dict[str, object]:
    """The object of a cross-signing key, not signed yet (olm_megolm.md §8)."""
    return {"user_id": user, "usage": [usage], "keys": {named(public_key): public_key}}


def public_key_of(value: Mapping[str, object], user: str, usage: Usage) -> str:
    """The text of the one key in the object of a cross-signing key (olm_megolm.md §8).

    Raises:
        MalformedMessageError: It is another user's, for another use, not one key, or not named by
            its text.
    """
    usages, keys = value.get("usage"), keys_of(value)
    if text_of(value, "user_id") != user or not isinstance(usages, list) or usage not in usages:
        raise MalformedMessageError("the key is another user's or for another use")
    [*public_keys] = keys.values()
    if len(keys) != 1 or list(keys) != [named(public_keys[0])]:
        raise MalformedMessageError("the object does not hold one key, named by its text")
    return public_keys[0]


def verify_device(
    device_keys: Mapping[str, object],
    *,
    user: str,
    device_id: str,
    trusted_key: str,
    self_signing: Mapping[str, object],
) -> dict[str, str]:
    """The keys of a device for which its owner's master key vouches (olm_megolm.md §8).

    The device has to be signed by itself and by the self-signing key, that one by the master key.
    Whether the master key is the user's, only a verification says, or `verify_user`: one that was
    merely seen first is what the server says.

    Args:
        device_keys: The object of the device.
        user: The user id that is expected.
        device_id: The device id that is expected.
        trusted_key: The text of the user's master key.
        self_signing: The object of the user's self-signing key.

    Returns:
        The texts of the device's keys, under their ids.

    Raises:
        BadSignatureError: A signature of the chain is missing or does not verify.
        MalformedMessageError: An object is of another user, device or use.
    """
    signing = public_key_of(self_signing, user, "self_signing")
    verify_object(self_signing, trusted_key, user=user, key_id=named(trusted_key))
    keys = verify_device_itself(device_keys, user=user, device_id=device_id)
    verify_object(device_keys, signing, user=user, key_id=named(signing))
    return keys


def verify_device_itself(
    device_keys: Mapping[str, object], *, user: str, device_id: str
) -> dict[str, str]:
    """The keys of a device that has signed them itself (olm_megolm.md §8).

    That shows that they belong together, and not whose they are.

    Raises:
        BadSignatureError: Its own signature is missing or does not verify.
        MalformedMessageError: They are of another user or device, or have no Ed25519 key.
    """
    if (text_of(device_keys, "user_id"), text_of(device_keys, "device_id")) != (user, device_id):
        raise MalformedMessageError("the device is another one")
    keys, key_id = keys_of(device_keys), f"ed25519:{device_id}"
    if key_id not in keys:
        raise MalformedMessageError("the device has no key that signs")
    verify_object(device_keys, keys[key_id], user=user, key_id=key_id)
    return keys


def verify_user(
    their_key: Mapping[str, object],
    *,
    their_user: str,
    user: str,
    trusted_key: str,
    user_signing: Mapping[str, object],
) -> str:
    """The text of a user's master key that we have verified before (olm_megolm.md §8).

    Args:
        their_key: The object of their master key.
        their_user: Their user id.
        user: Our user id.
        trusted_key: The text of our master key, from our own storage.
        user_signing: The object of our user-signing key.

    Raises:
        BadSignatureError: A signature of the chain is missing or does not verify.
        MalformedMessageError: An object is of another user or use.
    """
    if their_user == user:
        raise BadSignatureError("the user-signing key does not vouch for its owner")
    signing = public_key_of(user_signing, user, "user_signing")
    verify_object(user_signing, trusted_key, user=user, key_id=named(trusted_key))
    theirs = public_key_of(their_key, their_user, "master")
    verify_object(their_key, signing, user=user, key_id=named(signing))
    return theirs


def verify_one_time_key(
    key: Mapping[str, object], *, user: str, device_id: str, signing_key: str
) -> str:
    """The text of a signed one-time or fallback key (olm_megolm.md §8).

    Args:
        key: The object under `signed_curve25519:` and an id.
        user: The owner's user id.
        device_id: The owner's device id.
        signing_key: The text of the device's Ed25519 key, as it was verified.

    Raises:
        BadSignatureError: The device's signature is missing or does not verify.
        MalformedMessageError: There is no key in it.
    """
    verify_object(key, signing_key, user=user, key_id=f"ed25519:{device_id}")
    return text_of(key, "key")


def _signed(value: Mapping[str, object], key: _core.SigningKey, user: str) -> dict[str, object]:
    return sign_object(value, key, user=user, key_id=named(key.public_key))
