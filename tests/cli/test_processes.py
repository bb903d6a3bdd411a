# SPDX-License-Identifier: MIT OR Apache-2.0
"""The program in processes of its own: pipes, descriptors, terminals, signals."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.people import PASSPHRASE, Person, run, spawn
from tests.cli.terminal import at_terminal

TEXT = b"Meet me at noon.\x00\xff\n"


def test_bytes_go_through_pipes_unchanged(alice: Person, bob: Person) -> None:
    sealed = spawn(alice, "encrypt", "bob", "--binary", given=TEXT)

    opened = spawn(bob, "decrypt", "alice", "--binary", given=sealed.stdout)

    assert (opened.returncode, opened.stdout, opened.stderr) == (0, TEXT, b"")


def test_a_closed_pipe_leaves_the_message_in_the_inbox(alice: Person, bob: Person) -> None:
    mail = spawn(alice, "encrypt", "bob", given=TEXT).stdout
    reading, writing = os.pipe()
    os.close(reading)

    result = subprocess.run(
        bob.start("decrypt", "alice", "--passphrase-file", bob.secret),
        input=mail,
        stdout=writing,
        stderr=subprocess.PIPE,
        env=bob.environment,
        check=False,
        timeout=60,
    )

    os.close(writing)
    assert (result.returncode, result.stderr) == (
        6,
        b"e2ee: the message could not be written (Broken pipe): it waits in 'e2ee inbox'\n",
    )
    assert spawn(bob, "inbox", "0").stdout == TEXT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("through_option", [True, False])
def test_a_full_disk_leaves_the_message_in_the_inbox(
    alice: Person, bob: Person, *, through_option: bool
) -> None:
    mail = spawn(alice, "encrypt", "bob", given=TEXT).stdout
    option = ["--output", "/dev/full"] if through_option else []

    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            bob.start("decrypt", "alice", "--passphrase-file", bob.secret, *option),
            input=mail,
            stdout=subprocess.PIPE if through_option else full,
            stderr=subprocess.PIPE,
            env=bob.environment,
            check=False,
            timeout=60,
        )

    assert result.returncode == 6
    assert b"No space left on device" in result.stderr
    assert spawn(bob, "inbox", "0").stdout == TEXT


def test_a_closed_pipe_elsewhere_is_one_sentence(alice: Person) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    result = subprocess.run(
        alice.start("invite", "--passphrase-file", alice.secret),
        stdout=writing,
        stderr=subprocess.PIPE,
        env=alice.environment,
        check=False,
        timeout=60,
    )

    os.close(writing)
    assert (result.returncode, result.stderr) == (
        6,
        b"e2ee: reading or writing failed: Broken pipe\n",
    )


def test_passphrase_and_message_come_through_one_descriptor(alice: Person, bob: Person) -> None:
    sealed = subprocess.run(
        alice.start("encrypt", "bob", "--passphrase-fd", "0"),
        input=PASSPHRASE.encode() + b"\n" + TEXT,
        capture_output=True,
        env=alice.environment,
        check=True,
        timeout=60,
    )

    assert spawn(bob, "decrypt", "alice", given=sealed.stdout).stdout == TEXT


def test_a_descriptor_of_its_own_is_read(alice: Person) -> None:
    with alice.secret.open("rb") as secret:
        result = subprocess.run(
            alice.start("contacts", "--passphrase-fd", str(secret.fileno())),
            pass_fds=[secret.fileno()],
            capture_output=True,
            env=alice.environment,
            check=False,
            timeout=60,
        )

    assert (result.returncode, result.stderr) == (0, b"")


def test_without_a_terminal_the_input_is_not_taken_for_the_passphrase(alice: Person) -> None:
    result = subprocess.run(
        alice.start("encrypt", "bob"),
        input=PASSPHRASE.encode() + b"\n",
        capture_output=True,
        env=alice.environment,
        check=False,
        timeout=60,
        start_new_session=True,
    )

    assert result.returncode == 2
    assert result.stderr.startswith(b"e2ee: no terminal to ask for the passphrase")


def test_a_new_passphrase_is_typed_twice_and_not_shown(tmp_path: Path) -> None:
    carol = Person("carol", tmp_path)

    code, shown = at_terminal(
        carol.start("init"),
        carol.environment,
        [
            ("Your name", "carol\n"),
            ("New passphrase: ", f"{PASSPHRASE}\n"),
            ("The same again: ", f"{PASSPHRASE}\n"),
        ],
    )

    assert code == 0, shown
    assert PASSPHRASE not in shown
    carol.secret.write_text(PASSPHRASE)
    assert carol.json("contacts") == []


def test_two_different_passphrases_make_nothing(tmp_path: Path) -> None:
    carol = Person("carol", tmp_path)

    code, shown = at_terminal(
        carol.start("init", "--user", "carol"),
        carol.environment,
        [("New passphrase: ", f"{PASSPHRASE}\n"), ("The same again: ", "something else\n")],
    )

    assert code == 2
    assert "the passphrases differ" in shown
    assert not carol.store.exists()


def test_the_passphrase_is_typed_while_the_message_comes_from_a_file(
    alice: Person, bob: Person, tmp_path: Path
) -> None:
    letter, mail = tmp_path / "letter", tmp_path / "mail"
    letter.write_bytes(TEXT)

    code, shown = at_terminal(
        alice.start("encrypt", "bob", "--output", mail),
        alice.environment,
        [("Passphrase: ", f"{PASSPHRASE}\n")],
        given=letter,
    )

    assert code == 0, shown
    assert spawn(bob, "decrypt", "alice", given=mail.read_bytes()).stdout == TEXT


def test_an_interrupted_question_ends_with_its_own_code(alice: Person) -> None:
    code, shown = at_terminal(
        alice.start("contacts"), alice.environment, [("Passphrase: ", "\x03")]
    )

    assert code == 130
    assert "Traceback" not in shown
    assert "e2ee: interrupted" in shown


def test_a_message_cannot_steer_the_terminal(alice: Person, bob: Person, tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    mail.write_bytes(spawn(alice, "encrypt", "bob", given=b"\x1b[2JHello\x07 \xff").stdout)

    code, shown = at_terminal(
        bob.start("decrypt", "alice", mail, "--passphrase-file", bob.secret), bob.environment, []
    )

    assert code == 0
    assert "<U+001B>[2JHello<U+0007> \N{REPLACEMENT CHARACTER}" in shown


def test_bytes_are_not_written_to_a_terminal(alice: Person) -> None:
    code, shown = at_terminal(
        alice.start("invite", "--binary", "--passphrase-file", alice.secret), alice.environment, []
    )

    assert code == 2
    assert "name a file with --output" in shown


def test_the_digits_are_typed_at_a_terminal(alice: Person, bob: Person) -> None:
    digits = bob.number("alice")

    code, shown = at_terminal(
        alice.start("verify", "bob", "--passphrase-file", alice.secret),
        alice.environment,
        [("The digits that bob sees", f"{digits}\n")],
    )

    assert code == 0
    assert "bob is verified" in shown


def test_enter_compares_nothing(alice: Person) -> None:
    code, shown = at_terminal(
        alice.start("verify", "bob", "--passphrase-file", alice.secret),
        alice.environment,
        [("The digits that bob sees", "\n")],
    )

    assert code == 0
    assert "is verified" not in shown


def test_forgetting_asks_first(alice: Person) -> None:
    code, _ = at_terminal(
        alice.start("forget", "bob", "--passphrase-file", alice.secret),
        alice.environment,
        [("Forget bob and all shared keys?", "n\n")],
    )

    assert code == 130
    assert "bob" in alice.text("contacts")


def test_the_installed_program_is_this_one() -> None:
    program = Path(sys.executable).with_name("e2ee")

    shown = subprocess.run([program, "--help"], capture_output=True, check=True, timeout=60)

    assert run("--help").stdout.split() == shown.stdout.decode().split()
