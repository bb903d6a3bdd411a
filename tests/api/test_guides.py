# SPDX-License-Identifier: MIT OR Apache-2.0
"""The guides' examples run as they are written: all blocks of a page, one after the other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stores.server import server

GUIDES = sorted((Path(__file__).parent.parent.parent / "docs" / "guides").glob("*.md"))
TIME_LIMIT = 120
DATABASE = "DATABASE_URL"


def program(page: str) -> str:
    """The Python blocks of a page as one program; the lines keep their numbers."""
    lines, inside = [], False
    for line in page.splitlines():
        if inside and line == "```":
            inside = False
        lines.append(line if inside else "")
        if line == "```python":
            inside = True
    return "\n".join(lines)


def surroundings(page: str) -> dict[str, str]:
    """The environment of a page; one that names a database gets one of its own."""
    if DATABASE not in page:
        return dict(os.environ)
    running = server()
    return os.environ | {DATABASE: running.to(running.new_database())}


def run(page: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a page in a process and a folder of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program(page)],
        cwd=folder,
        env=surroundings(page),
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_a_guide_runs_as_it_is_written(path: Path, tmp_path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert program(page).strip(), "a guide shows code"
    assert "assert " in program(page), "a guide shows what comes out"

    done = run(page, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_an_example_that_fails_is_found(tmp_path: Path) -> None:
    done = run("text\n\n```python\nassert 1 == 2\n```\n", tmp_path)

    assert done.returncode == 1
    assert re.search(r"line 4", done.stderr)
