# SPDX-License-Identifier: MIT OR Apache-2.0
"""Groups that servers name, and calls in them (mtproto_secret_chats.md §1 and §8)."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from pathlib import Path

import pytest

from e2ee import AuthenticationError, InvalidArgumentError, InvalidKeyError, StaleSessionError
from e2ee.mtproto import Call, CallAnswer, CallOffer, DhGroup

VECTORS = Path(__file__).parent.parent / "vectors" / "mtproto"
#: What today's servers send.
SENT = json.loads((VECTORS / "secret_chat.json").read_text(encoding="utf-8"))["dh"]
P = bytes.fromhex(SENT["p"])
TABLE = json.loads((VECTORS / "emoji_table.json").read_text(encoding="utf-8"))["emoji"]
#: The largest safe prime of 2,048 bits.
LARGEST = (2**2048 - 1942289).to_bytes(256)
CHANNELS = ("transport", "signaling")


@pytest.fixture(scope="module", name="group")
def _group() -> DhGroup:
    return DhGroup.from_server(SENT["g"], P)


def both(group: DhGroup) -> tuple[Call, Call]:
    calling = CallOffer(group)
    called = CallAnswer(group, calling.commitment)
    ours = calling.confirm(called.public_value)
    return ours, called.confirm(ours.caller_public_value, ours.fingerprint)


def test_a_group_is_what_the_server_sent(group: DhGroup) -> None:
    assert (group.g, group.p) == (SENT["g"], P)
    assert group == DhGroup.from_server(SENT["g"], P)
    assert hash(group) == hash(DhGroup.from_server(SENT["g"], P))
    assert group != DhGroup.from_server(4, P)
    assert repr(group) == "DhGroup(g=3)"


def test_another_safe_prime_is_taken() -> None:
    assert DhGroup.from_server(2, LARGEST).p == LARGEST


@pytest.mark.parametrize("g", [-1, 0, 1, 2, 5, 6, 8, 2**31 - 1])
def test_a_generator_of_more_than_the_squares_is_refused(g: int) -> None:
    with pytest.raises(InvalidKeyError):
        DhGroup.from_server(g, P)


@pytest.mark.parametrize(
    "p",
    [
        b"",
        P[1:],
        P + b"\0",
        b"\0" + P,
        bytes([P[0] & 0x7F]) + P[1:],
        (int.from_bytes(P) + 1).to_bytes(256),
        (int.from_bytes(P) + 2).to_bytes(256),
        (2**2048 - 1557).to_bytes(256),
    ],
    ids=["empty", "short", "long", "padded", "2047 bits", "even", "composite", "half composite"],
)
def test_what_is_no_safe_prime_of_2048_bits_is_refused(p: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        DhGroup.from_server(4, p)


def test_both_ends_see_the_same_emoji(group: DhGroup) -> None:
    ours, theirs = both(group)

    assert ours.emoji == theirs.emoji
    assert len(ours.emoji) == 4
    assert set(ours.emoji) <= set(TABLE)
    assert ours.fingerprint == theirs.fingerprint
    assert ours.caller_public_value == theirs.caller_public_value


def test_the_commitment_is_the_hash_of_what_is_sent_later(group: DhGroup) -> None:
    calling = CallOffer(group)

    ours = calling.confirm(CallAnswer(group, calling.commitment).public_value)

    assert hashlib.sha256(ours.caller_public_value).digest() == calling.commitment
    assert not hasattr(calling, "public_value")


def test_a_value_that_was_not_committed_to_is_refused(group: DhGroup) -> None:
    calling, between = CallOffer(group), CallOffer(group)
    called = CallAnswer(group, calling.commitment)
    other = between.confirm(called.public_value)

    with pytest.raises(AuthenticationError):
        called.confirm(other.caller_public_value, other.fingerprint)


def test_another_fingerprint_is_refused(group: DhGroup) -> None:
    calling = CallOffer(group)
    called = CallAnswer(group, calling.commitment)
    ours = calling.confirm(called.public_value)

    with pytest.raises(AuthenticationError):
        called.confirm(ours.caller_public_value, ours.fingerprint ^ 1)


@pytest.mark.parametrize(
    "value", [b"", b"\1", P, (int.from_bytes(P) - 1).to_bytes(256), bytes(257)]
)
def test_values_out_of_range_are_refused(group: DhGroup, value: bytes) -> None:
    called = CallAnswer(group, hashlib.sha256(value).digest())

    with pytest.raises(InvalidKeyError):
        CallOffer(group).confirm(value)
    with pytest.raises(InvalidKeyError):
        called.confirm(value, 0)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_commitment_has_32_bytes(group: DhGroup, length: int) -> None:
    with pytest.raises(InvalidArgumentError):
        CallAnswer(group, bytes(length))


def test_each_half_is_used_once(group: DhGroup) -> None:
    calling = CallOffer(group)
    called = CallAnswer(group, calling.commitment)
    with pytest.raises(InvalidKeyError):
        calling.confirm(b"\1")
    with pytest.raises(AuthenticationError):
        called.confirm(b"\1", 0)

    with pytest.raises(StaleSessionError):
        calling.confirm(called.public_value)
    with pytest.raises(StaleSessionError):
        called.confirm(called.public_value, 0)


@pytest.mark.parametrize("channel", CHANNELS)
def test_packets_open_at_the_other_end_on_their_channel_only(group: DhGroup, channel: str) -> None:
    ours, theirs = both(group)
    packet = ours.seal(b"\0\0\0\1text", channel=channel)
    (other,) = set(CHANNELS) - {channel}

    assert theirs.open(packet, channel=channel) == b"\0\0\0\1text"
    assert len(packet) == 16 + 8
    with pytest.raises(AuthenticationError):
        theirs.open(packet, channel=other)
    with pytest.raises(AuthenticationError):
        ours.open(packet, channel=channel)


def test_packets_that_were_altered_do_not_open(group: DhGroup) -> None:
    ours, theirs = both(group)
    packet = theirs.seal(b"\0\0\0\1text")

    for place in range(len(packet)):
        altered = packet[:place] + bytes([packet[place] ^ 1]) + packet[place + 1 :]
        with pytest.raises(AuthenticationError):
            ours.open(altered)
    with pytest.raises(AuthenticationError):
        ours.open(packet[:15])


def test_there_are_two_channels(group: DhGroup) -> None:
    ours, theirs = both(group)

    with pytest.raises(InvalidArgumentError):
        ours.seal(b"text", channel="other")
    with pytest.raises(InvalidArgumentError):
        theirs.open(bytes(32), channel="")


def test_nothing_of_a_call_can_be_copied(group: DhGroup) -> None:
    calling = CallOffer(group)

    for each in (calling, CallAnswer(group, calling.commitment), both(group)[0]):
        with pytest.raises(TypeError):
            pickle.dumps(each)
        with pytest.raises(TypeError):
            copy.copy(each)
