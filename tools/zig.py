# SPDX-License-Identifier: MIT OR Apache-2.0
"""Stands for the Python that runs Zig, and has Zig's linker keep one of what is identical.

The linker is lld, which knows how; Zig's driver refuses the options (rust/extension/build.rs asks
for them). So the driver links without them and says how, and the linker does it again with them.
"""

import shlex
import subprocess
import sys

FOLD = ("--icf=all", "--ignore-data-address-equality")
ASKED = {f"-Wl,{option}" for option in FOLD}
LINKER = "ld.lld"


def main() -> int:
    """Runs what is asked for: `-m ziglang cc ...`, or whatever else."""
    words = [sys.executable, *sys.argv[1:]]
    plain = [word for word in words if word not in ASKED]
    if words == plain:
        return subprocess.run(words, check=False).returncode
    done = subprocess.run(
        [*plain, "--verbose"],
        check=False,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    # What the driver links for itself, as the C library of the target, stands before.
    lines = [line for line in done.stderr.splitlines() if line.startswith(f"{LINKER} ")]
    if done.returncode != 0 or not lines:
        sys.stderr.write(done.stderr)
        return done.returncode or 1
    linked = [sys.executable, "-m", "ziglang", *shlex.split(lines[-1]), *FOLD]
    return subprocess.run(linked, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
