# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gate: calls of the file system fail, in every way that they may, under every operation.

Each operation is done once to count its calls on the store's files; then once more for each of
them and each error, where the error comes once, or from then on. Short writes are real ones: a
limit for the size of files lies within what is to be written.
"""

import os
import random
import resource
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.assurance import children, planted
from tests.assurance.children import Child
from tests.assurance.gate import Control, Gate, Profile, Result, until_found
from tests.assurance.gates.calls import fresh
from tests.assurance.party import OpensStores, Party
from tests.assurance.trial import DONE, OPEN, READ_ONLY, Fault, Outcome, acts, brief, tried
from tests.assurance.verdict import Judge
from tests.stores.protocols import Protocol, speak, spoken_in

#: What each call may answer. EINTR and what befalls locks come once; giving a lock back succeeds.
ERRORS: Final = {
    "pwrite64": ("ENOSPC", "EIO", "EINTR", "EROFS", "EDQUOT"),
    "fdatasync": ("EIO", "ENOSPC", "EINTR"),
    "fsync": ("EIO", "EINTR"),
    "ftruncate": ("ENOSPC", "EIO", "EINTR", "EROFS"),
    "openat": ("EIO", "ENOSPC", "EMFILE", "EROFS", "EACCES", "EINTR"),
    "pread64": ("EIO", "EINTR"),
    "fcntl": ("ENOLCK", "EINTR", "EAGAIN"),
    "unlink": ("EIO", "EROFS"),
    "mmap": ("ENOMEM",),
    "newfstatat": ("EIO",),
    "fstat": ("EIO",),
}
ENDINGS: Final = ("", "-wal", "-shm", "-journal")
SAMPLE, CONTROL_SAMPLE = 90, 40
UNTYPED, BETWEEN = "errors without a type of ours", "states between before and after"
WEDGED: Final = "stores that do not work when the fault is gone"
NOTES: Final = ("A fault that lasts ends when the operation has returned.",)


class Try(NamedTuple):
    """A fault, what the table calls it, and the operation that it comes under."""

    name: str
    act: str
    fault: Fault


def injected(folder: Path, call: str, what: str) -> Fault:
    """Lets strace change what a call on Alice's files does."""

    @contextmanager
    def fault(child: Child) -> Iterator[None]:
        paths = [f"--trace-path={folder}/alice.db{ending}" for ending in ENDINGS]
        inject = f"inject={call}:{what}"
        child.trace("-o", os.devnull, *paths, "-e", f"trace={call}", "-e", inject)
        yield
        child.untrace()

    return fault


def counting(folder: Path, log: Path) -> Fault:
    """Counts the calls on Alice's files."""

    @contextmanager
    def fault(child: Child) -> Iterator[None]:
        paths = [f"--trace-path={folder}/alice.db{ending}" for ending in ENDINGS]
        calls = ",".join("?" + call for call in ERRORS)
        child.trace("-o", str(log), *paths, "-e", f"trace={calls}")
        yield
        child.untrace()

    return fault


def limited(size: int) -> Fault:
    """No file may grow beyond a size: a write across it is short."""

    @contextmanager
    def fault(child: Child) -> Iterator[None]:
        _, hard = resource.prlimit(child.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size, hard))
        yield
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (hard, hard))

    return fault


def locked(folder: Path, how: str) -> Fault:
    """Somebody else holds the file."""

    @contextmanager
    def fault(_: Child) -> Iterator[None]:
        with closing(sqlite3.connect(folder / "alice.db", isolation_level=None)) as link:
            link.execute(f"BEGIN {how}")
            yield

    return fault


def read_only(folder: Path) -> Fault:
    """The folder and its files may be read by everybody, and written by nobody."""

    @contextmanager
    def fault(_: Child) -> Iterator[None]:
        places = [folder, *folder.glob("alice.db*")]
        folder.parent.chmod(0o711)
        for place in places:
            place.chmod(0o555 if place == folder else 0o444)
        yield
        for place in places:
            place.chmod(0o700 if place == folder else 0o600)

    return fault


def tries(start: Path, folder: Path, shop: Path) -> Iterator[Try]:
    """Every fault under every operation."""
    for act in (OPEN, *acts(spoken_in(start))):
        fresh(start, folder)
        log = shop / "calls"
        tried(folder, act, counting(folder, log))
        seen = Counter[str]()
        for line in log.read_text().splitlines():
            call = line.split("(")[0]
            seen[call] += 1
            if "F_UNLCK" not in line:
                yield from errors_at(folder, act, call, seen[call])
        size = (start / "alice.db-wal").stat().st_size
        for more in (*range(0, 4 * 4120, 512), 1, 24, 25, 4119, 4121):
            yield Try("short write", act, limited(size + more))
        for how in ("IMMEDIATE", "EXCLUSIVE"):
            yield Try(f"locked, {how.lower()}", act, locked(folder, how))
    yield Try("read-only file and folder", READ_ONLY, read_only(folder))


def errors_at(folder: Path, act: str, call: str, number: int) -> Iterator[Try]:
    """Every error of one call: once, and from then on."""
    for error in ERRORS.get(call, ()):
        yield Try(
            f"{error} at {call}, once",
            act,
            injected(folder, call, f"error={error}:when={number}"),
        )
        if error != "EINTR" and call != "fcntl":
            yield Try(
                f"{error} at {call}, lasting",
                act,
                injected(folder, call, f"error={error}:when={number}+"),
            )


def run(profile: Profile) -> Result:
    """Tries all, or some."""
    return faulty(profile, brief, profile.share(short=SAMPLE, full=4_000_000))


def controlled(opens: OpensStores) -> Callable[[Profile], Result]:
    """The gate over a store with a planted fault."""
    return until_found(lambda profile: faulty(profile, opens, CONTROL_SAMPLE))


def faulty(profile: Profile, opens: OpensStores, sample: int) -> Result:
    """Tries so many, and looks what has become of the stores."""
    chance = random.Random(profile.seed)  # noqa: S311 - chooses faults, no secrets
    judge, table = Judge(), defaultdict[str, Counter[str]](Counter)
    judge.found.update(dict.fromkeys((UNTYPED, BETWEEN, WEDGED), 0))
    with children.workshop() as shop:
        start, here = shop / "start", shop / "here"
        prepare(start, profile.protocol)
        chosen = list(tries(start, here, shop))
        for each in chance.sample(chosen, min(sample, len(chosen))):
            fresh(start, here)
            outcome = tried(here, each.act, each.fault, opens)
            table[each.name][outcome.first.split(":")[0]] += 1
            count(judge, each, outcome)
            judge.ledger.close(judge.judge(here, deaths=1))
    counts = {
        "faults x calls x operations": len(chosen),
        "of them tried": sum(each.total() for each in table.values()),
        "refused with an error of ours": sum(
            times for each in table.values() for what, times in each.items() if what != DONE
        ),
    }
    lines = [f"{name}: {', '.join(shown(each))}" for name, each in sorted(table.items())]
    return Result(counts, judge.found, (*lines, *NOTES, *judge.complaints), judge.ledger)


def count(judge: Judge, each: Try, outcome: Outcome) -> None:
    """Counts what must not be, and says under which fault it was."""
    for what, wrong in (
        (UNTYPED, outcome.first.startswith("untyped")),
        (BETWEEN, not outcome.known),
        (WEDGED, outcome.second != DONE),
    ):
        if wrong:
            judge.complain(what, f"{each.act}, {each.name}: {outcome}")


def shown(outcomes: Counter[str]) -> list[str]:
    """A cell of the table."""
    return [f"{what} {times}" for what, times in sorted(outcomes.items())]


def prepare(folder: Path, protocol: Protocol) -> None:
    """A party in the midst of its work, whose files were never closed."""

    def live() -> None:
        party = Party(folder)
        party.recover()
        chance = random.Random(1)  # noqa: S311 - chooses operations, no secrets
        for _ in range(20):
            party.act(chance)
        party.recover()

    folder.mkdir()
    speak(folder, protocol)
    child = Child(live)
    child.go()
    if child.wait() != 0:
        raise AssertionError("a child failed whom nobody disturbed")


GATE: Final = Gate(
    "faults",
    "calls of the file system fail under every operation",
    run,
    (
        Control("a store that commits each record by itself", controlled(planted.piecewise)),
        Control("a store that takes each commit for made", controlled(planted.hopeful)),
    ),
    children.missing,
)
