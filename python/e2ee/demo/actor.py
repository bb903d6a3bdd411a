# SPDX-License-Identifier: MIT OR Apache-2.0
"""One account's process, seen from the demo: it is started, asked, killed and started again."""

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, final

from e2ee.demo.frames import Frame
from e2ee.demo.items import Item, Stream
from e2ee.demo.plan import DemoError


@dataclass(frozen=True, slots=True)
class Status:
    """Where an account stands, as its disk says."""

    epoch: int
    owed: int
    waiting: int
    arrived: frozenset[Item]
    acknowledged: frozenset[Item]


@final
@dataclass(slots=True)
class Actor:
    """A process with an account in it."""

    user: str
    peer: str
    folder: Path
    #: The key of the store; the process gets it over its pipe.
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self, *, new: bool) -> int:
        """Starts the process; the result is how many messages waited in the inbox."""
        command = [sys.executable, "-P", "-m", "e2ee.demo.party"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe)  # noqa: S603
        values: dict[str, str | int] = {
            "user": self.user,
            "peer": self.peer,
            "folder": str(self.folder),
            "new": int(new),
        }
        return self.ask(Frame("open", values, self.key), "ready").number("waiting")

    def ask(self, command: Frame, answer: str) -> Frame:
        """One command, one answer of the kind that is expected."""
        self.tell(command)
        found = self.hear()
        if found is None or found.verb != answer:
            said = "nothing" if found is None else f"{found.verb} {found.values.get('error', '')}"
            sentence = f"{self.user} was asked to {command.verb} and answered {said}"
            raise DemoError(sentence)
        return found

    def ask_about(self, envelope: bytes, sender: str | None = None) -> Frame:
        """What becomes of an envelope: `opened` or `refused`."""
        self.tell(Frame("deliver", {"sender": sender or self.peer}, envelope))
        answer = self.hear()
        if answer is None:
            raise ended(self.user)
        return answer

    def tell(self, command: Frame) -> None:
        """Puts a command on the pipe."""
        try:
            command.write(self._input)
        except BrokenPipeError:
            raise ended(self.user) from None

    def hear(self) -> Frame | None:
        """The next answer; `None` if the process has ended."""
        return Frame.read(self._output)

    def status(self) -> Status:
        """Where the account stands."""
        frame = self.ask(Frame("status"), "status")
        known = json.loads(frame.payload)
        lists = {
            name: frozenset(Item(Stream(stream), index) for stream, index in items)
            for name, items in known.items()
        }
        return Status(
            epoch=frame.number("epoch"),
            owed=frame.number("owed"),
            waiting=frame.number("waiting"),
            arrived=lists["arrived"],
            acknowledged=lists["acknowledged"],
        )

    def kill(self) -> list[Frame]:
        """Ends the process without a warning; the result is what it had already said."""
        if self.process is None:
            return []
        self.process.kill()
        said = []
        while (frame := self.hear()) is not None:
            said.append(frame)
        self._end()
        return said

    def __enter__(self) -> "Actor":
        """The actor, whose process ends with the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends the process."""
        if self.process is not None:
            self.process.kill()
            self._end()

    def _end(self) -> None:
        if self.process is not None:
            self._output.close()
            # What is left in the buffer can no longer be written.
            self.process.stdin = None
            self.process.wait(PATIENCE_SECONDS)
            self.process = None

    @property
    def _input(self) -> IO[bytes]:
        if self.process is None or self.process.stdin is None:
            raise ended(self.user)
        return self.process.stdin

    @property
    def _output(self) -> IO[bytes]:
        if self.process is None or self.process.stdout is None:
            raise ended(self.user)
        return self.process.stdout


def ended(user: str) -> DemoError:
    """A process is gone that should be there."""
    return DemoError(f"the process of {user} does not run any more")


PATIENCE_SECONDS: Final = 10
