# SPDX-License-Identifier: MIT OR Apache-2.0
"""Random conversations of `e2ee.compat` with the packages `vodozemac` and `python-olm`.

    python -m tests.interop.matrix_talk [--conversations N] [--size N] [--seed N] [--optional]

Each package runs in a process of its own. Every second conversation is of two, in either role, the
others of rooms and of what stands beside them; messages are lost, come late and come again, and now
and then both ends of a session change places, each going on from the other's pickle. At the end one
message of each kind is altered in every bit and by insertions, and what either side accepts is
counted. In every tenth conversation of two, and of rooms, ours is an `e2ee.Account` in a store.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, cast

from tests.interop.matrix.flips import measure_flips
from tests.interop.matrix.parties import (
    ACCOUNT,
    DECRYPTION,
    INBOUND,
    OUTBOUND,
    PARTIES,
    SESSION,
    Party,
    to_text,
)
from tests.interop.matrix.process import Peer
from tests.interop.matrix.stored import StoredParty
from tests.interop.matrix.stored_rooms import stored_room
from tests.interop.matrix_tests import AbsentError, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
PEERS: Final = {"vodozemac": "vodozemac 0.10.0", "olm": "python-olm 3.2.16"}
#: Messages under way at once, and turns of the other side after which a late one is given up: far
#: below what the peers keep.
WINDOW, TURNS = 8, 3


class DifferenceError(AssertionError):
    """Something came out otherwise than it had to."""


@dataclass(slots=True)
class World:
    """One conversation: both sides, what happens, and what is counted."""

    random: Random
    ours: Party
    theirs: Party
    size: int
    counts: Counter[str]
    number: int = 0
    package: str = "vodozemac"
    #: Our side, if it is in a store.
    stored: StoredParty | None = None
    names: Counter[str] = field(default_factory=Counter)

    def name(self, kind: str) -> str:
        """A fresh name."""
        self.names[kind] += 1
        return f"{kind} {self.number}.{self.names[kind]}"

    def text(self) -> str:
        """A random plaintext, in base64."""
        return to_text(self.random.randbytes(self.random.choice([0, 1, 16, 64, 300])))

    def expect(self, wanted: object, got: object, what: str) -> None:
        """Counts a check, or raises."""
        if wanted != got:
            msg = f"{what}: {wanted!r} is not {got!r}"
            raise DifferenceError(msg)
        self.counts[what] += 1

    def refused(self, work: Callable[[], object], what: str) -> None:
        """Counts a refusal, or raises."""
        try:
            work()
        except Exception as error:
            if isinstance(error, DifferenceError):
                raise
            self.counts[what] += 1
            return
        msg = f"{what}: it was accepted"
        raise DifferenceError(msg)


@dataclass(slots=True)
class End:
    """One end of a session: where it is held, and how often it turned the ratchet."""

    party: Party
    session: str
    turn: int = 0
    last_was_ours: bool = False
    waiting: list[tuple[int, int, str, str]] = field(default_factory=list)
    newest: int = 0


def pairwise(world: World) -> None:
    """A conversation of two."""
    parties = [world.ours, world.theirs]
    world.random.shuffle(parties)
    names = [world.name(ACCOUNT) for _ in parties]
    keys = [party.account(name) for party, name in zip(parties, names, strict=True)]
    (first, second), (starter, acceptor) = parties, names
    key = second.one_time_key(acceptor, fallback=world.random.random() < 0.3)
    sessions = [world.name(SESSION), world.name(SESSION)]
    session_id = first.start(sessions[0], starter, keys[1][0], key)
    assert session_id
    plaintexts = [world.text() for _ in range(world.random.randint(1, 3))]
    opening = [first.encrypt(sessions[0], text) for text in plaintexts]
    chosen = world.random.randrange(len(opening))
    kind, message = opening.pop(chosen)
    world.expect(0, kind, "the first message is a prekey message")
    read = second.accept(sessions[1], acceptor, keys[0][0], message)
    world.expect(plaintexts.pop(chosen), read, "first message")
    ends = [End(first, sessions[0]), End(second, sessions[1])]
    for text, (kind, message) in zip(plaintexts, opening, strict=True):
        ends[1].waiting.append((0, kind, message, text))
    for _ in range(world.size):
        pairwise_step(world, ends)
    for end in ends:
        while end.waiting:
            deliver(world, end, world.random.randrange(len(end.waiting)))


def stored(world: World) -> None:
    """A conversation of two, in which ours is an account in a store."""
    ours = StoredParty(world.package)
    pairwise(replace(world, ours=cast("Party", ours), stored=ours))


def pairwise_step(world: World, ends: list[End]) -> None:
    """Something happens: a message, a delivery, or both ends change places."""
    what = world.random.random()
    place = world.random.randrange(2)
    sender, receiver = ends[place], ends[1 - place]
    if what < 0.5 and len(receiver.waiting) < WINDOW:
        text = world.text()
        kind, message = sender.party.encrypt(sender.session, text)
        if not sender.last_was_ours:
            sender.turn += 1
            sender.last_was_ours = True
        world.counts["messages"] += 1
        receiver.waiting.append((sender.turn, kind, message, text))
    elif what < 0.95 and receiver.waiting:
        deliver(world, receiver, world.random.randrange(len(receiver.waiting)))
    elif what >= 0.95:
        exchange(world, ends)


def deliver(world: World, end: End, place: int) -> None:
    """A message arrives, or is lost; now and then it comes again."""
    turn, kind, message, text = end.waiting.pop(place)
    if world.random.random() < 0.1 or end.newest - turn >= TURNS:
        world.counts["lost"] += 1
        return
    world.expect(text, end.party.decrypt(end.session, kind, message), "message opened")
    end.newest = max(end.newest, turn)
    end.last_was_ours = False
    if world.random.random() < 0.1:
        world.refused(lambda: end.party.decrypt(end.session, kind, message), "replay refused")


def exchange(world: World, ends: list[End]) -> None:
    """Each end goes on where the other was, from its pickle; an account in a store is reopened."""
    if world.stored is not None:
        world.stored.reopen()
        world.counts["accounts opened again"] += 1
        return
    pickles = [end.party.pickle(SESSION, end.session) for end in ends]
    ends[0].party, ends[1].party = ends[1].party, ends[0].party
    for end, pickle in zip(ends, pickles, strict=True):
        end.session = world.name(SESSION)
        end.party.unpickle(SESSION, end.session, pickle)
        world.counts["pickles exchanged"] += 1


def companions(world: World) -> None:
    """What a client needs besides: signatures, comparisons, messages to a public key."""
    for ours, theirs in ((world.ours, world.theirs), (world.theirs, world.ours)):
        account, text = world.name(ACCOUNT), world.text()
        _, key = ours.account(account)
        signature = ours.sign(account, text)
        theirs.verify(key, text, signature)
        world.refused(lambda: theirs.verify(key, text + "x", signature), "signature refused")  # noqa: B023
        names = [world.name("comparison"), world.name("comparison")]
        keys = [party.compare(name) for party, name in zip((ours, theirs), names, strict=True)]
        shown = ours.compared(names[0], keys[1])
        world.expect(shown, theirs.compared(names[1], keys[0]), "comparison")
        name = world.name(DECRYPTION)
        sealed = theirs.seal(ours.decryption(name), text)
        world.expect(text, ours.unseal(name, sealed), "message to a public key")
        name, other = moved(world, DECRYPTION, name, ours)
        world.expect(text, other.unseal(name, sealed), "message to a public key")


def room(world: World) -> None:
    """A sender and readers at both sides, each from some message on."""
    sides = [world.ours, world.theirs]
    sender, name = world.random.choice(sides), world.name(OUTBOUND)
    session_id = sender.outbound(name)
    readers: list[tuple[Party, str, int]] = []
    sent: list[tuple[str, str]] = []
    for _ in range(world.size):
        what = world.random.random()
        if what < 0.15 and len(readers) < WINDOW:
            reader, inbound = world.random.choice(sides), world.name(INBOUND)
            key = sender.session_key(name)
            world.expect(session_id, reader.inbound(inbound, key, exported=False), "room key")
            readers.append((reader, inbound, len(sent)))
        elif what < 0.5:
            text = world.text()
            sent.append((sender.write(name, text), text))
            world.counts["messages"] += 1
        elif what < 0.9 and readers and sent:
            read_one(world, world.random.choice(readers), sent)
        elif what < 0.95 and readers:
            forward(world, readers)
        elif what >= 0.95:
            name, sender = moved(world, OUTBOUND, name, sender)


def read_one(world: World, reader: tuple[Party, str, int], sent: Sequence[tuple[str, str]]) -> None:
    """A message is read, in any order and as often as it comes, unless it is too old."""
    party, inbound, first = reader
    index = world.random.randrange(len(sent))
    message, text = sent[index]
    if index < first:
        world.refused(lambda: party.read(inbound, message), "earlier message refused")
    else:
        world.expect([text, index], party.read(inbound, message), "room message opened")


def forward(world: World, readers: list[tuple[Party, str, int]]) -> None:
    """A reader gives its key on, from a later message; or goes on from its pickle elsewhere."""
    place = world.random.randrange(len(readers))
    party, inbound, first = readers[place]
    if world.random.random() < 0.5:
        name, other = moved(world, INBOUND, inbound, party)
        readers[place] = (other, name, first)
        return
    later = first + world.random.randrange(300)
    other, name = world.random.choice([world.ours, world.theirs]), world.name(INBOUND)
    other.inbound(name, party.export(inbound, later), exported=True)
    world.counts["room keys forwarded"] += 1
    readers[place] = (other, name, later)


def moved(world: World, kind: str, name: str, party: Party) -> tuple[str, Party]:
    """What has this name goes on at the other side, from its pickle."""
    other = world.theirs if party is world.ours else world.ours
    fresh = world.name(kind)
    other.unpickle(kind, fresh, party.pickle(kind, name))
    world.counts["keys exchanged" if kind == DECRYPTION else "pickles exchanged"] += 1
    return fresh, other


def kind_of(number: int) -> Callable[[World], None]:
    """What the conversation of this number is about."""
    kinds = {7: stored_room, 8: stored, 9: companions}
    return kinds.get(number % 10, pairwise if number % 2 == 0 else room)


def run(python: Path, package: str, asked: argparse.Namespace) -> bool:
    """All conversations with one package; true if nothing failed."""
    ours = cast("Party", PARTIES[package](importlib.import_module(f"e2ee.compat.{package}")))
    peer = Peer(python, package)
    theirs = cast("Party", peer)
    counts: Counter[str] = Counter()
    failures: list[str] = []
    started = time.monotonic()
    numbers = range(asked.conversations) if asked.only is None else [asked.only]
    for number in numbers:
        random = Random(f"{asked.seed}/{package}/{number}")
        world = World(random, ours, theirs, asked.size, counts, number, package)
        try:
            kind_of(number)(world)
        except Exception as error:  # noqa: BLE001 (printed, and counted as a failure)
            failures.append(f"{number}: {type(error).__name__}: {error}")
        counts["conversations"] += 1
        if len(failures) >= 10:
            break
    before = peer.crashes
    rows = measure_flips(ours, theirs)
    peer.close()
    print(f"{PEERS[package]}: {time.monotonic() - started:.0f} s, {len(failures)} failures")
    for what, count in sorted(counts.items()):
        print(f"  {what}: {count:,}")
    for kind, bits, *found in rows:
        flips_ours, flips_theirs, more_ours, more_theirs = found
        print(
            f"  {kind} message of {bits} bits: flips accepted by us {flips_ours}, by them"
            f" {flips_theirs}; insertions accepted by us {more_ours}, by them {more_theirs}"
        )
    if peer.crashes > before:
        print(f"  their process ended over {peer.crashes - before} of the altered messages")
    for failure in failures:
        print(f"FAILED: {failure}; again: --seed {asked.seed} --only {failure.split(':')[0]}")
    refused_all = all(row[2] == 0 and row[4] == 0 for row in rows)
    return not failures and not before and refused_all


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 0 if nothing failed, and we accepted nothing that was altered."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.matrix_talk")
    parser.add_argument("--conversations", type=int, default=1_000, help="with each package")
    parser.add_argument("--size", type=int, default=40, help="steps of one of them")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of choices")
    parser.add_argument("--only", type=int, help="the conversation of this number alone")
    parser.add_argument("--packages", default=",".join(PEERS), help="with these")
    parser.add_argument("--optional", action="store_true", help="no failure without a package")
    asked = parser.parse_args(arguments)
    try:
        python = prepare(optional=asked.optional)
    except AbsentError as reason:
        print(f"conversations of Matrix: left out: {reason}")
        return 0 if asked.optional else 1
    print(f"conversations of Matrix: seed {asked.seed}", flush=True)
    results = [run(python, package, asked) for package in asked.packages.split(",")]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
