# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes a fixture of an account of Olm in a store, as it is stored today (docs/formats.md).

    python -m tests.api.record_olm_account tests/vectors/state/olm-account-1.json

It is written once, with the code that still writes that format, and never changed.
"""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import e2ee
from tests.properties.world import read_rows
from tests.stores.olm_people import ALICE, BOB, created

CAROL: Final = e2ee.Address("@carol:example.org", "CAROLDEVICE")


def record() -> dict[str, Any]:
    """Bob, who has talked with Alice and not yet with Carol."""
    key = secrets.token_bytes(32)
    store = e2ee.MemoryStore(key=key)
    bob, alice, carol = created(BOB, store), created(ALICE), created(CAROL)
    bob.generate_keys(2, fallback=True)
    alice.connect(BOB, bob.bundle())
    late = [alice.encrypt(BOB, b"late 0")]
    bob.decrypt(ALICE, alice.encrypt(BOB, b"first"))
    for number in (1, 2):
        alice.decrypt(BOB, bob.encrypt(ALICE, b"back"))
        late.append(alice.encrypt(BOB, b"late %d" % number))
        bob.decrypt(ALICE, alice.encrypt(BOB, b"there"))
    waits = bob.receive(ALICE, alice.encrypt(BOB, b"it waits"))
    waits.__enter__()
    with suppress(InterruptedError):
        waits.__exit__(InterruptedError, InterruptedError(), None)
    with bob.receive(ALICE, handled := alice.encrypt(BOB, b"handled")):
        pass
    bob.queue(ALICE, b"queued")
    carol.connect(BOB, bob.bundle(reusable=True))
    sent = [(ALICE, each, f"late {number}") for number, each in enumerate(late)]
    sent += [(ALICE, alice.encrypt(BOB, b"next"), "next")]
    sent += [(CAROL, carol.encrypt(BOB, b"hello"), "hello")]
    return {
        "what": "An account of Olm over a store, identity record of version 32 and sessions of "
        "version 1, made by this project before its first release; they must open for ever.",
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
            [whom.user, whom.device, envelope.to_bytes().hex(), text]
            for whom, envelope, text in sent
        ],
        "rows": [[name, row[0], row[1].hex()] for name, row in sorted(read_rows(store).items())],
    }


if __name__ == "__main__":
    with Path(sys.argv[1]).open("x", encoding="utf-8") as file:
        file.write(json.dumps(record(), indent=1) + "\n")
