# SPDX-License-Identifier: MIT OR Apache-2.0
"""`--anchor` and `e2ee heal`: an older copy of the store is found, and can go on."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from e2ee.store import FileAnchor
from tests.cli.people import Person, spawn


def anchored(person: Person, *arguments: str | Path, given: str = "") -> str:
    """What a command prints, with the anchor beside the person's folder."""
    return person.text(arguments[0], *arguments[1:], "--anchor", place(person), given=given)  # type: ignore[arg-type] # a command is a word


def place(person: Person) -> Path:
    """The file of the person's anchor."""
    return person.folder / f"{person.user}.anchor"


def put_back(alice: Person, bob: Person) -> Person:
    """Alice, whose store is older than what Bob has seen of her."""
    assert bob.text("decrypt", "alice", given=anchored(alice, "encrypt", "bob", given="one"))
    shutil.copy(alice.store, alice.folder / "copy")
    assert bob.text("decrypt", "alice", given=anchored(alice, "encrypt", "bob", given="two"))
    shutil.copy(alice.folder / "copy", alice.store)
    return alice


def test_an_older_copy_is_refused_and_heals(alice: Person, bob: Person) -> None:
    put_back(alice, bob)

    refused = alice.run("encrypt", "bob", "--anchor", place(alice), given="never leaves")
    assert refused.exit_code == 6
    assert "e2ee heal" in refused.stderr
    answer = bob.text("encrypt", "alice", given="still here")
    assert anchored(alice, "decrypt", "bob", given=answer) == "still here"
    anchored(alice, "heal")
    anchored(alice, "add", "bob", given=bob.text("invite"))
    letter = anchored(alice, "encrypt", "bob", given="goes on")

    assert bob.text("decrypt", "alice", given=letter) == "goes on"


def test_what_healing_ended_comes_as_json(alice: Person, bob: Person) -> None:
    put_back(alice, bob)

    assert alice.json("heal", "--anchor", place(alice)) == {
        "peers": [{"user": "bob", "device": 1}],
        "groups": [],
        "dropped": [],
    }


@pytest.mark.parametrize("command", ["contacts", "invite", "heal"])
def test_a_store_is_not_used_without_its_anchor(alice: Person, command: str) -> None:
    anchored(alice, "contacts")

    refused = alice.run(command)

    assert refused.exit_code == 6
    assert "--anchor" in refused.stderr


def test_the_anchor_may_stand_in_the_environment(alice: Person) -> None:
    anchored(alice, "contacts")
    command = alice.start("contacts", "--passphrase-file", alice.secret)
    environment = alice.environment | {"E2EE_ANCHOR": str(place(alice))}

    assert spawn(alice, "contacts").returncode == 6
    done = spawn(replace(alice), "contacts", "--anchor", place(alice))

    assert done.returncode == 0
    assert run_in(command, environment) == 0


def run_in(command: list[str], environment: dict[str, str]) -> int:
    """How a process ends."""
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode


def test_a_new_account_begins_with_its_anchor(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    dora = Person("dora", tmp_path / "home")
    dora.secret.write_text("correct horse\n")

    anchored(dora, "init", "--user", "dora")

    assert FileAnchor(place(dora)).read() is not None


def test_the_doctor_sees_whether_store_and_anchor_agree(alice: Person, bob: Person) -> None:
    anchored(alice, "contacts")
    assert "Nothing is wrong" in anchored(alice, "doctor")
    assert "Nothing is wrong" in alice.text("doctor")
    put_back(alice, bob)

    seen = alice.run("doctor", "--anchor", place(alice))

    assert seen.exit_code == 7
    assert "off-anchor" in seen.stdout
    assert alice.run("doctor").exit_code == 0


def test_a_backup_goes_on_with_an_anchor_of_its_own(alice: Person, tmp_path: Path) -> None:
    anchored(alice, "contacts")
    alice.text("backup", tmp_path / "backup")
    (tmp_path / "there").mkdir()
    again = Person("alice", tmp_path / "there")
    again.secret.write_text(alice.secret.read_text())

    refused = again.run("restore", tmp_path / "backup", "--anchor", place(alice))
    assert refused.exit_code == 6
    assert "--anchor" in refused.stderr
    assert not again.run("contacts").stdout
    again.text("restore", tmp_path / "backup", "--anchor", tmp_path / "new.anchor")

    assert again.run("contacts", "--anchor", tmp_path / "new.anchor").exit_code == 0
    assert again.run("contacts").exit_code == 6
