# SPDX-License-Identifier: MIT OR Apache-2.0
"""The gates, in the order in which they begin: first those that take longest."""

from tests.assurance.gate import Gate
from tests.assurance.gates import calls, crowd, faults, fleet, flips, kills, power, rows

GATES: tuple[Gate, ...] = (
    power.GATE,
    calls.GATE,
    flips.GATE,
    kills.GATE,
    faults.GATE,
    rows.GATE,
    crowd.GATE,
    fleet.GATE,
)
