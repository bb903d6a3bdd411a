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


def first_message(
    key: olm.StateKey, sender: olm.Account, to: olm.Account, under: bytes, text: str
) -> str:
    """A first message under a one-time or fallback key."""
    session = olm.Session.initiate(key, sender, identity_key=to.identity_key, one_time_key=under)
    return session.encrypt(text.encode()).release().hex()


def conversation(
    key: olm.StateKey, sender: olm.Account, account: olm.Account
) -> tuple[olm.Session, Rows, list[tuple[int, str, str]]]:
    """A session after a turn with late messages: its rows, and what it has still to open."""
    sending = olm.Session.initiate(
        key, sender, identity_key=account.identity_key, one_time_key=fresh_key(account)
    )
    late = sending.encrypt(b"late 0").release()
    receiving, step = olm.Session.accept(
        key, account, sender.identity_key, sending.encrypt(b"first").release()
    )
    rows = dict(step.writes)
    step.release()
    waiting = [(0, late.hex(), "late 0")]
    for number in (1, 2):
        step = receiving.encrypt(b"back")
        rows |= step.writes
        sending.decrypt(1, step.release()).release()
        waiting.insert(
            0, (1, sending.encrypt(b"late %d" % number).release().hex(), f"late {number}")
        )
        step = receiving.decrypt(1, sending.encrypt(b"there").release())
        rows |= step.writes
        step.release()
    waiting.insert(0, (1, sending.encrypt(b"next").release().hex(), "next"))
    return receiving, rows, waiting


def fresh_key(account: olm.Account) -> bytes:
    """A one-time key, published."""
    account.generate_one_time_keys(1)
    (one_time_key,) = account.one_time_keys.values()
    account.mark_keys_as_published()
    return one_time_key


def fresh_fallback(account: olm.Account) -> bytes:
    """A fallback key, not published."""
    account.generate_fallback_key()
    assert account.fallback_key is not None
    return account.fallback_key[1]


def olm_state(key: olm.StateKey) -> dict[str, Any]:
    """An account that has accepted sessions under both fallback keys, and a session."""
    account, sender = olm.Account.generate(), olm.Account.generate()
    receiving, rows, waiting = conversation(key, sender, account)
    keys = [(fresh_fallback(account), "the previous fallback key")]
    keys += [(fresh_fallback(account), "the fallback key")]
    accepted = [first_message(key, sender, account, under, "accepted") for under, _ in keys]
    for message in accepted:
        olm.Session.accept(key, account, sender.identity_key, bytes.fromhex(message))[1].release()
    account.generate_one_time_keys(1)
    keys += [(under, "a one-time key") for under in account.one_time_keys.values()]
    revision, sealed = account.seal(key)
    fallback = account.fallback_key
    assert fallback is not None
    return {
        "what": "An account of format version 2 and a session of version 1 of Olm",
        "account": (revision, sealed.hex()),
        "identity_key": account.identity_key.hex(),
        "signing_key": account.signing_key.hex(),
        "one_time_keys": {number: each.hex() for number, each in account.one_time_keys.items()},
        "fallback_key": (fallback[0], fallback[1].hex()),
        "firsts": [
            (first_message(key, sender, account, under, f"to {name}"), f"to {name}")
            for under, name in reversed(keys)
        ],
        "accepted": accepted,
        "session": (receiving.name, hexadecimal(rows, "head", "chains", "skipped")),
        "sender_identity_key": sender.identity_key.hex(),
        "messages": waiting,
    }


#: What can be recorded.
KINDS = {"megolm": megolm, "olm": olm_state}


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
