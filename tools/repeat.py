# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds the same commit twice, as different as can be, and compares the bytes.

Run as `python -m tools.repeat [TARGET]`. The second build is in another folder, later, by another
user where the system lets it be, with another home, umask, time zone and language, and with the
crates in another place.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from tools.foreign import FOLDER, ROOT
from tools.wheels import git, say, sha256

TREES = FOLDER / "repeat"
DEFAULT = "x86_64-unknown-linux-gnu"
#: Another user, as far as the programs can see, if the system lets a process be one.
ANOTHER_USER = ("unshare", "--user", "--map-user=12345", "--map-group=12345")


@dataclass(frozen=True, slots=True)
class Build:
    """Where a tree lies, and what stands before and around the program that builds it."""

    tree: Path
    before: tuple[str, ...] = ()
    around: dict[str, str] = field(default_factory=dict)


def main() -> None:
    """Builds twice, and stops if a byte differs."""
    target = sys.argv[1] if len(sys.argv) > 1 else DEFAULT
    shutil.rmtree(TREES, ignore_errors=True)
    commit = git("rev-parse", "HEAD")
    first = built(commit, target, Build(TREES / "first"))
    second = built(commit, target, another())
    compare(first, second)


def another() -> Build:
    """The second build."""
    own = TREES / "second" / "of-another-depth"
    home = TREES / "home"
    (home / "cargo").mkdir(parents=True)
    cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    (home / "cargo/registry").symlink_to(cargo / "registry")
    around = {"HOME": str(home), "CARGO_HOME": str(home / "cargo"), "USER": "another"}
    around |= {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "RUSTUP_HOME": rustup()}
    before = ("sh", "-c", 'umask 077; exec "$@"', "another")
    if subprocess.run([*ANOTHER_USER, "true"], check=False, capture_output=True).returncode == 0:
        return Build(own, (*before, *ANOTHER_USER), around)
    say("this system lets nobody be another user: both builds are by the same one")
    return Build(own, before, around)


def rustup() -> str:
    """Where the toolchains are, which stay the same."""
    return os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))


def built(commit: str, target: str, build: Build) -> Path:
    """The wheel of a commit, from a tree of its own."""
    build.tree.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "-x"], cwd=build.tree, input=archive.stdout, check=True)
    out = build.tree / "dist"
    words = [sys.executable, "-m", "tools.wheels", "--unexamined", "--out", str(out), target]
    told = {"E2EE_COMMIT": commit, "PYTHONDONTWRITEBYTECODE": "1"}
    told["SOURCE_DATE_EPOCH"] = git("log", "-1", "--format=%ct", commit)
    inherited = {name: value for name, value in os.environ.items() if name != "PYO3_PYTHON"}
    subprocess.run(
        [*build.before, *words],
        cwd=build.tree,
        env={**inherited, **told, **build.around},
        check=True,
    )
    (wheel,) = out.glob("*.whl")
    return wheel


def compare(first: Path, second: Path) -> None:
    """Prints the hashes of both wheels and both extensions."""
    one, other = (extension(wheel) for wheel in (first, second))
    say(f"extension  {sha256(one)}\n           {sha256(other)}")
    say(f"wheel      {sha256(first.read_bytes())}\n           {sha256(second.read_bytes())}")
    if one != other or first.read_bytes() != second.read_bytes():
        sys.exit("the builds differ")
    say("equal")


def extension(wheel: Path) -> bytes:
    """The extension inside a wheel."""
    with zipfile.ZipFile(wheel) as content:
        (name,) = (each for each in content.namelist() if each.endswith(".so"))
        return content.read(name)


if __name__ == "__main__":
    main()
