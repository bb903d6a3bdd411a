# SPDX-License-Identifier: MIT OR Apache-2.0
"""Megolm and pickles: what is seized of a room, what is shown, and how the operator tries it."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import e2ee
from e2ee import matrix, olm
from tests.operator import olm as pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown
    from tests.operator.seized import Seized

ROW = "megolm "
PARTS = ("head", "events")
EVENT = "$event"


def seize_megolm(seized: Seized) -> None:
    """A room, read and under way, the sealed states of its sessions, and pickles of them."""
    seized.keys["megolm"], seized.keys["pickle"] = (secrets.token_bytes(32) for _ in range(2))
    key = olm.StateKey(seized.keys["megolm"])
    own = olm.OutboundGroupSession.create(key)
    received, step = olm.InboundGroupSession.accept(key, own.session_key())
    rows = dict(step.writes)
    step.release()
    sent = []
    for number in range(3):
        step = own.encrypt(seized.text())
        rows.setdefault("sending", step.writes["sending"])
        sent.append(step.release())
        opened = received.decrypt(sent[-1], f"{EVENT}{number}")
        rows |= opened.writes
        opened.release()
    seized.beside |= {f"{ROW}{number}": message for number, message in enumerate(sent)}
    seized.megolm = (own.session_id, rows)
    for pickles in (olm.Pickles.libolm, olm.Pickles.vodozemac):
        seized.pickles.append(pickles(seized.keys["pickle"]).write_inbound(received))


def of_megolm() -> Shown:
    """Each attribute and method, with what it returns."""
    key = olm.StateKey(pairs.KEY)
    own = olm.OutboundGroupSession.create(key)
    session_key = own.session_key()
    received, saved = olm.InboundGroupSession.accept(key, session_key)
    rows = dict(saved.writes)
    saved.release()
    sent = own.encrypt(b"text")
    rows |= sent.writes
    message = sent.release()
    opened = received.decrypt(message, EVENT)
    rows |= opened.writes
    text = opened.release()
    other, step = olm.InboundGroupSession.accept_export(key, received.export_at(1))
    step.release()
    merged = other.merge(session_key)
    kept = [own.save(), received.save()]
    written = [step.writes for step in kept]
    for step in kept:
        step.release()
    backlog = received.decrypt_many([(message, EVENT), (message, "$other"), (b"", None)])
    shown: dict[str, dict[str, object]] = {
        "OlmOutboundGroupSession": {
            "create": repr(own),
            "load": repr(olm.OutboundGroupSession.load(key, own.session_id, rows["sending"])),
            "session_id": own.session_id,
            "message_index": own.message_index,
            "session_key": session_key,
            "encrypt": message,
            "save": written[0],
        },
        "OlmInboundGroupSession": {
            "accept": repr(received),
            "accept_export": repr(other),
            "load": repr(
                olm.InboundGroupSession.load(key, own.session_id, [rows[part] for part in PARTS])
            ),
            "session_id": received.session_id,
            "first_known_index": received.first_known_index,
            "is_signed": received.is_signed,
            "export_at": received.export_at(0),
            "merge": [merged.writes, merged.release()],
            "decrypt": text,
            "decrypt_many": repr(backlog),
            "save": written[1],
        },
        "GroupStep": {"writes": opened.writes, "release": text},
        "GroupBacklogStep": {"writes": backlog.writes, "release": backlog.release()},
        "OlmPickles": of_pickles(key, own, received),
    }
    return {(kind, name): value for kind, all_of in shown.items() for name, value in all_of.items()}


def of_pickles(
    key: olm.StateKey, own: olm.OutboundGroupSession, received: olm.InboundGroupSession
) -> dict[str, object]:
    """What the pickles show; each is sealed."""
    pickles, others = olm.Pickles.libolm(b"pickle key"), olm.Pickles.vodozemac(pairs.KEY)
    alice, bob, (session, *_) = pairs.begun(key)
    account, inbound = pickles.write_account(alice), others.write_inbound(received)
    outbound, written = pickles.write_outbound(own), others.write_session(session)
    backup = pickles.write_backup_key(matrix.BackupKey.generate())
    return {
        "libolm": repr(pickles),
        "vodozemac": repr(others),
        "read_account": repr(pickles.read_account(account)),
        "write_account": account,
        "read_session": repr(others.read_session(key, alice, bob.identity_key, written)),
        "write_session": written,
        "read_outbound": repr(pickles.read_outbound(key, outbound)),
        "write_outbound": outbound,
        "read_inbound": repr(others.read_inbound(key, inbound)),
        "write_inbound": inbound,
        "read_backup_key": repr(pickles.read_backup_key(backup)),
        "write_backup_key": backup,
    }


def room(operator: Operator) -> tuple[olm.OutboundGroupSession, olm.InboundGroupSession]:
    """A room of the operator's own."""
    own = olm.OutboundGroupSession.create(operator.state_key)
    received, step = olm.InboundGroupSession.accept(operator.state_key, own.session_key())
    step.release()
    return own, received


def opened_by(operator: Operator, trying: olm.InboundGroupSession) -> list[bytes]:
    """What a session opens of the seized messages."""
    found = []
    for name, message in operator.seized.beside.items():
        with suppress(e2ee.E2EEError):
            if name.startswith(ROW):
                found.append(trying.decrypt(message, None).release()[1])
    return found


def load_own(operator: Operator, key: bytes) -> list[bytes]:
    """Loads the seized outbound session under a key: it gives what it writes from then on."""
    session_id, rows = operator.seized.megolm
    own = olm.OutboundGroupSession.load(olm.StateKey(key), session_id, rows["sending"])
    received, step = olm.InboundGroupSession.accept(operator.state_key, own.session_key())
    step.release()
    return opened_by(operator, received)


def load(operator: Operator, key: bytes) -> list[bytes]:
    """Loads the seized inbound session under a key, and opens what it can."""
    session_id, rows = operator.seized.megolm
    records = [rows[part] for part in PARTS]
    return opened_by(operator, olm.InboundGroupSession.load(olm.StateKey(key), session_id, records))


def accepted(
    operator: Operator, accept: Callable[..., tuple[olm.InboundGroupSession, object]], blob: bytes
) -> list[bytes]:
    """Takes a blob for a session key or an export, and opens what can be opened."""
    received, step = accept(operator.state_key, blob)
    assert isinstance(step, olm.SessionStep)
    step.release()
    return opened_by(operator, received)


def unpickled(operator: Operator, pickles: olm.Pickles) -> list[bytes]:
    """Reads all seized pickles as each kind, and opens what can be opened."""
    found = []
    account = olm.Account.generate()
    for text in operator.seized.pickles:
        with suppress(e2ee.E2EEError):
            found += opened_by(operator, pickles.read_inbound(operator.state_key, text))
        with suppress(e2ee.E2EEError):
            pickles.read_account(text)
        with suppress(e2ee.E2EEError):
            found += opened_backup(operator, pickles.read_backup_key(text))
        with suppress(e2ee.E2EEError):
            pickles.read_outbound(operator.state_key, text)
        with suppress(e2ee.E2EEError):
            their_key = account.identity_key
            pickles.read_session(operator.state_key, account, their_key, text)
    return found


def opened_backup(operator: Operator, key: matrix.BackupKey) -> list[bytes]:
    """What a key of a backup opens of the seized one."""
    sealed = matrix.parse_json(operator.seized.beside["matrix backup"])
    assert isinstance(sealed, dict)
    return [json.dumps(matrix.open_backup(key, sealed)).encode()]


def for_stranger(operator: Operator, key: bytes) -> None:
    """Reads a session with somebody whose identity key is a blob."""
    account, _, (session, *_) = pairs.begun(operator.state_key)
    pickles = olm.Pickles.libolm(b"")
    written = pickles.write_session(session)
    pickles.read_session(operator.state_key, account, key, written)


MEGOLM: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "OlmOutboundGroupSession.load": lambda o: o.key_acts(lambda key, _: load_own(o, key)),
    "OlmOutboundGroupSession.encrypt": lambda o: o.value_acts(
        lambda b: room(o)[0].encrypt(b).release()
    ),
    "OlmInboundGroupSession.accept": lambda o: (
        partial(accepted, o, olm.InboundGroupSession.accept, blob) for blob in o.messages()
    ),
    "OlmInboundGroupSession.accept_export": lambda o: (
        partial(accepted, o, olm.InboundGroupSession.accept_export, blob) for blob in o.messages()
    ),
    "OlmInboundGroupSession.load": lambda o: o.key_acts(lambda key, _: load(o, key)),
    "OlmInboundGroupSession.merge": lambda o: (
        partial(room(o)[1].merge, blob) for blob in o.messages()
    ),
    "OlmInboundGroupSession.decrypt": lambda o: (
        partial(room(o)[1].decrypt, blob, None) for blob in o.messages()
    ),
    "OlmInboundGroupSession.decrypt_many": lambda o: o.value_acts(
        lambda b: room(o)[1].decrypt_many([(b, None)]).release()
    ),
    "OlmPickles.libolm": lambda o: o.key_acts(lambda key, _: unpickled(o, olm.Pickles.libolm(key))),
    "OlmPickles.vodozemac": lambda o: o.key_acts(
        lambda key, _: unpickled(o, olm.Pickles.vodozemac(key))
    ),
    "OlmPickles.read_session": lambda o: o.value_acts(lambda b: for_stranger(o, b)),
}
