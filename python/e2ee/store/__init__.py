# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where accounts are kept: the stores, and what a store of your own has to do (docs/storage.md)."""

from e2ee._core import StoreSecret
from e2ee._later import later
from e2ee.store.protocol import (
    AnchoredTransaction,
    Exchanged,
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

TYPE_CHECKING = False  # `typing` itself takes as long as all that is loaded at once
if TYPE_CHECKING:
    from e2ee.store._backup import backup, restore
    from e2ee.store._examining import examine, examine_file
    from e2ee.store.anchor import Anchor, CallbackAnchor, FileAnchor
    from e2ee.store.examination import (
        Examination,
        Finding,
        GroupState,
        OneTimeKeyState,
        PeerState,
        PreKeyState,
        RecordCount,
        SecretChatState,
        SenderState,
        SessionState,
    )
    from e2ee.store.memory import MemoryStore
    from e2ee.store.postgres import PostgresStore
    from e2ee.store.sqlite import SQLiteStore

__all__ = [
    "Anchor",
    "AnchoredTransaction",
    "CallbackAnchor",
    "Examination",
    "Exchanged",
    "ExchangingStore",
    "FileAnchor",
    "Finding",
    "GroupState",
    "LentStore",
    "MemoryStore",
    "OneTimeKeyState",
    "PeerState",
    "PostgresStore",
    "PreKeyState",
    "Reading",
    "RecordCount",
    "RekeyableStore",
    "ReplicatedTransaction",
    "SQLiteStore",
    "Scope",
    "SecretChatState",
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

__getattr__ = later(
    __name__,
    {
        "Anchor": "e2ee.store.anchor",
        "CallbackAnchor": "e2ee.store.anchor",
        "Examination": "e2ee.store.examination",
        "FileAnchor": "e2ee.store.anchor",
        "Finding": "e2ee.store.examination",
        "GroupState": "e2ee.store.examination",
        "MemoryStore": "e2ee.store.memory",
        "OneTimeKeyState": "e2ee.store.examination",
        "PeerState": "e2ee.store.examination",
        "PostgresStore": "e2ee.store.postgres",
        "PreKeyState": "e2ee.store.examination",
        "RecordCount": "e2ee.store.examination",
        "SQLiteStore": "e2ee.store.sqlite",
        "SecretChatState": "e2ee.store.examination",
        "SenderState": "e2ee.store.examination",
        "SessionState": "e2ee.store.examination",
        "backup": "e2ee.store._backup",
        "examine": "e2ee.store._examining",
        "examine_file": "e2ee.store._examining",
        "restore": "e2ee.store._backup",
    },
)


def __dir__() -> list[str]:
    """All public names, also those whose modules are not loaded yet."""
    return __all__
