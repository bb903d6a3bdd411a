# SPDX-License-Identifier: MIT OR Apache-2.0
"""The process in which a package runs, as the driver sees it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[3]


@final
class Peer:
    """A package in its process, with the methods of a `Party`, or of what `module` runs.

    Modules are looked for in `folders` first.
    """

    def __init__(
        self, python: Path, name: str, module: str = "matrix.peer", folders: tuple[Path, ...] = ()
    ) -> None:
        self._command = [str(python), "-m", f"tests.interop.{module}", name]
        self._path = os.pathsep.join(map(str, (*folders, ROOT)))
        self.crashes = 0
        self._process = self._begun()

    def _begun(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": self._path},
        )

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """The operation as a call that waits for its reply."""

        def call(*arguments: object, **options: object) -> Any:  # noqa: ANN401 (as JSON has it)
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps([operation, arguments, options]) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
            if not line:
                self.crashes += 1
                self.close()
                self._process = self._begun()
                raise CrashError(operation)
            reply = json.loads(line)
            if "error" in reply:
                raise RefusalError(reply["error"])
            return reply["ok"]

        return call

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


class RefusalError(Exception):
    """The peer refused: the name of its exception."""


class CrashError(Exception):
    """The peer's process ended over a call, and another was begun, which holds nothing."""
