# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gate: each byte of a store's file is changed, and of the log beside a file that was not closed.

The account must say that the store is damaged, or go on as if nothing were: with the right
plaintexts, and with no message key that was used before. What is damaged in the log makes SQLite
take the log for shorter, so that the store is set back as a whole. The store must find that when it
is opened, but for those places where damage looks like a loss of power (N3 in docs/threats.md):
those are counted by name, and must give states that were committed. A process that lives on does
not lose them.
"""

import os
import random
import shutil
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import e2ee
from e2ee.store._sqlite_file import connect
from tests.assurance import children
from tests.assurance.gate import Control, Gate, Profile, Result
from tests.assurance.gates.calls import fresh
from tests.assurance.gates.power import Content, read
from tests.assurance.ledger import Ledger
from tests.assurance.party import Party
from tests.assurance.planted import real
from tests.assurance.recording import MarkedStore
from tests.assurance.verdict import LOST, STUCK, UNSTORED, Judge
from tests.properties.world import Rows, read_rows
from tests.stores.kinds import store_of
from tests.stores.protocols import speak, spoken_in

#: Bytes that are tried: of the file, of the log, and of the log of a process that lives.
SAMPLE, SAMPLE_LOG, LIVING, LIVING_FULL = 250, 800, 60, 2_000
CONTROL_LOG: Final = 100
FOUND, HARMLESS, LIMIT = "found", "harmless", "of inbox or ledger only, where deleting is N4"
SET_BACK, WRONG = "set back as a whole, and not found", "wrong"
UNCOMMITTED: Final = "states that were never committed"
#: Where damage of a log cannot be told from a loss of power.
LAST: Final = "set back by damage in the last transaction (N3)"
BEFORE_LAST: Final = "set back by damage in the last frame before that, or the sums before it (N3)"
HEADER: Final = "set back by damage that a torn header shows too (N3)"
LIMITS: Final = (LAST, BEFORE_LAST, HEADER)
HEADER_LEN, FRAME_HEADER_LEN = 32, 24
#: Salts and sums.
SUM: Final = range(8, FRAME_HEADER_LEN)
#: The number of the checkpoint, and the last word.
TORN_WORDS: Final = (range(12, 16), range(28, 32))
UNVOUCHED: Final = ("inbox/", "ledger/")
OPERATIONS: Final = 12
#: Opens the store of a folder; whether that was refused.
Looks: TypeAlias = Callable[[Path], bool]
FOLDER_FILES: Final = ("alice.db", "alice.db-wal")


@contextmanager
def workshop(profile: Profile) -> Iterator[Path]:
    """A folder in which everybody speaks the protocol."""
    with children.workshop() as shop:
        speak(shop, profile.protocol)
        yield shop


def prepare(folder: Path, *, closed: bool) -> list[str]:
    """A party in the midst of its work, with a message that waits; and Alice's states so far."""
    folder.mkdir()
    speak(folder, spoken_in(folder.parent))

    def live() -> None:
        digests = (folder / "states").open("a")

        def opens(where: Path, name: str) -> MarkedStore:
            mark = (lambda digest: digests.write(digest + "\n")) if name == "alice" else len
            return MarkedStore(real(where, name), mark)

        party = Party(folder, opens)
        party.recover()
        chance = random.Random(3)  # noqa: S311 - chooses operations, no secrets
        for _ in range(OPERATIONS):
            party.act(chance)
        for name in ("alice", "bob", "bob"):
            party.send(name)
        wait(party)
        digests.close()
        if closed:
            party.close()

    child = children.Child(live)
    child.go()
    if child.wait() != 0:
        raise AssertionError("a child failed whom nobody disturbed")
    return (folder / "states").read_text().split()


def wait(party: Party) -> None:
    """A message is shown to Alice, whose application fails."""
    letter = party.send("bob")
    alice = party.accounts["alice"]
    with suppress(InterruptedError), alice.receive(party.address("bob"), letter.envelope):
        raise InterruptedError


def examined(folder: Path, ledger: Ledger, rows: Rows | None = None) -> str:
    """What comes of going on from here."""
    judge, own = Judge(), Ledger()
    try:
        party = Party(folder)
    except e2ee.StoreError:
        return FOUND
    except Exception as error:  # noqa: BLE001 - what is not ours is wrong
        return f"{WRONG}: {error!r}"
    try:
        return lived(party, judge, own, lambda: rows is not None and unvouched(folder, rows))
    finally:
        ledger.close(own)
        party.close()


def lived(party: Party, judge: Judge, own: Ledger, limit: Callable[[], bool]) -> str:
    """What comes of a party that goes on; `limit` says whether only unvouched rows differ."""
    excused = limit()
    result = HARMLESS
    try:
        judge.live(party, own, deaths=1)
    except e2ee.StoreError:
        result = FOUND
    except Exception as error:  # noqa: BLE001 - what is not ours is wrong
        judge.complain(STUCK, repr(error))
    if own.twice or judge.found[UNSTORED]:
        return f"{WRONG}: a key was used again"
    if judge.found.total():
        return LIMIT if excused else f"{WRONG}: {judge.found.most_common(1)} {judge.complaints}"
    return result


def unvouched(folder: Path, rows: Rows) -> bool:
    """Whether the rows differ from these in those alone that nothing vouches for."""
    try:
        with e2ee.SQLiteStore(folder / "alice.db", key=bytes(range(32))) as store:
            present = read_rows(store)
    except e2ee.StoreError:
        return False
    differing = {name for name in {*rows, *present} if rows.get(name) != present.get(name)}
    missing = {name for name in differing if name in rows}
    return bool(missing) and all(name.startswith(UNVOUCHED) for name in missing)


def flipped(path: Path, place: int, mask: int) -> None:
    """Changes a byte."""
    descriptor = os.open(path, os.O_RDWR)
    byte = os.pread(descriptor, 1, place)[0]
    os.pwrite(descriptor, bytes([byte ^ mask]), place)
    os.close(descriptor)


def places(size: int, sample: int, chance: random.Random) -> Iterator[tuple[int, int]]:
    """Each place with a mask, or some of them."""
    for place in sorted(chance.sample(range(size), min(sample, size))):
        yield place, chance.choice((1, 0x80, 0xFF, 1 << chance.randrange(8)))


def refuses(folder: Path) -> bool:
    """Whether Alice's store is not opened."""
    files = [folder / name for name in FOLDER_FILES]
    before = [file.read_bytes() for file in files]
    try:
        connect(files[0], 1.0).close()
    except e2ee.StoreCorruptionError:
        assert [file.read_bytes() for file in files] == before, "a refusal has changed the files"
        return True
    # What the closing has done is undone: SQLite is to recover it by itself.
    for file, content in zip(files, before, strict=True):
        file.write_bytes(content)
    return False


def of_file(shop: Path, sample: int, chance: random.Random, ledger: Ledger) -> Counter[str]:
    """Changes the file of a store that was closed."""
    start, here = shop / "closed", shop / "here"
    prepare(start, closed=True)
    with real(start, "alice") as store:
        rows = read_rows(store)
    outcomes = Counter[str]()
    for place, mask in places((start / "alice.db").stat().st_size, sample, chance):
        fresh(start, here)
        flipped(here / "alice.db", place, mask)
        outcomes[examined(here, ledger, rows)] += 1
    return outcomes


def of_log(
    shop: Path, sample: int, chance: random.Random, ledger: Ledger, looks: Looks = refuses
) -> Counter[str]:
    """Changes the log of a store that was not closed; equal rows are looked at once."""
    start, here, copy = shop / "open", shop / "here", shop / "copy"
    states = prepare(start, closed=False)
    limits = Limits.of((start / "alice.db-wal").read_bytes())
    copy.mkdir()
    known: dict[str | None, str] = {}
    digests: dict[Content, str] = {}
    outcomes = Counter[str]()
    for place, mask in places((start / "alice.db-wal").stat().st_size, sample, chance):
        for name in FOLDER_FILES:
            shutil.copyfile(start / name, copy / name)
        flipped(copy / "alice.db-wal", place, mask)
        if looks(copy):
            outcomes[FOUND] += 1
            continue
        digest = read(str(copy / "alice.db"), digests)
        if digest != states[-1]:
            outcomes[back(digest, states, limits.name(place))] += 1
            continue
        if digest not in known:
            fresh(start, here)
            flipped(here / "alice.db-wal", place, mask)
            known[digest] = examined(here, ledger)
        outcomes[known[digest]] += 1
    return outcomes


class Limits(NamedTuple):
    """The places of a log at which damage is not found: where its last two transactions begin."""

    last_frame_before: int
    last: int

    @classmethod
    def of(cls, log: bytes) -> "Limits":
        """Those of a log whose frames may be followed by older ones, with other salts."""
        (page_size,) = struct.unpack_from(">I", log, 8)
        salts, step = log[16:24], FRAME_HEADER_LEN + page_size
        frames = takewhile(
            lambda place: log[place + 8 : place + 16] == salts, range(HEADER_LEN, len(log), step)
        )
        ends = [place for place in frames if log[place + 4 : place + 8] != bytes(4)]
        return cls(ends[-2], ends[-2] + step)

    def name(self, place: int) -> str:
        """What it is called if damage at this place is not found."""
        if place < HEADER_LEN:
            return HEADER if any(place in word for word in TORN_WORDS) else SET_BACK
        if place >= self.last:
            return LAST
        step = self.last - self.last_frame_before
        is_sum = place - self.last_frame_before + step in SUM
        return BEFORE_LAST if is_sum or place >= self.last_frame_before else SET_BACK


def back(digest: str | None, states: list[str], name: str) -> str:
    """What it means that SQLite shows other rows than the last ones, and the store is opened."""
    if digest is None:
        return FOUND
    return name if digest in {*states, "nothing"} else UNCOMMITTED


def of_life(shop: Path, sample: int, chance: random.Random, ledger: Ledger) -> Counter[str]:
    """Changes the log under a process that lives, which then closes; and opens the file again."""
    start, here = shop / "open", shop / "here"
    outcomes = Counter[str]()
    for place, mask in places((start / "alice.db-wal").stat().st_size, sample, chance):
        fresh(start, here)
        party, own = Party(here), Ledger()
        for each in party.accounts.values():
            each.contacts()
        flipped(here / "alice.db-wal", place, mask)
        first = lived(party, Judge(), own, lambda: False)
        party.close()
        ledger.close(own)
        outcomes[first if first.startswith(WRONG) else examined(here, ledger)] += 1
    return outcomes


def run(profile: Profile) -> Result:
    """Changes all bytes, or some."""
    chance = random.Random(profile.seed)  # noqa: S311 - chooses bytes, no secrets
    everything, ledger = 1 << 30, Ledger()
    with workshop(profile) as shop:
        parts = {
            "of the file": of_file(
                shop, profile.share(short=SAMPLE, full=everything), chance, ledger
            ),
            "of the log": of_log(
                shop, profile.share(short=SAMPLE_LOG, full=everything), chance, ledger
            ),
            "of the log of a living process": of_life(
                shop, profile.share(short=LIVING, full=LIVING_FULL), chance, ledger
            ),
        }
    return told(parts, ledger)


def told(parts: dict[str, Counter[str]], ledger: Ledger) -> Result:
    """The outcomes as counts and violations."""
    counts = {f"bytes changed {part}": found.total() for part, found in parts.items()}
    for part, found in parts.items():
        counts |= {
            f"{part}: {what}": found[what]
            for what in (FOUND, HARMLESS, LIMIT, *LIMITS)
            if found[what]
        }
    total = Counter[str]()
    for found in parts.values():
        total.update(found)
    wrong = {what: times for what, times in total.items() if what.startswith(WRONG)}
    violations = {
        "wrong plaintexts, keys used again, lost messages, foreign errors": sum(wrong.values()),
        SET_BACK: total[SET_BACK],
        UNCOMMITTED: total[UNCOMMITTED],
    }
    return Result(
        counts, violations, tuple(f"{times} {what}" for what, times in wrong.items()), ledger
    )


def set_back(profile: Profile) -> Result:
    """A control: the medium does not change a byte, it puts an older file in its place."""
    with workshop(profile) as shop:
        start, here = shop / "start", shop / "here"
        prepare(start, closed=True)
        fresh(start, here)
        party = Party(here)
        party.send("alice")
        party.close()
        shutil.copyfile(start / "alice.db", here / "alice.db")
        return told({"of the file": Counter([examined(here, Ledger())])}, Ledger())


def lost_row(profile: Profile) -> Result:
    """A control: a row of the inbox is taken away, and nobody says that this may be."""
    with workshop(profile) as shop:
        start = shop / "start"
        prepare(start, closed=True)
        with store_of(start, "alice").transaction() as transaction:
            ((name, revision),) = transaction.list("inbox/")
            transaction.apply([(name, revision, None, None)])
        judge = Judge()
        judge.judge(start, deaths=1)
        return Result({}, {LOST: judge.found.total()})


def unlooked(profile: Profile) -> Result:
    """A control: nobody looks at the log before SQLite does."""
    chance = random.Random(profile.seed)  # noqa: S311 - chooses bytes, no secrets
    with workshop(profile) as shop:
        found = of_log(shop, CONTROL_LOG, chance, Ledger(), lambda _: False)
    return told({"of the log": found}, Ledger())


GATE: Final = Gate(
    "flips",
    "each byte of the file and of the log beside it is changed",
    run,
    (
        Control("a medium that puts an older file in place", set_back),
        Control("a medium that loses a row of the inbox", lost_row),
        Control("a store that does not look at its log", unlooked),
    ),
)
