# SPDX-License-Identifier: MIT OR Apache-2.0
"""The locks of a `PostgresStore`, which the server keeps until a transaction ends.

Every transaction takes all of its locks when it begins, the account's before that of its own
records. So nobody who holds one waits for another, and no two wait for each other
(docs/storage.md, "PostgreSQL").
"""

from __future__ import annotations

import hashlib
from typing import Final

#: What the server says of its durability, in the order of `durable`.
_SETTINGS: Final = (
    "synchronous_commit",
    "synchronous_standby_names",
    "fsync",
    "full_page_writes",
)
_ASK: Final = "SELECT " + ", ".join(f"current_setting('{name}')" for name in _SETTINGS)
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "


def lock_key(*words: str) -> int:
    """The number of an advisory lock: the words in 64 bits, so that no two meet by chance."""
    text = b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)
    return int.from_bytes(hashlib.sha256(b"e2ee lock" + text).digest()[:8], "big", signed=True)


def begin_alone(account: int) -> bytes:
    """Begins a transaction that has the account for itself."""
    return f"{_BEGIN}SELECT pg_advisory_xact_lock({account}); {_ASK}".encode()


def begin_beside(account: int, own: int) -> bytes:
    """Begins a transaction that has its own records for itself, and finds the others at rest."""
    return (
        f"{_BEGIN}SELECT pg_advisory_xact_lock_shared({account}); "
        f"SELECT pg_advisory_xact_lock({own}); {_ASK}"
    ).encode()


def weakness(settings: tuple[object, ...] | None) -> str | None:
    """How the server could lose a commit that it has acknowledged, and what to do about that."""
    if settings is None:
        return "the server does not say how it keeps commits"
    commit, standbys, fsync, pages = settings
    if fsync != "on":
        return "the server can lose a commit: set fsync to on"
    if pages != "on":
        return "the server can lose a commit: set full_page_writes to on"
    if commit not in {"on", "remote_apply", "remote_write", "local"}:
        return "the server can lose a commit: set synchronous_commit to on"
    if standbys and commit not in {"on", "remote_apply"}:
        return "a fail-over can lose a commit: set synchronous_commit to on"
    return None
