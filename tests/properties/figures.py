# SPDX-License-Identifier: MIT OR Apache-2.0
"""Figures that tests measure, for the end of the session's report: the worst of each kind."""

worst: dict[str, float] = {}


def note(what: str, milliseconds: float) -> None:
    """Keeps the worst figure of its kind."""
    worst[what] = max(milliseconds, worst.get(what, 0.0))
