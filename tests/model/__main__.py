# SPDX-License-Identifier: MIT OR Apache-2.0
"""Explores the model and prints what was visited: `python -m tests.model [--large] [--traces]`.

With `--paths NAME` it writes the paths of one scenario instead, as JSON, one a line.
"""

import argparse
import sys
import time

from tests.model.explore import explore
from tests.model.paths import paths, to_lines
from tests.model.scenario import Fault, Property
from tests.model.scenarios import CONTROLS, LARGE, LIMITS, SMALL, Control


def main() -> int:
    """Explores every scenario, then every control; the status is 1 if one is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--large", action="store_true", help="with more of each misfortune")
    parser.add_argument("--traces", action="store_true", help="print the traces of the controls")
    parser.add_argument("--paths", metavar="NAME", choices=[each.name for each in SMALL])
    options = parser.parse_args()
    if options.paths is not None:
        chosen = next(each for each in SMALL if each.name == options.paths)
        for line in to_lines(paths(chosen)):
            say(line)
        return 0
    began = time.monotonic()
    say(f"{'scenario':<38}{'states':>10}{'steps':>11}{'seconds':>9}  properties")
    failed = sum(not holds(number, large=options.large) for number in range(len(SMALL)))
    say(f"\n{'planted fault, or limit':<66}{'steps to see it':>16}  property")
    failed += sum(not shows(control, traces=options.traces) for control in (*CONTROLS, *LIMITS))
    minutes = (time.monotonic() - began) / 60
    say(f"\n{len(Property)} properties; {len(Fault)} faults in {len(CONTROLS)} controls;")
    say(f"{len(LIMITS)} limits")
    say(f"{minutes:.1f} minutes; not as it must be: {failed}")
    return int(failed > 0)


def holds(number: int, *, large: bool) -> bool:
    """Whether a scenario breaks nothing; prints its figures."""
    scenario = (LARGE if large else SMALL)[number]
    began = time.monotonic()
    graph = explore(scenario)
    seconds = time.monotonic() - began
    checked = len(Property) - len(scenario.waived)
    figures = f"{len(graph.worlds):>10,}{len(graph.ends):>11,}{seconds:>9.1f}{checked:>12}"
    say(f"{scenario.name:<38}{figures}")
    if graph.violation is not None:
        say(str(graph.violation))
    return graph.violation is None


def shows(control: Control, *, traces: bool) -> bool:
    """Whether a control breaks its property; prints how soon."""
    found = explore(control.scenario, [control.broken]).violation
    steps = "NOT SEEN" if found is None else str(len(found.trace))
    say(f"{control.name:<72}{steps:>10}  {control.broken.name}")
    if traces and found is not None:
        say(str(found))
    return found is not None


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
