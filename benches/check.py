# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whether our rows are as near to their limits as the committed baseline says.

Run as `python -m benches.check`, or with `--write` to write the baseline anew from several runs. A
ratio is that of the least times of a row and of the primitives of its limit, both measured in the
same run. A row's clock is that of the process, so that others on the machine count little.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benches.baseline import KEPT, Baseline, Ratios, Verdict, check, read
from benches.primitives import ROOT, program

FILES = ("benches/bench_session.py", "benches/bench_group.py", "benches/bench_many.py")
OPTIONS = ("--short", "--benchmark-timer=time.process_time", "--benchmark-quiet", "--quiet")
RUNS_FOR_BASELINE = 5
#: Seconds before rows are measured again.
PAUSE = 3


def ratios(limit: Path, operations: Collection[str] = ()) -> Ratios:
    """Runs the rows, or only those of these operations, and gives their ratios."""
    if operations:
        # What slows a virtual machine down often lasts for some seconds.
        time.sleep(PAUSE)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "table.json"
        command = [sys.executable, "-m", "pytest", *FILES, *OPTIONS, f"--table={kept}"]
        command += [f"--program={limit}"]
        command += [f"--row={operation}" for operation in operations]
        run = subprocess.run(  # noqa: S603 - our own benches
            command, cwd=ROOT, capture_output=True, text=True, check=False
        )
        if run.returncode:
            sys.exit(run.stdout + run.stderr)
        document = json.loads(kept.read_text(encoding="utf-8"))
    limits = {name: each["least"] for name, each in document["limits"].items()}
    return {
        row["operation"]: row["least"] / limits[row["operation"]]
        for row in document["rows"]
        if row["operation"] in limits
    }


def write(limit: Path) -> None:
    """Writes the baseline from several runs on this machine."""
    runs = [ratios(limit) for _ in range(RUNS_FOR_BASELINE)]
    rows = {name: asdict(Baseline.of([run[name] for run in runs])) for name in runs[0]}
    kept = {"what": "ratios to the limit; python -m benches.check --write", "rows": rows}
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    for run in runs:
        sys.stdout.write(" ".join(f"{ratio:.3f}" for ratio in run.values()) + "\n")


def main() -> None:
    """Compares, says a line for each row, and fails if one does not hold."""
    limit = program()
    if sys.argv[1:] == ["--write"]:
        write(limit)
        return
    findings = check(read(), partial(ratios, limit))
    load = os.getloadavg()[0]
    lines = [f"ratios to the limit, least times; load {load:.1f}", *map(str, findings)]
    sys.stdout.write("\n".join(lines) + "\n")
    if any(finding.verdict is not Verdict.HOLDS for finding in findings):
        sys.exit("a row does not hold its baseline")


if __name__ == "__main__":
    main()
