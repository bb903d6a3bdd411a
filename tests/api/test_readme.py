# SPDX-License-Identifier: MIT OR Apache-2.0
"""The README's examples run as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent.parent / "README.md"


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


def test_the_python_example_prints_the_message(tmp_path: Path) -> None:
    (example,) = blocks("python")

    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    first, number = done.stdout.splitlines()
    assert first == "alice Meet me at noon."
    assert re.fullmatch(r"(\d{5} ){11}\d{5}", number)


def test_the_shell_example_carries_the_message(tmp_path: Path) -> None:
    # `make wheels` runs the last one.
    setup, example, install = blocks("sh")
    assert "make demo" in setup
    assert install.startswith("make wheels\n")
    commands = Path(sys.executable).parent
    if not (commands / "e2ee").exists():
        pytest.fail("the command e2ee is not installed beside this interpreter")
    environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}

    done = subprocess.run(
        ["sh", "-eu", "-c", example],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "Meet me at noon." in done.stdout
    assert re.search(r"\d{5} \d{5} \d{5} \d{5}", done.stdout)
