# SPDX-License-Identifier: MIT OR Apache-2.0
"""A message that does not open is asked for again (signal.md §4.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

import e2ee
from tests.properties import wire
from tests.properties.world import pair, put_rows, read_rows

SENT = 1_700_000_000_123
SENT_TIME = datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)


def broken() -> tuple[e2ee.Account, e2ee.Account, e2ee.Envelope]:
    """Alice, Bob who has lost everything about her, and what she wrote meanwhile."""
    alice, bob, *_ = pair()
    envelope = alice.encrypt("bob", b"lost")
    bob.forget("alice")
    return alice, bob, envelope


def received(account: e2ee.Account, sender: str, envelope: e2ee.Envelope) -> e2ee.Message:
    with account.receive(sender, envelope) as message:
        return message


def test_a_lost_session_is_repaired_and_the_message_sent_again() -> None:
    alice, bob, envelope = broken()
    with pytest.raises(e2ee.NoSessionError):
        received(bob, "alice", envelope)

    request = bob.repair("alice", envelope, SENT)
    asked = received(alice, "bob", request)

    assert (asked.content, asked.plaintext, asked.group) == ("resend", b"", None)
    assert (asked.sender, asked.sent) == (e2ee.Address("bob"), SENT_TIME)
    with pytest.raises(e2ee.NoSessionError):
        alice.encrypt("bob", b"lost")
    alice.connect("bob", bob.bundle())
    assert received(bob, "alice", alice.encrypt("bob", b"lost")).plaintext == b"lost"


def test_a_request_shows_kind_size_and_the_key_of_the_envelope() -> None:
    _, bob, envelope = broken()

    request = bob.repair("alice", envelope, SENT)

    assert request.kind == "repair"
    key = wire.header(envelope.to_bytes()).ratchet_key
    expected = b"\x0a\x21" + key + b"\x10\xfb\xd0\x95\xff\xbc\x31\x18\x01"
    content = b"\xc0\x42" + bytes([len(expected)]) + expected + b"\x80"
    assert request.to_bytes() == b"\x01\x08" + content


def test_the_request_for_an_envelope_is_always_the_same() -> None:
    alice, bob, alice_store, _ = pair()
    envelope = alice.encrypt("bob", b"x")
    strangers = [e2ee.Account.create(e2ee.MemoryStore(), name) for name in ("bob", "carol")]

    requests = [account.repair("alice", envelope, SENT).to_bytes() for account in (bob, *strangers)]

    assert len(set(requests)) == 1
    alice_store.close()


@pytest.mark.parametrize(
    "time",
    [SENT, SENT_TIME, SENT_TIME.astimezone(timezone(timedelta(hours=-7)))],
    ids=["milliseconds", "time", "another zone"],
)
def test_a_time_may_be_given_in_three_ways(time: datetime | int) -> None:
    _, bob, envelope = broken()

    assert bob.repair("alice", envelope, time) == bob.repair("alice", envelope, SENT)


@pytest.mark.parametrize(
    ("time", "allowed"),
    [
        (-1, False),
        (0, True),
        (253_402_300_799_999, True),
        (253_402_300_800_000, False),
        (1 << 70, False),
        (SENT_TIME.replace(tzinfo=None), False),
        (datetime(1969, 12, 31, tzinfo=UTC), False),
    ],
)
def test_a_time_is_within_its_range(time: datetime | int, *, allowed: bool) -> None:
    _, bob, envelope = broken()

    if allowed:
        assert bob.repair("alice", envelope, time)
    else:
        with pytest.raises(e2ee.InvalidArgumentError):
            bob.repair("alice", envelope, time)


def test_what_was_opened_is_not_asked_for() -> None:
    alice, bob, *_ = pair()
    waiting, handled = alice.encrypt("bob", b"1"), alice.encrypt("bob", b"2")
    received(bob, "alice", handled)
    with pytest.raises(RuntimeError), bob.receive("alice", waiting):
        raise RuntimeError

    for envelope in (waiting, handled):
        with pytest.raises(e2ee.DuplicateMessageError):
            bob.repair("alice", envelope, SENT)


def test_a_request_is_not_answered_by_another_one() -> None:
    alice, bob, envelope = broken()
    request = bob.repair("alice", envelope, SENT)

    with pytest.raises(e2ee.InvalidArgumentError):
        alice.repair("bob", request, SENT)


def test_what_is_no_message_is_not_asked_for() -> None:
    _, bob, envelope = broken()

    with pytest.raises(e2ee.MalformedMessageError):
        bob.repair("alice", envelope.to_bytes()[:-60], SENT)


def test_a_request_for_another_key_leaves_the_session() -> None:
    alice, bob, *_ = pair()
    old = alice.encrypt("bob", b"old")
    bob.decrypt("alice", old)
    alice.decrypt("bob", bob.encrypt("alice", b"turn"))
    alice.encrypt("bob", b"a new key")
    stranger = e2ee.Account.create(e2ee.MemoryStore(), "bob")

    asked = alice.decrypt("bob", stranger.repair("alice", old, SENT))

    assert asked.content == "resend"
    assert bob.decrypt("alice", alice.encrypt("bob", b"goes on")).plaintext == b"goes on"


def test_an_archived_session_still_opens_what_was_on_its_way() -> None:
    alice, bob, *_ = pair()
    late = bob.encrypt("alice", b"late")
    envelope = alice.encrypt("bob", b"x")
    stranger = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice.decrypt("bob", stranger.repair("alice", envelope, SENT))

    assert alice.decrypt("bob", late).plaintext == b"late"
    # The peer has answered on it, so that it is the session again.
    assert bob.decrypt("alice", alice.encrypt("bob", b"on")).plaintext == b"on"


def test_a_request_that_comes_again_is_a_duplicate() -> None:
    alice, bob, envelope = broken()
    request = bob.repair("alice", envelope, SENT)
    with pytest.raises(RuntimeError), alice.receive("bob", request):
        raise RuntimeError
    (waiting,) = alice.inbox()

    assert received(alice, "bob", request) == waiting

    with pytest.raises(e2ee.DuplicateMessageError) as caught:
        received(alice, "bob", request)
    assert caught.value.delivered


def test_five_requests_an_hour_are_taken_also_over_restarts() -> None:
    alice, bob, store, _ = pair()
    envelope = alice.encrypt("bob", b"x")
    stranger = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    requests = [stranger.repair("alice", envelope, SENT + number) for number in range(7)]
    for request in requests[:5]:
        received(alice, "bob", request)

    before = read_rows(store)
    for account in (alice, e2ee.Account.open(store)):
        for request in requests[5:]:
            with pytest.raises(e2ee.RepairLimitError):
                received(account, "bob", request)
    assert read_rows(store) == before
    assert bob.user == "bob"


def test_three_requests_are_taken_for_one_time() -> None:
    alice, _, *_ = pair()
    envelopes = [alice.encrypt("bob", b"x") for _ in range(4)]
    alice.decrypt("bob", _answer(alice))
    stranger = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    for number, envelope in enumerate(envelopes):
        request = stranger.repair("alice", envelope, SENT)
        if number < 3:
            alice.decrypt("bob", request)
        else:
            with pytest.raises(e2ee.RepairLimitError):
                alice.decrypt("bob", request)
    assert alice.decrypt("bob", stranger.repair("alice", envelopes[0], SENT + 1)).content


def _answer(alice: e2ee.Account) -> e2ee.Envelope:
    """An envelope of a Bob's, for a session that he starts."""
    stranger = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice.forget("bob")
    stranger.connect("alice", alice.bundle())
    return stranger.encrypt("alice", b"hello")


def test_the_limit_is_that_of_one_device() -> None:
    alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")
    peers = [e2ee.Address("bob", device) for device in (1, 2)]
    for peer in peers:
        bob = e2ee.Account.create(e2ee.MemoryStore(), "bob", device=peer.device)
        alice.connect(peer, bob.bundle())
        envelope = alice.encrypt(peer, b"x")
        for number in range(5):
            alice.decrypt(peer, bob.repair("alice", envelope, SENT + number))
        with pytest.raises(e2ee.RepairLimitError):
            alice.decrypt(peer, bob.repair("alice", envelope, SENT + 9))


@pytest.mark.parametrize("device", [b"\x18\x02", b"\x18\x00", b"", b"\x18\x80\x02"])
def test_a_request_to_another_device_is_refused(device: bytes) -> None:
    alice, bob, envelope = broken()
    encoded = bob.repair("alice", envelope, SENT).to_bytes()
    body = encoded[5:-3] + device
    other = encoded[:4] + bytes([len(body)]) + body + b"\x80"

    with pytest.raises((e2ee.AuthenticationError, e2ee.MalformedMessageError)):
        received(alice, "bob", e2ee.Envelope(other))

    assert alice.encrypt("bob", b"goes on")


def test_a_request_of_a_stranger_is_refused() -> None:
    alice, bob, envelope = broken()
    request = bob.repair("alice", envelope, SENT)

    with pytest.raises(e2ee.NoSessionError):
        received(alice, "mallory", request)


def test_whoever_writes_the_store_resets_the_limit_at_most() -> None:
    alice, bob, store, _ = pair()
    envelope = alice.encrypt("bob", b"x")
    alice.decrypt("bob", bob.repair("alice", envelope, SENT))
    rows = read_rows(store)
    assert "repair/bob/1" in rows

    put_rows(store, {name: row for name, row in rows.items() if name != "repair/bob/1"})

    alice.decrypt("bob", bob.repair("alice", envelope, SENT + 1))
    damaged = read_rows(store)
    revision, sealed = damaged["repair/bob/1"]
    put_rows(store, damaged | {"repair/bob/1": (revision, sealed[:-1] + b"\0")})
    with pytest.raises(e2ee.StoreCorruptionError):
        alice.decrypt("bob", bob.repair("alice", envelope, SENT + 2))


def test_to_forget_a_peer_is_to_forget_its_requests() -> None:
    alice, bob, store, _ = pair()
    alice.decrypt("bob", bob.repair("alice", alice.encrypt("bob", b"x"), SENT))

    alice.forget("bob")

    assert not [name for name in read_rows(store) if name.startswith("repair/")]


def test_a_group_message_is_asked_for_and_the_member_invited_again() -> None:
    alice, bob, *_ = pair()
    club = alice.create_group(["bob"])
    club.invitations()  # lost
    envelope = club.encrypt(b"Hello, all.")
    with pytest.raises(e2ee.NoSenderKeyError):
        received(bob, "alice", envelope)

    asked = received(alice, "bob", bob.repair("alice", envelope, SENT))
    assert (asked.content, asked.group, asked.sent) == ("resend", None, SENT_TIME)

    club.reinvite("bob")
    ((_, invitation),) = club.invitations()
    received(bob, "alice", invitation)
    again = club.encrypt(b"Hello, all.")
    assert received(bob, "alice", again).plaintext == b"Hello, all."


def test_a_session_is_reset_by_hand() -> None:
    alice, bob, *_ = pair()
    late = bob.encrypt("alice", b"late")

    alice.reset("bob")
    alice.reset("bob")

    with pytest.raises(e2ee.NoSessionError):
        alice.encrypt("bob", b"x")
    with pytest.raises(e2ee.NoSessionError):
        alice.reset("nobody")
    alice.connect("bob", bob.bundle())
    assert bob.decrypt("alice", alice.encrypt("bob", b"new")).plaintext == b"new"
    assert alice.decrypt("bob", late).plaintext == b"late"
