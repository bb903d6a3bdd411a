# SPDX-License-Identifier: MIT OR Apache-2.0
"""The public halves that a device uploads to the server which hands out its bundles."""

from __future__ import annotations

from dataclasses import dataclass

from e2ee.errors import InvalidArgumentError
from e2ee.values import PreKeyBundle


@dataclass(frozen=True, slots=True)
class OneTimePreKey:
    """An X25519 key for one session: its number (1 to 16,777,215) and 33 bytes (signal.md §3)."""

    id: int
    key: bytes


@dataclass(frozen=True, slots=True)
class SignedPreKey:
    """A key under the identity's signature (signal.md §3).

    `id` is 1 to 16,777,215, `key` has 33 bytes for X25519 and 1569 for Kyber-1024, each with its
    type byte, and `signature` 64.
    """

    id: int
    key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class PreKeyUpload:
    """What a device gives to the server that hands out its bundles; nothing in it is secret.

    `signed` and `last_resort` replace those that the server has. Each key of `one_time` (X25519)
    and `one_time_kyber` goes out in one bundle and is then deleted there; when a kind is used up, a
    bundle has no one-time key, or `last_resort` as its Kyber key. Bundles with a number in `gone`,
    of whatever kind, start no session any more: the server deletes those keys.
    """

    registration_id: int
    device: int
    identity_key: bytes
    signed: SignedPreKey
    last_resort: SignedPreKey
    one_time: tuple[OneTimePreKey, ...] = ()
    one_time_kyber: tuple[SignedPreKey, ...] = ()
    gone: tuple[int, ...] = ()

    def bundle(self, index: int | None = None) -> PreKeyBundle:
        """A bundle as a server assembles it: with the one-time keys at an index, or without any.

        Raises:
            InvalidArgumentError: There are no keys at this index.
        """
        if index is None:
            return PreKeyBundle.assemble(self)
        if not 0 <= index < min(len(self.one_time), len(self.one_time_kyber)):
            raise InvalidArgumentError("there are no one-time keys at this index")
        return PreKeyBundle.assemble(
            self, kyber=self.one_time_kyber[index], one_time=self.one_time[index]
        )
