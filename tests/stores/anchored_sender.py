# SPDX-License-Identifier: MIT OR Apache-2.0
"""A process that sends for Alice, whose store has a file as its anchor.

Run as `python -m tests.stores.anchored_sender FOLDER NAME MESSAGES CALL`. Each text and envelope
is a line of its output. With a call such as `2 fsync` it is killed at the second of these calls
that the anchor makes.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import e2ee
from tests.hygiene.tree import ROOT
from tests.stores.kinds import anchored_in
from tests.stores.protocols import peer_of

LIMIT = 120


def sender(folder: Path, name: str, messages: int, dies: str = "") -> "subprocess.Popen[str]":
    """Starts such a process."""
    command = [sys.executable, "-m", "tests.stores.anchored_sender"]
    arguments = [str(folder), name, str(messages), dies]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT)


def sent(process: "subprocess.Popen[str]") -> list[tuple[str, bytes]]:
    """What a process has sent when it has ended."""
    out, _ = process.communicate(timeout=LIMIT)
    return [(text, bytes.fromhex(envelope)) for text, envelope in map(json.loads, out.splitlines())]


def send(folder: Path, name: str, messages: int) -> None:
    """Sends; a message that nobody knows to count has not left."""
    with anchored_in(folder) as store:
        alice = e2ee.Account.open(store)
        for number in range(messages):
            text = f"{name} {number}"
            try:
                envelope = alice.encrypt(peer_of(alice), text.encode())
            except e2ee.StoreOutcomeUnknownError:
                continue
            sys.stdout.write(json.dumps([text, envelope.to_bytes().hex()]) + "\n")
            sys.stdout.flush()


def die_at(what: str, count: int) -> None:
    """Kills this process at one of the calls that only the anchor makes."""
    calls = 0

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def made(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)

        return made

    owner = os if what == "fsync" else Path
    setattr(owner, what, counted(getattr(owner, what)))


if __name__ == "__main__":
    place, called, number_of_messages, at = sys.argv[1:]
    if at:
        which, of = at.split()
        die_at(of, int(which))
    send(Path(place), called, int(number_of_messages))
