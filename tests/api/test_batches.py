# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many messages in one transaction: what each call alone would do, in every kind of store."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import e2ee
from tests.properties import wire
from tests.stores.kinds import KINDS, introduced, kind_name
from tests.stores.protocols import SIGNAL, Protocol, peer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2ee.store import Store

#: So many messages to each of so many peers that threads share them.
PEERS, EACH = 5, 60


@dataclass(slots=True)
class Crowd:
    """Alice, in some kind of store, and peers in memory who have sessions with her."""

    alice: e2ee.Account
    peers: dict[e2ee.Address, e2ee.Account]

    @property
    def bob(self) -> e2ee.Account:
        """The first of the peers."""
        return next(iter(self.peers.values()))

    def sent(
        self, messages: list[tuple[e2ee.Address, bytes]]
    ) -> list[tuple[e2ee.Address, e2ee.Envelope]]:
        """What the peers send to Alice, with who sends it."""
        alice = self.alice.address
        return [(peer, self.peers[peer].encrypt(alice, text)) for peer, text in messages]

    def address(self, name: str) -> e2ee.Address:
        """Whom a name means."""
        return peer_of(self.alice, name)


@pytest.fixture(params=KINDS, ids=kind_name)
def crowd(request: pytest.FixtureRequest, tmp_path: Path, protocol: Protocol) -> Iterator[Crowd]:
    kind: Callable[[Path], Store] = request.param
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    with closing(kind(tmp_path)) as store:
        alice = introduced(store, bob)
        peers = {bob.address: bob}
        for number in range(1, PEERS):
            peer = protocol.created(e2ee.MemoryStore(), f"peer {number}")
            peers[peer.address] = peer
            peer.connect(alice.address, alice.bundle())
            alice.decrypt(peer.address, peer.encrypt(alice.address, b"Hello."))
        yield Crowd(alice, peers)


def shuffled(crowd: Crowd) -> list[tuple[e2ee.Address, bytes]]:
    """Texts to all peers, in any order; those to each peer ascend."""
    names = [name for name in crowd.peers for _ in range(EACH)]
    random.Random(1).shuffle(names)  # noqa: S311 - an order, no secret
    return [(name, b"%d" % number) for number, name in enumerate(names)]


def texts(opened: list[e2ee.Message | e2ee.E2EEError]) -> list[bytes]:
    """The plaintexts of a batch in which nothing was refused."""
    assert [each for each in opened if isinstance(each, e2ee.E2EEError)] == []
    return [each.plaintext for each in opened if isinstance(each, e2ee.Message)]


def test_every_peer_opens_what_a_batch_sends_it(crowd: Crowd) -> None:
    messages = shuffled(crowd)

    envelopes = crowd.alice.encrypt_many(messages)

    opened = [
        crowd.peers[name].decrypt(crowd.alice.address, envelope).plaintext
        for (name, _), envelope in zip(messages, envelopes, strict=True)
    ]
    assert opened == [text for _, text in messages]
    headers = [wire.header(each.to_bytes()) for each in envelopes]
    assert len({(each.ratchet_key, each.index) for each in headers}) == len(messages)


def test_a_batch_queues_in_order(crowd: Crowd) -> None:
    messages = shuffled(crowd)

    names = crowd.alice.queue_many(messages)

    waiting = {each.id: each for each in crowd.alice.outbox(limit=len(messages))}
    assert set(names) == set(waiting)
    for peer, account in crowd.peers.items():
        of_peer = crowd.alice.outbox(peer=peer, limit=len(messages))
        opened = [account.decrypt(crowd.alice.address, each.envelope).plaintext for each in of_peer]
        assert opened == [text for name, text in messages if name == peer]


def test_a_batch_opens_what_all_peers_sent(crowd: Crowd) -> None:
    messages = shuffled(crowd)
    envelopes = crowd.sent(messages)

    assert texts(crowd.alice.decrypt_many(envelopes)) == [text for _, text in messages]
    again = crowd.alice.decrypt_many(envelopes)
    assert {type(each) for each in again} == {e2ee.DuplicateMessageError}


def test_a_batch_waits_in_the_inbox_and_is_known_again(crowd: Crowd) -> None:
    messages = shuffled(crowd)
    envelopes = crowd.sent(messages)

    received = crowd.alice.receive_many(envelopes)
    assert texts(received) == [text for _, text in messages]
    assert sorted(texts(list(crowd.alice.inbox()))) == sorted(texts(received))
    waiting = crowd.alice.receive_many(envelopes)
    assert waiting == received
    for message in received:
        assert isinstance(message, e2ee.Message)
        crowd.alice.handled(message)
    handled = crowd.alice.receive_many(envelopes)
    assert all(isinstance(each, e2ee.DuplicateMessageError) and each.delivered for each in handled)
    assert crowd.alice.inbox() == []


def test_what_is_refused_has_its_error_in_its_place(crowd: Crowd, protocol: Protocol) -> None:
    bob = crowd.bob
    alice = crowd.alice.address
    first, second, third = (bob.encrypt(alice, b"%d" % number).to_bytes() for number in range(3))
    forged = second[:-1] + bytes([second[-1] ^ 1])
    stranger = protocol.created(e2ee.MemoryStore(), "stranger")
    stranger.connect(crowd.alice.address, crowd.alice.bundle(reusable=True))
    impostor = protocol.created(e2ee.MemoryStore(), "impostor")
    impostor.connect(crowd.alice.address, crowd.alice.bundle(reusable=True))

    placed = crowd.alice.receive_many(
        [
            (bob.address, third),
            (bob.address, forged),
            (bob.address, third),
            (bob.address, b""),
            (crowd.address("nobody"), first),
            (bob.address, impostor.encrypt(crowd.alice.address, b"x")),
            (stranger.address, stranger.encrypt(crowd.alice.address, b"first message")),
            (bob.address, first),
            (stranger.address, stranger.encrypt(crowd.alice.address, b"second message")),
            (bob.address, second),
        ]
    )

    kinds = [each.plaintext if isinstance(each, e2ee.Message) else type(each) for each in placed]
    assert kinds == [
        b"2",
        e2ee.AuthenticationError,
        b"2",
        e2ee.MalformedMessageError,
        e2ee.NoSessionError,
        e2ee.UntrustedIdentityError,
        b"first message",
        b"0",
        b"second message",
        b"1",
    ]
    untrusted = placed[5]
    assert isinstance(untrusted, e2ee.UntrustedIdentityError)
    assert untrusted.peer == bob.address
    assert untrusted.identity_key == impostor.identity_key
    assert len(crowd.alice.inbox()) == 5


@pytest.mark.parametrize("protocol", [SIGNAL], ids=["signal"])
def test_invitations_and_group_messages_come_in_a_batch(crowd: Crowd) -> None:
    bob, other = crowd.bob, crowd.peers[crowd.address("peer 1")]
    clubs = [bob.create_group(["alice"]), other.create_group(["alice"])]
    (_, first), (_, second) = (club.invitations()[0] for club in clubs)
    envelopes = [
        (bob.address, bob.encrypt(crowd.alice.address, b"before")),
        (other.address, second),
        (bob.address, first),
        (bob.address, clubs[0].encrypt(b"to the first")),
        (other.address, clubs[1].encrypt(b"to the second")),
        (bob.address, bob.encrypt(crowd.alice.address, b"behind")),
    ]

    opened = crowd.alice.decrypt_many(envelopes)

    assert [each.content for each in opened if isinstance(each, e2ee.Message)] == [
        "message",
        "invitation",
        "invitation",
        "group",
        "group",
        "message",
    ]
    assert sorted(crowd.alice.groups()) == sorted(club.id for club in clubs)
    later = clubs[0].encrypt(b"later")
    assert crowd.alice.decrypt(bob.address, later).plaintext == b"later"


def test_a_batch_to_somebody_without_a_session_is_refused_whole(crowd: Crowd) -> None:
    bob, nobody = crowd.bob, crowd.address("nobody")
    with pytest.raises(e2ee.NoSessionError) as caught:
        crowd.alice.encrypt_many([(bob.address, b"0"), (bob.address, b"1"), (nobody, b"2")])
    assert caught.value.place == 2
    with pytest.raises(e2ee.NoSessionError):
        crowd.alice.queue_many([(bob.address, b"0"), (nobody, b"1")])

    assert crowd.alice.outbox() == []
    sent = crowd.alice.encrypt(crowd.bob.address, b"x")
    assert crowd.bob.decrypt(crowd.alice.address, sent).plaintext == b"x"


def test_empty_batches_do_nothing(crowd: Crowd) -> None:
    assert crowd.alice.encrypt_many([]) == []
    assert crowd.alice.queue_many([]) == []
    assert crowd.alice.decrypt_many([]) == []
    assert crowd.alice.receive_many([]) == []


def test_a_batch_goes_on_where_single_calls_were(crowd: Crowd) -> None:
    alice, bob = crowd.alice, crowd.bob
    for turn in range(3):
        sent = [alice.encrypt(bob.address, b"a"), *alice.encrypt_many([(bob.address, b"b")] * 3)]
        opened = bob.decrypt_many([(alice.address, each) for each in sent])
        assert texts(opened) == [b"a", *[b"b"] * 3]
        answers = bob.encrypt_many([(alice.address, b"%d" % turn)] * 2)
        assert texts(alice.receive_many([(bob.address, each) for each in answers]))
