# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gate: the process is killed at moments that chance chooses.

Each life is a child that opens the files after the fork, sends before it reads, takes what waits,
and goes on until it is killed. After a hundred lives all that they have acknowledged is looked at,
and another hundred begin with new files.
"""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.assurance import children, planted
from tests.assurance.gate import Control, Gate, Profile, Result, until_found
from tests.assurance.party import OpensStores, Party, letters
from tests.assurance.verdict import STUCK, Judge, probes
from tests.stores.kinds import store_of
from tests.stores.protocols import speak

KILLS, SHORT_KILLS, CONTROL_KILLS = 10_000, 150, 60
#: How many die in one folder.
LIVES: Final = 100
#: Seconds that the longest life lasts; opening takes about a tenth of it.
LONGEST: Final = 0.08


def endless(folder: Path, seed: int, opens: OpensStores) -> Callable[[], None]:
    """A life that never ends by itself."""

    def work() -> None:
        party = Party(folder, opens)
        probes(party)
        party.recover()
        chance = random.Random(seed)  # noqa: S311 - chooses operations, no secrets
        while True:
            party.act(chance)

    return work


def run(profile: Profile) -> Result:
    """Kills and looks."""
    return killed(profile, store_of, profile.share(short=SHORT_KILLS, full=KILLS))


def controlled(opens: OpensStores) -> Callable[[Profile], Result]:
    """The gate over a store with a planted fault."""
    return until_found(lambda profile: killed(profile, opens, CONTROL_KILLS))


def killed(profile: Profile, opens: OpensStores, kills: int) -> Result:
    """Kills so many lives."""
    chance = random.Random(profile.seed)  # noqa: S311 - chooses moments, no secrets
    judge, messages, left = Judge(), 0, kills
    while left:
        lives = min(left, LIVES)
        with children.workshop() as folder:
            speak(folder, profile.protocol)
            for number in range(lives):
                child = children.Child(endless(folder, number, opens))
                child.go()
                time.sleep(chance.uniform(0, LONGEST))
                child.kill()
                judge.found[STUCK] += child.wait() != -signal.SIGKILL
            messages += len(letters(folder))
            judge.ledger.absorb(judge.judge(folder, deaths=lives))
        left -= lives
    counts = {"kills": kills, "messages sent meanwhile": messages}
    return Result(counts, judge.found, tuple(judge.complaints), judge.ledger)


GATE: Final = Gate(
    "kills",
    "the process is killed at random moments",
    run,
    (
        Control("a store that acknowledges before its commit", controlled(planted.early)),
        Control("a store that commits each record by itself", controlled(planted.piecewise)),
    ),
)
