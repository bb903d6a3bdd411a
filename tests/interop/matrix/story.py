# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is known of a bot that is to be moved, whichever program runs it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

#: The rooms: the first is Alice's, the second the bot's, in the third the bot waits for Carol, and
#: the key of the fourth was forwarded.
ROOMS = tuple(f"!room{number}:example.org" for number in range(1, 5))
PEERS = ("alice", "carol", "dave", "eve")


@dataclass(slots=True)
class Story:
    """A bot, from its first message to its end; all of it is what JSON can say.

    `people` are names and keys, `expected` what the bot's store must be found to hold, `before`
    what was under way when the bot stopped, `after` what came then.
    """

    program: str
    version: int
    pickle_key: str
    people: dict[str, dict[str, str]] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def tables(path: str) -> dict[str, Any]:
    """The rows of an SQLite file as JSON has them, and the names of their columns.

    Bytes are all text here: pickles.
    """
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        found = {}
        for (name,) in names.fetchall():
            cursor = connection.execute(f'SELECT * FROM "{name}"')
            rows = [[_plain(value) for value in row] for row in cursor]
            found[name] = {"columns": [column[0] for column in cursor.description], "rows": rows}
        return found


def _plain(value: object) -> object:
    return {"bytes": value.decode("ascii")} if isinstance(value, bytes) else value


def make(path: Path, stored: dict[str, Any]) -> Path:
    """An SQLite file with these rows."""
    with closing(sqlite3.connect(path)) as connection:
        for name, table in stored.items():
            columns = ", ".join(f'"{column}"' for column in table["columns"])
            connection.execute(f'CREATE TABLE "{name}" ({columns})')
            places = ", ".join("?" for _ in table["columns"])
            rows = [[_stored(value) for value in row] for row in table["rows"]]
            connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)
        connection.commit()
    return path


def _stored(value: object) -> object:
    return value["bytes"].encode() if isinstance(value, dict) else value
