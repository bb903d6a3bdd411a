# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gate: the process is killed at every call that changes a file.

The script has 500 operations in lives of 25. Each life opens the very files that the life before
has left: every fourth ends by closing the stores, the others end without it. So no equivalence is
claimed for starting in the middle: the lives are the script, and openings are part of it. Each life
is run once to list its calls, and then once more from the same files for each call of the list.
"""

import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.assurance import children, planted
from tests.assurance.children import Parted
from tests.assurance.gate import Control, Gate, Profile, Result, until_found
from tests.assurance.party import OpensStores, Party, letters
from tests.assurance.verdict import STUCK, Judge, note_all
from tests.stores.kinds import store_of
from tests.stores.protocols import speak

LIVES, OPERATIONS = 20, 25
CLOSES_EVERY: Final = 4
#: Kills of each life in the short profile, and of each of the few lives of a control.
SAMPLE, CONTROL_LIVES, CONTROL_SAMPLE = 6, 2, 20
NOTES: Final = (
    "Each kill is at the entry of a call: the state after a call is that before the next one.",
    "What is written through SQLite's mapped -shm is no call; the next opening rebuilds that file.",
)


def life(folder: Path, number: int, opens: OpensStores) -> Parted:
    """One life of the script: it opens, recovers, and does its operations, each of them a part."""

    def work(begins: Callable[[int], None]) -> None:
        begins(0)
        party = Party(folder, opens)
        party.recover()
        chance = random.Random(number)  # noqa: S311 - chooses operations, no secrets
        for part in range(1, OPERATIONS + 1):
            begins(part)
            party.act(chance)
        if number % CLOSES_EVERY == CLOSES_EVERY - 1:
            party.close()

    return work


def run(profile: Profile) -> Result:
    """Kills each life at each of its calls, or at some of them."""
    lives = profile.share(short=LIVES, full=LIVES)
    return killed(profile, store_of, lives, profile.choose(short=SAMPLE, full=1_000_000))


def controlled(opens: OpensStores) -> Callable[[Profile], Result]:
    """The gate over a store with a planted fault."""
    return until_found(lambda profile: killed(profile, opens, CONTROL_LIVES, CONTROL_SAMPLE))


def killed(profile: Profile, opens: OpensStores, lives: int, sample: int) -> Result:
    """Kills so many lives, each at so many of its calls."""
    chance = random.Random(profile.seed)  # noqa: S311 - chooses calls, no secrets
    judge, calls = Judge(), Counter[str]()
    kills = unreached = 0
    with children.workshop() as shop:
        start, after, here = shop / "start", shop / "after", shop / "here"
        start.mkdir()
        speak(start, profile.protocol)
        for number in range(lives):
            fresh(start, after)
            status, listed = children.calls_of(life(after, number, opens), shop)
            if status != 0:
                judge.complain(STUCK, f"a life that nobody disturbed ended with {status}")
                break
            calls.update(f"{call.name} {call.file}" for call in listed)
            for call in chance.sample(listed, min(sample, len(listed))):
                fresh(start, here)
                status = children.killed_at(life(here, number, opens), call)
                kills, unreached = kills + (status != 0), unreached + (status == 0)
                judge.found[STUCK] += status not in {0, -signal.SIGKILL}
                judge.ledger.close(judge.judge(here, deaths=1))
            fresh(after, start)
            note_all(judge.ledger, letters(after))
    counts = {
        "operations of the script": lives * OPERATIONS,
        "calls in it that change files": calls.total(),
        "kills, each at one of them": kills,
        "lives that ended before their call came": unreached,
    }
    table = [f"{count:>12,} {call}" for call, count in sorted(calls.items())]
    return Result(counts, judge.found, (*table, *NOTES, *judge.complaints), judge.ledger)


def fresh(source: Path, target: Path) -> None:
    """Makes a folder the same as another one."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


GATE: Final = Gate(
    "calls",
    "the process is killed at every call that changes a file",
    run,
    (
        Control("a store that acknowledges before its commit", controlled(planted.early)),
        Control("a store that commits each record by itself", controlled(planted.piecewise)),
    ),
    children.missing,
)
