# SPDX-License-Identifier: MIT OR Apache-2.0
"""What runs at each level: all vectors, and the extension's own with short properties."""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.levels.building import FailedError
from tools.foreign import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.levels.building import Emulated
    from tests.levels.levels import Level

#: Seconds for one program; the longest takes half a minute on an idle core.
_PATIENCE: Final = 900
_CASES: Final = re.compile(r"^.*: (\d+) cases$", re.MULTILINE)
_PASSED: Final = re.compile(r"^test result: ok\. (\d+) passed; 0 failed", re.MULTILINE)
_TESTED: Final = re.compile(r"(\d+) passed")
_FEATURES: Final = (
    "import e2ee._core as core; print(*core.version_info()['cpu_features'] or ['none'])"
)
#: Tests of the extension that replay recorded bytes, and start no other program.
_REPLAYED: Final = tuple(
    f"tests/api/test_{name}.py"
    for name in (
        "account_keys",
        "certificates",
        "compat_telegram",
        "fixtures",
        "matrix_files",
        "matrix_signed",
        "matrix_stored",
        "megolm_fixtures",
        "mtproto_files",
        "olm_account_fixtures",
        "olm_fixtures",
        "pickles",
        "prekeys",
        "safety_number",
        "sealed",
        "secret_chat_fixtures",
    )
)
_PROPERTIES: Final = tuple(
    f"tests/properties/test_{name}.py" for name in ("conversation", "group", "olm")
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What passed at a level."""

    features: str
    cases: int
    tests: int
    replayed: int
    properties: int


def run_all(emulated: Emulated, level: Level, *, with_python: bool) -> Counts:
    """Runs everything at a level.

    Raises:
        FailedError: Something did not pass.
    """
    command = emulated.command(level)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        told = list(pool.map(lambda runner: _vectors(command, runner), emulated.runners))
    python = [*command, str(emulated.python)]
    # Before that, the emulator may say what it does not know.
    features = _output([*python, "-c", _FEATURES], emulated).rstrip().rpartition("\n")[2]
    replayed = _tested(python, _REPLAYED, emulated) if with_python else 0
    # The profile is that of tests/properties, which alone knows it.
    short = (*_PROPERTIES, "--hypothesis-profile=emulated")
    properties = _tested(python, short, emulated) if with_python else 0
    cases, tests = (sum(each) for each in zip(*told, strict=True))
    return Counts(features, cases, tests, replayed, properties)


def _vectors(command: Sequence[str], runner: Path) -> tuple[int, int]:
    """How many cases and tests of one file of tests/conformance passed."""
    # Each set prints its count; side by side, the lines would mix.
    words = [*command, str(runner), "--nocapture", "--test-threads=1"]
    told = _output(words, None, ROOT / "tests/conformance")
    passed = _PASSED.search(told)
    if passed is None or int(passed[1]) == 0:
        raise FailedError(told)
    return sum(int(cases) for cases in _CASES.findall(told)), int(passed[1])


def _tested(python: Sequence[str], words: Sequence[str], emulated: Emulated) -> int:
    """How many tests of the files that are named passed."""
    options = ["-q", "-p", "no:cacheprovider"]
    told = _output([*python, "-m", "pytest", *options, *words], emulated)
    passed = _TESTED.search(told.rstrip().rpartition("\n")[2])
    if passed is None:
        raise FailedError(told)
    return int(passed[1])


def _output(words: Sequence[str], emulated: Emulated | None, folder: Path = ROOT) -> str:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if emulated is not None and emulated.site is not None:
        environment["PYTHONPATH"] = str(emulated.site)
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        check=False,
        timeout=_PATIENCE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        msg = f"{' '.join(words)}\n{done.stdout}"
        raise FailedError(msg)
    return done.stdout
