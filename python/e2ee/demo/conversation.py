# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two accounts that talk in rounds: each opens what the carrier hands over, then sends."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from e2ee.demo.actor import Actor, ended
from e2ee.demo.carrier import Carrier, Copy, Posted
from e2ee.demo.frames import Frame
from e2ee.demo.items import Stream
from e2ee.demo.ledger import Ledger
from e2ee.demo.plan import MAX_IDLE_ROUNDS, DemoError
from e2ee.demo.sighting import look_at


@dataclass(frozen=True, slots=True)
class Turn:
    """What one party did in a round."""

    answers: list[Frame]
    envelopes: list[Frame]
    owed: int
    arrived: int


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that was killed, and what was found when it was started again."""

    user: str
    while_doing: str
    #: Items that it had acknowledged to the other side before.
    acknowledged: int
    #: Those of them that its disk did not have afterwards.
    missing: int
    #: Messages that it had opened and not handled: they waited in its inbox.
    waiting: int


@final
class Conversation:
    """The two parties, the carrier between them, and the books."""

    def __init__(
        self, actors: tuple[Actor, Actor], carrier: Carrier, ledger: Ledger, rng: random.Random
    ) -> None:
        self.actors = {actor.user: actor for actor in actors}
        self.carrier = carrier
        self.ledger = ledger
        self.rng = rng
        self.kills: list[Kill] = []
        #: What each party has to send in all, for the case that it must be told again.
        self._goals: dict[str, dict[Stream, Frame]] = {user: {} for user in self.actors}
        self.owed = dict.fromkeys(self.actors, 0)
        self.arrived = dict.fromkeys(self.actors, 0)

    def owe(self, user: str, stream: Stream, count: int, file: Path | None = None) -> None:
        """Gives a party something to say."""
        values: dict[str, str | int] = {"stream": int(stream), "count": count}
        if file is not None:
            values["file"] = str(file)
        self._goals[user][stream] = Frame("owe", values)
        self.actors[user].ask(self._goals[user][stream], "owing")
        self.owed[user] = 1

    def talk(self, bursts: Callable[[], dict[str, int]], watch: Callable[[], None]) -> None:
        """Rounds until nothing is owed and nothing is on its way."""
        idle, before = 0, -1
        while any(self.owed.values()) or not self.carrier.is_empty():
            self.round(bursts())
            watch()
            progress = sum(self.arrived.values()) - sum(self.owed.values())
            idle = idle + 1 if progress == before else 0
            before = progress
            if idle > MAX_IDLE_ROUNDS:
                raise DemoError("the carrier is so bad that nothing arrives any more")

    def round(self, bursts: dict[str, int]) -> None:
        """Both parties take a turn, at the same time."""
        copies = {user: self.carrier.hand_over(user) for user in self.actors}
        with ThreadPoolExecutor(len(self.actors)) as pool:
            turns = {
                user: pool.submit(take_turn, actor, copies[user], bursts[user])
                for user, actor in self.actors.items()
            }
        for user, turn in turns.items():
            self._enter(user, copies[user], turn.result())
        self.carrier.next_round()

    def kill_receiving(self, user: str) -> bool:
        """Kills a party while it opens an envelope, and starts it again; false if none came."""
        actor, copies = self.actors[user], self.carrier.hand_over(user)
        if not copies:
            return False
        *first, last = copies[: self.rng.randint(1, len(copies))]
        for copy in first:
            self.ledger.answered(copy, actor.ask_about(copy.envelope))
        actor.tell(Frame("deliver", payload=last.envelope))
        time.sleep(self.rng.uniform(0, LONGEST_LIFE_SECONDS))
        answers = actor.kill()
        if answers:
            self.ledger.answered(last, answers[0])
        else:
            self.ledger.unanswered(last)
        # Nobody told the carrier that the last one arrived.
        self.carrier.put_back([self.carrier.again(last), *copies[len(first) + 1 :]])
        self._restart(actor, "opening")
        return True

    def kill_sending(self, user: str, burst: int) -> bool:
        """Kills a party while it encrypts, and starts it again."""
        actor = self.actors[user]
        actor.tell(Frame("send", {"limit": burst}))
        time.sleep(self.rng.uniform(0, LONGEST_LIFE_SECONDS))
        for frame in actor.kill():
            if frame.verb == "envelope":
                self.carrier.take(self.posted(user, frame))
        self._restart(actor, "encrypting")
        return True

    def posted(self, user: str, frame: Frame) -> Posted:
        """An envelope that a party made, entered in the books."""
        self.ledger.sent(frame.text("what"), frame.number("nanoseconds"))
        return Posted(
            sender=user,
            recipient=self.actors[user].peer,
            what=frame.text("what"),
            digest=frame.text("digest"),
            plaintext_len=frame.number("plaintext"),
            envelope=frame.payload,
            sighting=look_at(frame.payload),
        )

    def _enter(self, user: str, copies: list[Copy], turn: Turn) -> None:
        for copy, answer in zip(copies, turn.answers, strict=True):
            self.ledger.answered(copy, answer)
        for frame in turn.envelopes:
            self.carrier.take(self.posted(user, frame))
        self.owed[user], self.arrived[user] = turn.owed, turn.arrived

    def _restart(self, actor: Actor, while_doing: str) -> None:
        acknowledged = self.actors[actor.peer].status().acknowledged
        waiting = actor.start(new=False)
        for goal in self._goals[actor.user].values():
            actor.ask(goal, "owing")
        missing = acknowledged - actor.status().arrived
        kill = Kill(actor.user, while_doing, len(acknowledged), len(missing), waiting)
        self.kills.append(kill)


def take_turn(actor: Actor, copies: list[Copy], burst: int) -> Turn:
    """Hands copies over, and lets the party send."""
    for copy in copies:
        actor.tell(Frame("deliver", payload=copy.envelope))
    actor.tell(Frame("send", {"limit": burst}))
    answers: list[Frame] = []
    envelopes: list[Frame] = []
    while (frame := actor.hear()) is not None:
        if frame.verb == "sent":
            return Turn(answers, envelopes, frame.number("owed"), frame.number("arrived"))
        (envelopes if frame.verb == "envelope" else answers).append(frame)
    raise ended(actor.user)


#: The longest time that a party may live on after it got what it is killed over.
LONGEST_LIFE_SECONDS: Final = 0.003
