# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee rekey`: another passphrase, and nothing left under the one before."""

import os
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from e2ee import SQLiteStore
from tests.cli.people import PASSPHRASE, Person
from tests.cli.terminal import at_terminal
from tests.properties.world import read_rows
from tests.stores.leftovers import left_in_files

NEW = "another horse"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """A file with the new passphrase."""
    path = tmp_path / "new"
    path.write_text(f"{NEW}\n")
    return path


def can_open(person: Person, passphrase: str) -> bool:
    """Whether this is the passphrase."""
    person.secret.write_text(passphrase)
    return person.run("contacts").exit_code == 0


def test_the_new_passphrase_opens_and_the_one_before_does_not(alice: Person, new: Path) -> None:
    shown = alice.text("rekey", "--new-passphrase-file", new)

    assert shown == f"{alice.store} has a new passphrase\n"
    assert (can_open(alice, PASSPHRASE), can_open(alice, NEW)) == (False, True)


def test_conversations_go_on(alice: Person, bob: Person, new: Path) -> None:
    late = alice.text("encrypt", "bob", given=b"from before")
    bob.text("rekey", "--new-passphrase-file", new)
    # The two keep their passphrases in one file.
    alice.secret.write_text(NEW)
    assert bob.text("decrypt", "alice", given=late) == "from before"
    mail = bob.text("encrypt", "alice", given=b"from after")
    assert bob.run("decrypt", "alice", given=late).exit_code == 5
    alice.secret.write_text(PASSPHRASE)

    assert alice.text("decrypt", "bob", given=mail) == "from after"


def test_a_wrong_passphrase_changes_nothing(alice: Person, new: Path) -> None:
    alice.secret.write_text("wrong")

    result = alice.run("rekey", "--new-passphrase-file", new)

    assert (result.exit_code, result.stderr) == (3, "e2ee: the passphrase is wrong\n")
    assert can_open(alice, PASSPHRASE)


def test_an_empty_new_passphrase_changes_nothing(alice: Person, new: Path) -> None:
    new.write_text("\n")

    result = alice.run("rekey", "--new-passphrase-file", new)

    assert (result.exit_code, result.stderr) == (2, "e2ee: the passphrase is empty\n")
    assert can_open(alice, PASSPHRASE)


def test_two_new_passphrases_are_one_too_many(alice: Person, new: Path) -> None:
    result = alice.run("rekey", "--new-passphrase-file", new, "--new-passphrase-fd", "9")

    assert result.exit_code == 2
    assert "Choose one of --new-passphrase-file and --new-passphrase-fd" in result.stderr
    assert can_open(alice, PASSPHRASE)


def test_without_a_terminal_the_new_passphrase_must_be_given(alice: Person) -> None:
    result = subprocess.run(
        alice.start("rekey", "--passphrase-file", alice.secret),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=alice.environment,
        start_new_session=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 2
    assert b"give --new-passphrase-file or --new-passphrase-fd" in result.stderr
    assert can_open(alice, PASSPHRASE)


def test_both_passphrases_come_from_one_descriptor(alice: Person) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"{PASSPHRASE}\n{NEW}\n".encode())
    os.close(writing)

    descriptor = ["--passphrase-fd", str(reading), "--new-passphrase-fd", str(reading)]
    result = subprocess.run(
        alice.start("rekey", *descriptor),
        capture_output=True,
        env=alice.environment,
        pass_fds=[reading],
        check=False,
        timeout=60,
    )

    os.close(reading)
    assert (result.returncode, result.stderr) == (0, b"")
    assert can_open(alice, NEW)


def test_the_new_passphrase_is_typed_twice_and_not_shown(alice: Person) -> None:
    code, shown = at_terminal(
        alice.start("rekey"),
        alice.environment,
        [
            ("Passphrase: ", f"{PASSPHRASE}\n"),
            ("New passphrase: ", f"{NEW}\n"),
            ("The same again: ", f"{NEW}\n"),
        ],
    )

    assert code == 0, shown
    assert NEW not in shown
    assert can_open(alice, NEW)


def test_two_different_passphrases_change_nothing(alice: Person) -> None:
    code, shown = at_terminal(
        alice.start("rekey", "--passphrase-file", alice.secret),
        alice.environment,
        [("New passphrase: ", f"{NEW}\n"), ("The same again: ", "something else\n")],
    )

    assert code == 2
    assert "the passphrases differ: nothing was done" in shown
    assert can_open(alice, PASSPHRASE)


def test_nothing_under_the_passphrase_before_stays_in_the_files(alice: Person, new: Path) -> None:
    with closing(SQLiteStore(alice.store, passphrase=PASSPHRASE)) as store:
        before = read_rows(store)

    described = alice.json("rekey", "--new-passphrase-file", new)

    assert described == {"store": str(alice.store), "clean": True}
    assert left_in_files(alice.store, before) == []


def test_a_program_that_reads_meanwhile_is_in_the_way(alice: Person, new: Path) -> None:
    with closing(SQLiteStore(alice.store, passphrase=PASSPHRASE)) as store:
        # What a store's own transactions never do for long: it holds on to what it reads.
        reader = store._connection  # noqa: SLF001
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM record").fetchone()

        result = alice.run("rekey", "--new-passphrase-file", new)

    assert result.exit_code == 0
    assert "End that program, and do this again." in result.stderr
    assert can_open(alice, NEW)
