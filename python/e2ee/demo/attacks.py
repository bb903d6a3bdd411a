# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a hostile carrier tries with one message; the message itself must open afterwards."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from e2ee import Account, MemoryStore
from e2ee.demo.actor import Actor
from e2ee.demo.carrier import Copy, Harm, Posted, flipped
from e2ee.demo.conversation import Conversation
from e2ee.demo.frames import Frame
from e2ee.demo.items import Stream
from e2ee.demo.plan import DemoError
from e2ee.demo.sighting import without_post_quantum_part


@dataclass(frozen=True, slots=True)
class Attack:
    """One kind of attempt, and the errors that answered."""

    name: str
    tries: int
    refused: Counter[str]

    @property
    def failed(self) -> bool:
        """Whether every attempt was refused, as it should be."""
        return self.tries > 0 and self.refused.total() == self.tries


def attack(conversation: Conversation, texts: int) -> list[Attack]:
    """Holds the sender's next message back, tries everything, and then hands it over."""
    sender, recipient = conversation.actors.values()
    conversation.owe(sender.user, Stream.TEXT, texts + 1)
    held = _intercepted(conversation, sender)
    envelope = held.envelope
    old = [posted.envelope for posted in _opened(conversation, recipient.user)]
    replayed = conversation.rng.sample(old, min(REPLAYS, len(old)))
    attacks = [
        _tried("every bit flipped, one at a time", recipient, _flips(envelope)),
        _tried("cut off at every length", recipient, _cuts(envelope)),
        _tried("bytes added at the end", recipient, _extensions(envelope)),
        _tried("the post-quantum part taken out", recipient, [without_post_quantum_part(envelope)]),
        _tried("messages replayed that were opened before", recipient, replayed),
        _tried("random bytes", recipient, _noise(conversation.rng)),
        _tried("sent back to its author", sender, [envelope]),
        _tried("under a stranger's name", recipient, [envelope], name="mallory"),
        *_impostor(sender, recipient),
    ]
    copy = conversation.carrier.again(Copy(0, held, Harm.NONE, envelope))
    answer = recipient.ask_about(envelope)
    conversation.ledger.answered(copy, answer)
    if answer.verb != "opened":
        conversation.ledger.faults.append("after the attacks, the message itself was refused")
    return attacks


def _intercepted(conversation: Conversation, sender: Actor) -> Posted:
    sender.tell(Frame("send", {"limit": 1}))
    held = None
    while (frame := sender.hear()) is not None and frame.verb != "sent":
        posted = conversation.posted(sender.user, frame)
        if held is None and posted.what == "text":
            held = posted
            conversation.carrier.posted.append(posted)
        else:
            conversation.carrier.take(posted)
    if held is None:
        raise DemoError("there was no message to attack")
    return held


def _opened(conversation: Conversation, recipient: str) -> list[Posted]:
    return [
        posted
        for posted in conversation.carrier.posted
        if posted.recipient == recipient and conversation.ledger.was_opened(posted)
    ]


def _impostor(sender: Actor, recipient: Actor) -> list[Attack]:
    """Somebody else with the sender's name and a key of their own."""
    impostor = Account.create(MemoryStore(), sender.user)
    impostor.connect(recipient.user, recipient.ask(Frame("bundle"), "bundle").payload)
    letter = impostor.encrypt(recipient.user, b"It is me.").to_bytes()
    recipient.tell(Frame("connect", payload=impostor.bundle().to_bytes()))
    answer = recipient.hear()
    refused = Counter([answer.text("error")] if answer and answer.verb == "refused" else [])
    return [
        _tried("an impostor's message under the sender's name", recipient, [letter]),
        Attack("an impostor's invitation under the sender's name", 1, refused),
    ]


def _tried(
    title: str, actor: Actor, envelopes: Iterable[bytes], *, name: str | None = None
) -> Attack:
    answers = [actor.ask_about(envelope, name) for envelope in envelopes]
    refused = Counter(answer.text("error") for answer in answers if answer.verb == "refused")
    return Attack(title, len(answers), refused)


def _flips(envelope: bytes) -> Iterable[bytes]:
    return (flipped(envelope, bit) for bit in range(8 * len(envelope)))


def _cuts(envelope: bytes) -> Iterable[bytes]:
    return (envelope[:length] for length in range(len(envelope)))


def _extensions(envelope: bytes) -> Iterable[bytes]:
    return (envelope + bytes(length) for length in range(1, 65))


def _noise(rng: random.Random) -> Iterable[bytes]:
    return (rng.randbytes(rng.randrange(600)) for _ in range(200))


REPLAYS: Final = 200
