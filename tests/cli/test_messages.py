# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee encrypt`, `e2ee decrypt` and `e2ee inbox`."""

import stat
from pathlib import Path

import pytest

import e2ee
from e2ee.cli.reading import MAX_PLAINTEXT_LEN
from tests.cli.people import PASSPHRASE, Person

TEXT = "Meet me at noon."


@pytest.fixture
def mail(alice: Person) -> str:
    """What Alice sends."""
    return alice.text("encrypt", "bob", given=TEXT)


def test_a_message_goes_from_one_to_the_other(bob: Person, mail: str) -> None:
    assert TEXT not in mail

    assert bob.text("decrypt", "alice", given=mail) == TEXT


def test_a_quoted_message_in_a_mail_opens(bob: Person, mail: str) -> None:
    quoted = "".join(f"> {line}\r\n" for line in mail.splitlines())

    assert bob.text("decrypt", "alice", given=f"Hello Bob,\r\n{quoted}Yours, A.\r\n") == TEXT


def test_bytes_go_through_files(alice: Person, bob: Person, tmp_path: Path) -> None:
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    plain.write_bytes(bytes(range(256)) * 100)

    alice.text("encrypt", "bob", plain, "--binary", "--output", sealed)
    bob.text("decrypt", "alice", sealed, "--binary", "--output", opened)

    assert plain.read_bytes() == opened.read_bytes()
    assert stat.S_IMODE(opened.stat().st_mode) == 0o600


def test_an_existing_file_is_replaced_whole(bob: Person, mail: str, tmp_path: Path) -> None:
    target = tmp_path / "note"
    target.write_text("something longer than what comes")

    bob.text("decrypt", "alice", "--output", target, given=mail)

    assert target.read_text() == TEXT
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_message_opens_once(bob: Person, mail: str) -> None:
    bob.text("decrypt", "alice", given=mail)

    result = bob.run("decrypt", "alice", given=mail)

    assert result.exit_code == 5
    assert (result.stdout, result.stderr) == (
        "",
        "e2ee: this message was decrypted before: nothing to do\n",
    )


def test_a_message_that_cannot_be_written_waits(bob: Person, mail: str, tmp_path: Path) -> None:
    result = bob.run("decrypt", "alice", "--output", tmp_path / "none" / "note", given=mail)

    assert result.exit_code == 6
    assert "it waits in 'e2ee inbox'" in result.stderr
    assert TEXT not in result.output
    waiting = bob.json("inbox")
    assert isinstance(waiting, list)
    assert [(entry["user"], entry["bytes"]) for entry in waiting] == [("alice", len(TEXT))]
    assert waiting[0]["id"] in bob.text("inbox")


def test_a_waiting_message_is_printed_once(bob: Person, mail: str, tmp_path: Path) -> None:
    bob.run("decrypt", "alice", "--output", tmp_path / "none" / "note", given=mail)

    assert bob.text("inbox", "0") == TEXT

    assert bob.json("inbox") == []
    assert bob.run("inbox", "0").exit_code == 1


def test_a_waiting_message_comes_if_it_is_decrypted_again(
    bob: Person, mail: str, tmp_path: Path
) -> None:
    bob.run("decrypt", "alice", "--output", tmp_path / "none" / "note", given=mail)

    assert bob.text("decrypt", "alice", given=mail) == TEXT

    assert bob.json("inbox") == []


def test_a_waiting_message_that_fails_again_still_waits(
    bob: Person, mail: str, tmp_path: Path
) -> None:
    nowhere = tmp_path / "none" / "note"
    bob.run("decrypt", "alice", "--output", nowhere, given=mail)

    result = bob.run("inbox", "0", "--output", nowhere)

    assert result.exit_code == 6
    assert bob.text("inbox", "0") == TEXT


def test_the_beginning_of_two_messages_is_not_enough(
    alice: Person, bob: Person, tmp_path: Path
) -> None:
    for text in (b"one", b"two"):
        mail = alice.text("encrypt", "bob", given=text)
        bob.run("decrypt", "alice", "--output", tmp_path / "none" / "note", given=mail)

    result = bob.run("inbox", "0")

    assert result.exit_code == 2
    assert "more than one" in result.stderr


def test_a_changed_message_is_refused_and_the_true_one_still_opens(
    alice: Person, bob: Person, tmp_path: Path
) -> None:
    sealed, changed = tmp_path / "sealed", tmp_path / "changed"
    alice.text("encrypt", "bob", "--binary", "--output", sealed, given=TEXT)
    content = bytearray(sealed.read_bytes())
    content[-1] ^= 1
    changed.write_bytes(content)

    result = bob.run("decrypt", "alice", changed, "--binary")

    assert result.exit_code == 1
    assert "does not open" in result.stderr
    assert bob.text("decrypt", "alice", sealed, "--binary") == TEXT


def test_a_message_of_the_largest_size_goes_through(
    alice: Person, bob: Person, tmp_path: Path
) -> None:
    plain, opened = tmp_path / "plain", tmp_path / "opened"
    plain.write_bytes(bytes(1_000) + b"\xff" * (MAX_PLAINTEXT_LEN - 1_000))

    mail = alice.text("encrypt", "bob", plain)
    bob.text("decrypt", "alice", "--output", opened, given=mail)

    assert plain.read_bytes() == opened.read_bytes()


@pytest.mark.parametrize("from_file", [True, False])
def test_one_byte_more_is_refused(alice: Person, tmp_path: Path, *, from_file: bool) -> None:
    content = bytes(MAX_PLAINTEXT_LEN + 1)
    plain = tmp_path / "plain"
    plain.write_bytes(content)

    if from_file:
        result = alice.run("encrypt", "bob", plain)
    else:
        result = alice.run("encrypt", "bob", given=content)

    assert result.exit_code == 2
    assert result.stderr.startswith("e2ee: this is longer than a message may be (16 MiB)")
    assert result.stdout == ""


def test_an_unknown_contact_gets_nothing(alice: Person) -> None:
    result = alice.run("encrypt", "carol", given=TEXT)

    assert result.exit_code == 1
    assert result.stderr == (
        "e2ee: there is no contact of this name: add them with 'e2ee add NAME'\n"
    )


def test_an_impostor_is_refused(alice: Person, stranger: Person) -> None:
    stranger.text("add", "alice", given=alice.text("invite"))

    result = alice.run("decrypt", "bob", given=stranger.text("encrypt", "alice", given=TEXT))

    assert result.exit_code == 4
    assert TEXT not in result.output


def test_what_comes_for_a_group_says_so(alice: Person, bob: Person) -> None:
    with e2ee.SQLiteStore(alice.store, passphrase=PASSPHRASE) as store:
        club = e2ee.Account.open(store).create_group(["bob"])
        ((_, invitation),) = club.invitations()
        letter = club.encrypt(TEXT.encode())

    invited = bob.run("decrypt", "alice", "--binary", given=invitation.to_bytes())
    read = bob.run("decrypt", "alice", "--binary", given=letter.to_bytes())

    expected = f"From now on you can read what alice writes to the group {club.id}.\n"
    assert (invited.exit_code, invited.stdout, invited.stderr) == (0, "", expected)
    assert (read.exit_code, read.stdout) == (0, TEXT)
    assert read.stderr == f"This is for the group {club.id}.\n"
