# SPDX-License-Identifier: MIT OR Apache-2.0
"""What stands in the tables of either program, unread: nothing here has been checked yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2ee.matrix_stores._values import Program, Trust


@dataclass(frozen=True, slots=True)
class RawSession:
    """A session of two."""

    session_id: object
    sender_key: object
    pickle: object


@dataclass(frozen=True, slots=True)
class RawReceived:
    """A room key of somebody; without a pickle, only a note that there is none."""

    session_id: object
    room_id: object
    sender_key: object
    signing_key: object
    pickle: object
    forwarding_chain: list[object]
    opened_as: dict[object, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawSent:
    """A room key of our own."""

    session_id: object
    room_id: object
    pickle: object
    is_shared: object


@dataclass(frozen=True, slots=True)
class RawDevice:
    """A device of somebody."""

    user_id: object
    device_id: object
    identity_key: object
    signing_key: object
    name: object
    trust: Trust
    is_deleted: object


@dataclass(frozen=True, slots=True)
class RawCrossSigningKey:
    """A cross-signing key of somebody."""

    user_id: object
    usage: object
    key: object
    first_seen_key: object


@dataclass(slots=True)
class RawPeople:
    """What is known of others."""

    devices: list[RawDevice] = field(default_factory=list)
    cross_signing_keys: list[RawCrossSigningKey] = field(default_factory=list)
    encrypted_rooms: list[object] = field(default_factory=list)
    tracked_users: list[object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RawAccount:
    """A device of a user of the program; sessions are in the order of use, the last first."""

    user_id: object
    device_id: object
    pickle: object
    is_published: object
    sync_token: object
    sessions: list[RawSession]
    received: list[RawReceived]
    sent: list[RawSent]
    people: RawPeople


@dataclass(frozen=True, slots=True)
class RawStore:
    """A store: its accounts, and what is known of others to all of them."""

    program: Program
    version: int
    accounts: list[RawAccount]
    people: RawPeople
