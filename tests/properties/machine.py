# SPDX-License-Identifier: MIT OR Apache-2.0
"""A conversation as a state machine: two people, and a carrier that does anything."""

from collections.abc import Callable
from typing import ClassVar, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import e2ee
from e2ee.store import RekeyableStore
from tests.properties import steps, wire
from tests.properties.model import Expected, Fate, Letter, Side
from tests.properties.world import CrashError, Person, head_revisions, is_head
from tests.stores.protocols import OLM, SIGNAL, Protocol

#: More would archive more sessions than are kept, which the model does not follow.
MAX_CONNECTIONS = {SIGNAL: 30, OLM: 5}

Machine: TypeAlias = "ConversationMachine"

names = st.sampled_from(["alice", "bob"])
places = st.integers(0, 1 << 16)
plaintexts = st.binary(max_size=200)


def there_is_mail(machine: Machine) -> bool:
    """Whether an envelope is on its way."""
    return bool(machine.mail)


def something_was_sent(machine: Machine) -> bool:
    """Whether there is an envelope that the carrier could have kept."""
    return bool(machine.letters)


class ConversationMachine(RuleBasedStateMachine):
    """Connect, send, drop, reorder, duplicate, tamper, forget, against a tiny model."""

    #: What both speak.
    protocol: ClassVar[Protocol] = SIGNAL

    def __init__(self) -> None:
        super().__init__()
        self.people = {
            name: Person(name, self.open_store, self.protocol) for name in ("alice", "bob")
        }
        self.sides = {name: Side() for name in self.people}
        self.letters: list[Letter] = []
        self.mail: list[Letter] = []
        self.offers: dict[str, bytes] = {}
        self.connections = 0

    def open_store(self, name: str) -> RekeyableStore:
        """The store of a person; the same at each call."""
        raise NotImplementedError

    # What the rules have in common.

    @staticmethod
    def other(name: str) -> str:
        """The other of the two."""
        return "bob" if name == "alice" else "alice"

    def address(self, name: str) -> e2ee.Address:
        """User and device of one of the two."""
        return self.protocol.address(name)

    def peer(self, name: str) -> e2ee.Address:
        """User and device of the other."""
        return self.address(self.other(name))

    def recipient(self, letter: Letter) -> Person:
        """To whom a letter goes."""
        return self.people[self.other(letter.sender)]

    def post(self, name: str, plaintext: bytes) -> None:
        """Encrypts, and hands to the carrier."""
        person, side = self.people[name], self.sides[name]
        before = head_revisions(person.rows())
        envelope = person.account.encrypt(self.peer(name), plaintext).to_bytes()
        after = head_revisions(person.rows())
        (head,) = (row for row, revision in after.items() if before[row] != revision)
        session = head.rsplit("/", 1)[1]
        started = wire.session_name(envelope)
        assert started in {None, session}
        ticket = None if started is None else side.tickets[session]
        letter = Letter(name, plaintext, envelope, session, ticket, wire.header(envelope))
        side.sent(letter)
        self.letters.append(letter)
        self.mail.append(letter)

    def take(self, letter: Letter, message: e2ee.Message) -> None:
        """Notes a letter that was opened, which must be what was sent."""
        assert message.plaintext == letter.plaintext
        assert message.sender == self.address(letter.sender)
        self.sides[self.other(letter.sender)].opened(letter)

    def refused(self, letter: Letter, open_it: Callable[[], object]) -> e2ee.E2EEError:
        """Opens what must not open: an error that says so, and no row changes."""
        return self.recipient(letter).refuses(
            open_it,
            e2ee.DecryptionError,
            e2ee.UnknownPreKeyError,
            e2ee.NoSessionError,
        )

    def receive(self, letter: Letter, *, handle: bool = True) -> None:
        """Receives a letter, whatever its fate was before; `handle`: the block succeeds."""
        person, side = self.recipient(letter), self.sides[self.other(letter.sender)]

        def receiving() -> None:
            with person.account.receive(self.address(letter.sender), letter.envelope) as message:
                if letter.fate is Fate.NEW:
                    self.take(letter, message)
                assert message.plaintext == letter.plaintext
                letter.fate = Fate.WAITING
                if not handle:
                    raise CrashError
            letter.fate = Fate.HANDLED

        expected = side.expects(letter)
        if letter.fate is Fate.HANDLED:
            refusal = self.refused(letter, receiving)
            assert isinstance(refusal, e2ee.DuplicateMessageError)
            assert refusal.delivered
        elif letter.fate is Fate.READ or (letter.fate is Fate.NEW and expected is Expected.REFUSED):
            refusal = self.refused(letter, receiving)
            assert not getattr(refusal, "delivered", False)
        else:
            try:
                receiving()
            except CrashError:
                pass
            except e2ee.AuthenticationError:
                assert letter.fate is Fate.NEW
                assert expected is Expected.OPEN

    def read(self, letter: Letter) -> None:
        """Opens a letter by the short form, whatever its fate was before."""
        person, side = self.recipient(letter), self.sides[self.other(letter.sender)]

        def reading() -> None:
            self.take(letter, person.account.decrypt(self.address(letter.sender), letter.envelope))
            letter.fate = Fate.READ

        expected = side.expects(letter)
        if letter.fate is not Fate.NEW or expected is Expected.REFUSED:
            self.refused(letter, reading)
            return
        try:
            reading()
        except e2ee.AuthenticationError:
            assert expected is Expected.OPEN

    def pick(self, place: int, *, keep: bool) -> Letter:
        """A letter that is on its way; with `keep` it comes again."""
        position = place % len(self.mail)
        return self.mail[position] if keep else self.mail.pop(position)

    # Sessions.

    @initialize(name=names)
    def begin(self, name: str) -> None:
        """One of the two has the other's bundle."""
        self.connect(name, "fresh")

    @precondition(lambda machine: machine.connections < MAX_CONNECTIONS[machine.protocol])
    @rule(name=names, offer=st.sampled_from(["fresh", "reusable", "stale"]))
    def connect(self, name: str, offer: str) -> None:
        """One of the two starts a session, with a bundle that may have been used."""
        other = self.people[self.other(name)].account
        if offer == "reusable":
            bundle = other.bundle(reusable=True).to_bytes()
        elif offer == "fresh" or name not in self.offers:
            bundle = self.offers[name] = other.bundle().to_bytes()
        else:
            bundle = self.offers[name]
        before = self.people[name].rows()
        self.people[name].account.connect(self.peer(name), bundle)
        after = self.people[name].rows()
        (head,) = (row for row in after if is_head(row) and row not in before)
        session = head.rsplit("/", 1)[1]
        ticket = bytes.fromhex(session) if offer == "reusable" else bundle
        self.sides[name].started(session, ticket)
        self.connections += 1
        steps.count()

    @rule(name=names)
    def forget(self, name: str) -> None:
        """One of the two forgets the other."""
        if self.sides[name].sessions:
            self.people[name].account.forget(self.peer(name))
            self.sides[name].forgot()
        else:
            forget = self.people[name].account.forget
            self.people[name].refuses(lambda: forget(self.peer(name)), e2ee.NoSessionError)
        steps.count()

    # The carrier.

    @rule(name=names, plaintext=plaintexts)
    def send(self, name: str, plaintext: bytes) -> None:
        """A message, if there is a session."""
        if self.sides[name].sessions:
            self.post(name, plaintext)
        else:
            encrypt = self.people[name].account.encrypt
            self.people[name].refuses(
                lambda: encrypt(self.peer(name), plaintext), e2ee.NoSessionError
            )
        steps.count()

    @precondition(there_is_mail)
    @rule(place=places, keep=st.booleans(), short=st.booleans(), handle=st.booleans())
    def deliver(self, place: int, *, keep: bool, short: bool, handle: bool) -> None:
        """A letter comes, in any order, perhaps not for the last time."""
        letter = self.pick(place, keep=keep)
        if short:
            self.read(letter)
        else:
            self.receive(letter, handle=handle)
        steps.count()

    @rule(name=names, rounds=st.integers(1, 12))
    def talk(self, name: str, rounds: int) -> None:
        """Answers at once, so that the ratchets turn."""
        for _ in range(rounds):
            for speaker in (name, self.other(name)):
                if self.sides[speaker].sessions:
                    self.post(speaker, b"turn")
                    self.receive(self.mail.pop())
        steps.count()

    @precondition(there_is_mail)
    @rule(place=places)
    def drop(self, place: int) -> None:
        """A letter is lost."""
        self.pick(place, keep=False)
        steps.count()

    @precondition(something_was_sent)
    @rule(place=places, short=st.booleans())
    def replay(self, place: int, *, short: bool) -> None:
        """The carrier brings what it brought, or kept back, long ago."""
        letter = self.letters[place % len(self.letters)]
        if short:
            self.read(letter)
        else:
            self.receive(letter)
        steps.count()

    @precondition(something_was_sent)
    @rule(place=places, byte=places, bit=st.integers(0, 7), how=st.sampled_from(["flip", "cut"]))
    def tamper(self, place: int, byte: int, bit: int, how: str) -> None:
        """A letter comes damaged; what no tag covers is left to `test_tamper.py`."""
        letter = self.letters[place % len(self.letters)]
        if how == "cut":
            damaged = letter.envelope[: byte % len(letter.envelope)]
        else:
            message = wire.ratchet_message(letter.envelope)
            start = letter.envelope.index(message)
            changed = bytearray(letter.envelope)
            changed[start + byte % len(message)] ^= 1 << bit
            damaged = bytes(changed)
        self.refuses_bytes(letter, damaged)

    @precondition(something_was_sent)
    @rule(place=places, more=st.sampled_from([b"\0", b"\x7a\x05", bytes(40)]))
    def extend(self, place: int, more: bytes) -> None:
        """A letter comes with bytes behind it."""
        letter = self.letters[place % len(self.letters)]
        self.refuses_bytes(letter, letter.envelope + more)

    def refuses_bytes(self, letter: Letter, damaged: bytes) -> None:
        """Both ways of opening refuse these bytes, and nothing changes."""
        person = self.recipient(letter)
        refusals = (e2ee.DecryptionError, e2ee.MalformedMessageError, e2ee.InvalidKeyError)
        unknown = (e2ee.UnknownPreKeyError, e2ee.NoSessionError)

        def receiving() -> None:
            with person.account.receive(self.address(letter.sender), damaged):
                pass

        person.refuses(receiving, *refusals, *unknown)
        decrypt = person.account.decrypt
        person.refuses(lambda: decrypt(self.address(letter.sender), damaged), *refusals, *unknown)
        steps.count()

    def teardown(self) -> None:
        """What was not dropped comes at last, and opens if it is within the limits."""
        for letter in self.mail:
            self.receive(letter)
        for person in self.people.values():
            person.store.close()
