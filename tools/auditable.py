# SPDX-License-Identifier: MIT OR Apache-2.0
"""The list of crates inside the extension itself, which `cargo audit bin` and others read.

cargo-auditable puts it into a section of the library, as zlib-compressed JSON. It stands before
the compiler, knows the list from `cargo metadata`, and is built here in the version named below;
tools/section.py reads what it wrote.
"""

import json
import subprocess
from pathlib import Path

from tools.foreign import ROOT

WRAPPER = "cargo-auditable"
VERSION = "0.7.7"
PLACE = ROOT / "target" / "auditable" / VERSION


def installed() -> Path:
    """The folder of cargo-auditable."""
    folder = PLACE / "bin"
    if not (folder / WRAPPER).exists():
        words = ["cargo", "install", WRAPPER, "--quiet", "--locked", "--version", VERSION]
        # It is for this machine, whatever is built with it.
        subprocess.run([*words, "--root", str(PLACE)], check=True)
    return folder


def environment() -> dict[str, str]:
    """What has cargo put the section into what it links, where the folder is in the path.

    The program sets this itself when it is called as `cargo auditable`, but with its own folder,
    which cargo hashes into the names of our functions: they would be others in each.
    """
    asked = {"offline": False, "locked": True, "frozen": False, "config": []}
    return {"RUSTC_WORKSPACE_WRAPPER": WRAPPER, "CARGO_AUDITABLE_ORIG_ARGS": json.dumps(asked)}
