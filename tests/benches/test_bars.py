# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bars are data, and the table says of each row that was measured whether it is met."""

import pytest

from benches.operations import BARS, LIMIT, OURS, Bar
from benches.table import Row, verdicts

LIMITS = {"encrypt 64 B": 3.0}


def row(operation: str, microseconds: float, library: str = OURS) -> Row:
    return Row(operation, library, *[microseconds] * 4)


@pytest.mark.parametrize(("microseconds", "met"), [(3.79, True), (3.81, False)])
def test_a_bar_above_the_limit_is_met_up_to_it(microseconds: float, met: bool) -> None:  # noqa: FBT001
    bar = Bar("encrypt 64 B", 1, LIMIT, above=0.8)

    (verdict,) = verdicts((bar,), [row("encrypt 64 B", microseconds)], LIMITS)

    assert verdict["met"] is met
    assert verdict["allowed"] == pytest.approx(3.8)
    assert verdict["formula"] == "limit + 0.8 µs"


def test_a_bar_may_be_set_by_a_peer() -> None:
    bar = Bar("encrypt 64 B", 1.05, "other")
    rows = [row("encrypt 64 B", 10.4), row("encrypt 64 B", 10.0, "other")]

    (verdict,) = verdicts((bar,), rows, LIMITS)

    assert verdict["met"]
    assert verdict["formula"] == "1.05 x other"


def test_a_bar_may_be_of_another_row_of_ours() -> None:
    bar = Bar("encrypt 64 B", 0.5, "other", library="ours too")
    rows = [row("encrypt 64 B", each, name) for each, name in ((9, OURS), (4, "ours too"))]

    (verdict,) = verdicts((bar,), [*rows, row("encrypt 64 B", 10.0, "other")], LIMITS)

    assert verdict["met"]
    assert (verdict["operation"], verdict["measured"]) == ("ours too: encrypt 64 B", 4)


def test_a_bar_may_be_set_by_another_row() -> None:
    bar = Bar("two cores", 0.55, "one core")

    (verdict,) = verdicts((bar,), [row("two cores", 5.6), row("one core", 10.0)], {})

    assert not verdict["met"]


def test_a_constant_bar_needs_no_reference() -> None:
    (verdict,) = verdicts((Bar("import", above=5),), [row("import", 6.0)], {})

    assert (verdict["met"], verdict["formula"]) == (False, "at most 5 ms")


@pytest.mark.parametrize(
    "rows", [[], [row("encrypt 64 B", 1.0, "other")]], ids=["no row", "only a peer's"]
)
def test_what_was_not_measured_has_no_verdict(rows: list[Row]) -> None:
    assert list(verdicts(BARS, rows, LIMITS)) == []


def test_a_bar_whose_reference_is_absent_has_no_verdict() -> None:
    bar = Bar("encrypt 64 B", 1, "absent")

    assert list(verdicts((bar,), [row("encrypt 64 B", 1.0)], LIMITS)) == []
