# SPDX-License-Identifier: MIT OR Apache-2.0
"""The program as a whole: its help, its exit codes, its sentences, and `e2ee version`."""

import re
import sqlite3
from contextlib import closing
from importlib import metadata
from pathlib import Path

import pytest

import e2ee
from e2ee.cli import main
from e2ee.cli.commands.version import owners_of_the_name
from e2ee.cli.exits import ADVICE, Exit, explained
from tests.cli.people import PASSPHRASE, Person, run

ERRORS = [
    error
    for error in vars(e2ee).values()
    if isinstance(error, type) and issubclass(error, e2ee.E2EEError)
]


@pytest.mark.parametrize("command", main.commands)
def test_every_command_teaches_with_an_example(command: str) -> None:
    shown = run(command, "--help").stdout

    assert re.search(rf"Examples?:\n(  .*\n)*  .*e2ee {command}\b", shown)


def test_the_help_lists_every_exit_code() -> None:
    shown = run("--help").stdout

    for code in Exit:
        assert re.search(rf"^ +{code}  {re.escape(code.meaning)}$", shown, re.MULTILINE)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_becomes_one_sentence(error: type[e2ee.E2EEError]) -> None:
    if error is e2ee.UntrustedIdentityError:
        made: e2ee.E2EEError = e2ee.UntrustedIdentityError(e2ee.Address("bob"), None)
    else:
        made = error("a sentence")

    end = explained(made)

    assert re.fullmatch(r"[a-z][^\n]*[^.\n]", str(end))
    assert end.code not in {Exit.DONE, Exit.INTERRUPTED}


def test_the_advice_names_existing_commands_only() -> None:
    advice = " ".join(text for _, text in ADVICE.values())

    named = set(re.findall(r"'e2ee (\w+)", advice))

    assert named <= set(main.commands)
    assert {"add", "init", "verify"} <= named


def test_no_store_is_said(tmp_path: Path) -> None:
    result = Person("alice", tmp_path).run("contacts")

    assert result.exit_code == 3
    assert result.stderr == (
        f"e2ee: there is no store at {tmp_path / 'alice.db'}: make one with 'e2ee init'\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_an_account_is_said(tmp_path: Path) -> None:
    nobody = Person("nobody", tmp_path)
    nobody.secret.write_text(PASSPHRASE)
    e2ee.SQLiteStore(nobody.store, passphrase=PASSPHRASE).close()

    result = nobody.run("contacts")

    assert result.exit_code == 3
    assert "'e2ee init'" in result.stderr


def test_the_database_of_another_program_is_left_alone(alice: Person) -> None:
    alice.store.unlink()
    with closing(sqlite3.connect(alice.store)) as other:
        other.execute("CREATE TABLE letter (text)")
    content = alice.store.read_bytes()

    result = alice.run("contacts")

    assert result.exit_code == 6
    assert result.stderr.startswith("e2ee: the file is not a store")
    assert content == alice.store.read_bytes()


def test_a_damaged_store_is_left_alone(alice: Person) -> None:
    content = alice.store.read_bytes()[:5_000] + bytes(100)
    alice.store.write_bytes(content)

    result = alice.run("contacts")

    assert result.exit_code == 6
    assert result.stderr.startswith("e2ee: the store is damaged")
    assert content == alice.store.read_bytes()


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run("encipher").exit_code == 2


def test_the_version_says_what_is_loaded_and_from_where() -> None:
    described = run("version").stdout

    assert metadata.version("libe2ee") in described
    assert "aws-lc" in described
    assert str(Path(e2ee.__file__).parent) in described.replace("\n", "").replace(" ", "")


def test_another_owner_of_the_name_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = run("version")
    monkeypatch.setattr(metadata, "packages_distributions", lambda: {"e2ee": ["e2ee"]})

    warned = run("version")

    assert owners_of_the_name() == ["e2ee", "libe2ee"]
    assert quiet.stderr == ""
    assert warned.stderr == (
        "Another distribution than libe2ee installs a package e2ee here: remove one.\n"
    )
