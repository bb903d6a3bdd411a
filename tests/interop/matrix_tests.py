# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two programs of Matrix over `e2ee.compat`: encryption tests, once with theirs, once with ours.

    python -m tests.interop.matrix_tests [--optional] [--nio FOLDER]

mautrix (MPL-2.0) imports `olm` and brings tests in its source distribution, which run unchanged.
matrix-nio (ISC) imports `vodozemac`, before 0.26 `olm`, and brings none: `matrix/nio_checks.py`
drives its machine, and `--nio` names its unpacked repository, such as Debian's source archive has,
whose own encryption tests then run as well.

All of it is fetched by version and SHA-256 into an ignored folder and runs in processes of its own;
only a folder with a module of the same name, which imports ours, is put before theirs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".matrix"
CHECKS: Final = Path(__file__).with_name("matrix") / "nio_checks.py"
_TIMEOUT_SECONDS: Final = 600
#: What fetching may take where it is optional.
_OPTIONAL_SECONDS: Final = 75
_SHOWN_LINES: Final = 60


class AbsentError(Exception):
    """A program cannot be had here: the text says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source distribution: name, version, SHA-256, and where its modules lie in it."""

    name: str
    version: str
    sha256: str
    modules: str

    @property
    def folder(self) -> Path:
        """Where it is unpacked."""
        return FOLDER / f"{self.name}-{self.version}"


MAUTRIX: Final = Source(
    "mautrix", "0.21.1", "2cad21fcff32bd549192091f9b7b58c01980a7b46f827eef8f34e62d92762b67", ""
)
NIO: Final = Source(
    "matrix_nio",
    "0.26.0",
    "6aff7aa1d9e6e5351df8f979f4b647a3b347f635e306b26e2682fd3b59d8e6a8",
    "src",
)
#: Earlier ones, whose stores are moved as well; both are over libolm.
EARLIER_MAUTRIX: Final = Source(
    "mautrix", "0.11.4", "c58b57e27c804d39dc9e12b6d74b45dcd650f6ef576da4be5d0d4232660ff310", ""
)
EARLIER_NIO: Final = Source(
    "matrix_nio",
    "0.25.2",
    "8ef8180c374e12368e5c83a692abfb3bab8d71efcd17c5560b5c40c9b6f2f600",
    "src",
)
SOURCES: Final = (MAUTRIX, NIO, EARLIER_MAUTRIX, EARLIER_NIO)
#: What both need, with theirs: the peers and what their tests import.
PACKAGES: Final = (
    "vodozemac==0.10.0",
    "python-olm==3.2.16",
    "aiofiles",
    "aiohttp",
    "aiohttp-socks",
    "aioresponses",
    "aiosqlite",
    "asyncpg",
    "atomicwrites~=1.4",
    "attrs",
    "base58",
    "cachetools",
    "faker",
    "h11",
    "h2",
    "hpack",
    "hyperframe",
    "hypothesis",
    "jsonschema",
    "peewee~=3.14",
    "pycryptodome",
    "pytest",
    "pytest-aiohttp",
    "pytest-asyncio",
    "pytest-benchmark",
    "unpaddedbase64",
    "yarl",
)
#: The modules that stand before theirs; mautrix takes two names from libolm's own, for an old API.
SHIMS: Final = {
    "vodozemac": "from e2ee.compat.vodozemac import *\n",
    "olm": 'import sys\nfrom e2ee.compat import olm\nsys.modules["olm"] = olm\n',
    "_libolm": "ffi = lib = None\n",
}
#: Of matrix-nio's repository, what needs encryption.
NIO_TESTS: Final = (
    "encryption_test.py",
    "key_export_test.py",
    "memory_store_test.py",
    "sas_test.py",
    "sessions_test.py",
    "store_test.py",
)


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests under a name: what they import, from where, and in which folder they run."""

    name: str
    module: str
    modules: Path
    tests: tuple[Path, ...]
    folder: Path = FOLDER
    options: tuple[str, ...] = ("-c", os.devnull, "--noconftest", "--rootdir", str(FOLDER))


def suites(nio: Path | None) -> list[Suite]:
    """What is run."""
    mautrix, checked = MAUTRIX.folder, NIO.folder / NIO.modules
    tests: tuple[Path, ...] = (mautrix / "mautrix/crypto",)
    found = [
        Suite(f"mautrix {MAUTRIX.version}, its tests", "olm", mautrix, tests, mautrix, ()),
        Suite(f"matrix-nio {NIO.version}, our checks", "vodozemac", checked, (CHECKS,)),
    ]
    if nio is not None:
        sessions = (nio / "src/nio/crypto/sessions.py").read_text(encoding="utf-8")
        module = "vodozemac" if "import vodozemac" in sessions else "olm"
        tests = tuple(nio / "tests" / name for name in NIO_TESTS)
        found.append(Suite(f"{nio.name}, its tests", module, nio / "src", tests, nio, ()))
    return found


def prepare(*, optional: bool = False) -> Path:
    """The interpreter with all that is needed, fetched once.

    Raises:
        AbsentError: Something cannot be had, or not soon where it is optional.
    """
    until = time.monotonic() + (_OPTIONAL_SECONDS if optional else _TIMEOUT_SECONDS)
    python = FOLDER / "venv" / "bin" / "python"
    stamp = FOLDER / "installed"
    wanted = repr([SOURCES, PACKAGES])
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    make = [sys.executable, "-m", "venv", str(FOLDER / "venv")]
    run(make, until, "no environment can be made")
    install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
    run(install, until, "the packages cannot be installed")
    for source in SOURCES:
        _fetch(python, source, until)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _fetch(python: Path, source: Source, until: float) -> None:
    exact = f"{source.name}=={source.version}"
    requirement = FOLDER / "requirement.txt"
    requirement.write_text(f"{exact} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    options = ["--quiet", "--no-deps", "--no-binary=:all:", "--require-hashes"]
    download = [str(python), "-m", "pip", "download", *options, "--dest", str(FOLDER)]
    run([*download, "--requirement", str(requirement)], until, f"{exact} cannot be fetched")
    archive = FOLDER / f"{source.name}-{source.version}.tar.gz"
    if hashlib.sha256(archive.read_bytes()).hexdigest() != source.sha256:
        msg = f"{exact} is not the expected archive"
        raise AbsentError(msg)
    with tarfile.open(archive) as opened:
        opened.extractall(FOLDER, filter="data")


def run(command: list[str], until: float, what: str) -> None:
    """Runs a command that has so long.

    Raises:
        AbsentError: It fails, or not in time: the text says what cannot be had.
    """
    left = max(0.0, until - time.monotonic())
    try:
        subprocess.run(command, check=True, timeout=left, capture_output=True)
    except subprocess.TimeoutExpired as error:
        msg = f"{what} in time"
        raise AbsentError(msg) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise AbsentError(what) from error


def shims() -> Path:
    """The folder of modules that import ours under their names."""
    folder = FOLDER / "ours"
    for name, text in SHIMS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "__init__.py").write_text(text, encoding="utf-8")
    return folder


def outcome(python: Path, suite: Suite, *, ours: bool) -> dict[str, int]:
    """How many tests passed, failed, and so on; the output is printed if any failed.

    What is imported under the name is looked at first: a run with the wrong module proves nothing.
    """
    folders = [suite.modules]
    if ours:
        folders = [shims(), ROOT / "python", *folders]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    probe = f"import {suite.module}; print({suite.module}.Account.__module__)"
    seen = subprocess.run(
        [str(python), "-c", probe], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert ours == seen.startswith("e2ee."), seen
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *suite.options]
    done = subprocess.run(
        [*command, *map(str, suite.tests)],
        cwd=suite.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    counts = {kind: int(count) for count, kind in re.findall(r"(\d+) (\w+)", last.split(" in ")[0])}
    if done.returncode or "passed" not in counts:
        print("\n".join(done.stdout.splitlines()[-_SHOWN_LINES:]))
    return counts


def compare(python: Path, nio: Path | None) -> bool:
    """Runs all suites twice and prints the counts; true if ours passes what theirs passes."""
    equal = True
    for suite in suites(nio):
        theirs = outcome(python, suite, ours=False)
        ours = outcome(python, suite, ours=True)
        print(suite.name)
        print(f"  with the package {suite.module}: {shown(theirs)}")
        print(f"  with e2ee.compat.{suite.module}: {shown(ours)}", flush=True)
        equal = equal and ours == theirs and ours.get("passed", 0) > 0
    return equal


def shown(counts: dict[str, int]) -> str:
    """The counts in words."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing ran"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 0 if all that passes with theirs passes with ours."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.matrix_tests")
    parser.add_argument("--optional", action="store_true", help="no failure if a package is absent")
    parser.add_argument("--nio", type=Path, help="matrix-nio's repository, unpacked")
    asked = parser.parse_args(arguments)
    try:
        python = prepare(optional=asked.optional)
    except AbsentError as reason:
        print(f"programs of Matrix: left out: {reason}")
        return 0 if asked.optional else 1
    return 0 if compare(python, asked.nio and asked.nio.resolve()) else 1


if __name__ == "__main__":
    sys.exit(main())
