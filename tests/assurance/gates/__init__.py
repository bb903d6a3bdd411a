# SPDX-License-Identifier: MIT OR Apache-2.0
"""The gates with each protocol, in the order in which they begin: first those that take longest."""

from tests.assurance.gate import Gate
from tests.assurance.gates import calls, crowd, faults, fleet, flips, kills, power, rows

GATES: tuple[Gate, ...] = tuple(
    spoken
    for module in (power, calls, flips, kills, faults, rows, crowd, fleet)
    for spoken in module.GATE.spoken()
)
