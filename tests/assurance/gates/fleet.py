# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gate: four processes with eight workers each on one account in a database.

Connections are ended and processes killed meanwhile; the driver and its verdict are those of the
test of the fleet.
"""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.assurance.gate import Control, Gate, Profile, Result, until_found
from tests.assurance.ledger import Ledger
from tests.stores import server
from tests.stores.test_fleet import ASSURANCE_INCOMING, INCOMING, SECONDS, judged, prepared

FULL_SECONDS, CONTROL_SECONDS = 60.0, 2.0


def run(profile: Profile) -> Result:
    """Lets the fleet work while it is disturbed."""
    full = profile.size == "full"
    incoming = ASSURANCE_INCOMING if full else INCOMING
    return worked("none", FULL_SECONDS if full else SECONDS, incoming, profile)


def controlled(fault: str) -> Callable[[Profile], Result]:
    """The gate over workers with a planted fault, whom nobody disturbs."""
    return until_found(lambda profile: worked(fault, CONTROL_SECONDS, INCOMING, profile))


def worked(fault: str, seconds: float, incoming: int, profile: Profile) -> Result:
    """Lets a fleet work for so long, and looks."""
    with tempfile.TemporaryDirectory(prefix="e2ee-assurance-") as folder:
        fleet, peers = prepared(Path(folder), profile.protocol, incoming)
        fleet.fault = fault
        chance = random.Random(profile.seed)  # noqa: S311 - chooses moments, no secrets
        fleet.work(seconds, chance, disturbed=fault == "none")
        verdict = judged(fleet, peers)
    ledger = Ledger()
    used = ledger.note_all(bytes.fromhex(made) for _, _, made in fleet.told("sent"))
    violations = {
        "messages lost": len(verdict.lost),
        "messages doubled": len(verdict.doubled),
        "message keys used twice": max(used, len(verdict.keys_twice)),
        "deadlocks": verdict.deadlocks,
        "errors that nobody may meet": len(verdict.complaints),
    }
    return Result(verdict.done, violations, tuple(verdict.complaints[:3]), ledger)


def missing() -> str | None:
    """Why there is no database."""
    return None if server.available() else server.MISSING


GATE: Final = Gate(
    "fleet",
    "workers of several processes on one account in a database, with cuts",
    run,
    (
        Control("neither locks nor revisions", controlled("no locks and no revisions")),
        Control("results that leave without a commit", controlled("no commit")),
    ),
    missing,
    alone=True,
)
