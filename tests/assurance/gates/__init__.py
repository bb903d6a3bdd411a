# SPDX-License-Identifier: MIT OR Apache-2.0
"""The gates, in the order of the table."""

from tests.assurance.gate import Gate
from tests.assurance.gates import calls, crowd, faults, fleet, flips, kills, power, rows

GATES: tuple[Gate, ...] = (
    calls.GATE,
    kills.GATE,
    power.GATE,
    faults.GATE,
    flips.GATE,
    rows.GATE,
    crowd.GATE,
    fleet.GATE,
)
