# SPDX-License-Identifier: MIT OR Apache-2.0
"""A terminal for the tests: somebody sits there, waits for questions and types."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

INTERRUPT = "\x03"
PATIENCE_SECONDS = 10
ATTEMPTS = 9

#: Makes the terminal the one that controls the process, as a shell would; and lets it interrupt,
#: also if whoever runs the tests ignores interrupts, as a background job of a script does.
LAUNCH = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def at_terminal(
    command: list[str],
    environment: Mapping[str, str],
    typed: list[tuple[str, str]],
    given: Path | None = None,
) -> tuple[int, str]:
    """Runs a command at a terminal; the result is its exit code and all that was shown.

    Args:
        command: The words of the command.
        environment: Its environment.
        typed: Questions to wait for, and what to type then.
        given: A file for the standard input, if that is not the terminal.
    """
    master, slave = pty.openpty()
    launch = [sys.executable, "-c", LAUNCH, *command]
    if given is not None:
        # The terminal stays behind; only the input is another.
        words = ["/bin/sh", "-c", 'exec "$@" < "$0"', str(given), *command]
        launch = [sys.executable, "-c", LAUNCH, *words]
    process = subprocess.Popen(
        launch, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    shown = ""
    for question, answer in typed:
        while question not in shown:
            shown += _read(master) or _fail(question, shown)
        before, _, shown = shown.partition(question)
        os.write(master, answer.encode())
        shown = before.replace(question, "") + shown
    while more := _read(master, typed[-1][1] if typed else ""):
        shown += more
    os.close(master)
    return process.wait(60), shown


def _read(master: int, last_typed: str = "") -> str:
    """What is shown next; nothing at the end, which Linux calls an error.

    Nobody waits for ever; and who has interrupted in vain does so again: a signal that comes just
    before the interpreter begins to read is seen only when the reading ends.
    """
    for _ in range(ATTEMPTS):
        if select.select([master], [], [], PATIENCE_SECONDS)[0]:
            break
        if last_typed == INTERRUPT:
            os.write(master, INTERRUPT.encode())
    else:
        pytest.fail("the program at the terminal neither ends nor says anything")
    try:
        return os.read(master, 4_096).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _fail(question: str, shown: str) -> str:
    message = f"{question!r} was not asked: {shown!r}"
    raise AssertionError(message)
