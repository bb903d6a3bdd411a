# SPDX-License-Identifier: MIT OR Apache-2.0
"""The list of crates inside the extension itself, which `cargo audit bin` and others read.

cargo-auditable puts it into a section of the library, as zlib-compressed JSON. It stands before
the compiler, knows the list from `cargo metadata`, and is built here in the version named below.
"""

import io
import json
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tools.crates import crates
from tools.foreign import ROOT

WRAPPER = "cargo-auditable"
VERSION = "0.7.7"
PLACE = ROOT / "target" / "auditable" / VERSION
SECTION = ".dep-v0"


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


def check(wheel: Path, target: str) -> int:
    """How many crates the extension lists: all that are linked have to be there, and no strangers.

    cargo-auditable counts procedural macros as linked, which tools/crates.py does not.
    """
    with zipfile.ZipFile(wheel) as content:
        (name,) = (each for each in content.namelist() if each.endswith(".so"))
        found = listed(content.read(name))
    several = crates(target)
    linked = {(crate.name, crate.version) for crate in several if crate.linked}
    known = {(crate.name, crate.version) for crate in several}
    if not linked <= found <= known:
        told = f"without {sorted(linked - found)}, with {sorted(found - known)}"
        sys.exit(f"the section {SECTION} is not the list of what is linked: {told}")
    return len(found)


def listed(library: bytes) -> set[tuple[str, str]]:
    """The names and versions in the section of a library; none if it has no section."""
    section = ELFFile(io.BytesIO(library)).get_section_by_name(SECTION)
    if section is None:
        return set()
    packages = json.loads(zlib.decompress(section.data()))["packages"]
    return {(each["name"], each["version"]) for each in packages}
