# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds the wheels that are released, so that everyone gets the same bytes, and examines them.

Run as `python -m tools.wheels [--out FOLDER] [TARGET...]`. What would tell one machine from another
is set here: the paths in the code, the time, the linker. docs/reproduce.md says what remains.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tools import auditable, foreign
from tools.foreign import FOLDER, ROOT

#: Rust's names of the platforms, and which systems a wheel for each runs on (PEP 600, PEP 656).
TARGETS = {
    "x86_64-unknown-linux-gnu": "manylinux_2_28",
    "aarch64-unknown-linux-gnu": "manylinux_2_28",
    "x86_64-unknown-linux-musl": "musllinux_1_2",
    "aarch64-unknown-linux-musl": "musllinux_1_2",
}
BIN = Path(sys.executable).parent
NO_COMMIT = "the tree is not as it was committed: the wheel names no commit"


def main() -> None:
    """Builds a wheel for each target, examines it, and writes the list of hashes."""
    parser = argparse.ArgumentParser(prog="python -m tools.wheels", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--unexamined", action="store_true", help="build only")
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    wheels = [build(target, given.out) for target in given.targets]
    place = given.out / f"{'-'.join(wheels[0].name.split('-')[:2])}.sha256"
    listing = hashes(wheels)
    place.write_text(listing, encoding="utf-8")
    if not given.unexamined:
        for wheel in wheels:
            examine(wheel)
        try_out(given.out.resolve())
    for wheel in wheels:
        say(f"{wheel.name}: {wheel.stat().st_size:,} bytes, SHA-256 {sha256(wheel.read_bytes())}")
    say(f"{place.name}: {listing.count(chr(10))} hashes")


def build(target: str, out: Path) -> Path:
    """The wheel for a target."""
    with tempfile.TemporaryDirectory(dir=out) as folder:
        command = [str(BIN / "maturin"), "build", "--release", "--locked", "--zig"]
        command += ["--target", target, "--compatibility", TARGETS[target], "--out", folder]
        run(command, environment(target))
        (built,) = Path(folder).glob("*.whl")
        # Each needs a package that tests of this module do not.
        for program in ("tools.libc", "tools.wheel", "tools.section"):
            run([sys.executable, "-m", program, "--target", target, str(built)], dict(os.environ))
        return built.replace(out / built.name)


def environment(target: str) -> dict[str, str]:
    """What is set for a build: the compiler without paths, the linker, the time of the commit."""
    own = foreign.environment(target, renamed())
    own |= auditable.environment()
    own["PATH"] = os.pathsep.join([str(auditable.installed()), str(BIN), os.environ["PATH"]])
    own["CARGO_ZIGBUILD_PYTHON_PATH"] = linker()
    own["ZIG_GLOBAL_CACHE_DIR"] = str(FOLDER / "zig")
    own["CARGO_ZIGBUILD_CACHE_DIR"] = str(FOLDER / "zigbuild")
    flags = " ".join(f"-ffile-prefix-map={old}={new}" for old, new in renamed().items())
    own[f"CFLAGS_{target.replace('-', '_')}"] = flags
    own["SOURCE_DATE_EPOCH"] = os.environ.get("SOURCE_DATE_EPOCH") or git(
        "log", "-1", "--format=%ct"
    )
    # What is compiled with other names of folders must not be taken.
    own["CARGO_TARGET_DIR"] = str(ROOT / "target" / "wheels")
    own["E2EE_COMMIT"] = os.environ.get("E2EE_COMMIT") or commit()
    unwanted = {"PYO3_PYTHON", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | own


def linker() -> str:
    """What runs Zig for cargo-zigbuild (tools/zig.py)."""
    place = FOLDER / "python"
    words = shlex.join([sys.executable, str(ROOT / "tools" / "zig.py")])
    place.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    place.chmod(0o755)
    return str(place)


def renamed() -> dict[str, str]:
    """The folders of this machine whose names could get into the code, and what is put instead."""
    cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    places = {ROOT: "/e2ee", cargo: "/cargo", (cargo / "registry").resolve(): "/cargo/registry"}
    return {str(place): name for place, name in places.items()}


def commit() -> str:
    """The commit that is built, empty if the tree is another."""
    if git("status", "--porcelain"):
        say(NO_COMMIT)
        return ""
    return git("rev-parse", "HEAD")


def examine(wheel: Path) -> None:
    """What others say about a wheel: its platform, its use of Python's stable ABI, its texts."""
    say(f"{wheel.name}: {platform(wheel)}, says auditwheel")
    run([str(BIN / "abi3audit"), "--strict", "--summary", str(wheel)], dict(os.environ))
    run([str(BIN / "twine"), "check", "--strict", str(wheel)], dict(os.environ))
    content = zipfile.ZipFile(wheel)
    for name in content.namelist():
        for place in (*renamed(), str(Path.home())):
            if f"{place}/".encode() in content.read(name):
                sys.exit(f"{wheel.name}: {name} names {place}")
    say(f"{wheel.name}: no file names a folder of this machine")


def platform(wheel: Path) -> str:
    """The oldest platform that a wheel runs on, which has to be that of its name."""
    # With no folder to look for libraries in, those of this machine play no part.
    command = [str(BIN / "auditwheel"), "show", "--json", "--ldpaths", "", str(wheel)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found = str(told["overall_tag"])
    if found != wheel.stem.rpartition("-")[2]:
        sys.exit(f"{wheel.name}: it only runs on {found}: {told['policy_upgrades']}")
    return found


def try_out(wheels: Path) -> None:
    """Installs as the README says, and tests what is installed, without the source tree."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", readme)
    (install,) = (each for each in blocks if each.startswith("make wheels\n"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "dist").symlink_to(wheels)
        run(["sh", "-eux", "-c", install.partition("\n")[2]], dict(os.environ), place)
        python = str(place / "elsewhere/bin/python")
        packages = ["hypothesis", "psycopg[binary]", "pytest"]
        run([python, "-m", "pip", "install", "--quiet", *packages], dict(os.environ))
        (place / "away").mkdir()
        for each in ("tests", "pyproject.toml"):
            run(["cp", "-r", str(ROOT / each), str(place / "away")], dict(os.environ))
        tests = ["tests/api/test_fixtures.py", "tests/api/test_account.py"]
        tests += ["tests/properties/test_conversation.py", "tests/cli/test_verify_install.py"]
        words = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        run(words, dict(os.environ), place / "away")


def hashes(wheels: list[Path]) -> str:
    """The list that is published, as `sha256sum` prints it about the wheels and what is in them."""
    lines = []
    for wheel in sorted(wheels):
        lines.append(f"{sha256(wheel.read_bytes())}  {wheel.name}\n")
        with zipfile.ZipFile(wheel) as content:
            lines += [
                f"{sha256(content.read(name))}  {wheel.stem}/{name}\n"
                for name in sorted(content.namelist())
                if not name.endswith("/RECORD")
            ]
    return "".join(lines)


def sha256(content: bytes) -> str:
    """The hash in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def git(*words: str) -> str:
    """What git says about the tree."""
    command = ["git", *words]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def run(command: list[str], own: dict[str, str], folder: Path = ROOT) -> None:
    """Runs a program, which has to succeed."""
    sys.stdout.flush()
    if subprocess.run(command, cwd=folder, env=own, check=False).returncode != 0:
        sys.exit(f"{' '.join(command[:6])} failed")


def say(line: str) -> None:
    """A line of the output, before what the next program prints."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
