# SPDX-License-Identifier: MIT OR Apache-2.0
"""The frame of the gates and the ledger fail when they should."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import e2ee
from tests.assurance.__main__ import summed_up
from tests.assurance.gate import Control, Gate, Profile, Result
from tests.assurance.ledger import BLOCK, Ledger, place
from tests.assurance.side_by_side import Report, report_of, run_all
from tests.properties.world import pair, put_rows, read_rows
from tests.stores.protocols import SIGNAL, Protocol

SHORT = Profile("short", 1)


def found(violations: int) -> Result:
    return Result({"tries": 1}, {"violations": violations})


def gate(violations: int, control: int, missing: str | None = None) -> Gate:
    """A gate that finds so much, with a control that does."""
    planted = Control("a planted fault", lambda _: found(control))
    return Gate("a", "a gate", lambda _: found(violations), (planted,), lambda: missing)


def doing(name: str, work: Callable[[], object], *, alone: bool = False) -> Gate:
    """A gate that finds nothing while it does something."""

    def run(_: Profile) -> Result:
        work()
        return found(0)

    return Gate(name, "a gate that does something", run, (), alone=alone)


def seeing(ledger: Ledger) -> Gate:
    """A gate that has seen these keys."""
    return Gate("a", "a gate with keys", lambda _: Result({}, {}, ledger=ledger), ())


def told(*gates: Gate, jobs: int = 2) -> list[Report]:
    """What is told of gates that run side by side, in the order in which they end."""
    order: list[Report] = []
    run_all(gates, SHORT, jobs, order.append)
    return order


def test_a_gate_without_violations_whose_control_is_found_passes() -> None:
    assert report_of(gate(0, 1), SHORT).passed


def test_a_gate_whose_control_is_not_found_fails() -> None:
    report = report_of(gate(0, 0), SHORT)

    assert not report.passed
    assert "  control: a planted fault: NOT FOUND" in report.lines


def test_a_gate_with_a_violation_fails() -> None:
    assert not report_of(gate(1, 1), SHORT).passed


def test_a_gate_that_is_left_out_says_why() -> None:
    report = report_of(gate(1, 0, "no such tool"), SHORT)

    assert report.row["left out"] == "no such tool"
    assert "  left out: no such tool" in report.lines


def test_gates_run_side_by_side(tmp_path: Path) -> None:
    there, answer = tmp_path / "there", tmp_path / "answer"

    def meet(ours: Path, theirs: Path) -> None:
        ours.touch()
        deadline = time.monotonic() + 20
        while not theirs.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    reports = told(doing("a", lambda: meet(there, answer)), doing("b", lambda: meet(answer, there)))

    assert [report.passed for report in reports] == [True, True]


def test_a_gate_that_must_be_alone_begins_when_the_others_have_ended(tmp_path: Path) -> None:
    ended = tmp_path / "ended"

    def end_late() -> None:
        time.sleep(0.3)
        ended.touch()

    def look() -> None:
        assert ended.exists()

    reports = told(doing("alone", look, alone=True), doing("slow", end_late))

    assert [report.row["gate"] for report in reports] == ["slow signal", "alone signal"]
    assert all(report.passed for report in reports)


@pytest.mark.parametrize(
    "death",
    [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os._exit(0), lambda: 1 // 0],
    ids=["killed", "gone", "raised"],
)
def test_a_gate_whose_process_dies_fails_and_the_others_go_on(death: Callable[[], object]) -> None:
    reports = run_all([doing("dies", death), gate(0, 1)], SHORT, 1, lambda _: None)

    assert [report.passed for report in reports] == [False, True]
    assert "died" in reports[0].row
    assert summed_up(reports, 0.0) == 1


def test_a_gate_is_passed_by_accounts_of_each_protocol_which_share_its_tries() -> None:
    def run(profile: Profile) -> Result:
        return Result({profile.protocol.name: profile.share(short=100, full=0)}, {})

    reports = run_all(Gate("a", "a gate", run, ()).spoken(), SHORT, 2, lambda _: None)

    assert [(report.row["gate"], report.row["counts"]) for report in reports] == [
        ("a signal", {"signal": 75}),
        ("a olm", {"olm": 25}),
    ]


def test_what_a_gate_says_stays_with_its_report(capfd: pytest.CaptureFixture[str]) -> None:
    def says(name: str) -> Gate:
        return doing(name, lambda: os.write(1, f"by {name}".encode()))

    reports = told(says("a"), says("b"))

    assert capfd.readouterr().out == ""
    assert {str(report.row["gate"]): report.lines[-1] for report in reports} == {
        "a signal": "  | by a",
        "b signal": "  | by b",
    }


def test_the_table_has_a_line_for_each_gate_and_the_total(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert summed_up([report_of(gate(0, 1), SHORT)], 12.34) == 0

    said = capsys.readouterr().out.splitlines()
    assert said[2].split()[:6] == ["a", "signal", "0", "1", "of", "1"]
    assert said[-1] == "12.3 minutes in total"


def test_a_key_that_two_gates_have_used_fails_the_whole() -> None:
    reports: list[Report] = []
    for envelope in sent_twice((BLOCK + b"one", BLOCK + b"two")):
        ledger = Ledger()
        ledger.note(envelope)
        reports += told(seeing(ledger))

    assert all(report.passed for report in reports)
    assert summed_up(reports, 0.0) == 1


def sent_twice(texts: tuple[bytes, bytes], protocol: Protocol = SIGNAL) -> tuple[bytes, bytes]:
    """Two messages of a store that was set back in between."""
    alice, bob, store, _ = pair(protocol)
    # The turn of the ratchet draws a new key; after it, keys follow from what is stored.
    alice.encrypt(bob.address, b"")
    earlier = read_rows(store)
    first = e2ee.Account.open(store).encrypt(bob.address, texts[0])
    put_rows(store, earlier)
    second = e2ee.Account.open(store).encrypt(bob.address, texts[1])
    return first.to_bytes(), second.to_bytes()


def test_the_ledger_finds_a_key_that_was_used_for_two_messages(protocol: Protocol) -> None:
    ledger = Ledger()

    used = [ledger.note(each) for each in sent_twice((BLOCK + b"one", BLOCK + b"two"), protocol)]

    assert used == [False, True]
    assert (ledger.keys, ledger.twice) == (1, 1)


def test_the_witness_of_a_key_does_not_depend_on_the_header(protocol: Protocol) -> None:
    first, second = sent_twice((BLOCK + b"one", BLOCK + b"two"), protocol)
    ledger = Ledger()
    ledger.note(first)
    ledger.entries = {
        name: digest for name, digest in ledger.entries.items() if name != place(first)
    }

    assert ledger.note(second)


def test_the_ledger_takes_the_same_envelope_twice_for_one() -> None:
    ledger, (first, _) = Ledger(), sent_twice((BLOCK, BLOCK))

    assert [ledger.note(first), ledger.note(first)] == [False, False]
    assert (ledger.keys, ledger.twice) == (1, 0)


def test_ledgers_of_two_gates_are_compared() -> None:
    ledger, other = Ledger(), Ledger()
    first, second = sent_twice((BLOCK + b"one", BLOCK + b"two"))
    ledger.note(first)
    other.note(second)

    ledger.absorb(other)

    assert ledger.twice > 0
