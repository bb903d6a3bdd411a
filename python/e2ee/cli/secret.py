# SPDX-License-Identifier: MIT OR Apache-2.0
"""The passphrase of a store: typed without echo, or read from a file or a file descriptor."""

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from e2ee.cli.exits import CommandError, Exit


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """Where the passphrase comes from; the passphrase itself is never kept here."""

    file: Path | None
    descriptor: int | None
    #: How the two options begin, for a person who has to choose.
    option: str = "--passphrase"

    def read(self) -> str:
        """The passphrase of a store that exists."""
        return self._given() or self._typed("Passphrase: ")

    def choose(self) -> str:
        """A new passphrase: who types it, types it twice."""
        if given := self._given():
            return given
        first = self._typed("New passphrase: ")
        if first != self._typed("The same again: "):
            raise CommandError("the passphrases differ: nothing was done, try again", Exit.USAGE)
        return first

    def _given(self) -> str | None:
        if self.file is not None and self.descriptor is not None:
            message = f"Choose one of {self.option}-file and {self.option}-fd."
            raise click.UsageError(message)
        if self.file is not None:
            with self.file.open("rb", buffering=0) as file:
                return _first_line(file.fileno())
        return None if self.descriptor is None else _first_line(self.descriptor)

    def _typed(self, prompt: str) -> str:
        if not _can_ask():
            options = f"{self.option}-file or {self.option}-fd"
            sentence = f"no terminal to ask for the passphrase: give {options}"
            raise CommandError(sentence, Exit.USAGE)
        return _not_empty(getpass.getpass(prompt))


def _first_line(descriptor: int) -> str:
    """The text up to the first line end, byte by byte: the rest is left to be read as input."""
    line = bytearray()
    while (byte := os.read(descriptor, 1)) not in {b"", b"\n"}:
        line += byte
        if len(line) > MAX_LEN:
            raise CommandError("the passphrase is too long: 1,024 bytes at most", Exit.USAGE)
    try:
        text = line.removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        # The error would quote the bytes.
        raise CommandError("the passphrase is not UTF-8 text", Exit.USAGE) from None
    return _not_empty(text)


def _can_ask() -> bool:
    """Whether there is a terminal: else `getpass` would take the input for the passphrase."""
    if sys.platform == "win32":
        return sys.stdin.isatty()
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _not_empty(passphrase: str) -> str:
    if not passphrase:
        raise CommandError("the passphrase is empty", Exit.USAGE)
    return passphrase


MAX_LEN: Final = 1_024
