# SPDX-License-Identifier: MIT OR Apache-2.0
"""The example in C is short and without a fault, and no argument makes the library panic."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.capi import example
from tests.capi.building import run
from tests.capi.declared import documented

if TYPE_CHECKING:
    from pathlib import Path

SETS = 300


def test_the_example_is_short() -> None:
    assert len(example.SOURCE.read_text().splitlines()) < 150


def test_the_example_talks_over_its_files(tmp_path: Path) -> None:
    example.talk(tmp_path, example.built(tmp_path))


def test_the_sanitizers_report_nothing(tmp_path: Path) -> None:
    example.talk(tmp_path, example.built(tmp_path, *example.SANITIZED))


def test_valgrind_reports_nothing(tmp_path: Path) -> None:
    if not example.has_valgrind():
        pytest.skip("valgrind is not here")

    example.talk(tmp_path, *example.VALGRIND, example.built(tmp_path))


def test_a_file_of_another_key_is_refused(tmp_path: Path) -> None:
    program = example.built(tmp_path)
    example.talk(tmp_path, program)
    (tmp_path / "key").write_bytes(bytes(32))

    with pytest.raises(AssertionError, match="StoreCorruptionError"):
        example.talk(tmp_path, program)


def test_no_argument_makes_the_library_panic() -> None:
    said = run(sys.executable, "-m", "tests.capi.arguments", "--sets", str(SETS))

    count = len(documented())
    assert f"{count} functions, {SETS} sets each, {count * SETS} calls:" in said
    assert " 0 panics " in said
