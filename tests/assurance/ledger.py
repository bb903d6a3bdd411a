# SPDX-License-Identifier: MIT OR Apache-2.0
"""The ledger of message keys: a witness of each key that was used, whatever the headers claim.

A message key is not visible from outside, but a function of it is. Key and initialization vector
of the body both come from the message key (signal.md §6 and §9, olm_megolm.md §1.2: AES-256-CBC),
so the first block of the ciphertext is a function of the message key and of the first 16 bytes of
the plaintext. All gates write plaintexts that begin with `BLOCK`; padding changes nothing in front.
What is left is a function of the message key alone, and its SHA-256 is the entry. Two different
envelopes with one entry were sealed under one message key; two message keys have one entry by a
chance of 2^-128.

Invitations carry keys instead of such a plaintext; they are known by ratchet key and index.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final, final

from tests.properties import wire

#: What every plaintext begins with: one block of the cipher.
BLOCK: Final = b"one block of us:"
#: The kind of a group's envelope, its fields, and the signature behind them (docs/formats.md).
GROUP_KIND: Final = 7
CHAIN_ID, ITERATION, GROUP_BODY = 2, 3, 4
SIGNATURE_LEN: Final = 64
BLOCK_LEN: Final = 16
#: Envelopes that need not be taken apart again: each future of one past has those of the past.
KEPT: Final = 4_096


@final
@dataclass(slots=True)
class Ledger:
    """Which envelope each key was used for. `keys` counts entries of ledgers that were closed."""

    entries: dict[bytes, bytes] = field(default_factory=dict)
    twice: int = 0
    closed: int = 0

    def note(self, envelope: bytes) -> bool:
        """Notes an envelope that begins with the block; whether its key was used for another."""
        return self._enter([witness(envelope), place(envelope)], envelope)

    def note_invitation(self, envelope: bytes) -> bool:
        """Notes an envelope by its place in the ratchet alone."""
        return self._enter([place(envelope)], envelope)

    def note_all(self, envelopes: Iterable[bytes]) -> int:
        """Notes envelopes; how many had a key that was used for another."""
        return sum(self.note(each) for each in envelopes)

    def _enter(self, names: list[bytes], envelope: bytes) -> bool:
        digest = sha256(envelope).digest()
        used = any(self.entries.setdefault(name, digest) != digest for name in names)
        self.twice += used
        return used

    @property
    def keys(self) -> int:
        """How many keys there were."""
        return len(set(self.entries.values())) + self.closed

    def absorb(self, other: "Ledger") -> None:
        """Takes over what was noted elsewhere; what both know must be the same."""
        for name, digest in other.entries.items():
            self.twice += self.entries.setdefault(name, digest) != digest
        self.twice += other.twice
        self.closed += other.closed

    def close(self, other: "Ledger") -> None:
        """Counts a ledger of one of several futures of the same past, which do not meet."""
        self.twice += other.twice
        self.closed += len(set(other.entries.values()) - set(self.entries.values())) + other.closed


@lru_cache(KEPT)
def witness(envelope: bytes) -> bytes:
    """The SHA-256 of the first block of the ciphertext."""
    return sha256(b"key" + body(envelope)[:BLOCK_LEN]).digest()


def body(envelope: bytes) -> bytes:
    """The ciphertext in an envelope."""
    if envelope[1] == GROUP_KIND:
        return wire.bytes_of(group_fields(envelope), GROUP_BODY)
    message = wire.ratchet_message(envelope)
    return wire.bytes_of(list(wire.fields(message, 1, len(message) - wire.TAG_LEN)), wire.BODY)


@lru_cache(KEPT)
def place(envelope: bytes) -> bytes:
    """What the header says about the key."""
    if envelope[1] == GROUP_KIND:
        found = group_fields(envelope)
        chain, index = wire.number_of(found, CHAIN_ID), wire.number_of(found, ITERATION)
        return sha256(b"group %d %d" % (chain, index)).digest()
    header = wire.header(envelope)
    return sha256(b"place %d " % header.index + header.ratchet_key).digest()


def group_fields(envelope: bytes) -> list[wire.Field]:
    """The fields of the group's message in an envelope."""
    return list(wire.fields(envelope, wire.ENVELOPE_HEAD + 1, len(envelope) - SIGNATURE_LEN))


def duplicates(lines: Iterable[str]) -> int:
    """How many of these came before."""
    return sum(times - 1 for times in Counter(lines).values())
