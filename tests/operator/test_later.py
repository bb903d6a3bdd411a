# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a store and its key, taken later or earlier, open of recorded envelopes (P3 and P4).

The thief has a copy of all rows, the key, and everything that travelled; he does not take part.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import pytest

import e2ee
from tests.properties.world import Rows, copy_of, put_rows, read_rows

KEY = bytes(range(32))
REFUSALS = (e2ee.DecryptionError, e2ee.UnknownPreKeyError)
#: Round trips after which both have answered with keys that the thief never saw.
HEALED = 2
#: Epochs of the post-quantum ratchet that the conversation goes on for.
EPOCHS = 4

Opening = Callable[[e2ee.Account, bytes], bytes]


@final
@dataclass
class Conversation:
    """Alice and Bob, their stores, and what the thief recorded for each of them."""

    alice_store: e2ee.MemoryStore = field(default_factory=lambda: e2ee.MemoryStore(key=KEY))
    bob_store: e2ee.MemoryStore = field(default_factory=lambda: e2ee.MemoryStore(key=KEY))
    to_alice: list[bytes] = field(default_factory=list)
    to_bob: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.alice = e2ee.Account.create(self.alice_store, "alice")
        self.bob = e2ee.Account.create(self.bob_store, "bob")
        self.alice.connect("bob", self.bob.bundle())

    def write(self) -> bytes:
        """Alice writes, and the envelope is recorded."""
        self.to_bob.append(self.alice.encrypt("bob", b"to bob").to_bytes())
        return self.to_bob[-1]

    def answer(self) -> bytes:
        """Bob answers, and the envelope is recorded."""
        self.to_alice.append(self.bob.encrypt("alice", b"to alice").to_bytes())
        return self.to_alice[-1]

    def round_trip(self) -> None:
        """One message each way, both read."""
        self.bob.decrypt("alice", self.write())
        self.alice.decrypt("bob", self.answer())

    def epoch(self) -> int:
        """How far Bob's post-quantum ratchet is."""
        (contact,) = self.bob.contacts()
        assert contact.pq_epoch is not None
        return contact.pq_epoch


def thief(rows: Rows) -> e2ee.Account:
    """Someone with a copy of the rows and the key."""
    return e2ee.Account.open(copy_of(rows, KEY))


def short(account: e2ee.Account, envelope: bytes) -> bytes:
    """Opens by `decrypt`."""
    return account.decrypt("alice", envelope).plaintext


def handled(account: e2ee.Account, envelope: bytes) -> bytes:
    """Opens by `receive`."""
    with account.receive("alice", envelope) as message:
        return message.plaintext


def opened(account: e2ee.Account, sender: str, envelopes: list[bytes]) -> list[int]:
    """Which of the envelopes a thief opens who tries them in order."""
    found = []
    for position, envelope in enumerate(envelopes):
        try:
            account.decrypt(sender, envelope)
        except REFUSALS:
            continue
        found.append(position)
    return found


def first(talk: Conversation) -> bytes:
    """The first message of a session."""
    return talk.write()


def later(talk: Conversation) -> bytes:
    """A message in the middle of the conversation."""
    talk.round_trip()
    return talk.write()


def late(talk: Conversation) -> bytes:
    """A message whose key was kept, because a later one overtook it."""
    talk.round_trip()
    envelope = talk.write()
    talk.bob.decrypt("alice", talk.write())
    return envelope


which = pytest.mark.parametrize("which", [first, later, late], ids=lambda each: each.__name__)
opening = pytest.mark.parametrize("opening", [short, handled], ids=lambda each: each.__name__)


@which
@opening
def test_a_state_taken_after_a_message_was_read_does_not_open_it(
    which: Callable[[Conversation], bytes], opening: Opening
) -> None:
    talk = Conversation()
    envelope = which(talk)
    opening(talk.bob, envelope)

    taken = read_rows(talk.bob_store)

    with pytest.raises(REFUSALS):
        thief(taken).decrypt("alice", envelope)
    with pytest.raises(REFUSALS):
        handled(thief(taken), envelope)


@which
@opening
def test_nor_without_what_remembers_that_it_was_read(
    which: Callable[[Conversation], bytes], opening: Opening
) -> None:
    talk = Conversation()
    envelope = which(talk)
    opening(talk.bob, envelope)

    taken = read_rows(talk.bob_store)
    without_ledger = {name: row for name, row in taken.items() if not name.startswith("ledger/")}

    with pytest.raises(REFUSALS):
        handled(thief(without_ledger), envelope)


@which
@opening
def test_a_state_taken_before_it_was_read_opens_it(
    which: Callable[[Conversation], bytes], opening: Opening
) -> None:
    talk = Conversation()
    envelope = which(talk)
    taken = read_rows(talk.bob_store)
    opening(talk.bob, envelope)

    assert thief(taken).decrypt("alice", envelope).plaintext == b"to bob"


def test_a_conversation_heals_within_two_round_trips() -> None:
    talk = Conversation()
    talk.round_trip()
    bob, alice = read_rows(talk.bob_store), read_rows(talk.alice_store)
    talk.to_bob.clear()
    talk.to_alice.clear()

    for _ in range(HEALED + 5):
        talk.round_trip()

    assert opened(thief(bob), "alice", talk.to_bob) == [0]
    assert opened(thief(alice), "bob", talk.to_alice) in ([], [0])


def test_a_conversation_stays_healed_over_epochs_of_the_post_quantum_ratchet() -> None:
    talk = Conversation()
    talk.round_trip()
    bob, alice, start = read_rows(talk.bob_store), read_rows(talk.alice_store), talk.epoch()
    for _ in range(HEALED):
        talk.round_trip()
    talk.to_bob.clear()
    talk.to_alice.clear()

    while talk.epoch() < start + EPOCHS:
        talk.round_trip()

    assert len(talk.to_bob) > 40 * (EPOCHS - 1)
    assert opened(thief(bob), "alice", talk.to_bob) == []
    assert opened(thief(alice), "bob", talk.to_alice) == []


def test_a_thief_who_read_along_from_the_start_is_shut_out_too() -> None:
    talk = Conversation()
    talk.round_trip()
    store = copy_of(read_rows(talk.bob_store), KEY)
    copied = e2ee.Account.open(store)
    read = []
    for turn in range(HEALED + 5):
        envelope = talk.write()
        read += [turn] if opened(copied, "alice", [envelope]) else []
        talk.bob.decrypt("alice", envelope)
        talk.alice.decrypt("bob", talk.answer())

    assert read == [0]


def test_without_an_answer_nothing_heals() -> None:
    talk = Conversation()
    talk.round_trip()
    taken = read_rows(talk.bob_store)

    envelopes = [talk.write() for _ in range(5)]

    assert opened(thief(taken), "alice", envelopes) == [0, 1, 2, 3, 4]


def test_an_older_copy_opens_with_the_same_key() -> None:
    talk = Conversation()
    old = read_rows(talk.bob_store)
    talk.round_trip()

    put_rows(copied := e2ee.MemoryStore(key=KEY), old)

    assert opened(e2ee.Account.open(copied), "alice", talk.to_bob) == [0]
