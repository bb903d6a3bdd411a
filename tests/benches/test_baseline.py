# SPDX-License-Identifier: MIT OR Apache-2.0
"""The comparison with the committed ratios finds what became slower, and noise does not fail it."""

from collections.abc import Collection

import pytest

from benches.baseline import (
    ABOVE_FACTOR,
    ATTEMPTS,
    LIMIT_SPREAD,
    Baseline,
    Finding,
    Ratios,
    Verdict,
    check,
    compare,
    read,
)

BASELINES = {"encrypt": Baseline(1.5, 1.9), "start": Baseline(1.0, 1.1)}
GOOD = {"encrypt": 1.5, "start": 1.0}


class Machine:
    """Gives the ratios of one run after the other, and notes what it was asked for."""

    def __init__(self, *runs: Ratios) -> None:
        self.runs = list(runs)
        self.asked: list[list[str]] = []

    def measure(self, operations: Collection[str]) -> Ratios:
        """The next run."""
        self.asked.append(list(operations))
        return self.runs.pop(0)


def verdicts(findings: list[Finding]) -> dict[str, Verdict]:
    return {finding.operation: finding.verdict for finding in findings}


def test_ratios_within_the_baseline_hold_after_one_run() -> None:
    machine = Machine({"encrypt": 1.9, "start": 1.1})

    findings = check(BASELINES, machine.measure)

    assert verdicts(findings) == {"encrypt": Verdict.HOLDS, "start": Verdict.HOLDS}
    assert machine.asked == [[]]


@pytest.mark.parametrize("operation", GOOD)
def test_a_row_that_became_slower_is_found(operation: str) -> None:
    slow = {**GOOD, operation: BASELINES[operation].allowed + 0.01}
    machine = Machine(*[slow] * ATTEMPTS)

    findings = check(BASELINES, machine.measure)

    assert [each.operation for each in findings if each.verdict is Verdict.SLOWER] == [operation]
    assert machine.asked == [[], *[[operation]] * (ATTEMPTS - 1)]


def test_one_quiet_moment_of_three_is_enough() -> None:
    machine = Machine({"encrypt": 9.0, "start": 1.0}, {"encrypt": 8.0}, {"encrypt": 1.6})

    findings = check(BASELINES, machine.measure)

    assert verdicts(findings)["encrypt"] is Verdict.HOLDS
    assert next(each.ratio for each in findings if each.operation == "encrypt") == 1.6


def test_a_row_that_was_good_is_not_spoilt_by_a_later_run() -> None:
    machine = Machine({"encrypt": 2.0, "start": 1.0}, {"encrypt": 1.5, "start": 7.0})

    findings = check(BASELINES, machine.measure)

    assert set(verdicts(findings).values()) == {Verdict.HOLDS}


def test_a_row_that_is_not_measured_any_more_is_found() -> None:
    findings = compare(BASELINES, {"encrypt": 1.0})

    assert verdicts(findings)["start"] is Verdict.MISSING


def test_a_row_without_a_baseline_is_found() -> None:
    findings = compare(BASELINES, {**GOOD, "decrypt": 1.0})

    assert verdicts(findings)["decrypt"] is Verdict.UNKNOWN


def test_a_finding_says_row_ratio_and_baseline_in_one_line() -> None:
    (_, finding) = compare(BASELINES, {"encrypt": 1.5, "start": 1.234})

    assert str(finding) == (
        "start: 1.23 x limit (baseline 1.00, at most 1.10) is slower than its baseline allows"
    )


def test_a_baseline_is_the_lower_quarter_of_its_runs_with_room_above_the_limit() -> None:
    baseline = Baseline.of([1.5, 1.5, 1.5, 1.5, 4.0])

    assert baseline == Baseline(1.5, round(1 + 0.5 * ABOVE_FACTOR + LIMIT_SPREAD, 3))


def test_the_committed_baseline_leaves_no_row_without_room_and_none_with_too_much() -> None:
    kept = read()

    assert kept
    for operation, baseline in kept.items():
        assert baseline.ratio < baseline.allowed, operation
        assert baseline.allowed <= 1.6 * baseline.ratio + LIMIT_SPREAD, operation
