# SPDX-License-Identifier: MIT OR Apache-2.0
"""What has become of a party whose process died: nothing of it may be other than 0.

The first thing that is done with a reopened store is to send, before anything that comes in can
turn the ratchet: if the store did not know of a message that left, the key of that is used again.
"""

import random
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, final

import e2ee
from tests.assurance.ledger import (
    BLOCK,
    CHAIN_ID,
    ITERATION,
    KEPT,
    Ledger,
    duplicates,
    group_fields,
)
from tests.assurance.party import CLUB, Letter, Party
from tests.properties import wire

UNREADABLE: Final = "stores unreadable"
LOST: Final = "acknowledged operations lost"
TWICE: Final = "message keys used twice"
UNSTORED: Final = "messages sent but not stored"
DOUBLED: Final = "messages shown more often than processes died"
STUCK: Final = "parties that cannot go on"
NAMES: Final = (LOST, UNREADABLE, TWICE, UNSTORED, DOUBLED, STUCK)
#: Operations after each recovery.
OPERATIONS: Final = 6
#: How many complaints are kept.
COMPLAINTS: Final = 5


@final
@dataclass(slots=True)
class Judge:
    """Counts over many deaths, with the keys of all futures, and the first complaints."""

    ledger: Ledger = field(default_factory=Ledger)
    found: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(NAMES, 0)))
    complaints: list[str] = field(default_factory=list)

    def judge(self, folder: Path, *, deaths: int) -> Ledger:
        """Reopens, sends, recovers, goes on, and counts what must not be."""
        own = Ledger()
        try:
            party = Party(folder)
        except e2ee.E2EEError as refusal:
            self.complain(UNREADABLE, repr(refusal))
            return own
        try:
            self.live(party, own, deaths)
        except (e2ee.E2EEError, AssertionError) as refusal:
            self.complain(STUCK, repr(refusal))
        finally:
            party.close()
        self.found[TWICE] += own.twice + duplicates(party.bundles())
        return own

    def complain(self, what: str, why: str) -> None:
        """Counts what must not be, and keeps the first reasons."""
        self.found[what] += 1
        if len(self.complaints) < COMPLAINTS:
            self.complaints.append(f"{what}: {why}")

    def live(self, party: Party, ledger: Ledger, deaths: int) -> None:
        """Lets a party send, recover and go on."""
        before = party.sent()
        note_all(ledger, before)
        last = highest(before)
        for letter in probes(party):
            note(ledger, letter)
            chain, index = chain_of(letter)
            self.found[UNSTORED] += last.get(chain, -1) >= index
        party.recover()
        chance = random.Random(len(before))  # noqa: S311 - chooses operations, no secrets
        for _ in range(OPERATIONS):
            party.act(chance)
        party.recover()
        sent, shown = party.sent(), party.shown()
        note_all(ledger, sent)
        waiting = sum(len(each.inbox()) for each in party.accounts.values())
        promised = [*(letter.text for letter in sent), *party.queued()]
        self.found[LOST] += waiting + sum(text not in shown for text in promised)
        self.found[DOUBLED] += max(0, sum(shown.values()) - len(shown) - deaths)


def probes(party: Party) -> list[Letter]:
    """A message of each who can write; that to the group gets lost on its way.

    Perhaps the process died with an invitation that nobody has got, so nobody could open it.
    """
    made = []
    for name, person in party.accounts.items():
        with suppress(e2ee.NoSessionError):
            made.append(party.send(name))
        if party.speaks_olm:
            continue
        with suppress(e2ee.NoGroupError, e2ee.InvitationsPendingError):
            envelope = person.group(CLUB).encrypt(BLOCK)
            made.append(Letter(name, "group", BLOCK.hex(), envelope.to_bytes()))
    return made


def note_all(ledger: Ledger, sent: Iterable[Letter]) -> None:
    """Enters all that left into the ledger."""
    for letter in sent:
        note(ledger, letter)


def note(ledger: Ledger, letter: Letter) -> None:
    """Enters what left into the ledger."""
    if letter.kind == "invitation":
        ledger.note_invitation(letter.envelope)
    else:
        ledger.note(letter.envelope)


@lru_cache(KEPT)
def chain_of(letter: Letter) -> tuple[bytes | int, int]:
    """The chain of a message, and its place in it."""
    if letter.kind == "group":
        found = group_fields(letter.envelope)
        return wire.number_of(found, CHAIN_ID), wire.number_of(found, ITERATION)
    header = wire.header(letter.envelope)
    return header.ratchet_key, header.index


def highest(letters: list[Letter]) -> dict[bytes | int, int]:
    """The last place of each chain."""
    last: dict[bytes | int, int] = {}
    for letter in letters:
        chain, index = chain_of(letter)
        last[chain] = max(index, last.get(chain, -1))
    return last
