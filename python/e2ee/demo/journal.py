# SPDX-License-Identifier: MIT OR Apache-2.0
"""The application's own notes on the disk: what arrived, and what the other side acknowledged.

It is written inside `Account.receive`, so that a message leaves the inbox only when the
application has it.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, final

from e2ee.demo.items import Item, Stream


@final
class Journal:
    """Two lists of items; each change is on the disk when the call returns."""

    __slots__ = ("_connection",)

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(TABLES)

    def add_arrived(self, item: Item) -> bool:
        """Notes an item; false if it is there already, because it was sent twice."""
        row = (int(item.stream), item.index)
        return self._connection.execute(ADD_ARRIVED, row).rowcount == 1

    def add_acknowledged(self, items: Iterable[Item]) -> None:
        """Notes what the other side has."""
        self._connection.execute("BEGIN IMMEDIATE")
        rows = [(int(item.stream), item.index) for item in items]
        self._connection.executemany(ADD_ACKNOWLEDGED, rows)
        self._connection.execute("COMMIT")

    def arrived(self) -> set[Item]:
        """All items that arrived."""
        return self._items("SELECT stream, number FROM arrived")

    def acknowledged(self) -> set[Item]:
        """All items that the other side has."""
        return self._items("SELECT stream, number FROM acknowledged")

    def _items(self, query: str) -> set[Item]:
        rows = self._connection.execute(query)
        return {Item(Stream(stream), number) for stream, number in rows}


TABLES: Final = """
CREATE TABLE IF NOT EXISTS arrived (stream INT, number INT, PRIMARY KEY (stream, number)) STRICT;
CREATE TABLE IF NOT EXISTS acknowledged (stream INT, number INT, PRIMARY KEY (stream, number))
STRICT;
"""
ADD_ARRIVED: Final = "INSERT OR IGNORE INTO arrived VALUES (?, ?)"
ADD_ACKNOWLEDGED: Final = "INSERT OR IGNORE INTO acknowledged VALUES (?, ?)"
