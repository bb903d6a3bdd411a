# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two devices that speak Olm over a carrier that does anything (olm_megolm.md §1).

Messages are lost, late, repeated and altered; a device forgets steps that it did not save, and is
loaded from what it did. Whatever was sent opens once, unless its chain was given up, and nothing
else opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import e2ee
from e2ee import olm

if TYPE_CHECKING:
    from collections.abc import Callable

PREKEY, NORMAL = 0, 1
PARTS = ("head", "chains", "skipped")
#: Receiving chains that a session keeps (olm_megolm.md §1.4).
MAX_CHAINS = 5
#: Where the ratchet key stands in a normal message, and its length.
RATCHET_KEY = slice(3, 35)
REFUSALS = (
    e2ee.DecryptionError,
    e2ee.MalformedMessageError,
    e2ee.InvalidKeyError,
    e2ee.UnknownPreKeyError,
    e2ee.UnsupportedVersionError,
)
people = st.sampled_from(("alice", "bob"))
places = st.integers(0, 1 << 16)
#: More often whether a step is saved than not.
saved = st.sampled_from((True, True, True, False))


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as the carrier has it, and what it says."""

    to: str
    kind: int
    plaintext: bytes
    message: bytes

    def ratchet_key(self) -> bytes:
        """The sender's ratchet key."""
        inner = self.message
        return (inner if self.kind == NORMAL else inner[-normal_length(inner) :])[RATCHET_KEY]


def normal_length(message: bytes) -> int:
    """Bytes of the normal message in a prekey message: behind version, three keys and a tag."""
    length, at, shift = 0, 1 + 3 * 34 + 1, 0
    while True:
        length |= (message[at] & 0x7F) << shift
        if message[at] < 0x80:
            return length
        at, shift = at + 1, shift + 7


@dataclass(slots=True)
class Device:
    """One side: what it has in memory, what it has saved, and what it must still open."""

    api: Any
    key: Any
    account: Any
    session: Any = None
    rows: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    record: tuple[int, bytes] = (0, b"")
    opened: set[bytes] = field(default_factory=set)
    #: The ratchet keys of the peer that it can open messages under, oldest first.
    chains: list[bytes] = field(default_factory=list)

    def has_read(self, letter: Letter) -> None:
        """A message has opened, and the step is saved."""
        self.opened.add(letter.message)
        key = letter.ratchet_key()
        if key not in self.chains:
            self.chains = [*self.chains, key][-MAX_CHAINS:]


class OlmMachine(RuleBasedStateMachine):
    """Send, deliver, repeat, alter, forget, load, against sets of messages."""

    #: What has the classes of `e2ee.olm`, for each side.
    apis: ClassVar[dict[str, Any]] = {"alice": olm, "bob": olm}

    def __init__(self) -> None:
        super().__init__()
        self.devices = {
            name: Device(api, api.StateKey(bytes(range(32))), api.Account.generate())
            for name, api in self.apis.items()
        }
        alice, bob = self.devices["alice"], self.devices["bob"]
        bob.account.generate_one_time_keys(1)
        bob.record = bob.account.seal(bob.key)
        (one_time_key,) = bob.account.one_time_keys.values()
        alice.session = alice.api.Session.initiate(
            alice.key,
            alice.account,
            identity_key=bob.account.identity_key,
            one_time_key=one_time_key,
        )
        self.post: list[Letter] = []
        self.sent = 0
        self.send("alice", saves=True)

    def finish(self, device: Device, step: Any, *, saves: bool) -> bytes | None:
        """Saves the step and takes its result, or forgets it and loads what was saved."""
        if saves:
            device.rows |= step.writes
            result = step.release()
            assert isinstance(result, bytes)
            return result
        del step
        self.load(device)
        return None

    def load(self, device: Device) -> None:
        """The device as it was saved."""
        name = device.session.name if device.session else ""
        device.session = None
        if device.record[0]:
            device.account = device.api.Account.load(device.key, *device.record)
        if device.rows:
            rows = [device.rows[part] for part in PARTS]
            device.session = device.api.Session.load(device.key, (name, rows))

    @precondition(lambda self: self.devices["bob"].session)
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
        device = self.devices[name]
        assert device.session is not None
        self.sent += 1
        plaintext = b"text %d" % self.sent
        step = device.session.encrypt(plaintext)
        kind = step.kind
        assert kind == (NORMAL if device.opened or name == "bob" else PREKEY)
        message = self.finish(device, step, saves=saves)
        if message is not None:
            to = "bob" if name == "alice" else "alice"
            self.post.append(Letter(to, kind, plaintext, message))

    @rule(name=people, count=st.integers(2, 12))
    def sends_a_burst(self, name: str, count: int) -> None:
        """Many messages."""
        if self.devices[name].session is not None:
            for _ in range(count):
                self.send(name, saves=True)

    @precondition(lambda self: self.post)
    @rule(place=places, saves=saved)
    def delivers(self, place: int, *, saves: bool) -> None:
        """Any message that was ever sent, read or not."""
        self.deliver(self.post[place % len(self.post)], saves=saves)

    @precondition(lambda self: self.post)
    @rule(saves=saved)
    def delivers_the_latest(self, *, saves: bool) -> None:
        """The message that was sent last: so the root turns often."""
        self.deliver(self.post[-1], saves=saves)

    def deliver(self, letter: Letter, *, saves: bool) -> None:
        """Opens a message if it must open, and sees it refused if not."""
        device = self.devices[letter.to]
        if device.session is None:
            step = self.accept(device, letter)
        elif letter.message in device.opened or self.is_gone(device, letter):
            self.refused(letter)
            return
        else:
            step = device.session.decrypt(letter.kind, letter.message)
        record = device.account.seal(device.key)
        plaintext = self.finish(device, step, saves=saves)
        if plaintext is not None:
            assert plaintext == letter.plaintext
            device.record = record
            device.has_read(letter)

    def is_gone(self, device: Device, letter: Letter) -> bool:
        """Whether the message is of a chain that the device had and gave up."""
        key = letter.ratchet_key()
        read = {each.ratchet_key() for each in self.post if each.message in device.opened}
        return key in read and key not in device.chains

    def accept(self, device: Device, letter: Letter) -> Any:
        """The first message, whichever came first."""
        sender = self.devices["alice"].account.identity_key
        device.session, step = device.api.Session.accept(
            device.key, device.account, sender, letter.message
        )
        return step

    def refused(self, letter: Letter) -> None:
        """A message that was read already, or is of a chain that was given up."""
        device = self.devices[letter.to]
        assert device.session is not None
        known = letter.ratchet_key() in device.chains
        expected = e2ee.DuplicateMessageError if known else e2ee.AuthenticationError
        self.must_refuse(
            lambda: device.session and device.session.decrypt(letter.kind, letter.message),
            (expected,),
        )

    def must_refuse(
        self, call: Callable[[], object], expected: tuple[type[e2ee.E2EEError], ...]
    ) -> None:
        """Fails unless the call raises one of these."""
        try:
            call()
        except expected:
            return
        raise AssertionError("it was not refused")

    @precondition(lambda self: self.post)
    @rule(place=places, at=places, bit=st.integers(0, 7), resize=st.sampled_from((-1, 0, 1)))
    def alters(self, place: int, at: int, bit: int, resize: int) -> None:
        """A message with a flipped bit, a byte less or a byte more; of either type."""
        letter = self.post[place % len(self.post)]
        at %= len(letter.message)
        middle = [bytes([letter.message[at] ^ 1 << bit]), b"", letter.message[at : at + 1] * 2]
        altered = letter.message[:at] + middle[resize] + letter.message[at + 1 :]
        if altered == letter.message:
            return
        device = self.devices[letter.to]
        if device.session is not None:
            session = device.session
            self.must_refuse(lambda: session.decrypt(letter.kind, altered), REFUSALS)
            self.must_refuse(lambda: session.decrypt(1 - letter.kind, letter.message), REFUSALS)
        self.must_refuse(
            lambda: device.api.Session.accept(device.key, device.account, None, altered), REFUSALS
        )

    @rule(name=people)
    def restarts(self, name: str) -> None:
        """A device is loaded from what it has saved."""
        device = self.devices[name]
        if device.rows:
            self.load(device)


TestOlm = OlmMachine.TestCase
