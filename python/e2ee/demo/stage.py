# SPDX-License-Identifier: MIT OR Apache-2.0
"""The course of the demo: a talk, attacks, a file, and a look at what is left."""

import hashlib
import random
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from e2ee.demo.actor import Actor
from e2ee.demo.attacks import Attack, attack
from e2ee.demo.carrier import Carrier
from e2ee.demo.conversation import Conversation
from e2ee.demo.display import Display
from e2ee.demo.frames import Frame
from e2ee.demo.items import Item, Stream, chunks_of
from e2ee.demo.ledger import Ledger
from e2ee.demo.plan import LEAST_EPOCH, MAX_BURST, MAX_IDLE_ROUNDS, WINDOW, Plan
from e2ee.demo.report import Report, Transfer


def perform(plan: Plan, display: Display) -> Report:
    """Runs the whole demo in a temporary folder."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="e2ee-demo-")))
        rng = random.Random(plan.seed)  # noqa: S311 (the carrier's moods are no secret)
        alice = stack.enter_context(Actor("alice", "bob", folder))
        bob = stack.enter_context(Actor("bob", "alice", folder))
        conversation = Conversation((alice, bob), Carrier(plan.rates, rng), Ledger(), rng)
        return _Stage(plan, display, folder, conversation).run()


@final
@dataclass(slots=True)
class _Stage:
    plan: Plan
    display: Display
    folder: Path
    conversation: Conversation
    #: Texts that each party is to send in all.
    texts: int = 0

    def run(self) -> Report:
        """All acts, one after the other."""
        started = time.perf_counter()
        self._meet()
        self._talk()
        attacks = self._attack()
        transfer = self._transfer()
        self._heal()
        sent = {user: self._sent(user, transfer.chunks) for user in self.conversation.actors}
        return Report(
            plan=self.plan,
            conversation=self.conversation,
            attacks=attacks,
            transfer=transfer,
            statuses={u: actor.status() for u, actor in self.conversation.actors.items()},
            sent=sent,
            seconds=time.perf_counter() - started,
        )

    def _meet(self) -> None:
        self.display.act("Two accounts", "each in a process and an SQLite file of its own")
        for actor in self.conversation.actors.values():
            actor.start(new=True)
        alice, bob = self.conversation.actors.values()
        bundle = bob.ask(Frame("bundle"), "bundle").payload
        alice.ask(Frame("connect", payload=bundle), "connected")
        self.display.note(f"alice starts a session from a bundle of {len(bundle):,} bytes")

    def _talk(self) -> None:
        rates = self.plan.rates
        self.display.act(
            f"{self.plan.messages:,} texts each way",
            f"the carrier loses {rates.loss:.0%}, repeats {rates.duplicate:.0%}, damages "
            f"{rates.corrupt:.0%}, delays and mixes {rates.reorder:.0%}",
        )
        self.texts = self.plan.messages
        self._owe_texts()
        kills = [
            lambda: self.conversation.kill_receiving("bob"),
            lambda: self.conversation.kill_sending("alice", MAX_BURST),
        ]
        with self.display.progress("texts", 2 * self.texts) as advance:
            self._converse(self._chat_bursts, advance, kills, 2 * self.texts)
        self.display.sightings(self.conversation.carrier.posted)

    def _attack(self) -> list[Attack]:
        self.display.act("A hostile carrier", "it holds one message back and tries what it can")
        attacks = attack(self.conversation, self.texts)
        self.texts += 1
        self.display.attacks(attacks)
        with self.display.progress("texts", 2 * self.texts) as advance:
            self._owe_texts()
            self._converse(self._chat_bursts, advance, [], 2 * self.texts)
        self.display.note("the message itself opened afterwards, and the talk goes on")
        return attacks

    def _transfer(self) -> Transfer:
        path = self.plan.file or self._made_file()
        size = path.stat().st_size
        chunks = chunks_of(size)
        self.display.act(f"A file of {size:,} bytes", f"{chunks:,} messages from alice to bob")
        started = time.perf_counter()
        self.conversation.owe("alice", Stream.CHUNK, chunks, path)
        before = sum(self.conversation.arrived.values())
        kills = [lambda: self.conversation.kill_receiving("bob")] if chunks else []
        with self.display.progress("chunks", chunks) as advance:
            self._converse(
                lambda: {"alice": WINDOW, "bob": MAX_BURST},
                lambda done: advance(done - before),
                kills,
                before + chunks,
                before,
            )
        seconds = time.perf_counter() - started
        received = self.folder / "bob.received"
        transfer = Transfer(size, chunks, _sha256(path), _sha256(received), round(seconds, 1))
        self.display.transfer(transfer)
        return transfer

    def _heal(self) -> None:
        """Goes on talking until the post-quantum ratchet has turned often enough."""
        rounds = 0
        while self._epoch() < LEAST_EPOCH and rounds < MAX_IDLE_ROUNDS:
            if rounds == 0:
                self.display.act("A few words more", "until the post-quantum ratchet has turned")
            rounds += 1
            self.texts += 1
            self._owe_texts()
            self.conversation.talk(lambda: {"alice": 1, "bob": 1}, lambda: None)

    def _converse(
        self,
        bursts: Callable[[], dict[str, int]],
        advance: Callable[[int], None],
        kills: list[Callable[[], bool]],
        goal: int,
        start: int = 0,
    ) -> None:
        """Talks until everything arrived; processes are killed on the way."""
        marks = [
            (start + (goal - start) * (place + 1) // (len(kills) + 1), kill)
            for place, kill in enumerate(kills)
        ]

        def watch() -> None:
            done = sum(self.conversation.arrived.values())
            advance(done)
            if marks and done >= marks[0][0] and marks[0][1]():
                self.display.kill(self.conversation.kills[-1])
                del marks[0]

        self.conversation.talk(bursts, watch)

    def _owe_texts(self) -> None:
        for user in self.conversation.actors:
            self.conversation.owe(user, Stream.TEXT, self.texts)

    def _chat_bursts(self) -> dict[str, int]:
        rng = self.conversation.rng
        return {user: rng.randint(1, MAX_BURST) for user in self.conversation.actors}

    def _epoch(self) -> int:
        return min(actor.status().epoch for actor in self.conversation.actors.values())

    def _sent(self, user: str, chunks: int) -> frozenset[Item]:
        texts = {Item(Stream.TEXT, index) for index in range(self.texts)}
        if user != "alice":
            return frozenset(texts)
        return frozenset(texts | {Item(Stream.CHUNK, index) for index in range(chunks)})

    def _made_file(self) -> Path:
        path = self.folder / "made"
        left = self.plan.file_size
        with path.open("wb") as file:
            while left:
                left -= file.write(secrets.token_bytes(min(left, BLOCK_LEN)))
        return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


BLOCK_LEN: Final = 1 << 20
