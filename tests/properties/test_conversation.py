# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two accounts and a carrier that does anything, in memory and on disk.

What is delivered is what was sent, once; what was not dropped is delivered; what is refused changes
nothing; no message key is used twice; a store that was set back is found.
"""

import tempfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

import e2ee
from tests.properties import figures, report, steps
from tests.properties.processes import MortalMachine
from tests.stores.protocols import OLM

KEY = bytes(range(32))


class InMemory(MortalMachine):
    """The conversation over stores that outlive a process only in this test."""

    def __init__(self) -> None:
        self._stores = {name: e2ee.MemoryStore() for name in ("alice", "bob")}
        super().__init__()

    def open_store(self, name: str) -> e2ee.MemoryStore:
        """The same store object: it plays the part of the file."""
        return self._stores[name]


class OlmInMemory(InMemory):
    """The same of accounts of Olm."""

    protocol = OLM


class InFiles(MortalMachine):
    """The conversation over SQLite files; a process that dies leaves its connection behind."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._opened: list[e2ee.SQLiteStore] = []
        super().__init__()

    def open_store(self, name: str) -> e2ee.SQLiteStore:
        """A connection of its own to the person's file."""
        self._opened.append(e2ee.SQLiteStore(Path(self._folder.name, name), key=KEY))
        return self._opened[-1]

    def teardown(self) -> None:
        """Closes what dead processes left open, too."""
        try:
            super().teardown()
        finally:
            for store in self._opened:
                store.close()
            self._folder.cleanup()


TestInMemory = pytest.mark.slow(InMemory.TestCase)
TestInFiles = pytest.mark.slow(InFiles.TestCase)
TestOlmInMemory = pytest.mark.slow(OlmInMemory.TestCase)
TestOlmInMemory.settings = settings(max_examples=settings().max_examples // 3)
TestInFiles.settings = settings(max_examples=settings().max_examples // 12)


@pytest.mark.parametrize(
    ("rules", "group", "verdict"),
    [(9_999, 2_000, True), (10_000, 2_000, False), (10_000, 1_999, True)],
)
def test_too_few_steps_are_noticed(
    monkeypatch: pytest.MonkeyPatch, rules: int, group: int, *, verdict: bool
) -> None:
    monkeypatch.setattr(steps, "executed", {"rules": rules, "group": group})
    monkeypatch.setattr(steps, "asked", {"rules": 10_000, "group": 2_000})
    monkeypatch.setattr(steps, "finished", {*steps.MACHINES, steps.GROUP_MACHINE})

    assert steps.too_few() == verdict


def test_what_other_processes_have_done_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "executed", Counter({"rules": 1}))
    monkeypatch.setattr(steps, "asked", {})
    monkeypatch.setattr(figures, "worst", {"a": 1.0})
    done = [{"rules": 2, "group": 3}, {"rules": 7, "group": 5}, {"a": 0.5, "b": 2.0}]

    for _ in range(2):
        report.pytest_testnodedown(SimpleNamespace(workeroutput={"steps": done}))
    report.pytest_testnodedown(SimpleNamespace())

    assert steps.executed == {"rules": 5, "group": 6}
    assert steps.asked == {"rules": 7, "group": 5}
    assert figures.worst == {"a": 1.0, "b": 2.0}
