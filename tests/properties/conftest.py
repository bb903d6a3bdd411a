# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hypothesis profiles, and the count of the state machines' steps at the end of a session."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.properties import figures, steps

MACHINES = frozenset({"TestInMemory", "TestInFiles"})
GROUP_MACHINE = "TestGroup"
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "default",
    deadline=None,
    # There, a failure must be that of the change at hand; elsewhere each run looks somewhere new.
    derandomize="CI" in os.environ,
    print_blob=True,
    max_examples=500,
    stateful_step_count=60,
    suppress_health_check=UNHURRIED,
)
settings.register_profile(
    "assurance",
    settings.get_profile("default"),
    derandomize=False,
    max_examples=12_000,
    stateful_step_count=120,
)


def pytest_configure(config: pytest.Config) -> None:
    """Takes our profile unless the command line names one; continuous integration has no other."""
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("default")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes which machines have run to their end."""
    if report.when == "call" and report.passed:
        steps.finished.update((MACHINES | {GROUP_MACHINE}).intersection(report.nodeid.split("::")))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a session whose machines did too little."""
    too_few = steps.too_few(MACHINES) or steps.too_few_in_groups(GROUP_MACHINE)
    if too_few and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many steps were executed, and whether that was enough."""
    if steps.finished:
        executed, required = steps.executed["rules"], steps.required()
        verdict = "TOO FEW" if steps.too_few(MACHINES) else "enough"
        terminalreporter.section("conversation")
        terminalreporter.line(f"{executed:,} steps executed, {required:,} asked for: {verdict}")
        if GROUP_MACHINE in steps.finished:
            terminalreporter.line(f"{steps.executed['group']:,} steps with groups")
    if figures.worst:
        terminalreporter.section("worst forged envelopes")
        for what, milliseconds in figures.worst.items():
            terminalreporter.line(f"{what:<40} {milliseconds:>10.2f} ms")
