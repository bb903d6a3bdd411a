# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee matrix-store`: what would become of a store, without a key in sight."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from e2ee.cli import main
from tests.api.recorded_stores import NAMES, Recorded, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(params=NAMES)
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Recorded:
    return recorded(request.param, tmp_path)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["matrix-store", *map(str, words)])


def test_the_report_is_shown_under_the_programs_own_key(held: Recorded) -> None:
    result = run(held.file("bot"))

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["imported", "account", "@bot:example.org", "BOTDEVICE"]
    assert lines[-1].endswith(" refused")
    assert held.story.program in result.stderr
    assert held.story.pickle_key not in result.output


def test_a_script_gets_rows(held: Recorded) -> None:
    shown = json.loads(run(held.file("bot"), "--json").stdout)

    assert (held.story.program, held.story.version) == (shown["program"], shown["version"])
    assert shown["rows"][0] == {
        "kind": "account",
        "name": "@bot:example.org BOTDEVICE",
        "outcome": "imported",
        "reason": "",
        "address": None,
    }


def test_a_key_from_a_file_is_the_only_one_that_is_tried(held: Recorded) -> None:
    right, wrong = held.folder / "right", held.folder / "wrong"
    right.write_text(f"{held.story.pickle_key}\n", encoding="utf-8")
    wrong.write_text("another\n", encoding="utf-8")
    path = held.file("bot")

    results = [run(path, "--pickle-key-file", file) for file in (right, wrong)]

    assert [result.exit_code for result in results] == [0, 3]
    assert "give the program's pickle key" in results[1].stderr
    assert results[1].stdout == ""


def test_what_is_no_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear Bob,\n", encoding="utf-8")

    results = [run(tmp_path / name) for name in ("letter", "none")]

    assert [result.exit_code for result in results] == [6, 6]
    assert "SQLite file of matrix-nio or mautrix" in results[0].stderr
    assert "no file" in results[1].stderr
