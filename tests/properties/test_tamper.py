# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every single-bit flip, every truncation, and insertions at every place of a message of each kind.

Of a ratchet message nothing is accepted. Of a first message just what the format leaves
unauthenticated, as tests/vectors/deviations.json lists it, and it opens to the same session.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import pytest

import e2ee
from tests.properties import oracle, wire
from tests.properties.world import copy_of, pair, put_rows, read_rows

KEY = bytes(range(32))
PLAINTEXT = b"Meet me at noon."
DEVIATIONS = Path(__file__).parents[1] / "vectors" / "deviations.json"
REGISTRATION_ID = "field 5, registration id, of the first message"
LOW_NIBBLE = "low nibble of the version byte"
UNKNOWN = "unknown fields"
INSERTED = (0x00, 0x01, 0x08, 0x44, 0x7F, 0x80, 0xFF)
#: One field for each way to write a value, with numbers that no message has.
UNKNOWN_FIELDS = (
    wire.field(9, 1),
    wire.field(15, b"more"),
    wire.varint(16 << 3 | 1) + bytes(8),
    wire.varint(17 << 3 | 5) + bytes(4),
)

Changes = Iterator[tuple[str, bytes]]
Changing = Callable[[bytes], Changes]


def flips(envelope: bytes) -> Changes:
    """Every envelope in which one bit is another."""
    for place in range(len(envelope)):
        for bit in range(8):
            changed = bytearray(envelope)
            changed[place] ^= 1 << bit
            yield f"bit {bit} of byte {place}", bytes(changed)


def truncations(envelope: bytes) -> Changes:
    """Every beginning of the envelope."""
    for length in range(len(envelope)):
        yield f"cut to {length} bytes", envelope[:length]


def insertions(envelope: bytes) -> Changes:
    """The envelope with one more byte at every place."""
    for place in range(len(envelope) + 1):
        for byte in INSERTED:
            yield f"byte {byte:#x} at {place}", envelope[:place] + bytes([byte]) + envelope[place:]


def added_fields(envelope: bytes) -> Changes:
    """The envelope with one more field before each of its fields, and behind the last."""
    found = wire.outer_fields(envelope)
    for place in [*(each.start for each in found), found[-1].end]:
        for added in UNKNOWN_FIELDS:
            yield f"{added.hex()} at {place}", envelope[:place] + added + envelope[place:]


def added_inside(envelope: bytes) -> Changes:
    """A prekey message whose ratchet message has one more field, with the length set right."""
    inner = wire.ratchet_message(envelope)
    for what, changed in added_fields(bytes([1, wire.RATCHET]) + inner):
        parts = [
            wire.field(each.number, changed[2:] if each.number == wire.MESSAGE else each.value)
            for each in wire.outer_fields(envelope)
        ]
        yield what, envelope[:3] + b"".join(parts)


@final
@dataclass
class Recipient:
    """Bob as he is before an envelope of Alice comes, as often as one likes."""

    alice: e2ee.Account
    alice_store: e2ee.MemoryStore
    bob: e2ee.Account
    bob_store: e2ee.MemoryStore
    envelope: bytes

    def accepted(self, changes: Changes) -> dict[str, bytes]:
        """Which changes Bob accepts; those that he refuses must leave his store alone."""
        before, found = read_rows(self.bob_store), {}
        for what, changed in changes:
            assert changed != self.envelope
            try:
                message = self.bob.decrypt("alice", changed)
            except (e2ee.DecryptionError, e2ee.MalformedMessageError, e2ee.InvalidKeyError):
                pass
            except (e2ee.UnknownPreKeyError, e2ee.NoSessionError, e2ee.UntrustedIdentityError):
                pass
            else:
                found[what] = changed
                assert message.plaintext == PLAINTEXT, what
                self.converse()
                put_rows(self.bob_store, before)
                self.bob = e2ee.Account.open(self.bob_store)
            assert read_rows(self.bob_store) == before, what
        return found

    def converse(self) -> None:
        """The session has Alice's keys: both go on. Alice does so in a copy that is thrown away."""
        alice = e2ee.Account.open(copy_of(read_rows(self.alice_store), KEY))
        answer = self.bob.encrypt("alice", b"Where?")
        assert alice.decrypt("bob", answer).plaintext == b"Where?"
        assert self.bob.decrypt("alice", alice.encrypt("bob", b"There.")).plaintext == b"There."


def recipient(*, reusable: bool = False, second: bool = False) -> Recipient:
    """Bob before Alice's first message, or before her second one that still carries the start."""
    alice_store, bob_store = e2ee.MemoryStore(key=KEY), e2ee.MemoryStore(key=KEY)
    alice = e2ee.Account.create(alice_store, "alice")
    bob = e2ee.Account.create(bob_store, "bob")
    alice.connect("bob", bob.bundle(reusable=reusable))
    if second:
        bob.decrypt("alice", alice.encrypt("bob", b"first"))
    envelope = alice.encrypt("bob", PLAINTEXT).to_bytes()
    assert envelope[1] == wire.PREKEY
    return Recipient(alice, alice_store, bob, bob_store, envelope)


every_change = pytest.mark.parametrize(
    "changes", [flips, truncations, insertions, added_fields], ids=lambda each: each.__name__
)


def expected(envelope: bytes, changes: Changes, *, second: bool = False) -> dict[str, bytes]:
    """The changes that touch only what the format leaves unauthenticated."""
    return {
        what: changed
        for what, changed in changes
        if (touched := oracle.differences(envelope, changed)) is not None
        and not (second and REGISTRATION_ID in touched)
    }


@pytest.mark.slow
@every_change
def test_nothing_changed_of_a_ratchet_message_is_accepted(changes: Changing) -> None:
    alice, bob, alice_store, bob_store = pair()
    envelope = alice.encrypt("bob", PLAINTEXT).to_bytes()
    assert envelope[1] == wire.RATCHET

    accepted = Recipient(alice, alice_store, bob, bob_store, envelope).accepted(changes(envelope))

    assert accepted == {}
    assert bob.decrypt("alice", envelope).plaintext == PLAINTEXT


@pytest.mark.slow
@pytest.mark.parametrize("reusable", [False, True])
@every_change
def test_of_a_first_message_only_unauthenticated_bytes_can_change(
    changes: Changing, *, reusable: bool
) -> None:
    setting = recipient(reusable=reusable)
    envelope = setting.envelope

    accepted = setting.accepted(changes(envelope))

    assert accepted == expected(envelope, changes(envelope))
    assert setting.bob.decrypt("alice", envelope).plaintext == PLAINTEXT


@pytest.mark.slow
@pytest.mark.parametrize("reusable", [False, True])
@every_change
def test_a_repeated_first_message_repeats_its_outer_fields(
    changes: Changing, *, reusable: bool
) -> None:
    setting = recipient(reusable=reusable, second=True)
    envelope = setting.envelope

    accepted = setting.accepted(changes(envelope))

    assert accepted == expected(envelope, changes(envelope), second=True)
    assert setting.bob.decrypt("alice", envelope).plaintext == PLAINTEXT


@pytest.mark.parametrize("second", [False, True])
def test_a_field_inside_a_first_message_is_refused(*, second: bool) -> None:
    setting = recipient(second=second)

    assert setting.accepted(added_inside(setting.envelope)) == {}


def test_the_count_of_accepted_flips_is_that_of_the_list() -> None:
    setting = recipient()
    envelope = setting.envelope
    (number,) = (
        each for each in wire.outer_fields(envelope) if each.number == wire.REGISTRATION_ID
    )

    counted = Counter(
        oracle.differences(envelope, changed)
        for changed in setting.accepted(flips(envelope)).values()
    )

    # Of the nibble, all bits. Of each byte of the number, all but the highest, which would cut it
    # or join it to what follows. Of the number's key, the bit that makes it an unknown field 13;
    # any other names a field that stands once already, or another way to write a value.
    digits = number.end - number.value_start
    assert counted == {
        frozenset({LOW_NIBBLE}): 4,
        frozenset({REGISTRATION_ID}): 7 * digits,
        frozenset({REGISTRATION_ID, UNKNOWN}): 1,
    }


def test_the_list_names_what_the_tests_allow() -> None:
    listed = json.loads(DEVIATIONS.read_text(encoding="utf-8"))["unauthenticated"]

    of_first = {each["bytes"] for each in listed if each["message"] == "prekey message"}

    assert of_first == {LOW_NIBBLE, REGISTRATION_ID, UNKNOWN}
    assert "ratchet message" not in {each["message"] for each in listed}
