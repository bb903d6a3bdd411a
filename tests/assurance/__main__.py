# SPDX-License-Identifier: MIT OR Apache-2.0
"""All gates, as one table with counts and minutes.

Run as `python -m tests.assurance [--short] [--jobs N] [--seed N] [--only NAME ...] [--json FILE]`;
it ends with 1 if a gate was passed by a fault, a control was not found, or a gate's process died.
"""

import argparse
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Final

from tests.assurance.gate import Profile
from tests.assurance.gates import GATES
from tests.assurance.ledger import Ledger
from tests.assurance.side_by_side import Report, run_all

#: A gate's name means it with each protocol.
NAMES: Final = tuple(dict.fromkeys(name for gate in GATES for name in (gate.name, gate.title)))


def main() -> int:
    """Runs the gates that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.assurance")
    parser.add_argument("--short", action="store_true", help="minutes instead of an hour")
    parser.add_argument("--jobs", type=int, metavar="N", help="gates at a time; else one a core")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=NAMES)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table here too")
    given = parser.parse_args()
    profile = Profile("short" if given.short else "full", given.seed)
    jobs = max(1, given.jobs or len(os.sched_getaffinity(0)))
    say(f"seed {profile.seed}, {profile.size} profile, {jobs} gates at a time")
    chosen = [gate for gate in GATES if not given.only or {gate.name, gate.title} & set(given.only)]
    began = time.monotonic()
    reports = run_all(chosen, profile, jobs, tell)
    if given.json is not None:
        given.json.write_text(json.dumps([report.row for report in reports], indent=2) + "\n")
    return summed_up(reports, (time.monotonic() - began) / 60)


def tell(report: Report) -> None:
    """Prints what came of one gate."""
    say("\n" + "\n".join(report.lines))


def summed_up(reports: list[Report], minutes: float) -> int:
    """Prints the table, compares the keys of all gates, and says how the program ends."""
    say(f"\n{'gate':<16}{'violations':>12}{'controls found':>16}{'keys':>12}{'minutes':>9}")
    ledger = Ledger()
    for report in reports:
        say(line_of(report))
        ledger.absorb(report.ledger)
    say(f"ledger of message keys over all gates: {ledger.keys:,} used, {ledger.twice:,} twice")
    say(f"{minutes:.1f} minutes in total")
    return 0 if ledger.twice == 0 and all(report.passed for report in reports) else 1


def line_of(report: Report) -> str:
    """One line of the table."""
    row = report.row
    violations, controls = row.get("violations"), row.get("controls")
    if not isinstance(violations, dict) or not isinstance(controls, dict):
        return f"{row['gate']:<16}  {'left out' if report.passed else 'DIED'}"
    found = f"{sum(controls.values())} of {len(controls)}"
    return (
        f"{row['gate']:<16}{sum(violations.values()):>12,}{found:>16}{report.ledger.keys:>12,}"
        f"{row['minutes']:>9}  {'passed' if report.passed else 'FAILED'}"
    )


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
