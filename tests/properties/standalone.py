# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two devices that speak Signal's protocol without a store, over a carrier that does anything.

Messages are lost, late, repeated and altered; a device forgets steps that it did not save, and is
loaded from what it did. What must open is said by the same model as for accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import e2ee
from e2ee import signal
from tests.properties import wire
from tests.properties.model import Expected, Fate, Letter, Side

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT = 1
TICKET = b"the bundle"
PARTS = ("head", "objects", "skipped")
REFUSALS = (
    e2ee.DecryptionError,
    e2ee.MalformedMessageError,
    e2ee.InvalidKeyError,
    e2ee.UnknownPreKeyError,
)
people = st.sampled_from(("alice", "bob"))
places = st.integers(0, 1 << 16)
#: More often whether a step is saved than not.
saved = st.sampled_from((True, True, True, False))


@dataclass(slots=True)
class Party:
    """One side: what it has in memory, what it has saved, and what the model knows of it."""

    api: Any
    key: Any
    device: Any
    session: Any = None
    rows: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    record: tuple[int, bytes] = (0, b"")
    side: Side = field(default_factory=Side)


class StandaloneMachine(RuleBasedStateMachine):
    """Send, deliver, repeat, alter, forget, load."""

    #: What has the classes of `e2ee.signal`, for each side.
    apis: ClassVar[dict[str, Any]] = {"alice": signal, "bob": signal}

    def __init__(self) -> None:
        super().__init__()
        self.parties = {}
        for name, api in self.apis.items():
            device = api.Device.generate(name, 1)
            self.parties[name] = Party(api, api.StateKey(bytes(range(32))), device)
        alice, bob = self.parties["alice"], self.parties["bob"]
        bundle = bob.device.bundle()
        for party in (alice, bob):
            party.record = party.device.seal(party.key)
        alice.session = alice.api.Session.initiate(
            alice.key, alice.device, e2ee.Address("bob"), bundle
        )
        alice.side.started(alice.session.name, TICKET)
        self.letters: list[Letter] = []
        self.sent = 0
        self.send("alice", saves=True)

    @staticmethod
    def other(name: str) -> str:
        """The other of the two."""
        return "bob" if name == "alice" else "alice"

    def finish(self, name: str, step: Any, *, saves: bool) -> bytes | None:
        """Saves the step and takes its result, or forgets it and loads what was saved."""
        party = self.parties[name]
        bases = getattr(step, "bases", None)
        if bases is not None:
            there = {each: party.rows.get(each, (0, b""))[0] for each in bases}
            assert there == bases, "a step does not say what it found"
        if saves:
            party.rows |= step.writes
            result = step.release()
            assert isinstance(result, bytes)
            return result
        del step
        self.load(name)
        return None

    def load(self, name: str) -> None:
        """The device as it was saved."""
        party = self.parties[name]
        session = party.session.name
        party.session = None
        party.device = party.api.Device.load(party.key, *party.record)
        if party.rows:
            rows = [party.rows[part] for part in PARTS]
            party.session = party.api.Session.load(
                party.key, party.device, e2ee.Address(self.other(name)), (session, rows)
            )

    @precondition(lambda self: self.parties["bob"].session)
    @rule(name=people, saves=saved)
    def sends(self, name: str, *, saves: bool) -> None:
        """One message, which is lost if the step is not saved."""
        self.send(name, saves=saves)

    @rule(saves=saved)
    def sends_first(self, *, saves: bool) -> None:
        """One message of the one who started."""
        self.send("alice", saves=saves)

    def send(self, name: str, *, saves: bool) -> None:
        """Encrypts a text that was not sent before."""
        party = self.parties[name]
        self.sent += 1
        plaintext = b"text %d" % self.sent
        step = party.session.encrypt(plaintext)
        kind, session = step.kind, party.session.name
        assert kind in {wire.RATCHET, wire.PREKEY}
        message = self.finish(name, step, saves=saves)
        if message is not None:
            envelope = bytes((FORMAT, kind)) + message
            ticket = TICKET if kind == wire.PREKEY else None
            letter = Letter(name, plaintext, envelope, session, ticket, wire.header(envelope))
            party.side.sent(letter)
            self.letters.append(letter)

    @rule(name=people, count=st.integers(2, 12))
    def sends_a_burst(self, name: str, count: int) -> None:
        """Many messages."""
        if self.parties[name].session is not None:
            for _ in range(count):
                self.send(name, saves=True)

    @precondition(lambda self: self.letters)
    @rule(place=places, saves=saved)
    def delivers(self, place: int, *, saves: bool) -> None:
        """Any message that was ever sent, read or not."""
        self.deliver(self.letters[place % len(self.letters)], saves=saves)

    @precondition(lambda self: self.letters)
    @rule(saves=saved)
    def delivers_the_latest(self, *, saves: bool) -> None:
        """The message that was sent last: so the root turns often."""
        self.deliver(self.letters[-1], saves=saves)

    def deliver(self, letter: Letter, *, saves: bool) -> None:
        """Opens a message if it must open, and sees it refused if not."""
        name = self.other(letter.sender)
        party = self.parties[name]
        if letter.fate is not Fate.NEW or party.side.expects(letter) is Expected.REFUSED:
            self.must_refuse(lambda: self.opening(name, letter.envelope))
            return
        step = self.opening(name, letter.envelope)
        record = party.device.seal(party.key)
        plaintext = self.finish(name, step, saves=saves)
        if plaintext is not None:
            assert plaintext == letter.plaintext
            party.record = record
            party.side.opened(letter)
            letter.fate = Fate.READ

    def opening(self, name: str, envelope: bytes) -> Any:
        """The step that opens a message, on the session or on one that it makes."""
        party = self.parties[name]
        if party.session is not None:
            return party.session.decrypt(envelope[1], envelope[2:])
        sender = e2ee.Address(self.other(name))
        party.session, step = party.api.Session.accept(
            party.key, party.device, sender, envelope[2:]
        )
        return step

    @staticmethod
    def must_refuse(call: Callable[[], object]) -> None:
        """Fails unless the call raises one of the refusals."""
        try:
            call()
        except REFUSALS:
            return
        raise AssertionError("it was not refused")

    @precondition(lambda self: self.letters)
    @rule(place=places, byte=places, bit=st.integers(0, 7), cut=st.booleans())
    def alters(self, place: int, byte: int, bit: int, *, cut: bool) -> None:
        """A message with a flipped bit where a tag covers it, or without its end."""
        envelope = self.letters[place % len(self.letters)].envelope
        name = self.other(self.letters[place % len(self.letters)].sender)
        if cut:
            altered = envelope[: 2 + byte % (len(envelope) - 2)]
        else:
            message = wire.ratchet_message(envelope)
            flipped = bytearray(envelope)
            flipped[envelope.index(message) + byte % len(message)] ^= 1 << bit
            altered = bytes(flipped)
        self.must_refuse(lambda: self.opening(name, altered))

    @rule(name=people)
    def restarts(self, name: str) -> None:
        """A device is loaded from what it has saved."""
        if self.parties[name].rows:
            self.load(name)
