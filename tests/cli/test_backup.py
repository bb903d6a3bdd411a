# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee backup` and `e2ee restore`."""

from pathlib import Path

from tests.cli.people import Person, run


def restored(person: Person, file: Path) -> Person:
    """The same person on another machine, with the account of a backup."""
    folder = person.folder / "elsewhere"
    folder.mkdir()
    again = Person(person.user, folder)
    again.secret.write_text(person.secret.read_text())
    again.text("restore", file)
    return again


def test_an_account_goes_on_from_a_backup(alice: Person, bob: Person, tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    alice.text("backup", file)
    lost = alice.text("encrypt", "bob", given="before the disk was gone")
    assert bob.text("decrypt", "alice", given=lost) == "before the disk was gone"

    again = restored(alice, file)

    refused = again.run("encrypt", "bob", given="never leaves")
    assert refused.exit_code == 1
    again.text("add", "bob", given=bob.text("invite"))
    letter = again.text("encrypt", "bob", given="back again")
    assert bob.text("decrypt", "alice", given=letter) == "back again"
    answer = bob.text("encrypt", "alice", given="good")
    assert again.text("decrypt", "bob", given=answer) == "good"


def test_what_is_to_be_done_is_said(alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    assert "backup" in alice.text("backup", file)
    folder = tmp_path / "there"
    folder.mkdir()
    again = Person("alice", folder)
    again.secret.write_text(alice.secret.read_text())

    result = again.run("restore", file)

    assert result.exit_code == 0
    assert "e2ee add bob" in result.stderr


def test_what_is_to_be_done_comes_as_json(alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    alice.text("backup", file)
    (tmp_path / "there").mkdir()
    again = Person("alice", tmp_path / "there")
    again.secret.write_text(alice.secret.read_text())

    assert again.json("restore", file) == {
        "peers": [{"user": "bob", "device": 1}],
        "groups": [],
        "dropped": [],
    }


def test_a_backup_needs_no_passphrase(alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"

    assert run("backup", file, "--store", alice.store).exit_code == 0

    assert file.exists()


def test_a_file_is_not_overwritten(alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    file.write_text("something else")

    result = alice.run("backup", file)

    assert result.exit_code == 1
    assert file.read_text() == "something else"


def test_a_backup_is_examined_like_a_store(alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    alice.text("backup", file)

    result = run("doctor", "--store", file, "--passphrase-file", alice.secret)

    assert result.exit_code == 0
    assert "Records of the backup" in result.stdout


def test_a_backup_is_not_run(alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    alice.text("backup", file)

    result = run("contacts", "--store", file, "--passphrase-file", alice.secret)

    assert result.exit_code == 6
    assert "e2ee restore" in result.stderr


def test_an_account_that_is_there_is_left_alone(alice: Person, bob: Person) -> None:
    file = alice.folder / "bob.backup"
    bob.text("backup", file)

    result = alice.run("restore", file)

    assert result.exit_code == 1
    assert "already holds an account" in result.stderr
    assert "bob" in alice.text("contacts")


def test_a_wrong_passphrase_restores_nothing(alice: Person, tmp_path: Path) -> None:
    file = tmp_path / "alice.backup"
    alice.text("backup", file)
    (tmp_path / "there").mkdir()
    again = Person("alice", tmp_path / "there")
    again.secret.write_text("another one\n")

    assert again.run("restore", file).exit_code == 3
    assert again.run("contacts").exit_code == 3


def test_without_a_backup_there_is_nothing_to_restore(alice: Person, tmp_path: Path) -> None:
    assert alice.run("restore", tmp_path / "none").exit_code == 6
