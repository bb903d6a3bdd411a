# SPDX-License-Identifier: MIT OR Apache-2.0
"""Alice's store with rows of every kind, an older state of it, and all that she does with it.

Groups are Signal's: Alice has none if she speaks Olm.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import final
from uuid import UUID

import e2ee
from tests.properties.world import Rows, copy_of, read_rows
from tests.stores.protocols import OLM, SIGNAL, Protocol

KEY = bytes(range(32))
PENDING, WAITING, HANDLED = b"pending", b"waiting", b"handled"
CLUB, LEFT = UUID(int=1 << 100), UUID(int=2)


@final
@dataclass
class State:
    """Rows now and before, and the envelopes and peers that the acts need."""

    protocol: Protocol = SIGNAL
    now: Rows = field(default_factory=dict)
    before: Rows = field(default_factory=dict)
    #: Peers that were forgotten, sessions that went, messages that were handled.
    deleted: Rows = field(default_factory=dict)
    peers: dict[str, Rows] = field(default_factory=dict)
    pending: dict[str, bytes] = field(default_factory=dict)
    waiting: bytes = b""
    handled: bytes = b""
    #: What Bob has written to the group.
    to_club: bytes = b""
    first: bytes = b""
    bundle: bytes = b""

    def peer(self, name: str) -> e2ee.Account:
        """A peer as of now; what is done with it is forgotten."""
        return e2ee.Account.open(copy_of(self.peers[name], KEY))

    def address(self, name: str) -> e2ee.Address:
        """Whom a name means."""
        return self.protocol.address(name)

    def prefix(self, name: str) -> str:
        """How the rows of a peer's sessions begin."""
        return f"session/{name}/{self.protocol.device}/"


def talk(one: e2ee.Account, other: e2ee.Account) -> None:
    """A round trip; a message each way stays under way, so that its key is kept."""
    for sender, recipient in ((one, other), (other, one)):
        sender.encrypt(recipient.address, b"lost")
        recipient.decrypt(sender.address, sender.encrypt(recipient.address, b"read"))


def handle(alice: e2ee.Account, sender: e2ee.Address, envelope: bytes, *, fail: bool) -> None:
    """Receives a message; with `fail` it stays in the inbox."""
    with suppress(InterruptedError), alice.receive(sender, envelope):
        if fail:
            raise InterruptedError


def invite(sender: e2ee.Account, recipient: e2ee.Account, group_id: UUID) -> None:
    """Carries the invitation of one to the other, who is all that the group has."""
    for _, invitation in sender.group(group_id).invitations():
        recipient.decrypt(sender.user, invitation)


def tell(sender: e2ee.Account, recipient: e2ee.Account) -> None:
    """A message to the group; the one before stays under way, so that its key is kept."""
    sender.group(CLUB).encrypt(b"lost")
    recipient.decrypt(sender.user, sender.group(CLUB).encrypt(b"read"))


def make_state(protocol: Protocol = SIGNAL) -> State:
    """Two peers, one with an archived session; messages pending, waiting and handled; a group."""
    state, stores = State(protocol), {}
    for name in ("alice", "bob", "carol", "dave", "erin"):
        stores[name] = e2ee.MemoryStore(key=KEY)
    alice, bob, carol, dave, erin = (
        protocol.created(store, name) for name, store in stores.items()
    )
    meet(alice, bob, carol, erin)
    if protocol is not OLM:
        found_groups(alice, bob)
    handle(alice, bob.address, bob.encrypt(alice.address, WAITING).to_bytes(), fail=True)
    (message,) = alice.inbox()
    dave.connect(alice.address, alice.bundle())
    state.before = read_rows(stores["alice"])

    alice.handled(message)
    alice.forget(erin.address)
    if protocol is not OLM:
        go_on_in_groups(alice, bob)
    state.handled = bob.encrypt(alice.address, HANDLED).to_bytes()
    handle(alice, bob.address, state.handled, fail=False)
    state.waiting = carol.encrypt(alice.address, WAITING).to_bytes()
    handle(alice, carol.address, state.waiting, fail=True)
    # Enough for every part of every session to change.
    for _ in range(60):
        talk(alice, bob)
        talk(alice, carol)
    state.bundle = protocol.created(e2ee.MemoryStore(), "frank").bundle().to_bytes()
    state.first = dave.encrypt(alice.address, PENDING).to_bytes()
    alice.bundle()
    if protocol is not OLM:
        state.to_club = bob.group(CLUB).encrypt(PENDING).to_bytes()
    state.pending = {
        peer.user: peer.encrypt(alice.address, PENDING).to_bytes() for peer in (bob, carol)
    }
    state.now = read_rows(stores["alice"])
    state.deleted = {name: row for name, row in state.before.items() if name not in state.now}
    state.peers = {name: read_rows(stores[name]) for name in ("bob", "carol")}
    return state


def meet(alice: e2ee.Account, bob: e2ee.Account, carol: e2ee.Account, erin: e2ee.Account) -> None:
    """Alice has sessions with all of them, with Bob two."""
    alice.connect(bob.address, bob.bundle())
    talk(alice, bob)
    bob.connect(alice.address, alice.bundle(reusable=True))
    talk(bob, alice)
    carol.connect(alice.address, alice.bundle())
    talk(carol, alice)
    alice.connect(erin.address, erin.bundle())
    talk(alice, erin)


def found_groups(alice: e2ee.Account, bob: e2ee.Account) -> None:
    """Two groups with Bob in them, of which one has messages."""
    for group_id in (CLUB, LEFT):
        alice.create_group(["bob"], id=group_id)
        invite(alice, bob, group_id)
        bob.group(group_id).add("alice")
        invite(bob, alice, group_id)
    tell(bob, alice)
    tell(alice, bob)


def go_on_in_groups(alice: e2ee.Account, bob: e2ee.Account) -> None:
    """Alice leaves one group, and the other has a new key and messages."""
    alice.group(LEFT).leave()
    alice.group(CLUB).rotate()
    invite(alice, bob, CLUB)
    tell(bob, alice)
    tell(alice, bob)


Act = Callable[[State, e2ee.Account], object]


def sends(peer: str) -> Act:
    """Sends to a peer, who must be able to read it."""

    def act(state: State, alice: e2ee.Account) -> object:
        envelope = alice.encrypt(state.address(peer), PENDING)
        return state.peer(peer).decrypt(alice.address, envelope).plaintext

    return act


def reads(peer: str) -> Act:
    """Reads what a peer has sent."""
    return lambda state, alice: alice.decrypt(state.address(peer), state.pending[peer]).plaintext


def starts(state: State, alice: e2ee.Account) -> object:
    """Takes the first message of somebody new."""
    return alice.decrypt(state.address("dave"), state.first).plaintext


def connects(state: State, alice: e2ee.Account) -> object:
    """Starts a session with somebody new."""
    alice.connect(state.address("frank"), state.bundle)
    return alice.encrypt(state.address("frank"), b"").kind


def writes(state: State, alice: e2ee.Account) -> object:
    """Writes to the group, and Bob must be able to read it."""
    envelope = alice.group(CLUB).encrypt(PENDING)
    return state.peer("bob").decrypt("alice", envelope).plaintext


def hears(state: State, alice: e2ee.Account) -> object:
    """Reads what Bob has written to the group."""
    return alice.decrypt("bob", state.to_club).plaintext


def invites(_: State, alice: e2ee.Account) -> object:
    """Takes Carol into the group, and invites her."""
    alice.group(CLUB).add("carol")
    return [member.user for member, _ in alice.group(CLUB).invitations()]


def looks(_: State, alice: e2ee.Account) -> object:
    """Looks into the inbox."""
    return [message.plaintext for message in alice.inbox()]


def is_told_again(peer: str, envelope: str) -> Act:
    """Gets a message again that was opened."""

    def act(state: State, alice: e2ee.Account) -> object:
        try:
            with alice.receive(state.address(peer), getattr(state, envelope)) as message:
                return message.plaintext
        except e2ee.DuplicateMessageError as duplicate:
            return duplicate.delivered

    return act


#: All that Alice does with her store, whatever she speaks.
ACTS: dict[str, Act] = {
    "send to bob": sends("bob"),
    "send to carol": sends("carol"),
    "read bob": reads("bob"),
    "read carol": reads("carol"),
    "start": starts,
    "connect": connects,
    "inbox": looks,
    "waiting again": is_told_again("carol", "waiting"),
    "handled again": is_told_again("bob", "handled"),
    "bundle": lambda _, alice: alice.bundle().device,
    "reusable": lambda _, alice: alice.bundle(reusable=True).device,
    "contacts": lambda _, alice: [contact.address.user for contact in alice.contacts()],
    "forget bob": lambda state, alice: alice.forget(state.address("bob")),
    "forget carol": lambda state, alice: alice.forget(state.address("carol")),
    "identity": lambda _, alice: alice.identity_key,
}
#: What else she does with groups, or with keys to publish.
OWN_ACTS: dict[Protocol, dict[str, Act]] = {
    SIGNAL: {
        "write to the group": writes,
        "read the group": hears,
        "invite carol": invites,
        "groups": lambda _, alice: [alice.group(each).members for each in alice.groups()],
        "leave": lambda _, alice: alice.group(CLUB).leave(),
    },
    OLM: {
        "make keys": lambda _, alice: len(alice.generate_keys(2).one_time_keys),
        "publish keys": lambda _, alice: alice.mark_keys_as_published(),
    },
}


def acts_of(protocol: Protocol) -> dict[str, Act]:
    """All that Alice does with her store."""
    return ACTS | OWN_ACTS[protocol]


def outcomes(state: State, rows: Rows, key: bytes = KEY) -> dict[str, object]:
    """What each act does with these rows: its result, or the class of its refusal."""
    return {name: outcome(state, rows, act, key) for name, act in acts_of(state.protocol).items()}


def outcome(state: State, rows: Rows, act: Act, key: bytes = KEY) -> object:
    """One act, on a copy of the rows, by a process that knows nothing else."""
    try:
        return act(state, e2ee.Account.open(copy_of(rows, key)))
    except e2ee.E2EEError as refusal:
        return type(refusal)
