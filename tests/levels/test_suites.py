# SPDX-License-Identifier: MIT OR Apache-2.0
"""A level passes only if every runner did, and its cases are counted."""

from pathlib import Path

import pytest

from tests.levels.building import Emulated, FailedError
from tests.levels.levels import ARM, X86, Level
from tests.levels.suites import run_all

PASSED = "test result: ok. 2 passed; 0 failed; 0 ignored\n"


def emulated(folder: Path, *outputs: str, code: int = 0) -> Emulated:
    """Programs that print what they are told to; the emulator runs them as they are."""
    runners = []
    for number, output in enumerate(outputs):
        text, runner = folder / f"text{number}", folder / f"runner{number}"
        text.write_text(output)
        runner.write_text(f'#!/bin/sh\ncat "{text}"\nexit {code}\n')
        runner.chmod(0o755)
        runners.append(runner)
    emulator = folder / "emulator"
    emulator.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    emulator.chmod(0o755)
    return Emulated(emulator, tuple(runners), Path("/bin/echo"), None, None, None)


def test_cases_and_tests_of_all_runners_are_counted(tmp_path: Path) -> None:
    several = emulated(tmp_path, f"a: 10 cases\nb: 5 cases\n{PASSED}", f"c: 1 cases\n{PASSED}")

    counts = run_all(several, Level("max"), with_python=False)

    assert (counts.cases, counts.tests) == (16, 4)


@pytest.mark.parametrize(
    "output",
    [
        "a: 10 cases\n",
        "test result: ok. 0 passed; 0 failed; 0 ignored\n",
        "test result: FAILED. 1 passed; 1 failed; 0 ignored\n",
    ],
)
def test_a_runner_that_did_not_pass_is_caught(tmp_path: Path, output: str) -> None:
    several = emulated(tmp_path, f"a: 10 cases\n{PASSED}", output)

    with pytest.raises(FailedError):
        run_all(several, Level("max"), with_python=False)


def test_a_runner_that_dies_is_caught(tmp_path: Path) -> None:
    with pytest.raises(FailedError):
        run_all(emulated(tmp_path, PASSED, code=132), Level("max"), with_python=False)


def test_what_is_hidden_is_hidden_by_a_library(tmp_path: Path) -> None:
    root = Emulated(tmp_path, (), tmp_path, tmp_path / "root", None, tmp_path / "mask.so")

    command = root.command(Level("cortex-a72", masked=True))

    assert command[-2:] == ["-E", f"LD_PRELOAD={tmp_path / 'mask.so'}"]
    assert any(level.masked for level in ARM.levels)
    assert not any(level.masked for level in X86.levels)
