# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of matrix-nio's `SqliteStore` and `DefaultStore`, versions 1 and 2."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from e2ee.matrix_stores._raw import (
    RawAccount,
    RawDevice,
    RawPeople,
    RawReceived,
    RawSession,
    RawStore,
)
from e2ee.olm import Pickles

if TYPE_CHECKING:
    from pathlib import Path

    from e2ee.matrix_stores._file import Tables
    from e2ee.matrix_stores._values import Trust

#: What only this program's files have, and is needed.
TABLES: Final = {
    "storeversion": {"version"},
    "accounts": {"id", "account", "user_id", "device_id"},
    "olmsessions": {"session_id", "sender_key", "account_id", "session"},
    "megolminboundsessions": {"session_id", "sender_key", "account_id", "room_id", "session"},
}
NEWEST: Final = 2
#: The files in which `DefaultStore` keeps the users' decisions, and what each means; the first that
#: names a device counts.
_LISTS: Final[tuple[tuple[str, Trust], ...]] = (
    ("trusted_devices", "verified"),
    ("blacklisted_devices", "blacklisted"),
    ("ignored_devices", "ignored"),
)
_STATES: Final[dict[object, Trust]] = {1: "verified", 2: "blacklisted", 3: "ignored"}


def families(pickle_key: str) -> list[Pickles]:
    """How its pickles open: those of its versions since 0.26, and those of before."""
    passphrase = pickle_key.encode()
    return [Pickles.vodozemac(hashlib.sha256(passphrase).digest()), Pickles.libolm(passphrase)]


def read(tables: Tables, path: Path) -> RawStore:
    """All that there is; the order is that of the tables."""
    version = tables.version("storeversion")
    columns = ["id", "account", "user_id", "device_id", "shared"]
    accounts = [
        _account(tables, path, row) for row in tables.rows("accounts", columns, order=["id"])
    ]
    return RawStore("matrix-nio", version, accounts, RawPeople())


def _account(tables: Tables, path: Path, row: dict[str, object]) -> RawAccount:
    number = row["id"]
    tokens = [
        each["token"]
        for each in tables.rows("synctokens", ["token", "account_id"])
        if each["account_id"] == number
    ]
    return RawAccount(
        user_id=row["user_id"],
        device_id=row["device_id"],
        pickle=row["account"],
        is_published=row["shared"],
        sync_token=tokens[0] if tokens else None,
        sessions=_sessions(tables, number),
        received=_received(tables, number),
        sent=[],  # this program keeps them in memory alone
        people=_people(tables, number, _listed(path, row["user_id"], row["device_id"])),
    )


def _sessions(tables: Tables, account: object) -> list[RawSession]:
    columns = ["session_id", "sender_key", "session", "account_id"]
    order = ["last_usage_date DESC", "creation_time DESC"]
    return [
        RawSession(row["session_id"], row["sender_key"], row["session"])
        for row in tables.rows("olmsessions", columns, order=order)
        if row["account_id"] == account
    ]


def _received(tables: Tables, account: object) -> list[RawReceived]:
    chains: dict[object, list[object]] = {}
    for row in tables.rows("forwardedchains", ["sender_key", "session_id"], order=["id"]):
        chains.setdefault(row["session_id"], []).append(row["sender_key"])
    columns = ["session_id", "room_id", "sender_key", "fp_key", "session", "account_id"]
    return [
        RawReceived(
            session_id=row["session_id"],
            room_id=row["room_id"],
            sender_key=row["sender_key"],
            signing_key=row["fp_key"],
            pickle=row["session"],
            forwarding_chain=chains.get(row["session_id"], []),
        )
        for row in tables.rows("megolminboundsessions", columns, order=["room_id", "session_id"])
        if row["account_id"] == account
    ]


def _people(
    tables: Tables, account: object, listed: dict[tuple[object, object, object], Trust]
) -> RawPeople:
    """Others' devices; version 1 has their keys in the same row, version 2 in another table."""
    keys = {
        (row["device_id"], row["key_type"]): row["key"]
        for row in tables.rows("keys", ["device_id", "key_type", "key"])
    }
    states = {
        row["device_id"]: row["state"]
        for row in tables.rows("devicetruststate", ["device_id", "state"])
    }
    found = RawPeople()
    columns = ["id", "user_id", "device_id", "display_name", "deleted", "account_id"]
    for row in tables.rows("devicekeys", [*columns, "sender_key", "fp_key"], order=["id"]):
        if row["account_id"] != account:
            continue
        number, user, device = row["id"], row["user_id"], row["device_id"]
        signing = keys.get((number, "ed25519"), row["fp_key"])
        trust = _STATES.get(states.get(number), listed.get((user, device, signing), "unset"))
        identity = keys.get((number, "curve25519"), row["sender_key"])
        name = row["display_name"] or ""
        found.devices.append(
            RawDevice(user, device, identity, signing, name, trust, row["deleted"])
        )
    rooms = tables.rows("encryptedrooms", ["room_id", "account_id"], order=["id"])
    found.encrypted_rooms = [row["room_id"] for row in rooms if row["account_id"] == account]
    users = tables.rows("trackedusers", ["user_id", "account_id"], order=["id"])
    found.tracked_users = [row["user_id"] for row in users if row["account_id"] == account]
    return found


def _listed(path: Path, user: object, device: object) -> dict[tuple[object, object, object], Trust]:
    """The decisions in the files beside the database: user, device, kind and key in a line."""
    found: dict[tuple[object, object, object], Trust] = {}
    for ending, trust in _LISTS:
        try:
            text = path.with_name(f"{user}_{device}.{ending}").read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue  # there is none, or none of this name can be
        for line in text.splitlines():
            fields = line.split()
            # User, device, kind and key.
            if len(fields) >= 4 and fields[2] == "matrix-ed25519":  # noqa: PLR2004 - these four
                found.setdefault((fields[0], fields[1], fields[3]), trust)
    return found
