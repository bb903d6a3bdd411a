# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rust for targets whose standard library the toolchain does not have.

Where `rustup` has brought it along, there is nothing to do. Elsewhere the library is built from
its source, which Debian packages for the same version of the compiler; Zig links both kinds.
What is fetched and made lies in `.cross`, which git ignores; the toolchain is not changed.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.debian import AbsentError, Wanted, unpack

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cross"
#: Of Debian, the first release that packages several versions of the compiler.
SUITE = "trixie-backports"
SYSROOT = FOLDER / "sysroot"
COMPILER = FOLDER / "rustc"


def environment(target: str, renamed: Mapping[str, str] | None = None) -> dict[str, str]:
    """What has to be set for cargo, so that it can build for a target.

    Folders that are `renamed` have their new names in all that is compiled.

    Raises:
        AbsentError: There is neither a library nor a source to build one from.
    """
    there, names = has_library(target), dict(renamed or {})
    if there and not names:
        return {}
    FOLDER.mkdir(exist_ok=True)
    words = [] if there else ["--sysroot", str(_sysroot(names))]
    for old, new in names.items():
        words += ["--remap-path-prefix", f"{old}={new}"]
    COMPILER.write_text(f'#!/bin/sh\nexec rustc {shlex.join(words)} "$@"\n', encoding="utf-8")
    COMPILER.chmod(0o755)
    if there:
        return {"RUSTC": str(COMPILER)}
    # The compiler is the stable one; its name for this is an internal one for now.
    return {
        "RUSTC": str(COMPILER),
        "RUSTC_BOOTSTRAP": "1",
        "CARGO_UNSTABLE_BUILD_STD": "std,panic_unwind,test",
    }


def has_library(target: str) -> bool:
    """Whether the toolchain has the standard library of a target."""
    return any(Path(_asked("--print", "target-libdir", "--target", target)).glob("libstd-*.rlib"))


def version() -> str:
    """The version of the compiler, as `1.95.0`."""
    return _asked("--version").split()[1]


def _sysroot(renamed: dict[str, str]) -> Path:
    """A folder that stands for the toolchain's, with the source where cargo looks for it."""
    source = FOLDER / f"rust-{version()}"
    if not source.exists():
        exact = f"rust-src={version()}*"
        (told,) = unpack(Wanted(SUITE, "amd64", (exact,), depends=False), source)
        sys.stdout.write(f"fetched {told}\n")
    (library,) = source.glob("usr/src/rustc-*/library")
    host = Path("lib/rustlib", _asked("--print", "host-tuple"))
    shutil.rmtree(SYSROOT, ignore_errors=True)
    (SYSROOT / "lib/rustlib/src").mkdir(parents=True)
    (SYSROOT / "lib/rustlib/src/rust").symlink_to(library.parent)
    (SYSROOT / host).symlink_to(Path(_asked("--print", "sysroot")) / host)
    if renamed:
        renamed |= {str(SYSROOT / "lib/rustlib/src/rust"): "/rust", str(library.parent): "/rust"}
    return SYSROOT


def _asked(*words: str) -> str:
    command = [os.environ.get("RUSTC", "rustc"), *words]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise AbsentError("there is no Rust toolchain here") from error
    return done.stdout.strip()
