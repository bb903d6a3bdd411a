# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sizes show in steps of 80 bytes only, and every content survives its padding (signal.md §14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import e2ee
from tests.properties import wire
from tests.properties.world import Rows, copy_of, pair, read_rows

KEY = bytes(range(32))
STEP = 80
lengths = st.integers(0, 2_000)
#: Contents whose end looks like padding.
tails = st.lists(st.sampled_from([0x00, 0x80]), max_size=200).map(bytes)


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Alice's rows, from which her first envelope to Bob always has the same fields."""
    store = e2ee.MemoryStore(key=KEY)
    bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    e2ee.Account.create(store, "alice").connect("bob", bob.bundle())
    return read_rows(store)


@pytest.fixture(scope="module")
def conversation() -> tuple[e2ee.Account, e2ee.Account]:
    """Alice and Bob."""
    alice, bob, _, _ = pair()
    return alice, bob


def sizes(rows: Rows, length: int) -> tuple[int, int]:
    """The sizes of the encrypted body and of the envelope for a content of this length."""
    envelope = e2ee.Account.open(copy_of(rows, KEY)).encrypt("bob", bytes(length)).to_bytes()
    message = wire.ratchet_message(envelope)
    found = list(wire.fields(message, 1, len(message) - wire.TAG_LEN))
    return len(wire.bytes_of(found, wire.BODY)), len(envelope)


@given(length=lengths)
def test_bodies_are_multiples_of_80_bytes(rows: Rows, length: int) -> None:
    body, _ = sizes(rows, length)

    # The byte 80, and the byte that the cipher always adds.
    assert body == (length + 2 + STEP - 1) // STEP * STEP


@given(one=lengths, other=lengths)
def test_envelopes_tell_contents_apart_by_their_step_only(rows: Rows, one: int, other: int) -> None:
    same_step = (one + 1) // STEP == (other + 1) // STEP

    assert (sizes(rows, one)[1] == sizes(rows, other)[1]) == same_step


@pytest.mark.parametrize(("length", "body"), [(0, 80), (78, 80), (79, 160), (158, 160), (159, 240)])
def test_the_steps_are_where_they_should_be(rows: Rows, length: int, body: int) -> None:
    assert sizes(rows, length)[0] == body


@given(content=st.binary(max_size=300), tail=tails)
def test_every_content_survives(
    conversation: tuple[e2ee.Account, e2ee.Account], content: bytes, tail: bytes
) -> None:
    alice, bob = conversation

    envelope = alice.encrypt("bob", content + tail)

    assert bob.decrypt("alice", envelope).plaintext == content + tail
