# SPDX-License-Identifier: MIT OR Apache-2.0
"""People who use the command line in the tests."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from e2ee.cli import main

PASSPHRASE = "correct horse battery"  # noqa: S105 (of people who do not exist)
PROGRAM = [sys.executable, "-c", "from e2ee.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a store and a file that holds its passphrase."""

    user: str
    folder: Path

    @property
    def store(self) -> Path:
        """The file of the store."""
        return self.folder / f"{self.user}.db"

    @property
    def secret(self) -> Path:
        """The file of the passphrase."""
        return self.folder / "passphrase"

    def run(self, command: str, *arguments: str | Path, given: bytes | str = b"") -> Result:
        """Runs a command on this store, in this process."""
        store = ["--store", str(self.store), "--passphrase-file", str(self.secret)]
        return run(command, *store, *arguments, given=given)

    def start(self, *arguments: str | Path) -> list[str]:
        """The words that run a command on this store in a process of its own."""
        return [*PROGRAM, *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        """What such a process needs to find the store."""
        return {**os.environ, "E2EE_STORE": str(self.store)}

    def text(self, command: str, *arguments: str | Path, given: bytes | str = b"") -> str:
        """What a command prints, which must succeed."""
        result = self.run(command, *arguments, given=given)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, command: str, *arguments: str | Path) -> object:
        """The JSON that a command prints, which must succeed."""
        return json.loads(self.text(command, *arguments, "--json"))

    def number(self, peer: str) -> str:
        """The safety number with a contact."""
        described = self.json("verify", peer)
        assert isinstance(described, dict)
        return str(described["safety_number"])


def run(*arguments: str | Path, given: bytes | str = b"") -> Result:
    """Runs the program in this process."""
    return CliRunner().invoke(main, list(map(str, arguments)), input=given, catch_exceptions=False)


def spawn(
    person: Person, *arguments: str | Path, given: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Runs a command in a process of its own, with pipes."""
    command = person.start(*arguments, "--passphrase-file", person.secret)
    return subprocess.run(
        command, input=given, capture_output=True, env=person.environment, check=False, timeout=60
    )


def make_person(user: str, folder: Path) -> Person:
    """A new person, with an account."""
    person = Person(user, folder)
    person.secret.write_text(f"{PASSPHRASE}\n")
    person.text("init", "--user", user)
    return person


def copied(person: Person, folder: Path) -> Person:
    """The same person in another folder, so that a test may change them."""
    shutil.copy(person.store, folder)
    shutil.copy(person.secret, folder)
    return Person(person.user, folder)
