# SPDX-License-Identifier: MIT OR Apache-2.0
"""Alice after an old backup was restored: no key that its lost past may have used is used again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final
from uuid import UUID

import pytest

import e2ee
from e2ee.store import backup, restore
from e2ee.store._sqlite_reading import reading
from tests.properties import wire
from tests.properties.world import put_rows
from tests.stores.protocols import SIGNAL, Protocol
from tests.stores.state import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLUB: Final = UUID(int=77)


def header(envelope: e2ee.Envelope) -> wire.Header:
    """What names the message key of an envelope."""
    return wire.header(envelope.to_bytes())


def chain(envelope: e2ee.Envelope) -> bytes:
    """What names the chain of a group message, and its index: its first fields."""
    return envelope.to_bytes()[3:33]


def carry(sender: e2ee.Account, *members: e2ee.Account) -> None:
    """Carries the invitations to a group."""
    found = {member.user: member for member in members}
    for address, invitation in sender.group(CLUB).invitations():
        found[address.user].decrypt(sender.address, invitation)


@final
class Past:
    """Alice before and after a backup, her friends, and what names each key that she has used."""

    def __init__(self, folder: Path, protocol: Protocol) -> None:
        self.in_groups = protocol is SIGNAL
        self.bob, self.carol = (
            protocol.created(e2ee.MemoryStore(), name) for name in ("bob", "carol")
        )
        self.backup = folder / "alice.backup"
        self.sent: list[wire.Header] = []
        self.to_club: list[bytes] = []
        with e2ee.SQLiteStore(folder / "alice.db", key=KEY) as store:
            self.alice = protocol.created(store, "alice")
            self.begin()
            self.one_time = self.alice.bundle()
            backup(store, self.backup)
            self.lose()

    def begin(self) -> None:
        """What the backup knows: sessions both ways, and a group."""
        for peer in (self.bob, self.carol):
            self.alice.connect(peer.address, peer.bundle())
            self.say(peer, b"hello")
            self.alice.decrypt(peer.address, peer.encrypt(self.alice.address, b"hello"))
        if self.in_groups:
            self.alice.create_group(["bob", "carol"], id=CLUB)
            carry(self.alice, self.bob, self.carol)
            self.bob.group(CLUB).add("alice")
            carry(self.bob, self.alice)
        for peer in (self.bob, self.carol):
            self.say(peer, b"on a chain that the backup holds")
        self.tell()

    def lose(self) -> None:
        """What it does not know."""
        for number in range(5):
            self.say(self.bob, b"lost %d" % number)
            self.say(self.carol, b"lost %d" % number)
            self.tell()
        self.alice.decrypt(
            self.carol.address, self.carol.encrypt(self.alice.address, b"of the lost past")
        )
        self.say(self.carol, b"on a chain that nobody knows any more")

    def say(self, peer: e2ee.Account, text: bytes) -> None:
        """Sends to a peer, who opens it."""
        envelope = self.alice.encrypt(peer.address, text)
        self.sent.append(header(envelope))
        assert peer.decrypt(self.alice.address, envelope).plaintext == text

    def tell(self) -> None:
        """Sends to the group, whose members open it; Olm has none."""
        if not self.in_groups:
            return
        envelope = self.alice.group(CLUB).encrypt(b"to all")
        self.to_club.append(chain(envelope))
        for peer in (self.bob, self.carol):
            assert peer.decrypt(self.alice.address, envelope).plaintext == b"to all"

    def no_key_was_used_twice(self) -> bool:
        """Whether all headers and all chain positions are different."""
        return len({*self.sent}) == len(self.sent) and len({*self.to_club}) == len(self.to_club)


@pytest.fixture
def past(tmp_path: Path, protocol: Protocol) -> Past:
    return Past(tmp_path, protocol)


@pytest.fixture
def back(past: Past, tmp_path: Path) -> Iterator[Past]:
    """Alice after her old backup was restored."""
    with e2ee.SQLiteStore(tmp_path / "restored.db", key=KEY) as target:
        restored = restore(past.backup, target)
        clubs = (CLUB,) if past.in_groups else ()
        assert restored == e2ee.Healed((past.bob.address, past.carol.address), clubs, ())
        past.alice = e2ee.Account.open(target)
        yield past


def test_nothing_is_sent_before_new_sessions_and_invitations(back: Past) -> None:
    for peer in (back.bob, back.carol):
        with pytest.raises(e2ee.NoSessionError):
            back.alice.encrypt(peer.address, b"never leaves")
    if back.in_groups:
        with pytest.raises(e2ee.InvitationsPendingError):
            back.alice.group(CLUB).encrypt(b"never leaves")


def test_what_is_on_its_way_opens(back: Past) -> None:
    envelope = back.bob.encrypt(back.alice.address, b"on its way")

    assert back.alice.decrypt(back.bob.address, envelope).plaintext == b"on its way"
    if back.in_groups:
        to_all = back.bob.group(CLUB).encrypt(b"from Bob")
        assert back.alice.decrypt(back.bob.address, to_all).plaintext == b"from Bob"


def test_what_rests_on_a_key_of_the_lost_past_is_asked_for_again(back: Past) -> None:
    envelope = back.carol.encrypt(back.alice.address, b"to a key that is lost")
    with pytest.raises(e2ee.AuthenticationError):
        back.alice.decrypt(back.carol.address, envelope)
    if back.alice.protocol == "olm":
        return  # A client of Matrix begins a new session instead.

    request = back.alice.repair(back.carol.address, envelope, 5)

    message = back.carol.decrypt(back.alice.address, request)
    assert message.content == "resend"


def test_one_time_keys_from_before_open_nothing(back: Past, protocol: Protocol) -> None:
    dora = protocol.created(e2ee.MemoryStore(), "dora")
    dora.connect(back.alice.address, back.one_time)

    with pytest.raises(e2ee.UnknownPreKeyError):
        back.alice.decrypt(
            dora.address, dora.encrypt(back.alice.address, b"with a key that may be used")
        )


def test_an_old_backup_sends_and_receives_and_uses_no_key_twice(back: Past) -> None:
    back.alice.decrypt(back.bob.address, back.bob.encrypt(back.alice.address, b"on its way"))
    for peer in (back.bob, back.carol):
        back.alice.connect(peer.address, peer.bundle())
        for number in range(5):
            back.say(peer, b"new %d" % number)
        answer = peer.encrypt(back.alice.address, b"answer")
        assert back.alice.decrypt(peer.address, answer).plaintext == b"answer"
        back.say(peer, b"and again")
    if back.in_groups:
        carry(back.alice, back.bob, back.carol)
    for _ in range(3):
        back.tell()

    assert back.no_key_was_used_twice()


def test_a_backup_that_is_run_as_it_is_would_use_keys_twice(past: Past) -> None:
    with e2ee.MemoryStore(key=KEY) as copied, reading(past.backup) as records:
        rows = ((name, records.get(name)) for name, _ in records.list(""))
        put_rows(copied, {name: row for name, row in rows if row is not None})
        past.alice = e2ee.Account.open(copied)
        past.sent.append(header(past.alice.encrypt(past.bob.address, b"another text")))

    assert not past.no_key_was_used_twice()
