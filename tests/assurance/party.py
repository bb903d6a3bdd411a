# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two accounts over SQLite files that do all that accounts do, and journals that outlive them.

What leaves an account stands in the journal `sent` before anybody hears of it, and what was handled
in `handled`: those are the operations that were acknowledged. `recover` is what an application does
after a crash; `act` is one operation of the script.
"""

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
from tests.stores.correspondent import PEOPLE, account
from tests.stores.journal import Journal
from tests.stores.kinds import store_of

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
        self._folder = folder
        self._bundles = Journal(folder / "bundles")
        self.stores = {name: opens(folder, name) for name in PEOPLE}
        self.accounts = {name: account(name, store) for name, store in self.stores.items()}
        self._under_way: deque[Letter] = deque()
        self._number = len(self._sent.lines())

    def close(self) -> None:
        """Closes the files."""
        for store in self.stores.values():
            store.close()

    def sent(self) -> list[Letter]:
        """All that left."""
        return letters(self._folder)

    def shown(self) -> Counter[str]:
        """How often each text was handled."""
        return Counter(text for (text,) in self._handled.lines())

    def bundles(self) -> list[str]:
        """The bundles that were given out, each of which has keys of its own."""
        return [encoded for (encoded,) in self._bundles.lines()]

    def recover(self) -> None:
        """Takes what waits and what was under way; meets, if it had not come to that."""
        for each in self.accounts.values():
            for message in each.inbox():
                self._note(message.plaintext.hex())
                each.handled(message)
        done = self.shown()
        self._under_way.clear()
        for letter in [letter for letter in self.sent() if letter.text not in done]:
            self.deliver(letter)
        alice, bob = (self.accounts[name] for name in PEOPLE)
        if not alice.contacts():
            alice.connect("bob", bob.bundle(reusable=True))
        if not bob.contacts():
            self.deliver(self.send("alice"))
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
            self.deliver(self._left(name, "invitation", b"%d" % self._number, invitation))

    def send(self, name: str) -> Letter:
        """Writes to the other; it has left when it stands in the journal."""
        text = self._text(name)
        return self._left(name, "direct", text, self.accounts[name].encrypt(other(name), text))

    def send_to_group(self, name: str) -> Letter:
        """Writes to the group."""
        text = self._text(name)
        return self._left(name, "group", text, self.accounts[name].group(CLUB).encrypt(text))

    def _text(self, name: str) -> bytes:
        return BLOCK + b"%s %d" % (name.encode(), self._number)

    def _left(self, name: str, kind: str, text: bytes, envelope: e2ee.Envelope) -> Letter:
        letter = Letter(name, kind, text.hex(), envelope.to_bytes())
        self._sent.add(*letter[:3], letter.envelope.hex())
        self._number += 1
        return letter

    def deliver(self, letter: Letter) -> None:
        """Receives and handles; what was handled before says so."""
        recipient = self.accounts[other(letter.sender)]
        try:
            with recipient.receive(letter.sender, letter.envelope) as message:
                if letter.kind != "invitation" and message.plaintext.hex() != letter.text:
                    raise AssertionError("a wrong plaintext")
                self._note(letter.text)
        except e2ee.DuplicateMessageError as duplicate:
            if not duplicate.delivered:
                raise
            if letter.kind == "invitation":
                self._note(letter.text)

    def _note(self, text: str) -> None:
        """The application's own record of a message; an invitation in an inbox says nothing."""
        if text:
            self._handled.add(text)

    def act(self, chance: random.Random) -> None:
        """One operation of the script; some of them end with a delivery."""
        name = chance.choice(PEOPLE)
        person = self.accounts[name]
        (what,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if self._under_way and (what == "deliver" or len(self._under_way) >= UNDER_WAY):
            self._under_way.rotate(chance.choice((0, 0, 0, 1)))
            self.deliver(self._under_way.popleft())
        elif what == "group":
            self._under_way.append(self.send_to_group(name))
        elif what == "bundle":
            self._bundles.add(person.bundle().to_bytes().hex())
        elif what == "connect":
            person.connect(other(name), self.accounts[other(name)].bundle())
        elif what == "prekeys":
            person.refresh_prekeys(chance.choice((None, 0)))
        elif what == "rotate":
            self._rotate(name)
        elif what == "inbox":
            with suppress(InterruptedError):
                self._look_and_leave(name)
        else:
            self._under_way.append(self.send(name))

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
        try:
            with recipient.receive(name, letter.envelope):
                raise InterruptedError
        finally:
            for message in recipient.inbox():
                self._note(message.plaintext.hex())
                recipient.handled(message)


#: How often each operation comes, of 100.
WEIGHTS: Final = {
    "send": 40,
    "deliver": 40,
    "group": 9,
    "bundle": 2,
    "connect": 2,
    "prekeys": 1,
    "rotate": 2,
    "inbox": 4,
}
