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
    peers: dict[str, e2ee.Account]


@pytest.fixture(params=KINDS, ids=kind_name)
def crowd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crowd]:
    kind: Callable[[Path], Store] = request.param
    bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    with closing(kind(tmp_path)) as store:
        alice = introduced(store, bob)
        peers = {"bob": bob}
        for number in range(1, PEERS):
            name = f"peer {number}"
            peers[name] = e2ee.Account.create(e2ee.MemoryStore(), name)
            peers[name].connect("alice", alice.bundle())
            alice.decrypt(name, peers[name].encrypt("alice", b"Hello."))
        yield Crowd(alice, peers)


def shuffled(crowd: Crowd) -> list[tuple[str, bytes]]:
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
        crowd.peers[name].decrypt("alice", envelope).plaintext
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
        opened = [account.decrypt("alice", each.envelope).plaintext for each in of_peer]
        assert opened == [text for name, text in messages if name == peer]


def test_a_batch_opens_what_all_peers_sent(crowd: Crowd) -> None:
    messages = shuffled(crowd)
    envelopes = [(name, crowd.peers[name].encrypt("alice", text)) for name, text in messages]

    assert texts(crowd.alice.decrypt_many(envelopes)) == [text for _, text in messages]
    again = crowd.alice.decrypt_many(envelopes)
    assert {type(each) for each in again} == {e2ee.DuplicateMessageError}


def test_a_batch_waits_in_the_inbox_and_is_known_again(crowd: Crowd) -> None:
    messages = shuffled(crowd)
    envelopes = [(name, crowd.peers[name].encrypt("alice", text)) for name, text in messages]

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


def test_what_is_refused_has_its_error_in_its_place(crowd: Crowd) -> None:
    bob = crowd.peers["bob"]
    first, second, third = (bob.encrypt("alice", b"%d" % number).to_bytes() for number in range(3))
    forged = second[:-1] + bytes([second[-1] ^ 1])
    stranger = e2ee.Account.create(e2ee.MemoryStore(), "stranger")
    stranger.connect("alice", crowd.alice.bundle(reusable=True))
    impostor = e2ee.Account.create(e2ee.MemoryStore(), "impostor")
    impostor.connect("alice", crowd.alice.bundle(reusable=True))

    placed = crowd.alice.receive_many(
        [
            ("bob", third),
            ("bob", forged),
            ("bob", third),
            ("bob", b""),
            ("nobody", first),
            ("bob", impostor.encrypt("alice", b"x")),
            ("stranger", stranger.encrypt("alice", b"first message")),
            ("bob", first),
            ("stranger", stranger.encrypt("alice", b"second message")),
            ("bob", second),
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
    assert untrusted.peer == e2ee.Address("bob")
    assert untrusted.identity_key == impostor.identity_key
    assert len(crowd.alice.inbox()) == 5


def test_invitations_and_group_messages_come_in_a_batch(crowd: Crowd) -> None:
    bob, other = crowd.peers["bob"], crowd.peers["peer 1"]
    clubs = [bob.create_group(["alice"]), other.create_group(["alice"])]
    (_, first), (_, second) = (club.invitations()[0] for club in clubs)
    envelopes = [
        ("bob", bob.encrypt("alice", b"before")),
        ("peer 1", second),
        ("bob", first),
        ("bob", clubs[0].encrypt(b"to the first")),
        ("peer 1", clubs[1].encrypt(b"to the second")),
        ("bob", bob.encrypt("alice", b"behind")),
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
    assert crowd.alice.decrypt("bob", later).plaintext == b"later"


def test_a_batch_to_somebody_without_a_session_is_refused_whole(crowd: Crowd) -> None:
    with pytest.raises(e2ee.NoSessionError) as caught:
        crowd.alice.encrypt_many([("bob", b"0"), ("bob", b"1"), ("nobody", b"2")])
    assert caught.value.place == 2
    with pytest.raises(e2ee.NoSessionError):
        crowd.alice.queue_many([("bob", b"0"), ("nobody", b"1")])

    assert crowd.alice.outbox() == []
    assert crowd.peers["bob"].decrypt("alice", crowd.alice.encrypt("bob", b"x")).plaintext == b"x"


def test_empty_batches_do_nothing(crowd: Crowd) -> None:
    assert crowd.alice.encrypt_many([]) == []
    assert crowd.alice.queue_many([]) == []
    assert crowd.alice.decrypt_many([]) == []
    assert crowd.alice.receive_many([]) == []


def test_a_batch_goes_on_where_single_calls_were(crowd: Crowd) -> None:
    bob = crowd.peers["bob"]
    for turn in range(3):
        sent = [crowd.alice.encrypt("bob", b"a"), *crowd.alice.encrypt_many([("bob", b"b")] * 3)]
        assert texts(bob.decrypt_many([("alice", each) for each in sent])) == [b"a", *[b"b"] * 3]
        answers = bob.encrypt_many([("alice", b"%d" % turn)] * 2)
        assert texts(crowd.alice.receive_many([("bob", each) for each in answers]))
