# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whatever the network brings, the trusted identity stays; only two calls change it.

Mallory calls himself Bob, holds the directory, and has a whole account of his own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import e2ee
from tests.properties import wire
from tests.properties.world import Rows, pair, read_rows

REFUSALS = (
    e2ee.DecryptionError,
    e2ee.MalformedMessageError,
    e2ee.InvalidKeyError,
    e2ee.UntrustedIdentityError,
    e2ee.UnknownPreKeyError,
    e2ee.NoSessionError,
    e2ee.InvalidArgumentError,
)


@final
@dataclass(frozen=True)
class Town:
    """Alice, who trusts Bob, and Mallory, who says that he is Bob."""

    alice: e2ee.Account
    bob: e2ee.Account
    store: e2ee.MemoryStore
    mallory: e2ee.Account

    def rows(self) -> Rows:
        """Alice's rows."""
        return read_rows(self.store)


@pytest.fixture
def town() -> Town:
    alice, bob, store, _ = pair()
    return Town(alice, bob, store, e2ee.Account.create(e2ee.MemoryStore(), "bob"))


def with_field(envelope: bytes, number: int, value: bytes) -> bytes:
    """A prekey message in which one field has another value."""
    return envelope[:3] + b"".join(
        wire.field(each.number, value if each.number == number else each.value)
        for each in wire.outer_fields(envelope)
    )


def first_message(town: Town) -> bytes:
    """Mallory's, from a bundle that Alice published."""
    town.mallory.connect("alice", town.alice.bundle())
    return town.mallory.encrypt("alice", b"I am Bob.").to_bytes()


def under_bobs_name(town: Town) -> bytes:
    """The same, with Bob's identity key written over his own."""
    return with_field(first_message(town), wire.IDENTITY_KEY, town.bob.identity_key)


def from_the_reusable_bundle(town: Town) -> bytes:
    """The same, without one-time keys."""
    town.mallory.connect("alice", town.alice.bundle(reusable=True))
    return town.mallory.encrypt("alice", b"I am Bob.").to_bytes()


def ratchet_of_another_session(town: Town) -> bytes:
    """A ratchet message that Mallory's own session made."""
    carol = e2ee.Account.create(e2ee.MemoryStore(), "alice")
    carol.connect("bob", town.mallory.bundle())
    town.mallory.decrypt("alice", carol.encrypt("bob", b"Hello."))
    return town.mallory.encrypt("alice", b"I am Bob.").to_bytes()


@pytest.mark.parametrize(
    "forge",
    [first_message, under_bobs_name, from_the_reusable_bundle, ratchet_of_another_session],
    ids=lambda each: each.__name__,
)
@pytest.mark.parametrize("verified", [False, True])
def test_a_message_under_another_identity_is_refused(
    town: Town, forge: Callable[[Town], bytes], *, verified: bool
) -> None:
    if verified:
        town.alice.verify("bob", town.bob.safety_number("alice"))
    envelope = forge(town)
    before = town.rows()

    with pytest.raises(REFUSALS):
        town.alice.decrypt("bob", envelope)
    with pytest.raises(REFUSALS), town.alice.receive("bob", envelope):
        pass

    assert town.rows() == before
    (contact,) = town.alice.contacts()
    assert (contact.identity_key, contact.verified) == (town.bob.identity_key, verified)


def test_the_refusal_names_peer_and_key(town: Town) -> None:
    envelope = first_message(town)

    with pytest.raises(e2ee.UntrustedIdentityError) as caught:
        town.alice.decrypt("bob", envelope)

    assert caught.value.peer == e2ee.Address("bob")
    assert caught.value.identity_key == town.mallory.identity_key


@pytest.mark.parametrize("reusable", [False, True])
def test_a_bundle_of_another_identity_is_refused(town: Town, *, reusable: bool) -> None:
    bundle, before = town.mallory.bundle(reusable=reusable), town.rows()

    with pytest.raises(e2ee.UntrustedIdentityError):
        town.alice.connect("bob", bundle)

    assert town.rows() == before


@example(place=40, bit=7, reusable=False)  # the top bit of the identity key
@given(place=st.integers(0, 1 << 12), bit=st.integers(0, 7), reusable=st.booleans())
def test_no_damaged_bundle_of_a_stranger_is_trusted(
    place: int, bit: int, *, reusable: bool
) -> None:
    store = e2ee.MemoryStore()
    alice = e2ee.Account.create(store, "alice")
    stranger = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    bundle = bytearray(stranger.bundle(reusable=reusable).to_bytes())
    bundle[place % len(bundle)] ^= 1 << bit
    before = read_rows(store)

    try:
        alice.connect("bob", bytes(bundle))
    except REFUSALS:
        assert read_rows(store) == before
    else:
        # Registration id, the numbers of the keys and the one-time key carry no signature.
        (contact,) = alice.contacts()
        assert contact.identity_key == stranger.identity_key


@pytest.mark.parametrize("reusable", [False, True])
def test_accept_identity_changes_whom_alice_trusts(town: Town, *, reusable: bool) -> None:
    town.alice.accept_identity("bob", town.mallory.bundle(reusable=reusable))

    (contact,) = town.alice.contacts()
    assert (contact.identity_key, contact.verified) == (town.mallory.identity_key, False)
    envelope = town.alice.encrypt("bob", b"to the new one")
    assert town.mallory.decrypt("alice", envelope).plaintext == b"to the new one"


def test_after_the_change_the_old_identity_is_refused(town: Town) -> None:
    late = town.bob.encrypt("alice", b"late")
    town.alice.accept_identity("bob", town.mallory.bundle())
    before = town.rows()

    with pytest.raises(e2ee.UntrustedIdentityError):
        town.alice.decrypt("bob", late)

    assert town.rows() == before


def test_verify_with_a_bundle_needs_the_code_of_its_identity(town: Town) -> None:
    bundle, code = town.mallory.bundle(), town.bob.safety_number("alice")
    before = town.rows()

    with pytest.raises(e2ee.SafetyNumberMismatchError):
        town.alice.verify("bob", code, bundle=bundle)

    assert town.rows() == before


def test_verify_with_a_bundle_trusts_its_identity(town: Town) -> None:
    bundle = town.mallory.bundle()
    code = town.alice.safety_number("bob", bundle=bundle)

    town.alice.verify("bob", code, bundle=bundle)

    (contact,) = town.alice.contacts()
    assert (contact.identity_key, contact.verified) == (town.mallory.identity_key, True)


@given(changes=st.lists(st.integers(0, 59), min_size=1, max_size=3, unique=True))
def test_a_wrong_code_verifies_nothing(changes: list[int]) -> None:
    alice, bob, store, _ = pair()
    digits = list(bob.safety_number("alice").digits)
    for place in changes:
        digits[place] = str((int(digits[place]) + 1) % 10)
    before = read_rows(store)

    with pytest.raises(e2ee.SafetyNumberMismatchError):
        alice.verify("bob", "".join(digits))

    assert read_rows(store) == before


def test_both_sides_see_the_same_code(town: Town) -> None:
    assert town.alice.safety_number("bob") == town.bob.safety_number("alice")
    assert town.alice.safety_number("bob") != town.mallory.safety_number(
        "alice", bundle=town.alice.bundle()
    )
