# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares the list of crates inside an extension with the crates that it is made of.

Run as `python -m tools.section --target TARGET WHEEL`. tools/auditable.py has the list put there.
"""

import argparse
import io
import json
import sys
import zipfile
import zlib
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tools.crates import crates

SECTION = ".dep-v0"


def main() -> None:
    """Says how many crates are listed, or stops."""
    parser = argparse.ArgumentParser(prog="python -m tools.section", description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("wheel", type=Path)
    given = parser.parse_args()
    count = checked(given.wheel, given.target)
    sys.stdout.write(f"{given.wheel.name}: the extension lists {count} crates\n")


def checked(wheel: Path, target: str) -> int:
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


if __name__ == "__main__":
    main()
