# SPDX-License-Identifier: MIT OR Apache-2.0
"""A file of lines that are on disk when `add` returns; a last line that was cut off never was."""

import os
from pathlib import Path
from typing import final


@final
class Journal:
    """What a process that may die has promised to others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()
        whole = path.read_bytes()
        kept = whole[: whole.rfind(b"\n") + 1]
        if kept != whole:
            path.write_bytes(kept)

    def add(self, *words: str) -> None:
        """Adds a line."""
        with self._path.open("a", encoding="ascii") as file:
            file.write(" ".join(words) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> list[list[str]]:
        """The words of all lines."""
        whole = self._path.read_text(encoding="ascii")
        return [line.split(" ") for line in whole.splitlines()]
