# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the worst forged envelope costs (docs/threats.md, "Work").

The forger knows the addresses, all that travelled, and the formats. The bound is a guard against
work that nobody limits, far above what is measured; the figures are in the session's report.
"""

import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import pytest

import e2ee
from tests.properties import figures, wire
from tests.properties.world import head_revisions, read_rows

#: The limits of signal.md §7 and spqr.md §9.4.
MAX_JUMP = 25_000
ARCHIVED = 40
MAX_U32 = (1 << 32) - 1
SIGNATURE_LEN = 64
#: Close before the next message of the post-quantum chain.
NEXT = 3
#: Seconds that no envelope may cost here; a machine under load takes several times its usual time.
BOUND = 1.0
REFUSALS = (e2ee.DecryptionError, e2ee.UnknownPreKeyError, e2ee.MalformedMessageError)


class Target(NamedTuple):
    """Bob, whose every session with Alice can be turned by a new key, and what travelled."""

    bob: e2ee.Account
    store: e2ee.MemoryStore
    first: bytes
    last: bytes
    #: A message to a group, whose chain Bob has.
    to_group: bytes


def session_between(alice: e2ee.Account, bob: e2ee.Account) -> bytes:
    """Starts a session and lets Bob answer: now an unknown ratchet key costs an agreement."""
    alice.connect("bob", bob.bundle(reusable=True))
    first = alice.encrypt("bob", b"first").to_bytes()
    bob.decrypt("alice", first)
    alice.decrypt("bob", bob.encrypt("alice", b"answer"))
    bob.decrypt("alice", alice.encrypt("bob", b"second"))
    bob.encrypt("alice", b"an answer that is lost")
    return first


@pytest.fixture(scope="module")
def target() -> Target:
    """Bob with a current session and as many archived ones as are kept."""
    store = e2ee.MemoryStore()
    alice, bob = e2ee.Account.create(e2ee.MemoryStore(), "alice"), e2ee.Account.create(store, "bob")
    (*_, first) = [session_between(alice, bob) for _ in range(ARCHIVED + 1)]
    assert len(head_revisions(read_rows(store))) == ARCHIVED + 1
    club = alice.create_group(["bob"])
    for _, invitation in club.invitations():
        bob.decrypt("alice", invitation)
    last = alice.encrypt("bob", b"kept back").to_bytes()
    return Target(bob, store, first, last, club.encrypt(b"kept back").to_bytes())


def ratchet_message(key: bytes, index: int, pq_index: int, body: bytes = bytes(80)) -> bytes:
    """A ratchet message with a tag that its forger has guessed."""
    pq = b"\x01" + wire.varint(1) + wire.varint(pq_index) + b"\x00"
    parts = [
        wire.field(wire.RATCHET_KEY, key),
        wire.field(wire.INDEX, index),
        wire.field(wire.PREVIOUS_LENGTH, 0),
        wire.field(wire.BODY, body),
        wire.field(wire.PQ, pq),
    ]
    return bytes([wire.VERSION]) + b"".join(parts) + secrets.token_bytes(wire.TAG_LEN)


def any_key() -> bytes:
    """A key that nobody has seen: only a true one gets far."""
    return e2ee.Account.create(e2ee.MemoryStore(), "forger").identity_key


def ratchet(message: bytes) -> bytes:
    """An envelope around a ratchet message."""
    return bytes([1, wire.RATCHET]) + message


def prekey(first: bytes, **changed: bytes) -> bytes:
    """An envelope like the first one, with some fields changed."""
    numbers = {"base_key": wire.BASE_KEY, "message": wire.MESSAGE, "kyber": wire.KYBER}
    values = {numbers[name]: value for name, value in changed.items()}
    parts = [
        wire.field(each.number, values.get(each.number, each.value))
        for each in wire.outer_fields(first)
    ]
    return first[:3] + b"".join(parts)


def unknown_key(_: Target, index: int, pq_index: int) -> bytes:
    """Under a key that no session knows: each is tried."""
    return ratchet(ratchet_message(any_key(), index, pq_index))


def known_key(target: Target, index: int, pq_index: int) -> bytes:
    """Under the newest key of the current session."""
    key = wire.header(target.last).ratchet_key
    return ratchet(ratchet_message(key, index, pq_index))


def new_session(target: Target, index: int, pq_index: int) -> bytes:
    """A first message with a base key of its own: one PQXDH, then the jump."""
    message = ratchet_message(any_key(), index, pq_index)
    return prekey(target.first, base_key=any_key(), message=message)


def known_session(target: Target, index: int, pq_index: int) -> bytes:
    """A first message of the newest session, repeated around another ratchet message."""
    return prekey(target.first, message=ratchet_message(any_key(), index, pq_index))


def large(target: Target, index: int, pq_index: int) -> bytes:
    """16 MiB under a known key: all of it has to be authenticated."""
    key = wire.header(target.last).ratchet_key
    return ratchet(ratchet_message(key, index, pq_index, bytes(1 << 24)))


def known_chain(target: Target, index: int, pq_index: int) -> bytes:
    """16 MiB to a group, under a chain that Bob has, with a signature that its forger guessed."""
    chain_id, index_field, body = 2, 3, 4
    changed: dict[int, bytes | int] = {index_field: index, body: bytes(1 << 24)}
    found = list(wire.fields(target.to_group, 3, len(target.to_group) - SIGNATURE_LEN))
    assert wire.number_of(found, chain_id) > 0
    parts = [wire.field(each.number, changed.get(each.number, each.value)) for each in found]
    # The index of the other ratchet has no place here: it makes the signature another one.
    signature = secrets.token_bytes(SIGNATURE_LEN - 5) + pq_index.to_bytes(4, "big") + b"\x01"
    return target.to_group[:3] + b"".join(parts) + signature


FORGERIES = [unknown_key, known_key, new_session, known_session, large, known_chain]


@pytest.mark.parametrize("sender", ["alice", "mallory"])
@pytest.mark.parametrize("forge", FORGERIES)
@pytest.mark.parametrize(
    ("index", "pq_index"),
    [
        (MAX_JUMP, MAX_JUMP),
        (MAX_JUMP + 1, MAX_JUMP + 1),
        (0, MAX_JUMP),
        (MAX_JUMP, NEXT),
        (MAX_JUMP // ARCHIVED, NEXT),
        (0, NEXT),
        (MAX_U32, MAX_U32),
    ],
)
def test_a_forged_envelope_costs_little_and_changes_nothing(
    target: Target,
    forge: Callable[[Target, int, int], bytes],
    index: int,
    pq_index: int,
    sender: str,
) -> None:
    envelope, before = forge(target, index, pq_index), read_rows(target.store)

    def opens() -> None:
        with target.bob.receive(sender, envelope):
            pass

    took = max(refusal_time(act) for act in (partial(target.bob.decrypt, sender, envelope), opens))

    figures.note(f"{forge.__name__.replace('_', ' ')}, as {sender}", took * 1e3)
    assert took < BOUND
    assert read_rows(target.store) == before


def refusal_time(act: Callable[[], object]) -> float:
    """The seconds until an envelope was refused."""
    start = time.perf_counter()
    others = (e2ee.NoSessionError, e2ee.InvalidKeyError, e2ee.NoSenderKeyError)
    with pytest.raises((*REFUSALS, *others)):
        act()
    return time.perf_counter() - start


def test_the_conversation_goes_on_after_all_forgeries(target: Target) -> None:
    for envelope in (target.last, target.to_group):
        assert target.bob.decrypt("alice", envelope).plaintext == b"kept back"
