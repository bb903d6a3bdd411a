# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where accounts are kept: the stores, and what a store of your own has to do (docs/storage.md)."""

from e2ee._core import StoreSecret
from e2ee.store.memory import MemoryStore
from e2ee.store.postgres import PostgresStore
from e2ee.store.protocol import (
    LentStore,
    RekeyableStore,
    Scope,
    SharedStore,
    Store,
    Transaction,
    Write,
)
from e2ee.store.sqlite import SQLiteStore

__all__ = [
    "LentStore",
    "MemoryStore",
    "PostgresStore",
    "RekeyableStore",
    "SQLiteStore",
    "Scope",
    "SharedStore",
    "Store",
    "StoreSecret",
    "Transaction",
    "Write",
]
