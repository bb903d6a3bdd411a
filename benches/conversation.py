# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two devices and their sessions, kept in memory: what the benchmarks act on."""

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from benches.chats import data_len
from benches.limit import GroupLengths, Lengths
from e2ee import Address
from e2ee.signal import Device, SenderKey, SenderKeys, Session, SessionStep, StateKey

ALICE = Address("alice")
BOB = Address("bob")

#: Kind and bytes.
Message: TypeAlias = tuple[int, bytes]


def seal(session: Session, plaintext: bytes) -> tuple[SessionStep, Message]:
    """Encrypts; gives the step, which was released, and the message."""
    step = session.encrypt(plaintext)
    assert step.kind is not None
    return step, (step.kind, step.release())


@dataclass(frozen=True, slots=True)
class Devices:
    """A device of each party."""

    key: StateKey
    alice: Device
    bob: Device

    @classmethod
    def fresh(cls) -> "Devices":
        """Devices with fresh keys."""
        alice, bob = Device.generate("alice", 1), Device.generate("bob", 1)
        return cls(StateKey(os.urandom(32)), alice, bob)

    def initiate(self) -> Session:
        """Alice's session, from a fresh bundle of Bob's with one-time keys."""
        return Session.initiate(self.key, self.alice, BOB, self.bob.bundle())

    def first_message(self, plaintext: bytes) -> bytes:
        """A prekey message to Bob."""
        _, (_, message) = seal(self.initiate(), plaintext)
        return message

    def accept(self, message: bytes) -> tuple[Session, SessionStep]:
        """Bob's session, and the step with the plaintext."""
        return Session.accept(self.key, self.bob, ALICE, message)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The two ends of an acknowledged session.

    Bob, who has part of Alice's header, has nothing to send for the braid until she sends more.
    """

    alice: Session
    bob: Session

    @classmethod
    def fresh(cls) -> "Conversation":
        """A session with fresh keys, once there and once back."""
        devices = Devices.fresh()
        alice = devices.initiate()
        bob, accepted = devices.accept(seal(alice, b"")[1][1])
        accepted.release()
        alice.decrypt(*seal(bob, b"")[1]).release()
        return cls(alice, bob)

    def from_bob(self, plaintext: bytes, count: int) -> list[Message]:
        """Messages that Alice has not opened."""
        return [seal(self.bob, plaintext)[1] for _ in range(count)]

    def exchange(self, plaintext: bytes, count: int) -> None:
        """So many messages, in turns, each of which turns the ratchet."""
        ends = (self.alice, self.bob)
        for number in range(count):
            sender, receiver = ends[number % 2], ends[1 - number % 2]
            sent = sender.encrypt(plaintext)
            kind = sent.kind
            assert kind is not None
            receiver.decrypt(kind, sent.release()).release()


@dataclass(frozen=True, slots=True)
class Club:
    """A member of a group who writes, and one who reads."""

    own: SenderKey
    others: SenderKeys

    @classmethod
    def fresh(cls) -> "Club":
        """A group with a fresh key, which the reader has."""
        key, group = StateKey(os.urandom(32)), uuid.uuid4()
        own, others = SenderKey.create(key, group), SenderKeys(key, ALICE, group)
        others.accept(own.distribution()).release()
        return cls(own, others)

    def written(self, plaintext: bytes, count: int) -> list[bytes]:
        """Messages that nobody has read."""
        return [self.own.encrypt(plaintext).release() for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Observed:
    """What a sample of each operation looks like: only lengths and epochs, no times."""

    encrypt: dict[int, Lengths]
    decrypt: dict[int, Lengths]
    exchange: Lengths
    accept: Lengths
    messages_per_epoch: float
    group: GroupLengths
    #: Bytes that a secret chat encrypts.
    chat: int

    @classmethod
    def of(cls, plaintexts: Sequence[int]) -> "Observed":
        """Runs each operation on messages with plaintexts of these lengths."""
        conversation = Conversation.fresh()
        encrypts, decrypts = {}, {}
        for length in plaintexts:
            sent, (kind, message) = seal(conversation.bob, bytes(length))
            received = conversation.alice.decrypt(kind, message)
            received.release()
            encrypts[length] = Lengths(len(message), _head(sent))
            decrypts[length] = Lengths(len(message), _head(received))
        exchange, messages_per_epoch = _observe_exchange(conversation, bytes(plaintexts[0]))
        devices = Devices.fresh()
        _, accepted = devices.accept(devices.first_message(bytes(plaintexts[0])))
        # A first message carries a chunk, as most of an exchange do.
        accept = Lengths(exchange.message, _head(accepted))
        accepted.release()
        group = _observe_group(bytes(plaintexts[0]))
        chat = data_len(plaintexts[0])
        return cls(encrypts, decrypts, exchange, accept, messages_per_epoch, group, chat)

    def lengths(self) -> list[Lengths]:
        """All of them."""
        return [*self.encrypt.values(), *self.decrypt.values(), self.exchange, self.accept]


def _observe_exchange(conversation: Conversation, plaintext: bytes) -> tuple[Lengths, float]:
    """The usual lengths while each message turns the ratchet, and how long epochs last."""
    messages, heads, turns = [], [], 4_000
    first_epoch, _ = conversation.alice.pq_progress
    for number in range(turns):
        ends = (conversation.alice, conversation.bob)
        sent, (kind, message) = seal(ends[number % 2], plaintext)
        received = ends[1 - number % 2].decrypt(kind, message)
        received.release()
        messages.append(len(message))
        heads += [_head(sent), _head(received)]
    epochs = conversation.alice.pq_progress[0] - first_epoch
    return Lengths(round(median(messages)), round(median(heads))), turns / epochs


def _observe_group(plaintext: bytes) -> GroupLengths:
    club = Club.fresh()
    sent = club.own.encrypt(plaintext)
    message = sent.release()
    received = club.others.decrypt(message)
    received.release()
    sending = len(sent.writes["sending"][1])
    return GroupLengths(len(message), sending, _head(received))


def _head(step: SessionStep) -> int:
    return len(step.writes["head"][1])
