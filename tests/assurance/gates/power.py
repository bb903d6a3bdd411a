# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gate: the power is lost after every event of a recorded run, in many ways each.

Of each image that a loss may leave, the real SQLite opens the files, recovers, and reads all rows.
They must be those after the last commit that was acknowledged, or those after the next one. From
each state of rows that comes up for the first time, the accounts go on: with the other store and
the journals as they were at that moment.
"""

import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias, final

from e2ee._core import log_is_damaged
from tests.assurance import children
from tests.assurance.gate import Control, Gate, Profile, Result
from tests.assurance.medium import Image, Key, Medium
from tests.assurance.party import letters
from tests.assurance.recording import Event, Kind, digest_of, recorded
from tests.assurance.verdict import Judge, note_all
from tests.stores.correspondent import PEOPLE
from tests.stores.protocols import Protocol, speak

# A little more than 1,000,000, since the last events leave too few different ones.
IMAGES, SHORT_IMAGES, CONTROL_IMAGES = 1_050_000, 12_000, 6_000
OPERATIONS, LIVES = 70, 3
SHORT_OPERATIONS, SHORT_LIVES = 15, 2
LOST, FOREIGN = "acknowledged commits lost", "contents that were never committed"
BROKEN: Final = "images that cannot be read"
ALARMS: Final = "logs that are taken for damaged"
NOTHING: Final = "nothing"
Content: TypeAlias = tuple[tuple[str, int, bytes], ...]
#: Images in a row that were seen before, until all are thought to have been seen.
PATIENCE: Final = 8
ROWS: Final = "SELECT name, revision, sealed FROM record ORDER BY name"
ENDINGS: Final = ("", "-wal", "-shm", "-journal")
JOURNALS: Final = ("sent", "handled", "bundles", "queued")
NOTES: Final = (
    "Covered: what is not synced, any subset in any order, torn at 512 bytes and below;",
    "new ends with zeros or anything; names made or gone before their directory was synced.",
    "Not covered: a medium that lies about a sync, or damages what was synced beside a write;",
    "names of one directory reach the medium in their order. SQLite makes the -shm anew.",
    "A checkpoint comes after 14 pages here, so that many are met.",
)


@final
@dataclass(slots=True)
class Run:
    """A recorded run, played again, and what was found on its way."""

    folder: Path
    protocol: Protocol
    chance: random.Random
    mediums: dict[str, Medium] = field(default_factory=lambda: {who: Medium() for who in PEOPLE})
    #: The digests of a store's rows, in the order of its commits, and how many are acknowledged.
    states: dict[str, list[str]] = field(default_factory=dict)
    acknowledged: Counter[str] = field(default_factory=Counter)
    journals: dict[str, bytearray] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    judged: set[tuple[str, str]] = field(default_factory=set)
    judge: Judge = field(default_factory=Judge)
    counts: Counter[str] = field(default_factory=Counter)
    digests: dict[Content, str] = field(default_factory=dict)

    def play(self, events: list[Event], images: int) -> None:
        """Loses the power after each event so often that all images come together."""
        self.states = states_of(events)
        for at, event in enumerate(events):
            if event.what == "append":
                self.acknowledge(event)
                continue
            owners = [who for who in PEOPLE if concerns(event, who)]
            changed = [who for who in owners if self.mediums[who].take(event)]
            self.counts["events"] += bool(changed)
            due = images * (at + 1) // len(events) - len(self.seen)
            for who in changed:
                self.lose(who, max(2, due // len(changed)))

    def acknowledge(self, event: Event) -> None:
        """A line of a journal, or a mark behind a commit."""
        if event.file in JOURNALS:
            self.journals.setdefault(event.file, bytearray()).extend(event.written)
        elif event.file == "marks":
            who, digest = event.written.decode().split()
            if self.state(who) != digest:
                self.acknowledged[who] += 1

    def state(self, who: str, ahead: int = 0) -> str:
        """The rows that were acknowledged last, or the next ones."""
        states = [NOTHING, *self.states[who]]
        return states[min(self.acknowledged[who] + ahead, len(states) - 1)]

    def lose(self, who: str, times: int) -> None:
        """Loses the power of one store: in every way that leaves whole operations, then by chance.

        Until there are so many new images, or too many in a row were seen before.
        """
        for key, image in self.mediums[who].subsets():
            self.open(who, key, image)
        new = old = 0
        while new < times and old < PATIENCE:
            if self.open(who, *self.mediums[who].cut(self.chance)):
                new, old = new + 1, 0
            else:
                old += 1

    def open(self, who: str, key: Key, image: Image) -> bool:
        """Opens an image and compares; whether it is a new one."""
        self.counts["states"] += 1
        name = hash((who, self.acknowledged[who], *key))
        if name in self.seen:
            return False
        self.seen.add(name)
        self.judge.found[ALARMS] += log_is_damaged(image.get(f"{who}.db-wal") or b"")
        digest = self.read(image)
        if digest is None:
            self.judge.found[BROKEN] += 1
        elif digest not in {self.state(who), self.state(who, 1)}:
            known = digest == NOTHING or digest in self.states[who]
            self.judge.found[LOST if known else FOREIGN] += 1
        elif (who, digest) not in self.judged:
            self.judged.add((who, digest))
            self.go_on(who, image)
        return True

    def read(self, image: Image) -> str | None:
        """The digest of the rows that SQLite recovers."""
        write(self.folder, "image", image)
        return read(f"{self.folder}/image.db", self.digests)

    def go_on(self, who: str, image: Image) -> None:
        """Lets the accounts go on from here."""
        place = self.folder / "party"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        speak(place, self.protocol)
        for name in PEOPLE:
            write(place, name, image if name == who else self.mediums[name].whole())
        for name, content in self.journals.items():
            (place / name).write_bytes(content)
        self.counts["accounts that went on"] += 1
        self.judge.ledger.close(self.judge.judge(place, deaths=1))


def concerns(event: Event, who: str) -> bool:
    """Whether an event is about the files of a store; a directory is one of both."""
    if event.file.endswith("-shm") or event.file in {*JOURNALS, "marks"}:
        return False
    return "." not in event.file or event.file.split(".")[0] == who


def states_of(events: list[Event]) -> dict[str, list[str]]:
    """The digests that the marks of each store say, without repetitions."""
    found: dict[str, list[str]] = {who: [] for who in PEOPLE}
    for event in events:
        if event.file == "marks" and event.what == "append":
            who, digest = event.written.decode().split()
            if [digest] != found[who][-1:]:
                found[who].append(digest)
    return found


def write(folder: Path, stem: str, image: Image) -> None:
    """Makes the files of an image, under another name, and no others."""
    base = f"{folder}/{stem}.db"
    contents = {name.partition(".db")[2]: content for name, content in image.items()}
    for ending in ENDINGS:
        content = contents.get(ending)
        if content is not None:
            # Plain calls: this is done a million times.
            descriptor = os.open(base + ending, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            os.write(descriptor, content)
            os.close(descriptor)
        else:
            with suppress(FileNotFoundError):
                os.unlink(base + ending)  # noqa: PTH108 - as above


def read(path: str, digests: dict[Content, str]) -> str | None:
    """The digest of the rows of a file, `NOTHING` without any, or None if it is damaged.

    Rows that were seen before are not digested again.
    """
    rows = recovered(path)
    if not rows:
        return NOTHING if rows == () else None
    with suppress(TypeError, AttributeError):
        if rows not in digests:
            digests[rows] = digest_of(rows)
        return digests[rows]
    return None


def recovered(path: str) -> Content | None:
    """The rows that SQLite shows after it has recovered a file, or None if it is damaged.

    Opened to be read only, it recovers the log likewise, and does not copy it into the file when it
    is closed, which takes a third of the time. What it cannot read so, as a file with a journal to
    be played back, is opened again.
    """
    with suppress(sqlite3.Error), opened(f"file:{path}?mode=ro") as connection:
        return tuple(connection.execute(ROWS))
    with opened(f"file:{path}") as connection:
        try:
            return tuple(connection.execute(ROWS))
        except sqlite3.Error:
            return () if is_empty(connection) else None


def opened(name: str) -> closing[sqlite3.Connection]:
    """A connection that is closed behind its block; our folders need no quoting in a URI."""
    return closing(sqlite3.connect(name, uri=True, isolation_level=None))


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether there is no table in a file that is whole."""
    try:
        return not connection.execute("SELECT name FROM sqlite_schema").fetchall()
    except sqlite3.Error:
        return False


def run(profile: Profile) -> Result:
    """Records a run, and loses the power."""
    size = profile.choose(short=SHORT_OPERATIONS, full=OPERATIONS)
    lives = profile.choose(short=SHORT_LIVES, full=LIVES)
    images = profile.share(short=SHORT_IMAGES, full=IMAGES)
    return lost(profile, Kind(), (size, lives), images)


def controlled(kind: Kind) -> Callable[[Profile], Result]:
    """The gate over a store with a planted fault."""
    size = (SHORT_OPERATIONS, SHORT_LIVES)
    images = CONTROL_IMAGES

    def run(profile: Profile) -> Result:
        return lost(profile, kind, size, profile.share(short=images, full=images))

    return run


def lost(profile: Profile, kind: Kind, size: tuple[int, int], images: int) -> Result:
    """Records a run of so many operations in so many lives, and loses its power so often."""
    with children.workshop() as shop:
        folder = shop / "run"
        folder.mkdir()
        speak(folder, profile.protocol)
        events = recorded(folder, kind, *size)
        chance = random.Random(profile.seed)  # noqa: S311 - chooses sectors, no secrets
        play = Run(shop, profile.protocol, chance)
        note_all(play.judge.ledger, letters(folder))
        play.judge.found.update(dict.fromkeys((LOST, FOREIGN, BROKEN, ALARMS), 0))
        play.play(events, images)
    counts = {
        "events of the run, each with losses after it": play.counts["events"],
        "states after a loss of power": play.counts["states"],
        "of them different, and opened": len(play.seen),
        "commits": sum(len(states) for states in play.states.values()),
        "states of rows from which accounts went on": play.counts["accounts that went on"],
    }
    notes = (*NOTES, *play.judge.complaints)
    return Result(counts, play.judge.found, notes, play.judge.ledger)


GATE: Final = Gate(
    "power",
    "the power is lost after every event of a run",
    run,
    (
        Control("a store with synchronous = OFF", controlled(Kind(synchronous="OFF"))),
        Control("a store with synchronous = NORMAL", controlled(Kind(synchronous="NORMAL"))),
        Control("a store that acknowledges before its commit", controlled(Kind(early=True))),
    ),
    children.missing,
)
