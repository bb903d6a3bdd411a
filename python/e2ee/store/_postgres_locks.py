# SPDX-License-Identifier: MIT OR Apache-2.0
"""The locks of a `PostgresStore`, which the server keeps until a transaction ends.

Every transaction takes all of its locks when it begins, the account's before that of its own
records. So nobody who holds one waits for another, and no two wait for each other
(docs/storage.md, "PostgreSQL").
"""

from __future__ import annotations

import hashlib
from typing import Final, final

from e2ee.errors import InvalidArgumentError

#: What the server says of its durability, in the order of `weakness`.
_SETTINGS: Final = (
    "synchronous_commit",
    "synchronous_standby_names",
    "fsync",
    "full_page_writes",
)
#: And of the transaction that it is asked in.
_KIND: Final = ("transaction_isolation", "transaction_read_only")
#: The server cuts longer identifiers.
MAX_SCHEMA_LEN: Final = 63
MAX_ACCOUNT_LEN: Final = 255
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"


@final
class Locks:
    """How transactions on one account begin: with their locks, and with the server's answer.

    The answer is one row: the version of the tables, and the settings that `weakness` looks at.
    """

    __slots__ = ("_account", "_ask", "_schema", "alone", "inside", "snapshot")

    def __init__(self, schema: str, account: str) -> None:
        self._schema, self._account = schema, account
        version = f"SELECT (SELECT number FROM {quoted(schema)}.version)"  # noqa: S608
        self._ask = f"{version}, {_asking(_SETTINGS)}"
        lock = f"SELECT pg_catalog.pg_advisory_xact_lock({lock_key(schema, account)});"
        #: For a transaction that has the account for itself.
        self.alone = f"{_BEGIN} {lock} {self._ask}".encode()
        #: For one that has begun, and is the application's; the answer ends with its isolation,
        #: and whether it only reads.
        self.inside = f"{lock} {self._ask}, {_asking(_KIND)}".encode()
        #: For reading all records as they are at one moment, without a lock.
        self.snapshot = f"{_SNAPSHOT} {self._ask}".encode()

    def beside(self, own: str) -> bytes:
        """For a transaction that has its own records for itself, and finds the others at rest."""
        key = lock_key(self._schema, self._account)
        own_key = lock_key(self._schema, self._account, own)
        return (
            f"{_BEGIN} SELECT pg_advisory_xact_lock_shared({key}); "
            f"SELECT pg_advisory_xact_lock({own_key}); {self._ask}"
        ).encode()


def lock_key(*words: str) -> int:
    """The number of an advisory lock: the words in 64 bits, so that no two meet by chance."""
    text = b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)
    return int.from_bytes(hashlib.sha256(b"e2ee lock" + text).digest()[:8], "big", signed=True)


def _asking(names: tuple[str, ...]) -> str:
    return ", ".join(f"pg_catalog.current_setting('{name}')" for name in names)


def check_names(schema: str, account: str) -> None:
    """Refuses what the server would cut, or could not keep.

    Raises:
        InvalidArgumentError: No schema or account can be called so.
    """
    if not 1 <= len(schema.encode()) <= MAX_SCHEMA_LEN or {"\0", "%"}.intersection(schema):
        raise InvalidArgumentError("a schema's name has 1 to 63 bytes, and none of them is %")
    if not 1 <= len(account) <= MAX_ACCOUNT_LEN or "\0" in account:
        raise InvalidArgumentError("an account's name has 1 to 255 characters")


def quoted(schema: str) -> str:
    """A schema as an identifier in a statement."""
    return '"' + schema.replace('"', '""') + '"'


def weakness(settings: tuple[object, ...]) -> str | None:
    """How the server could lose a commit that it has acknowledged, and what to do about that."""
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
