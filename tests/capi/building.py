# SPDX-License-Identifier: MIT OR Apache-2.0
"""Builds the C library as a debug build, and a Python module that calls it through its header."""

from __future__ import annotations

import fcntl
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager, redirect_stdout
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cffi import FFI

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
INCLUDE: Final = ROOT / "rust" / "capi" / "include"
HEADERS: Final = (
    *("e2ee.h", "e2ee_signal.h", "e2ee_signal_sealed.h", "e2ee_signal_services.h"),
    "e2ee_olm.h",
)
#: Where everything goes that is built here.
FOLDER: Final = ROOT / "target" / "capi"
_MODULE: Final = "_e2ee_c"
_FUNCTION: Final = re.compile(r"^\w[\w ]*\*?\s*\b(e2ee_\w+)\(", re.MULTILINE)


def without_comments(text: str) -> str:
    """A header's code."""
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def declarations() -> str:
    """What the headers declare, as cffi reads it: without conditions, and with their numbers."""
    text = "\n".join(without_comments((INCLUDE / name).read_text()) for name in HEADERS)
    text = re.sub(r'#ifdef __cplusplus\n(?:extern "C" \{|\})\n#endif\n', "", text)
    kept = (line for line in text.splitlines() if not line.startswith("#") or _has_number(line))
    return "\n".join(kept)


def functions() -> set[str]:
    """The functions that the headers declare."""
    return set(_FUNCTION.findall(declarations()))


def compiler() -> str:
    """The C compiler, without which nothing here can be tested."""
    found = shutil.which("cc") or shutil.which("gcc")
    assert found, "no C compiler: the C library cannot be tested"
    return found


def run(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """What a command prints; that it fails is an error with all that it said."""
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def alone() -> Iterator[None]:
    """Keeps other processes of these tests from building at the same time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def installed() -> Path:
    """The prefix below which a debug build of the library is installed."""
    prefix = FOLDER / "prefix"
    with alone():
        run("cargo", "build", "--locked", "-p", "e2ee-capi")
        run(sys.executable, "tools/install_capi.py", ROOT / "target" / "debug", prefix)
    return prefix


def library() -> Path:
    """The folder with the shared and the static library."""
    return installed() / "lib"


@cache
def module() -> Any:
    """The Python module with the library's functions, compiled against the headers."""
    target = FOLDER / f"{_MODULE}.so"
    prefix = installed()
    with alone():
        _compile_module(target, prefix)
    spec = importlib.util.spec_from_file_location(_MODULE, target)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = made
    spec.loader.exec_module(made)
    return made


def _compile_module(target: Path, prefix: Path) -> None:
    """Makes the module of the headers, unless it is newer than they and this file."""
    known = [Path(__file__), *(INCLUDE / name for name in HEADERS)]
    if target.exists() and target.stat().st_mtime > max(each.stat().st_mtime for each in known):
        return
    builder = FFI()
    builder.cdef(declarations())
    builder.set_source(_MODULE, '#include "e2ee.h"')
    source, fresh = FOLDER / f"{_MODULE}.c", FOLDER / f"{_MODULE}.new"
    with redirect_stdout(io.StringIO()):
        builder.emit_c_code(str(source))
    include, libraries = sysconfig.get_path("include"), prefix / "lib"
    run(
        *(compiler(), "-shared", "-fPIC", "-O1", "-w", f"-I{include}", f"-I{prefix / 'include'}"),
        *("-o", fresh, source, f"-L{libraries}", "-le2ee", f"-Wl,-rpath,{libraries}"),
    )
    fresh.replace(target)


def _has_number(line: str) -> bool:
    return re.fullmatch(r"#define E2EE_\w+ \d+", line) is not None
