# SPDX-License-Identifier: MIT OR Apache-2.0
"""All gates, as one table with counts and minutes.

Run as `python -m tests.assurance [--short] [--seed N] [--only NAME ...] [--json FILE]`; it ends
with 1 if a gate was passed by a fault, or a control was not found.
"""

import argparse
import json
import secrets
import sys
import time
from pathlib import Path

from tests.assurance.gate import Gate, Profile, Result
from tests.assurance.gates import GATES
from tests.assurance.ledger import Ledger
from tests.stores import server


def main() -> int:
    """Runs the gates, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.assurance")
    parser.add_argument("--short", action="store_true", help="seconds instead of hours")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[each.name for each in GATES])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table here too")
    given = parser.parse_args()
    try:
        return run(given)
    finally:
        server.stop()


def run(given: argparse.Namespace) -> int:
    """Runs what was chosen."""
    profile = Profile("short" if given.short else "full", given.seed)
    say(f"seed {profile.seed}, {profile.size} profile")
    chosen = [gate for gate in GATES if not given.only or gate.name in given.only]
    ledger = Ledger()
    rows = [row_of(gate, profile, ledger) for gate in chosen]
    say(f"\nledger of message keys over all gates: {ledger.keys:,} used, {ledger.twice:,} twice")
    if given.json is not None:
        given.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0 if ledger.twice == 0 and all(row["passed"] for row in rows) else 1


def row_of(gate: Gate, profile: Profile, ledger: Ledger) -> dict[str, object]:
    """Runs one gate with its controls, and prints its part of the table."""
    say(f"\n{gate.name}: {gate.about}")
    reason = gate.missing()
    if reason is not None:
        say(f"  left out: {reason}")
        return {"gate": gate.name, "left out": reason, "passed": True}
    began = time.monotonic()
    result = gate.run(profile)
    show(result)
    ledger.absorb(result.ledger)
    controls = {}
    for control in gate.controls:
        found = control.run(profile).found()
        controls[control.fault] = found
        say(f"  control: {control.fault}: {'found' if found else 'NOT FOUND'}")
    minutes = (time.monotonic() - began) / 60
    passed = result.found() == 0 and all(controls.values())
    say(f"  {'passed' if passed else 'FAILED'} in {minutes:.1f} min")
    return {
        "gate": gate.name,
        "counts": dict(result.counts),
        "violations": dict(result.violations),
        "controls": controls,
        "minutes": round(minutes, 2),
        "notes": list(result.notes),
        "passed": passed,
    }


def show(result: Result) -> None:
    """What was tried, and what came of it."""
    for what, count in result.counts.items():
        say(f"  {count:>12,} {what}")
    for what, count in result.violations.items():
        say(f"  {count:>12,} {what}{'' if count == 0 else '  <--'}")
    say(f"  {result.ledger.keys:>12,} message keys in the ledger")
    for note in result.notes:
        say(f"  {note}")


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
