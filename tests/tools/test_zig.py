# SPDX-License-Identifier: MIT OR Apache-2.0
"""Zig's linker gets the options that Zig's driver refuses, and nobody else notices."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from tools import zig

LINK = ["-m", "ziglang", "cc", "-shared", "a.o", "-o", "a.so"]


class Zig:
    """Says what a driver said, and remembers what was run."""

    def __init__(self, told: str, code: int = 0) -> None:
        self.told, self.code = told, code
        self.ran: list[list[str]] = []

    def run(self, command: list[str], **_options: object) -> SimpleNamespace:
        """Stands for `subprocess.run`."""
        self.ran.append(command[1:])
        return SimpleNamespace(returncode=self.code, stderr=self.told)


def ran(monkeypatch: pytest.MonkeyPatch, driver: Zig, *words: str) -> int:
    monkeypatch.setattr(subprocess, "run", driver.run)
    monkeypatch.setattr(sys, "argv", ["zig.py", *words])
    return zig.main()


def test_the_last_link_that_the_driver_names_is_done_again_with_the_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = Zig("zig env\nld.lld -shared -o libc.so.6 stub.o\nld.lld -shared -o a.so a.o\n")

    code = ran(monkeypatch, driver, *LINK, *sorted(zig.ASKED))

    again = ["-m", "ziglang", "ld.lld", "-shared", "-o", "a.so", "a.o", *zig.FOLD]
    assert code == 0
    assert driver.ran == [[*LINK, "--verbose"], again]


def test_what_asks_for_no_folding_is_run_once_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Zig("ld.lld -shared -o a.so a.o\n", code=7)

    assert ran(monkeypatch, driver, *LINK) == 7
    assert driver.ran == [LINK]


@pytest.mark.parametrize("driver", [Zig(""), Zig("ld.lld -o a.so a.o\n", code=1)])
def test_a_link_that_cannot_be_done_again_fails(
    monkeypatch: pytest.MonkeyPatch, driver: Zig
) -> None:
    assert ran(monkeypatch, driver, *LINK, *sorted(zig.ASKED)) == 1
    assert driver.ran == [[*LINK, "--verbose"]]
