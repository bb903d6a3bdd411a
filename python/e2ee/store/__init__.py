# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where accounts are kept: the stores, and what a store of your own has to do (docs/storage.md)."""

from e2ee._core import StoreSecret
from e2ee.store._backup import backup, restore
from e2ee.store._examining import examine, examine_file
from e2ee.store.anchor import Anchor, CallbackAnchor, FileAnchor
from e2ee.store.examination import (
    Examination,
    Finding,
    GroupState,
    PeerState,
    PreKeyState,
    RecordCount,
    SenderState,
    SessionState,
)
from e2ee.store.memory import MemoryStore
from e2ee.store.postgres import PostgresStore
from e2ee.store.protocol import (
    AnchoredTransaction,
    ExchangingStore,
    LentStore,
    Reading,
    RekeyableStore,
    ReplicatedTransaction,
    Scope,
    SharedStore,
    Store,
    Transaction,
    Write,
)
from e2ee.store.sqlite import SQLiteStore

__all__ = [
    "Anchor",
    "AnchoredTransaction",
    "CallbackAnchor",
    "Examination",
    "ExchangingStore",
    "FileAnchor",
    "Finding",
    "GroupState",
    "LentStore",
    "MemoryStore",
    "PeerState",
    "PostgresStore",
    "PreKeyState",
    "Reading",
    "RecordCount",
    "RekeyableStore",
    "ReplicatedTransaction",
    "SQLiteStore",
    "Scope",
    "SenderState",
    "SessionState",
    "SharedStore",
    "Store",
    "StoreSecret",
    "Transaction",
    "Write",
    "backup",
    "examine",
    "examine_file",
    "restore",
]
