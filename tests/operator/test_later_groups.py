# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a member's store and its key open of recorded group messages (P3 and N14).

The thief has a copy of Bob's rows, the key, and everything that travelled; he does not take part.
"""

import pytest

import e2ee
from tests.properties.world import Rows, copy_of, read_rows

KEY = bytes(range(32))
REFUSALS = (e2ee.DecryptionError, e2ee.NoSenderKeyError, e2ee.UnknownPreKeyError)


class Club:
    """Alice's group of Bob, and what the thief recorded."""

    def __init__(self) -> None:
        self.store = e2ee.MemoryStore(key=KEY)
        self.alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")
        self.bob = e2ee.Account.create(self.store, "bob")
        self.alice.connect("bob", self.bob.bundle())
        self.club = self.alice.create_group(["bob"])
        self.recorded: list[e2ee.Envelope] = []
        self.invite()

    def invite(self) -> None:
        """Alice invites, and Bob accepts."""
        for _, invitation in self.club.invitations():
            self.carry(invitation)

    def carry(self, envelope: e2ee.Envelope) -> None:
        """An envelope to Bob is recorded and read."""
        self.recorded.append(envelope)
        self.bob.decrypt("alice", envelope)

    def talk(self) -> None:
        """A round trip between the two of them."""
        self.carry(self.alice.encrypt("bob", b""))
        self.alice.decrypt("bob", self.bob.encrypt("alice", b""))

    def opened_by(self, rows: Rows) -> list[bytes]:
        """What a thief with these rows opens of all that was recorded since, in order."""
        thief, found = e2ee.Account.open(copy_of(rows, KEY)), []
        for envelope in self.recorded:
            try:
                message = thief.decrypt("alice", envelope)
            except REFUSALS:
                continue
            if message.content == "group":
                found.append(message.plaintext)
        return found


@pytest.fixture
def club() -> Club:
    return Club()


def test_a_state_taken_after_a_group_message_was_read_does_not_open_it(club: Club) -> None:
    late = club.club.encrypt(b"late")
    club.carry(club.club.encrypt(b"read"))
    club.carry(late)

    assert club.opened_by(read_rows(club.store)) == []


def test_a_state_taken_before_opens_all_that_follows_under_the_key(club: Club) -> None:
    taken = read_rows(club.store)
    for number in range(5):
        club.talk()
        club.carry(club.club.encrypt(b"%d" % number))

    assert club.opened_by(taken) == [b"0", b"1", b"2", b"3", b"4"]


def test_a_new_key_through_a_session_that_healed_shuts_the_thief_out(club: Club) -> None:
    taken = read_rows(club.store)
    for _ in range(5):
        club.talk()
    club.club.rotate()
    club.invite()
    club.carry(club.club.encrypt(b"under the new key"))

    assert club.opened_by(taken) == []


def test_a_new_key_through_a_session_that_did_not_heal_shuts_nobody_out(club: Club) -> None:
    taken = read_rows(club.store)
    club.club.rotate()
    club.invite()
    club.carry(club.club.encrypt(b"under the new key"))

    assert club.opened_by(taken) == [b"under the new key"]
