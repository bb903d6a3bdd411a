# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clients of Telegram over `e2ee.compat`: tests once with their ciphers, once with ours.

    python -m tests.interop.telegram_tests [--optional]

TgCrypto (LGPL) and Kurigram (LGPL) bring tests in their source distributions, which run unchanged,
in processes of their own; TgCrypto's of CBC are left out, since a file that they read is not in it.
Telethon (MIT) brings none: `clients/telethon_checks.py` drives its ciphers, its factorization and
the state that encrypts its messages, and `clients/kurigram_checks.py` the same of Kurigram.

All of it is fetched by version and SHA-256 into an ignored folder; only a folder with a module of
the same name, which imports ours, is put before theirs.
"""

from __future__ import annotations

import argparse
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

from tests.interop.matrix_tests import AbsentError, run, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".clients"
CHECKS: Final = Path(__file__).with_name("clients")
_TIMEOUT_SECONDS: Final = 600
#: What fetching may take where it is optional.
_OPTIONAL_SECONDS: Final = 75
_SHOWN_LINES: Final = 60
#: The clients and the packages that ours stand for.
PACKAGES: Final = (
    "TgCrypto==1.2.5",
    "cryptg==0.6.0",
    "Telethon==1.45.0",
    "Kurigram==2.2.26",
    "pytest",
    "pytest-asyncio",
)
#: Source distributions that have tests, with their SHA-256.
SOURCES: Final = {
    "TgCrypto-1.2.5": "9bc2cac6fb9a12ef5b08f3dd500174fe374d89b660cce981f57e3138559cb682",
    "kurigram-2.2.26": "83b64fd7ab37122d920b1e7c0e221b599d7c52dd5d0d24c79956f01273020c49",
}
MODULES: Final = ("tgcrypto", "cryptg")


@dataclass(frozen=True, slots=True)
class Suite:
    """Tests under a name, and the folder in which they run."""

    name: str
    tests: tuple[str, ...]
    folder: Path
    options: tuple[str, ...] = ()


def suites() -> list[Suite]:
    """What is run."""
    asynchronous = ("-o", "asyncio_mode=auto")
    # What this project's own tests set up is not there.
    alone = ("--noconftest", "--import-mode=importlib")
    return [
        Suite("TgCrypto 1.2.5, its tests of IGE", ("tests/ige",), FOLDER / "TgCrypto-1.2.5"),
        Suite("TgCrypto 1.2.5, its tests of CTR", ("tests/ctr",), FOLDER / "TgCrypto-1.2.5"),
        Suite("Kurigram 2.2.26, its tests", ("tests/unit",), FOLDER / "kurigram", asynchronous),
        Suite("Telethon 1.45.0, our checks", (str(CHECKS / "telethon_checks.py"),), FOLDER, alone),
        Suite("Kurigram 2.2.26, our checks", (str(CHECKS / "kurigram_checks.py"),), FOLDER, alone),
    ]


def prepare(*, optional: bool = False) -> Path:
    """The interpreter with all that is needed, fetched once.

    Raises:
        AbsentError: Something cannot be had, or not soon where it is optional.
    """
    until = time.monotonic() + (_OPTIONAL_SECONDS if optional else _TIMEOUT_SECONDS)
    python = FOLDER / "venv" / "bin" / "python"
    stamp, wanted = FOLDER / "installed", repr([SOURCES, PACKAGES])
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    make = [sys.executable, "-m", "venv", str(FOLDER / "venv")]
    run(make, until, "no environment can be made")
    install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
    run(install, until, "the packages cannot be installed")
    for source, digest in SOURCES.items():
        _fetch(python, source, digest, until)
    # Its tests run against the installed package: that of the archive lacks what is generated.
    (FOLDER / "kurigram").mkdir()
    (FOLDER / "kurigram-2.2.26" / "tests").rename(FOLDER / "kurigram" / "tests")
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _fetch(python: Path, source: str, digest: str, until: float) -> None:
    exact = source.replace("-", "==")
    requirement = FOLDER / "requirement.txt"
    requirement.write_text(f"{exact} --hash=sha256:{digest}\n", encoding="utf-8")
    options = ["--quiet", "--no-deps", "--no-binary=:all:", "--require-hashes"]
    download = [str(python), "-m", "pip", "download", *options, "--dest", str(FOLDER)]
    run([*download, "--requirement", str(requirement)], until, f"{exact} cannot be fetched")
    with tarfile.open(FOLDER / f"{source}.tar.gz") as opened:
        opened.extractall(FOLDER, filter="data")


def shims() -> Path:
    """The folder of modules that import ours under their names."""
    folder = FOLDER / "ours"
    folder.mkdir(exist_ok=True)
    for name in MODULES:
        text = f"from e2ee.compat.{name} import *\n"
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def outcome(python: Path, suite: Suite, *, ours: bool) -> dict[str, int]:
    """How many tests passed, failed, and so on; the output is printed if any failed.

    What is imported under the names is looked at first: the wrong modules prove nothing.
    """
    folders = [shims(), ROOT / "python"] if ours else []
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    functions = "(cryptg.encrypt_ige, tgcrypto.ige256_encrypt)"
    probe = f"import cryptg, tgcrypto; print([f.__module__ == 'e2ee._core' for f in {functions}])"
    seen = subprocess.run(
        [str(python), "-c", probe], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert seen.strip() == str([ours, ours]), seen
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    done = subprocess.run(
        [*command, "--rootdir", str(suite.folder), *suite.options, *suite.tests],
        cwd=suite.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
    found = re.findall(r"(\d+) (passed|failed|errors?|skipped)", last)
    counts = {kind: int(count) for count, kind in found}
    if done.returncode or "passed" not in counts:
        print("\n".join(done.stdout.splitlines()[-_SHOWN_LINES:]))
    return counts


def compare(python: Path) -> bool:
    """Runs all suites twice and prints the counts; true if all pass with ours as with theirs."""
    equal = True
    for suite in suites():
        theirs = outcome(python, suite, ours=False)
        ours = outcome(python, suite, ours=True)
        print(suite.name)
        print(f"  with the packages tgcrypto and cryptg: {shown(theirs)}")
        print(f"  with those of e2ee.compat: {shown(ours)}", flush=True)
        equal = equal and ours == theirs and set(ours) == {"passed"}
    return equal


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 0 if all that passes with theirs passes with ours."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.telegram_tests")
    parser.add_argument("--optional", action="store_true", help="no failure if a package is absent")
    asked = parser.parse_args(arguments)
    try:
        python = prepare(optional=asked.optional)
    except AbsentError as reason:
        print(f"clients of Telegram: left out: {reason}")
        return 0 if asked.optional else 1
    return 0 if compare(python) else 1


if __name__ == "__main__":
    sys.exit(main())
