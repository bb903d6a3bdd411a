# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes a fixture of what is stored today, with fresh keys (docs/formats.md).

    python -m tests.api.record_state megolm tests/vectors/state/megolm-1.json

A stored format that was released stays readable: each has a fixture, which is written once, with
the code that still writes that format, and never changed.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Any

from e2ee import olm

Rows = dict[str, tuple[int, bytes]]
#: What is stored of an inbound session, in the order in which it is loaded.
PARTS = ("head", "events")


def sent(own: olm.OutboundGroupSession, rows: Rows, text: str) -> str:
    """A message, whose step is saved."""
    step = own.encrypt(text.encode())
    rows |= step.writes
    return step.release().hex()


def hexadecimal(rows: Rows, *parts: str) -> list[tuple[int, str]]:
    """Revision and bytes of each part."""
    return [(rows[part][0], rows[part][1].hex()) for part in parts]


def room(
    key: olm.StateKey, own: olm.OutboundGroupSession, *, exported: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A sender after six messages, and a reader who has opened the second and the fifth."""
    received, step = olm.InboundGroupSession.accept(key, own.session_key())
    rows, own_rows = dict(step.writes), Rows()
    step.release()
    if exported:
        received, step = olm.InboundGroupSession.accept_export(key, received.export_at(1))
        rows = dict(step.writes)
        step.release()
    messages = [sent(own, own_rows, f"message {index}") for index in range(6)]
    events = [(messages[index], f"$event{index}", index) for index in (1, 4)]
    for message, event, _ in events:
        opened = received.decrypt(bytes.fromhex(message), event)
        rows |= opened.writes
        opened.release()
    waiting = [(message, index) for index, message in enumerate(messages) if index not in {1, 4}]
    first = received.first_known_index
    sender = {
        "session_id": own.session_id.hex(),
        "record": hexadecimal(own_rows, "sending")[0],
        "message_index": own.message_index,
    }
    return sender, {
        "session_id": received.session_id.hex(),
        "records": hexadecimal(rows, *PARTS),
        "first_known_index": first,
        "is_signed": received.is_signed,
        "events": events,
        "waiting": [each for each in waiting if each[1] >= first],
        "unknown": [message for message, index in waiting if index < first],
    }


def expanded(key: olm.StateKey) -> olm.OutboundGroupSession:
    """A sender whose signing key has no seed, as libolm keeps them."""
    pickles = olm.Pickles.libolm(b"")
    return pickles.read_outbound(key, pickles.write_outbound(olm.OutboundGroupSession.create(key)))


def megolm(key: olm.StateKey) -> dict[str, Any]:
    """Two rooms: a signed session of a seed, and an exported one of an expanded key."""
    rooms = [
        room(key, olm.OutboundGroupSession.create(key), exported=False),
        room(key, expanded(key), exported=True),
    ]
    return {
        "what": "Group sessions of Megolm, records of format version 1",
        "outbound": [sender for sender, _ in rooms],
        "inbound": [reader for _, reader in rooms],
    }


#: What can be recorded.
KINDS = {"megolm": megolm}


def record(kind: str) -> str:
    """The text of a fixture."""
    secret = secrets.token_bytes(32)
    fixture = KINDS[kind](olm.StateKey(secret))
    made = "made by this project before its first release; they must open for ever."
    fixture = {"what": f"{fixture.pop('what')}, {made}"} | {
        "spec": "docs/formats.md",
        "key": secret.hex(),
        **fixture,
    }
    return json.dumps(fixture, indent=1) + "\n"


def main(kind: str, path: str) -> None:
    """Writes the fixture where there is none yet."""
    with Path(path).open("x", encoding="utf-8") as file:
        file.write(record(kind))


if __name__ == "__main__":
    main(*sys.argv[1:])
