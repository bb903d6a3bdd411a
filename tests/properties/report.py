# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the state machines have done, at the end of a run, also of one by several processes.

A plugin of pytest, since the process that reports for the others reads no `conftest.py` below the
first.
"""

from typing import Any

import pytest

from tests.properties import figures, steps

#: What a profile asks for so many of.
COUNTED = {
    "rules": "steps of two devices",
    "group": "steps of groups",
    "chats": "steps of secret chats",
    "chat keys": "changes of their keys",
}
#: What else has happened.
BESIDE = {
    "chat crashes": "calls of secret chats ended before their time",
    "chat alterations": "altered messages of secret chats came, 0 were accepted",
}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes which machines have run to their end."""
    if report.when == "call" and report.passed:
        machines = steps.MACHINES | {steps.GROUP_MACHINE, steps.CHAT_MACHINE}
        steps.finished.update(machines.intersection(report.nodeid.split("::")))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tells the process that reports; if that is this one, fails a run that did too little."""
    reporting = getattr(session.config, "workeroutput", None)
    if reporting is not None:
        steps.ask()
        reporting["steps"] = [dict(steps.executed), dict(steps.asked), dict(figures.worst)]
        return
    if not steps.asked:
        steps.ask()
    if steps.too_few() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - of a plugin that need not be there
    """Adds what another process has done."""
    executed, asked, worst = getattr(node, "workeroutput", {}).get("steps", ({}, {}, {}))
    steps.executed.update(executed)
    for what, least in asked.items():
        steps.asked[what] = max(least, steps.asked.get(what, 0))
    for what, milliseconds in worst.items():
        figures.note(what, milliseconds)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many steps were executed, and whether that was enough."""
    if steps.finished:
        verdict = "TOO FEW" if steps.too_few() else "enough"
        terminalreporter.section("conversation")
        for what, where in COUNTED.items():
            if what in steps.due():
                done, least = steps.executed[what], steps.asked[what]
                terminalreporter.line(f"{done:,} {where} executed, {least:,} asked for")
        for what, happened in BESIDE.items():
            if "chats" in steps.due():
                terminalreporter.line(f"{steps.executed[what]:,} {happened}")
        terminalreporter.line(verdict)
    if figures.worst:
        terminalreporter.section("worst forged envelopes")
        for what, milliseconds in figures.worst.items():
            terminalreporter.line(f"{what:<40} {milliseconds:>10.2f} ms")
