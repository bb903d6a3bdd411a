# SPDX-License-Identifier: MIT OR Apache-2.0
"""Installs the C library, its headers and its pkg-config file below a prefix.

Run as `python tools/install_capi.py BUILT PREFIX` by `make capi`; BUILT is the folder in which
Cargo leaves its libraries. A program that runs finds the shared library by the name of its ABI, a
compiler by the one without it.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CAPI = ROOT / "rust" / "capi"


def main() -> None:
    """Installs what the two arguments say."""
    built, prefix = Path(sys.argv[1]), Path(sys.argv[2]).absolute()
    libraries, headers = prefix / "lib", prefix / "include"
    for folder in (headers, libraries / "pkgconfig"):
        folder.mkdir(parents=True, exist_ok=True)
    for header in sorted((CAPI / "include").glob("*.h")):
        replace(header, headers / header.name)
    shared = f"libe2ee.so.{number('E2EE_ABI_VERSION', CAPI / 'include' / 'e2ee.h')}"
    replace(built / "libe2ee.so", libraries / shared)
    replace(built / "libe2ee.a", libraries / "libe2ee.a")
    fresh = libraries / "libe2ee.so.new"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(shared)
    fresh.replace(libraries / "libe2ee.so")
    description = (CAPI / "e2ee.pc.in").read_text(encoding="utf-8")
    description = description.replace("@PREFIX@", str(prefix)).replace("@VERSION@", version())
    (libraries / "pkgconfig" / "e2ee.pc").write_text(description, encoding="utf-8")


def number(name: str, header: Path) -> str:
    """What a header defines this name as."""
    return found(rf"^#define {name} (\d+)$", header)


def version() -> str:
    """The version of all our crates."""
    return found(r'^version = "(.+)"$', ROOT / "Cargo.toml")


def found(pattern: str, file: Path) -> str:
    """What a line of a file has in the group of a pattern."""
    match = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        msg = f"{file}: no line matches {pattern}"
        raise SystemExit(msg)
    return match[1]


def replace(source: Path, target: Path) -> None:
    """Copies a file beside its target, and puts it in the place of that at once."""
    fresh = target.with_name(f"{target.name}.new")
    shutil.copyfile(source, fresh)
    fresh.chmod(0o755 if ".so" in target.name else 0o644)
    fresh.replace(target)


if __name__ == "__main__":
    main()
