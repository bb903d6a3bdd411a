# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is taken over from the store of a program of Matrix: values and states of `e2ee.olm`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2ee.importing import ImportReport
    from e2ee.olm import Account, InboundGroupSession, OutboundGroupSession, Session

Program: TypeAlias = Literal["matrix-nio", "mautrix"]
Trust: TypeAlias = Literal["unset", "verified", "ignored", "blacklisted"]


@dataclass(frozen=True, slots=True)
class ReceivedRoomKey:
    """A key with which messages of a room open (olm_megolm.md §2), and what was said of it.

    - `session` is the key itself, `room_id` the room that it is for; a message that the program
      has written down as opened in one event opens in no other (mautrix does, matrix-nio does not);
    - `sender_key` is the Curve25519 identity key, 32 bytes, of the device that sent it or is said
      to have, `signing_key` the Ed25519 key that this device claimed, 32 bytes, if one is known;
    - `forwarding_chain` are the Curve25519 keys, 32 bytes each, of those who forwarded it: if there
      is one, or `session.is_signed` is false, nothing proves whose it is.
    """

    session: InboundGroupSession
    room_id: str
    sender_key: bytes
    signing_key: bytes | None
    forwarding_chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SentRoomKey:
    """Our own key of a room (olm_megolm.md §2): who has it reads what it encrypts.

    `is_shared` says whether the program had sent it to the room's members. To whom is not known:
    where that matters, make a new one.
    """

    session: OutboundGroupSession
    room_id: str
    is_shared: bool


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """Somebody's device, and what the program's user decided about it (olm_megolm.md §8).

    `identity_key` (Curve25519) and `signing_key` (Ed25519) have 32 bytes. `trust` is "verified" if
    the user compared the keys of this very device, and "unset" if nothing was decided, or if only
    cross-signing or somebody else vouches for it; `is_deleted` if its owner removed it.
    """

    user_id: str
    device_id: str
    identity_key: bytes
    signing_key: bytes
    name: str
    trust: Trust
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class KnownCrossSigningKey:
    """Somebody's public cross-signing key, Ed25519, 32 bytes (olm_megolm.md §8).

    `usage` is "master", "self_signing" or "user_signing"; `first_seen_key` is the key that this
    user had first: where it is another one, the user was reset.
    """

    user_id: str
    usage: str
    key: bytes
    first_seen_key: bytes


@dataclass(frozen=True, slots=True)
class ImportedDevice:
    """One device of one user, as a program of Matrix was running it (olm_megolm.md §1, §2).

    - `user_id` and `device_id` are its names, `account` its keys, or `None` if they were refused;
    - `is_published` says whether its identity keys were at the server;
    - `sessions` by the Curve25519 identity key, 32 bytes, of the other device: the one that a
      message came on last is first;
    - `received` are the keys of others for rooms, `sent` our own;
    - `known_devices` and `cross_signing_keys` are what was known of others;
    - `encrypted_rooms` are the rooms that the program took for encrypted, `tracked_users` the users
      of whom it kept the devices, `sync_token` where it would have gone on reading.

    Nothing of it is stored: `save` every session, and `seal` the account.
    """

    user_id: str
    device_id: str
    account: Account | None
    is_published: bool
    sessions: Mapping[bytes, tuple[Session, ...]]
    received: tuple[ReceivedRoomKey, ...]
    sent: tuple[SentRoomKey, ...]
    known_devices: tuple[KnownDevice, ...]
    cross_signing_keys: tuple[KnownCrossSigningKey, ...]
    encrypted_rooms: frozenset[str]
    tracked_users: frozenset[str]
    sync_token: str | None


@dataclass(frozen=True, slots=True)
class StoreImport:
    """What a store of another program held (olm_megolm.md §3).

    `program` wrote it, in the version `version` of its tables. `report` has a row for every record;
    there is nothing secret in it. `devices` are those of its users; a dry run gives none.
    """

    program: Program
    version: int
    report: ImportReport
    devices: tuple[ImportedDevice, ...]
