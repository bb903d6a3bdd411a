# SPDX-License-Identifier: MIT OR Apache-2.0
"""The passphrase: where it is read from, and that it is said nowhere."""

import os
from pathlib import Path

import pytest

from e2ee.cli.secret import MAX_LEN, PassphraseSource
from tests.cli.people import PASSPHRASE, Person, run


def given(alice: Person, content: bytes) -> Person:
    """Alice, with another file for her passphrase."""
    alice.secret.write_bytes(content)
    return alice


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\nand more lines\n"])
def test_the_first_line_of_the_file_counts(alice: Person, ending: bytes) -> None:
    assert given(alice, PASSPHRASE.encode() + ending).run("contacts").exit_code == 0


@pytest.mark.parametrize("wrong", ["Correct horse battery", PASSPHRASE + " ", PASSPHRASE[:-1]])
def test_a_wrong_passphrase_opens_nothing_and_is_not_repeated(alice: Person, wrong: str) -> None:
    result = given(alice, wrong.encode()).run("contacts")

    assert result.exit_code == 3
    assert result.output == "e2ee: the passphrase is wrong\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the passphrase is empty"),
        (b"\nsecond line", "the passphrase is empty"),
        (b"caf\xe9", "the passphrase is not UTF-8 text"),
        (b"x" * (MAX_LEN + 1), "the passphrase is too long"),
    ],
)
def test_what_cannot_be_a_passphrase_is_named_without_it(
    alice: Person, content: bytes, sentence: str
) -> None:
    result = given(alice, content).run("contacts")

    assert result.exit_code == 2
    assert sentence in result.output
    assert "caf" not in result.output


def test_the_descriptor_leaves_the_rest_to_be_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"correct horse\nthe message")
    os.close(writing)

    first = PassphraseSource(None, reading).read()

    assert first == "correct horse"
    assert os.read(reading, 100) == b"the message"
    os.close(reading)


def test_two_sources_are_one_too_many(alice: Person) -> None:
    result = alice.run("contacts", "--passphrase-fd", "9")

    assert result.exit_code == 2
    assert "Choose one of" in result.stderr


def test_a_missing_file_is_named(alice: Person, tmp_path: Path) -> None:
    alice.secret.unlink()

    result = alice.run("contacts")

    assert result.exit_code == 6
    assert result.stderr == f"e2ee: {tmp_path / 'passphrase'}: No such file or directory\n"


def test_a_source_does_not_show_the_passphrase(alice: Person) -> None:
    source = PassphraseSource(alice.secret, None)

    assert source.read() == PASSPHRASE

    assert PASSPHRASE not in repr(source)


@pytest.mark.parametrize(
    "command", ["init", "invite", "contacts", "encrypt", "decrypt", "verify", "rekey"]
)
def test_no_command_takes_the_passphrase_itself(command: str) -> None:
    shown = run(command, "--help").stdout

    assert "--passphrase-file FILE" in shown
    assert "--passphrase-fd N" in shown
    assert "--passphrase " not in shown
