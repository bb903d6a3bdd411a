# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the vectors and short properties on processors that this machine does not have.

Run as `python -m tests.levels arm` or `x86`. QEMU emulates them, one program at a time; all that
is needed is fetched into `.cross`. Every level has to count the same cases as the first.
"""

import argparse
import sys
import time

from tests.levels.building import FailedError, prepared
from tests.levels.levels import MACHINES
from tests.levels.suites import Counts, run_all
from tools.debian import AbsentError


def main() -> int:
    """Runs what is asked for, and prints a line for each level."""
    parser = argparse.ArgumentParser(prog="python -m tests.levels", description=__doc__)
    parser.add_argument("machine", choices=sorted(MACHINES))
    given = parser.parse_args()
    machine = MACHINES[given.machine]
    try:
        emulated = prepared(machine)
    except (AbsentError, FailedError) as error:
        print(f"{given.machine}: {error}")
        return 1
    first: Counts | None = None
    for level in machine.levels:
        began = time.monotonic()
        try:
            counts = run_all(emulated, level, with_python=level.python)
        except FailedError as error:
            print(f"{error}\n{machine.emulator} -cpu {level.name}: FAILED")
            return 1
        seconds = time.monotonic() - began
        print(f"{machine.emulator} -cpu {level.name}: {shown(counts)}, {seconds:.0f} s", flush=True)
        first = first or counts
        if (counts.cases, counts.tests) != (first.cases, first.tests):
            print("not the cases that the first level counted: FAILED")
            return 1
    return 0


def shown(counts: Counts) -> str:
    """The counts of a level as text."""
    python = (
        f", {counts.replayed} tests of the extension on recorded bytes, "
        f"{counts.properties} of properties"
    )
    return (
        f"found {counts.features}; {counts.cases:,} cases of vectors and "
        f"{counts.tests} tests of the core{python if counts.replayed else ''} passed"
    )


if __name__ == "__main__":
    sys.exit(main())
