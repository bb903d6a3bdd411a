# SPDX-License-Identifier: MIT OR Apache-2.0
"""Olm: what is seized of a conversation, what its owner is shown, and how the operator tries it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import e2ee
from e2ee import olm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown
    from tests.operator.seized import Seized

KEY = bytes(range(32))
TYPES = (0, 1)
PARTS = ("head", "chains", "skipped")
ROW = "olm "


def begun(key: olm.StateKey) -> tuple[olm.Account, olm.Account, list[olm.Session]]:
    """Two accounts, and two sessions that the first has started with the second."""
    alice, bob = olm.Account.generate(), olm.Account.generate()
    bob.generate_one_time_keys(2)
    bob.generate_fallback_key()
    sessions = [
        olm.Session.initiate(key, alice, identity_key=bob.identity_key, one_time_key=one_time_key)
        for one_time_key in bob.one_time_keys.values()
    ]
    return alice, bob, sessions


def seize_olm(seized: Seized) -> None:
    """A conversation, read and under way, a first message, and the recipient's sealed states."""
    seized.keys["olm"] = secrets.token_bytes(32)
    key = olm.StateKey(seized.keys["olm"])
    alice, bob, (sending, waiting) = begun(key)
    messages = [waiting.encrypt(seized.text()).release()]
    messages += [sending.encrypt(seized.text()).release()]
    receiving, step = olm.Session.accept(key, bob, alice.identity_key, messages[-1])
    rows = dict(step.writes)
    step.release()
    for _ in range(2):
        step = receiving.encrypt(seized.text())
        rows |= step.writes
        messages.append(step.release())
        sending.decrypt(1, messages[-1]).release()
        messages.append(sending.encrypt(seized.text()).release())
    seized.beside |= {f"{ROW}{number}": message for number, message in enumerate(messages)}
    seized.olm = (bob.seal(key), (sending.name, [rows[part] for part in PARTS]))


def of_olm() -> Shown:
    """Each attribute and method, with what it returns."""
    key = olm.StateKey(KEY)
    alice, bob, (sending, _) = begun(key)
    keys, fallback = bob.one_time_keys, bob.fallback_key
    changes = ("generate_one_time_keys", "generate_fallback_key", "mark_keys_as_published")
    bob.generate_one_time_keys(0)
    bob.generate_fallback_key()
    bob.mark_keys_as_published()
    step = sending.encrypt(b"first")
    rows, first = [step.writes], step.release()
    receiving, step = olm.Session.accept(key, bob, alice.identity_key, first)
    saved = dict(step.writes)
    rows.append(saved)
    text = step.release()
    loaded = olm.Session.load(key, (receiving.name, [saved[part] for part in PARTS]))
    answer = receiving.encrypt(b"answer")
    rows.append(answer.writes)
    message = answer.release()
    opened = sending.decrypt(1, message)
    rows.append(opened.writes)
    answered = opened.release()
    kept = receiving.save()
    rows.append(kept.writes)
    kept.release()
    backlog = sending.decrypt_many([(1, receiving.encrypt(b"late").release())])
    sealed = bob.seal(key)
    shown: dict[str, dict[str, object]] = {
        "OlmAccount": {
            "generate": repr(alice),
            "load": repr(olm.Account.load(key, *sealed)),
            "seal": sealed,
            "identity_key": [alice.identity_key, bob.identity_key],
            "signing_key": bob.signing_key,
            "sign": bob.sign(b"text"),
            "one_time_keys": [*keys, *keys.values()],
            "fallback_key": fallback,
            "forget_fallback_key": bob.forget_fallback_key(),
            "max_one_time_keys": bob.max_one_time_keys,
        }
        | dict.fromkeys(changes),
        "OlmSession": {
            "initiate": repr(sending),
            "accept": [repr(receiving), text],
            "load": repr(loaded),
            "name": sending.name,
            "session_id": sending.session_id,
            "their_identity_key": sending.their_identity_key,
            "has_received": sending.has_received,
            "matches": receiving.matches(first),
            "encrypt": [first, message, *rows],
            "decrypt": [repr(opened), answered],
            "decrypt_many": [backlog.writes, backlog.release()],
            "save": rows[-1],
        },
    }
    return {(kind, name): value for kind, all_of in shown.items() for name, value in all_of.items()}


def session(operator: Operator) -> olm.Session:
    """A session of the operator's own."""
    return begun(operator.state_key)[2][0]


def opened_by(operator: Operator, trying: olm.Session) -> list[bytes]:
    """What a session opens of the seized messages."""
    found = []
    for name, message in operator.seized.beside.items():
        for kind in TYPES:
            with suppress(e2ee.E2EEError):
                if name.startswith(ROW):
                    found.append(trying.decrypt(kind, message).release())
    return found


def load_account(operator: Operator, key: bytes) -> list[bytes]:
    """Loads the seized account under a key, and accepts what it can."""
    account = olm.Account.load(olm.StateKey(key), *operator.seized.olm[0])
    found = []
    for message in operator.messages():
        with suppress(e2ee.E2EEError):
            found.append(accept(operator, account, message))
    return found


def load_session(operator: Operator, key: bytes) -> list[bytes]:
    """Loads the seized session under a key, and opens what it can."""
    return opened_by(operator, olm.Session.load(olm.StateKey(key), operator.seized.olm[1]))


def accept(operator: Operator, account: olm.Account, message: bytes) -> bytes:
    """Accepts a first message with an account."""
    return olm.Session.accept(operator.state_key, account, None, message)[1].release()


def started(operator: Operator, key: bytes) -> bytes:
    """A session with a blob as each of the keys."""
    own, state_key = olm.Account.generate(), operator.state_key
    for identity, one_time in ((key, own.identity_key), (own.identity_key, key)):
        with suppress(e2ee.E2EEError):
            made = olm.Session.initiate(
                state_key, own, identity_key=identity, one_time_key=one_time
            )
            made.encrypt(b"text").release()
    return b""


def of_messages(
    operator: Operator, act: Callable[[olm.Session, int, bytes], object]
) -> Iterator[Act]:
    """Tries something with a session of the operator's and all that could be a message."""
    trying = session(operator)
    for message in operator.messages():
        for kind in TYPES:
            yield partial(act, trying, kind, message)


OLM: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "OlmAccount.load": lambda o: o.key_acts(lambda key, _: load_account(o, key)),
    "OlmAccount.sign": lambda o: o.value_acts(lambda b: olm.Account.generate().sign(b)),
    "OlmSession.initiate": lambda o: (
        partial(started, o, blob[:32]) for blob in [*o.keys, *o.blobs]
    ),
    "OlmSession.accept": lambda o: (
        partial(accept, o, account, message)
        for account in begun(o.state_key)[:2]
        for message in o.messages()
    ),
    "OlmSession.load": lambda o: o.key_acts(lambda key, _: load_session(o, key)),
    "OlmSession.matches": lambda o: of_messages(o, lambda s, _, b: s.matches(b)),
    "OlmSession.encrypt": lambda o: o.value_acts(lambda b: session(o).encrypt(b).release()),
    "OlmSession.decrypt": lambda o: of_messages(o, lambda s, k, b: s.decrypt(k, b).release()),
    "OlmSession.decrypt_many": lambda o: of_messages(
        o, lambda s, k, b: s.decrypt_many([(k, b)]).release()
    ),
}
