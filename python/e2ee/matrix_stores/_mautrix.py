# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tables of mautrix's `PgCryptoStore` in SQLite, versions up to 10."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from e2ee.matrix_stores._raw import (
    RawAccount,
    RawCrossSigningKey,
    RawDevice,
    RawPeople,
    RawReceived,
    RawSent,
    RawSession,
    RawStore,
)
from e2ee.olm import Pickles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2ee.matrix_stores._file import Row, Tables
    from e2ee.matrix_stores._values import Trust

    #: By sender and session, the event as which the message of an index was opened.
    Opened = dict[tuple[object, object], dict[object, object]]

#: What only this program's files have, and is needed.
TABLES: Final = {
    "crypto_version": {"version"},
    "crypto_account": {"account_id", "device_id", "account"},
    "crypto_olm_session": {"session_id", "sender_key", "session"},
    "crypto_megolm_inbound_session": {"session_id", "sender_key", "room_id", "session"},
    "crypto_megolm_outbound_session": {"session_id", "room_id", "session"},
}
NEWEST: Final = 10
#: From this version on, decisions about devices are numbers between two extremes.
_GRADED: Final = 6
_BLACKLISTED, _VERIFIED = -100, 300
#: Before it, they are these.
_STATES: Final[dict[object, Trust]] = {1: "verified", 2: "blacklisted", 3: "ignored"}


def families(pickle_key: str) -> list[Pickles]:
    """How its pickles open."""
    return [Pickles.libolm(pickle_key.encode())]


def read(tables: Tables) -> RawStore:
    """All that there is; the order is that of the tables."""
    version = tables.version("crypto_version")
    columns = ["account_id", "device_id", "account", "shared", "sync_token"]
    opened = _opened(tables)
    accounts = [
        _account(tables, row, opened)
        for row in tables.rows("crypto_account", columns, order=["account_id"])
    ]
    return RawStore("mautrix", version, accounts, _people(tables, version))


def _account(tables: Tables, row: Row, opened: Opened) -> RawAccount:
    return RawAccount(
        user_id=row["account_id"],
        device_id=row["device_id"],
        pickle=row["account"],
        is_published=row["shared"],
        sync_token=row["sync_token"] or None,
        sessions=_sessions(tables, row["account_id"]),
        received=_received(tables, row["account_id"], opened),
        sent=_sent(tables, row["account_id"]),
        people=RawPeople(),
    )


def _own(rows: Iterable[Row], account: object) -> list[Row]:
    """The rows of this account; in the first version they are everybody's."""
    return [row for row in rows if row["account_id"] in {account, None}]


def _sessions(tables: Tables, account: object) -> list[RawSession]:
    columns = ["account_id", "session_id", "sender_key", "session"]
    uses = ["last_decrypted", "last_used", "last_encrypted", "created_at"]
    order = [*(f"{use} DESC" for use in uses), "session_id"]
    return [
        RawSession(row["session_id"], row["sender_key"], row["session"])
        for row in _own(tables.rows("crypto_olm_session", columns, order=order), account)
    ]


def _opened(tables: Tables) -> Opened:
    """What was opened; the program keeps it for all accounts together."""
    found: Opened = {}
    columns = ["sender_key", "session_id", "index", "event_id"]
    for row in tables.rows("crypto_message_index", columns):
        messages = found.setdefault((row["sender_key"], row["session_id"]), {})
        messages[row["index"]] = row["event_id"]
    return found


def _received(tables: Tables, account: object, opened: Opened) -> list[RawReceived]:
    columns = ["account_id", "session_id", "room_id", "sender_key", "signing_key", "session"]
    rows = tables.rows(
        "crypto_megolm_inbound_session",
        [*columns, "forwarding_chains"],
        order=["room_id", "session_id"],
    )
    return [
        RawReceived(
            session_id=row["session_id"],
            room_id=row["room_id"],
            sender_key=row["sender_key"],
            signing_key=row["signing_key"],
            pickle=row["session"],
            forwarding_chain=[key for key in str(row["forwarding_chains"] or "").split(",") if key],
            opened_as=opened.get((row["sender_key"], row["session_id"]), {}),
        )
        for row in _own(rows, account)
    ]


def _sent(tables: Tables, account: object) -> list[RawSent]:
    columns = ["account_id", "session_id", "room_id", "session", "shared"]
    rows = tables.rows("crypto_megolm_outbound_session", columns, order=["room_id"])
    return [
        RawSent(row["session_id"], row["room_id"], row["session"], row["shared"])
        for row in _own(rows, account)
    ]


def _people(tables: Tables, version: int) -> RawPeople:
    """What all accounts of the file know of others."""
    columns = ["user_id", "device_id", "identity_key", "signing_key", "name", "trust", "deleted"]
    devices = tables.rows("crypto_device", columns, order=["user_id", "device_id"])
    columns = ["user_id", "usage", "key", "first_seen_key"]
    keys = tables.rows("crypto_cross_signing_keys", columns, order=["user_id", "usage"])
    users = tables.rows("crypto_tracked_user", ["user_id"], order=["user_id"])
    return RawPeople(
        devices=[
            RawDevice(
                row["user_id"],
                row["device_id"],
                row["identity_key"],
                row["signing_key"],
                row["name"],
                _trust(row["trust"], version),
                row["deleted"],
            )
            for row in devices
        ],
        cross_signing_keys=[
            RawCrossSigningKey(row["user_id"], row["usage"], row["key"], row["first_seen_key"])
            for row in keys
        ],
        tracked_users=[row["user_id"] for row in users],
    )


def _trust(number: object, version: int) -> Trust:
    """What was decided; what lies between the extremes is the word of others."""
    if version < _GRADED:
        return _STATES.get(number, "unset")
    if number == _VERIFIED:
        return "verified"
    return "blacklisted" if number == _BLACKLISTED else "unset"
