# SPDX-License-Identifier: MIT OR Apache-2.0
"""A process that is killed: Alice and Bob over durable stores, writing to each other without end.

What leaves an account goes into the journal `sent`, what was handled into `handled`. Run as
`python -m tests.stores.correspondent FOLDER`; it says `ready` and never ends by itself.
"""

import sys
from contextlib import suppress
from pathlib import Path
from typing import final

import e2ee
from tests.stores.journal import Journal
from tests.stores.kinds import store_of
from tests.stores.protocols import spoken_in

PEOPLE = ("alice", "bob")


def text_of(sender: str, number: int) -> bytes:
    """What a message says."""
    return b"%s %d" % (sender.encode(), number)


@final
class Correspondence:
    """Both accounts, and the journals that outlive the process."""

    def __init__(self, folder: Path) -> None:
        self.sent = Journal(folder / "sent")
        self.handled = Journal(folder / "handled")
        self.stores = {name: store_of(folder, name) for name in PEOPLE}
        protocol = spoken_in(folder)
        self.addresses = {name: protocol.address(name) for name in PEOPLE}
        self.accounts = {name: protocol.opened(store, name) for name, store in self.stores.items()}

    def introduce(self) -> None:
        """Alice starts a session, unless she has one."""
        alice, bob = (self.accounts[name] for name in PEOPLE)
        if not alice.contacts():
            alice.connect(self.addresses["bob"], bob.bundle(reusable=True))

    def close(self) -> None:
        """Closes the stores."""
        for store in self.stores.values():
            store.close()

    def recover(self) -> None:
        """Handles what waits in the inboxes, and everything that was sent and not handled."""
        for account in self.accounts.values():
            for message in account.inbox():
                self.note(message)
                account.handled(message)
        done = {(sender, text) for sender, text in self.handled.lines()}
        for sender, number, envelope in self.sent.lines():
            if (sender, text_of(sender, int(number)).hex()) not in done:
                self.deliver(sender, bytes.fromhex(envelope))

    def send(self, sender: str) -> bytes:
        """Sends the next message; it has left when it stands in the journal."""
        number = sum(line[0] == sender for line in self.sent.lines())
        recipient = self.addresses[PEOPLE[1 - PEOPLE.index(sender)]]
        envelope = self.accounts[sender].encrypt(recipient, text_of(sender, number)).to_bytes()
        self.sent.add(sender, str(number), envelope.hex())
        return envelope

    def deliver(self, sender: str, envelope: bytes) -> None:
        """Receives and handles; what was handled before says so."""
        recipient = self.accounts[PEOPLE[1 - PEOPLE.index(sender)]]
        try:
            with recipient.receive(self.addresses[sender], envelope) as message:
                self.note(message)
        except e2ee.DuplicateMessageError as duplicate:
            if not duplicate.delivered:
                raise

    def note(self, message: e2ee.Message) -> None:
        """The application's own record of a message."""
        self.handled.add(message.sender.user, message.plaintext.hex())

    def go_on(self) -> None:
        """Writes and reads, in both directions, now and then out of order."""
        while True:
            for sender in PEOPLE:
                with suppress(e2ee.NoSessionError):
                    late = self.send(sender)
                    self.deliver(sender, self.send(sender))
                    self.deliver(sender, late)


def main() -> None:
    """Goes on until it is killed."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    correspondence = Correspondence(Path(sys.argv[1]))
    correspondence.introduce()
    correspondence.recover()
    correspondence.go_on()


if __name__ == "__main__":
    main()
