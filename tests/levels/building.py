# SPDX-License-Identifier: MIT OR Apache-2.0
"""What runs on an emulated processor: the runners of the vectors, an interpreter, the extension."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools import foreign
from tools.debian import AbsentError, Wanted, unpack
from tools.foreign import FOLDER, ROOT
from tools.wheels import build

if TYPE_CHECKING:
    from tests.levels.levels import Level, Machine

#: Of Debian, whose Python runs there; nothing of it is installed here.
SUITE: Final = "trixie"
PYTHON: Final = "python3.13"
#: The oldest C library that what is built for ARM runs with, as for a wheel.
GLIBC: Final = "2.28"
PACKAGES: Final = ("click", "hypothesis", "psycopg[binary]", "pytest", "rich", "segno")
_BIN: Final = Path(sys.executable).parent


class FailedError(Exception):
    """Something did not pass, or cannot be built: the text is what it printed."""


@dataclass(frozen=True, slots=True)
class Emulated:
    """Programs for one machine, and how they are started at one of its levels."""

    emulator: Path
    runners: tuple[Path, ...]
    python: Path
    #: What stands for `/` when the system's libraries are looked for, if not `/` itself.
    root: Path | None
    site: Path | None
    mask: Path | None

    def command(self, level: Level) -> list[str]:
        """What stands before a program's own command line."""
        words = [str(self.emulator), "-cpu", level.cpu]
        if self.root is not None:
            words += ["-L", str(self.root)]
        if level.masked:
            words += ["-E", f"LD_PRELOAD={self.mask}"]
        return words


def prepared(machine: Machine) -> Emulated:
    """Fetches and builds what runs on a machine.

    Raises:
        AbsentError: Something cannot be had here.
        FailedError: Something cannot be built.
    """
    emulator = _unpacked(Wanted(SUITE, "amd64", ("qemu-user",), depends=False), "emulator")
    place = emulator / "usr/bin" / machine.emulator
    if machine.architecture == "amd64":
        runners = _runners(["cargo", "test"], dict(os.environ))
        return Emulated(place, runners, Path(sys.executable), None, None, None)
    environment = crossing(machine.target)
    root = _interpreter(machine)
    site = _site(machine)
    target = ["--target", f"{machine.target}.{GLIBC}"]
    runners = _runners([str(_BIN / "cargo-zigbuild"), "test", *target], environment)
    return Emulated(place, runners, root / "usr/bin" / PYTHON, root, site, _mask(environment))


def crossing(target: str) -> dict[str, str]:
    """The environment in which cargo builds for another target, with Zig as the linker."""
    own = {"PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}", **foreign.environment(target)}
    caches = {"ZIG_GLOBAL_CACHE_DIR": "zig", "CARGO_ZIGBUILD_CACHE_DIR": "zigbuild"}
    own |= {name: str(FOLDER / place) for name, place in caches.items()}
    # Beside what is built for this machine, each would undo the work of the other.
    own["CARGO_TARGET_DIR"] = str(ROOT / "target" / "foreign")
    # The interpreter of this machine says nothing about that of another.
    return {name: value for name, value in os.environ.items() if name != "PYO3_PYTHON"} | own


def _runners(command: list[str], environment: dict[str, str]) -> tuple[Path, ...]:
    """The programs that compare with the vectors, one for each file of tests/conformance."""
    words = [*command, "--no-run", "--locked", "-p", "e2ee-conformance", "--message-format=json"]
    told = run(words, environment)
    lines = (json.loads(line) for line in told.splitlines() if line.startswith("{"))
    found = (line.get("executable") for line in lines)
    return tuple(sorted(Path(each) for each in found if each))


def _interpreter(machine: Machine) -> Path:
    """Debian's Python for the machine, with its libraries, in a folder."""
    packages = (PYTHON, "libsqlite3-0", "libstdc++6")
    root = _unpacked(Wanted(SUITE, machine.architecture, packages), machine.architecture)
    if not (root / "lib").exists():
        (root / "lib").symlink_to("usr/lib")
    return root


def _site(machine: Machine) -> Path:
    """The extension as it is released, installed with what it and the tests need."""
    site, wheels = FOLDER / f"{machine.architecture}-site", FOLDER / "wheels"
    wheels.mkdir(exist_ok=True)
    wheel = build(machine.target, wheels)
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(site)]
    words += ["--platform", "manylinux_2_28_aarch64", "--only-binary", ":all:"]
    words += ["--python-version", PYTHON.removeprefix("python"), *PACKAGES, str(wheel)]
    try:
        run(words, dict(os.environ))
    except FailedError as error:
        raise AbsentError("the packages for the tests cannot be had") from error
    return site


def _mask(environment: dict[str, str]) -> Path:
    """The library that hides what a processor can do."""
    place = FOLDER / "masked.so"
    words = [sys.executable, "-m", "ziglang", "cc", "-target", f"aarch64-linux-gnu.{GLIBC}"]
    words += ["-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    source = Path(__file__).with_name("masked.c")
    run([*words, "-o", str(place), str(source)], environment)
    return place


def _unpacked(wanted: Wanted, name: str) -> Path:
    folder = FOLDER / name
    if not folder.exists():
        FOLDER.mkdir(exist_ok=True)
        print(f"fetched {', '.join(unpack(wanted, folder))}", flush=True)
    return folder


def run(command: list[str], environment: dict[str, str]) -> str:
    """What a program prints on its standard output.

    Raises:
        FailedError: It failed.
    """
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        msg = f"{' '.join(command[:6])} failed"
        raise FailedError(msg)
    return done.stdout
