# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes a fixture of an account of Olm with rooms, as it is stored today (docs/formats.md).

    python -m tests.api.record_olm_rooms tests/vectors/state/olm-account-2.json

It is written once, with the code that still writes that format, and never changed.
"""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import e2ee
from tests.properties.world import read_rows
from tests.stores.olm_people import ALICE, BOB, created

CAROL: Final = e2ee.Address("@carol:example.org", "CAROLDEVICE")
ROOM: Final = "!room/1:example.org"
OLD_ROOM: Final = "!old:example.org"


def record() -> dict[str, Any]:
    """Bob, in a room with Alice, from which Carol was removed; of an old room he has a key."""
    key = secrets.token_bytes(32)
    store = e2ee.MemoryStore(key=key)
    bob, alice, carol = created(BOB, store), created(ALICE), created(CAROL)
    alice.connect(BOB, bob.bundle())
    bob.connect(CAROL, carol.bundle())
    theirs = alice.create_group([BOB], id=ROOM)
    bob.decrypt(ALICE, theirs.invitations()[0][1])
    carol.decrypt(BOB, bob.encrypt(CAROL, b"hello"))
    silenced = carol.create_group(id=ROOM)
    own = bob.group(ROOM)
    own.rotate_after(messages=3, period=timedelta(days=36_500))
    own.add(ALICE)
    own.add(CAROL)
    for member, invitation in own.invitations():
        {ALICE: alice, CAROL: carol}[member].decrypt(BOB, invitation)
    own.encrypt(b"one of three")
    carol.connect(BOB, bob.bundle())
    silenced.add(BOB)
    bob.decrypt(CAROL, silenced.invitations()[0][1])
    own.remove(CAROL)
    for _, invitation in own.invitations():
        alice.decrypt(BOB, invitation)
    own.encrypt(b"and again")
    late = theirs.encrypt(b"late")
    waits = bob.receive(ALICE, theirs.encrypt(b"it waits"))
    waits.__enter__()
    with suppress(InterruptedError):
        waits.__exit__(InterruptedError, InterruptedError(), None)
    with bob.receive(ALICE, handled := theirs.encrypt(b"handled")):
        pass
    old = alice.create_group([CAROL], id=OLD_ROOM)
    alice.connect(CAROL, carol.bundle())
    carol.decrypt(ALICE, old.invitations()[0][1])
    bob.import_room_keys(carol.export_room_keys(OLD_ROOM))
    bob.queue(ALICE, b"queued")
    sent = [
        (late, "late", "group"),
        (theirs.encrypt(b"next"), "next", "group"),
        (old.encrypt(b"old"), "old", "forwarded"),
    ]
    return {
        "what": "An account of Olm over a store, with rooms, their keys and peers of version 2, "
        "made by this project before its first release; they must open for ever.",
        "spec": "docs/formats.md",
        "key": key.hex(),
        "user": bob.user,
        "device": bob.device,
        "identity_key": bob.identity_key.hex(),
        "contacts": [[each.address.user, each.address.device] for each in bob.contacts()],
        "inbox": [message.plaintext.decode() for message in bob.inbox()],
        "outbox": [entry.envelope.to_bytes().hex() for entry in bob.outbox()],
        "handled": handled.to_bytes().hex(),
        "envelopes": [
            [ALICE.user, ALICE.device, each.to_bytes().hex(), text] for each, text, _ in sent
        ],
        "contents": [content for _, _, content in sent],
        "rooms": bob.groups(),
        "members": [[each.user, each.device] for each in own.members],
        "room_keys": bob.export_room_keys(),
        "silenced": [CAROL.user, CAROL.device, silenced.encrypt(b"silenced").to_bytes().hex()],
        "rows": [[name, row[0], row[1].hex()] for name, row in sorted(read_rows(store).items())],
    }


if __name__ == "__main__":
    with Path(sys.argv[1]).open("x", encoding="utf-8") as file:
        file.write(json.dumps(record(), indent=1) + "\n")
