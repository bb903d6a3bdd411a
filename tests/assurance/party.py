# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two accounts over SQLite files that do all that accounts do, and journals that outlive them.

What leaves an account stands in the journal `sent` before anybody hears of it, and what was handled
in `handled`: those are the operations that were acknowledged. `recover` is what an application does
after a crash; `act` is one operation of the script. What they speak, the folder says; groups are
Signal's, and keys to publish are Olm's.
"""

import os
import random
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, final
from uuid import UUID

import e2ee
from e2ee.store import Store
from tests.assurance.ledger import BLOCK
from tests.stores.correspondent import PEOPLE
from tests.stores.journal import Journal
from tests.stores.kinds import store_of
from tests.stores.protocols import OLM, spoken_in

CLUB: Final = UUID(int=7)
#: How many messages may be under way.
UNDER_WAY: Final = 6

OpensStores = Callable[[Path, str], Store]


class Letter(NamedTuple):
    """Something that left an account: who sent it, what kind it is, what it says, and its bytes."""

    sender: str
    kind: str
    text: str
    envelope: bytes


def letters(folder: Path) -> list[Letter]:
    """All that left the accounts of a folder."""
    return [
        Letter(who, kind, text, bytes.fromhex(made))
        for who, kind, text, made in Journal(folder / "sent").lines()
    ]


def other(name: str) -> str:
    """The one to whom this one writes."""
    return PEOPLE[1 - PEOPLE.index(name)]


@final
class Party:
    """Both accounts of a process."""

    def __init__(self, folder: Path, opens: OpensStores = store_of) -> None:
        self._sent, self._handled = Journal(folder / "sent"), Journal(folder / "handled")
        # Nobody else writes into the journal while we live.
        self._letters = letters(folder)
        self._queued = Journal(folder / "queued")
        self._bundles = Journal(folder / "bundles")
        self.stores = {name: opens(folder, name) for name in PEOPLE}
        self._protocol = spoken_in(folder)
        self.accounts = {
            name: self._protocol.opened(store, name) for name, store in self.stores.items()
        }
        self._under_way: deque[Letter] = deque()
        self._queuing: set[str] = set()
        # Texts of two lives are never the same, even if the first did not come to its journal.
        self._life, self._number = os.urandom(4).hex(), 1000

    @property
    def speaks_olm(self) -> bool:
        """Whether the accounts are of Olm, and so have no groups."""
        return self._protocol is OLM

    def address(self, name: str) -> e2ee.Address:
        """User and device of one of the two."""
        return self._protocol.address(name)

    def close(self) -> None:
        """Closes the files."""
        for store in self.stores.values():
            store.close()

    def sent(self) -> list[Letter]:
        """All that left."""
        return list(self._letters)

    def shown(self) -> Counter[str]:
        """How often each text was handled."""
        return Counter(text for (text,) in self._handled.lines())

    def queued(self) -> list[str]:
        """What was put into an outbox, each text once."""
        return [text for (text,) in self._queued.lines()]

    def bundles(self) -> list[str]:
        """The bundles that were given out, each of which has keys of its own."""
        return [encoded for (encoded,) in self._bundles.lines()]

    def recover(self) -> None:
        """Takes what waits and what was under way; meets, if it had not come to that."""
        for each in self.accounts.values():
            for message in each.inbox():
                self._note(message.plaintext.hex())
                each.handled(message)
        # Before anything is delivered: an envelope that waits for many turns of the ratchet is one
        # of those that are too late, and is not opened.
        for name in PEOPLE:
            self.post(name)
        done = self.shown()
        self._under_way.clear()
        for letter in [letter for letter in self.sent() if letter.text not in done]:
            self.deliver(letter)
        alice, bob = (self.accounts[name] for name in PEOPLE)
        if not alice.contacts():
            alice.connect(bob.address, bob.bundle(reusable=True))
        if not bob.contacts():
            self.deliver(self.send("alice"))
        if self.speaks_olm:
            return
        for name in PEOPLE:
            self._found_club(name)
        for name in PEOPLE:
            self.accounts[name].group(CLUB).reinvite(other(name))
            self._invite(name)

    def _found_club(self, name: str) -> None:
        """Sees to it that the group is there, with the other as its member."""
        person = self.accounts[name]
        if CLUB not in person.groups():
            person.create_group([other(name)], id=CLUB)
        elif not person.group(CLUB).members:
            person.group(CLUB).add(other(name))

    def _invite(self, name: str) -> None:
        for _, invitation in self.accounts[name].group(CLUB).invitations():
            self.deliver(self._left(name, "invitation", self._text(name), invitation))

    def send(self, name: str) -> Letter:
        """Writes to the other; it has left when it stands in the journal."""
        text = self._text(name)
        return self._left(
            name, "direct", text, self.accounts[name].encrypt(self.address(other(name)), text)
        )

    def queue(self, name: str) -> None:
        """Puts a message into the outbox; that it is there was said when the journal has it."""
        text = self._text(name)
        self.accounts[name].queue(self.address(other(name)), text)
        self._queued.add(text.hex())
        self._queuing.add(name)
        self._number += 1

    def post(self, name: str) -> None:
        """Carries what is in the outbox; what left before must leave as the same bytes."""
        person = self.accounts[name]
        left = {letter.envelope for letter in self.sent() if letter.kind == "queued"}
        for outgoing in person.outbox():
            if outgoing.envelope.to_bytes() not in left:
                self._under_way.append(
                    self._left(name, "queued", outgoing.id.encode(), outgoing.envelope)
                )
            person.sent(outgoing)
        self._queuing.discard(name)

    def send_to_group(self, name: str) -> Letter:
        """Writes to the group."""
        text = self._text(name)
        return self._left(name, "group", text, self.accounts[name].group(CLUB).encrypt(text))

    def _text(self, name: str) -> bytes:
        return BLOCK + f"{name} {self._life} {self._number}".encode()

    def _left(self, name: str, kind: str, text: bytes, envelope: e2ee.Envelope) -> Letter:
        letter = Letter(name, kind, text.hex(), envelope.to_bytes())
        self._sent.add(*letter[:3], letter.envelope.hex())
        self._letters.append(letter)
        self._number += 1
        return letter

    def deliver(self, letter: Letter) -> None:
        """Receives and handles; what was handled before says so."""
        recipient = self.accounts[other(letter.sender)]
        try:
            with recipient.receive(self.address(letter.sender), letter.envelope) as message:
                shown = message.plaintext.hex()
                if letter.kind in {"direct", "group"} and shown != letter.text:
                    raise AssertionError("a wrong plaintext")
                self._note(shown)
        except e2ee.DuplicateMessageError as duplicate:
            if not duplicate.delivered:
                raise
        if letter.kind in {"invitation", "queued"}:
            self._note(letter.text)

    def _note(self, text: str) -> None:
        """The application's own record of a message; an invitation in an inbox says nothing."""
        if text:
            self._handled.add(text)

    def act(self, chance: random.Random) -> None:
        """One operation of the script; some of them end with a delivery."""
        name = chance.choice(PEOPLE)
        weights = OLM_WEIGHTS if self.speaks_olm else WEIGHTS
        (what,) = chance.choices(list(weights), list(weights.values()))
        if what == "deliver" or len(self._under_way) >= UNDER_WAY:
            self._deliver_one(chance)
        else:
            acts: dict[str, Callable[[], object]] = {
                "send": lambda: self._under_way.append(self.send(name)),
                "queue": lambda: self.queue(name),
                "post": lambda: self.post(name),
                "group": lambda: self._under_way.append(self.send_to_group(name)),
                "bundle": lambda: self._give_bundle(name),
                "connect": lambda: self._connect(name),
                "prekeys": lambda: self.accounts[name].refresh_prekeys(chance.choice((None, 0))),
                "rotate": lambda: self._rotate(name),
                "keys": lambda: self.publish(name, fallback=chance.choice((False, True))),
                "inbox": lambda: self._look_and_leave(name),
            }
            acts[what]()

    def _deliver_one(self, chance: random.Random) -> None:
        """Delivers what was sent first, or last; what is queued goes on its way before."""
        for waiting in sorted(self._queuing):
            self.post(waiting)
        if self._under_way:
            self._under_way.rotate(chance.choice((0, 0, 0, 0, 0, 1)))
            self.deliver(self._under_way.popleft())

    def _give_bundle(self, name: str) -> None:
        self._bundles.add(self.accounts[name].bundle().to_bytes().hex())

    def publish(self, name: str, *, fallback: bool) -> None:
        """Makes keys, as if a server had asked for them, and says that it has them."""
        self.accounts[name].generate_keys(2, fallback=fallback)
        self.accounts[name].mark_keys_as_published()

    def _connect(self, name: str) -> None:
        """Starts another session, with keys of its own."""
        peer = self.accounts[other(name)]
        self.accounts[name].connect(peer.address, peer.bundle())

    def _rotate(self, name: str) -> None:
        """Everyone needs an invitation to the next key; those to the last one arrive before."""
        while self._under_way:
            self.deliver(self._under_way.popleft())
        self.accounts[name].group(CLUB).rotate()
        self._invite(name)

    def _look_and_leave(self, name: str) -> None:
        """A message whose block raises waits in the inbox, and is handled from there."""
        letter = self.send(name)
        recipient = self.accounts[other(name)]
        with suppress(InterruptedError), recipient.receive(self.address(name), letter.envelope):
            raise InterruptedError
        for message in recipient.inbox():
            self._note(message.plaintext.hex())
            recipient.handled(message)


#: How often each operation comes.
WEIGHTS: Final = {
    "send": 32,
    "queue": 10,
    "post": 3,
    "deliver": 35,
    "group": 9,
    "bundle": 2,
    "connect": 2,
    "prekeys": 1,
    "rotate": 2,
    "inbox": 4,
}
#: The same of Olm. Connections are fewer, as an account keeps four sessions beside the present one.
OLM_WEIGHTS: Final = {
    "send": 32,
    "queue": 10,
    "post": 3,
    "deliver": 35,
    "bundle": 2,
    "connect": 1,
    "keys": 2,
    "inbox": 4,
}
