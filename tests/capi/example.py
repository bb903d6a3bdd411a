# SPDX-License-Identifier: MIT OR Apache-2.0
"""The example in C: built with every warning as an error, and run under what finds its faults."""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING, Final

from tests.capi.building import ROOT, compiler, installed, library, run

if TYPE_CHECKING:
    from pathlib import Path

SOURCE: Final = ROOT / "examples" / "c" / "talk.c"
SAID: Final = "alice to bob: Meet me at noon.\nbob to alice: I shall be there.\n"
STRICT: Final = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O1", "-g")
SANITIZED: Final = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
#: Each error and each block that nothing leads to any more is a report.
VALGRIND: Final = (
    *("valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full"),
    *(
        "--show-leak-kinds=definite,indirect,possible",
        "--errors-for-leak-kinds=definite,indirect,possible",
    ),
)
#: The first message, and sessions that are loaded again.
RUNS: Final = 3


def built(folder: Path, *options: str) -> Path:
    """The example, built into a folder, with a key beside it that stays."""
    program, where = folder / "talk", library()
    include = f"-I{installed() / 'include'}"
    link = (f"-L{where}", "-le2ee", f"-Wl,-rpath,{where}")
    run(compiler(), *STRICT, *options, include, "-o", program, SOURCE, *link)
    if not (folder / "key").exists():
        (folder / "key").write_bytes(secrets.token_bytes(32))
    return program


def talk(folder: Path, *command: str | Path) -> None:
    """Runs it some times on the same files; each run says what it should, and nothing else."""
    for _ in range(RUNS):
        assert run(*command, "key", "alice", "bob", cwd=folder) == SAID


def has_valgrind() -> bool:
    """Whether Valgrind is here."""
    return shutil.which("valgrind") is not None
