# SPDX-License-Identifier: MIT OR Apache-2.0
"""Copies of a store and the anchor against them: tried by the operator, and shown to the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import e2ee
from e2ee.store import CallbackAnchor, FileAnchor, backup, examine_file, restore
from tests.operator.material import bytes_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown


def restored(operator: Operator, name: str, key: bytes) -> list[object]:
    """A seized file as a backup, put into a store of the operator's."""
    copied = operator.folder / "backup"
    copied.unlink(missing_ok=True)
    with e2ee.SQLiteStore(operator.file(name), key=key) as source:
        backup(source, copied)
    store = e2ee.MemoryStore(key=key)
    return [restore(copied, store, key=key), operator.read_all(store)]


def examined(operator: Operator, name: str, key: bytes) -> list[object]:
    """What an examination shows, with all names."""
    return list(bytes_in(examine_file(operator.file(name), key=key, names=True)))


def anchored(operator: Operator, blob: bytes) -> list[object]:
    """A blob as the value of an anchor."""
    operator.folder.mkdir(exist_ok=True)
    kept = FileAnchor(operator.folder / "anchor")
    held = CallbackAnchor(lambda: blob, lambda _: None, lock=operator.folder / "lock")
    return [kept.advance(kept.read(), blob), kept.read(), held.advance(blob, blob), held.read()]


COPIES: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "CallbackAnchor": lambda o: o.value_acts(lambda b: anchored(o, b)),
    "CallbackAnchor.advance": lambda o: o.value_acts(lambda b: anchored(o, b)),
    "FileAnchor.advance": lambda o: o.value_acts(lambda b: anchored(o, b)),
    "examine_file": lambda o: o.key_acts(lambda key, name: examined(o, name, key)),
    "restore": lambda o: o.key_acts(lambda key, name: restored(o, name, key)),
}


def of_anchors(folder: Path) -> Shown:
    """Anchors, the stores that have them, and what healing says."""
    anchor = FileAnchor(folder / "anchor")
    held = CallbackAnchor(anchor.read, lambda _: None, lock=folder / "lock")
    store, bob = e2ee.MemoryStore(anchor=anchor), e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice = e2ee.Account.create(store, "alice")
    alice.connect("bob", bob.bundle())
    alice.create_group(["bob"])
    alice.queue("bob", b"text")
    with store.transaction() as transaction:
        inside = [repr(transaction.anchor), transaction.wrote("index")]
    healed = alice.heal()
    return {
        ("Account", "heal"): repr(healed),
        ("CallbackAnchor", "advance"): held.advance(b"another", b"one"),
        ("CallbackAnchor", "read"): held.read(),
        ("FileAnchor", "advance"): anchor.advance(b"another", b"one"),
        ("FileAnchor", "read"): anchor.read(),
        ("Healed", "peers"): repr(healed.peers),
        ("Healed", "groups"): repr(healed.groups),
        ("Healed", "dropped"): repr(healed.dropped),
        ("Healed", "chats"): repr(healed.chats),
        **{
            (kind, "anchor"): repr(store.anchor)
            for kind in ("MemoryStore", "PostgresStore", "SQLiteStore")
        },
        ("Transaction", "anchor"): inside,
        ("Transaction", "wrote"): inside,
    }
