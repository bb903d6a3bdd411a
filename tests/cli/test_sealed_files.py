# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee seal` and `e2ee unseal`."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

from e2ee.files import FileKey, unseal_file
from tests.cli.people import PASSPHRASE, PROGRAM, run
from tests.cli.terminal import at_terminal

CONTENT = bytes(range(251)) * 9_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film").write_bytes(CONTENT)
    (tmp_path / "secret").write_text(f"{PASSPHRASE}\n")
    (tmp_path / "key").write_bytes(bytes(range(32)))
    return tmp_path


def secrets(folder: Path) -> dict[str, list[str | Path]]:
    """The ways to name a key."""
    return {
        "passphrase": ["--passphrase-file", folder / "secret"],
        "key": ["--key-file", folder / "key"],
    }


every_secret = pytest.mark.parametrize("kind", ["passphrase", "key"])


def seal(folder: Path, kind: str) -> Path:
    """Seals the film."""
    target = folder / "sealed"
    result = run("seal", folder / "film", "-o", target, *secrets(folder)[kind])
    assert (result.exit_code, result.output) == (0, "")
    return target


@every_secret
def test_a_file_comes_back(kind: str, folder: Path) -> None:
    sealed = seal(folder, kind)

    result = run("unseal", sealed, "--output", folder / "again", *secrets(folder)[kind])

    assert (result.exit_code, result.output) == (0, "")
    assert (folder / "again").read_bytes() == CONTENT


@every_secret
def test_pipes_carry_a_file(kind: str, folder: Path) -> None:
    words = [str(word) for word in secrets(folder)[kind]]

    sealed = subprocess.run(
        [*PROGRAM, "seal", *words], input=CONTENT, capture_output=True, check=True
    )
    opened = subprocess.run(
        [*PROGRAM, "unseal", "-", *words], input=sealed.stdout, capture_output=True, check=True
    )

    assert opened.stdout == CONTENT
    assert (sealed.stderr, opened.stderr) == (b"", b"")


def test_a_key_file_makes_what_the_library_opens(folder: Path) -> None:
    out = io.BytesIO()

    unseal_file(seal(folder, "key"), out, FileKey.from_bytes(bytes(range(32))))

    assert out.getvalue() == CONTENT


@every_secret
def test_a_changed_file_leaves_the_output_as_it_was(kind: str, folder: Path) -> None:
    sealed, again = seal(folder, kind), folder / "again"
    content = bytearray(sealed.read_bytes())
    content[-1] ^= 1
    sealed.write_bytes(content)
    again.write_bytes(b"before")

    result = run("unseal", sealed, "-o", again, *secrets(folder)[kind])

    assert result.exit_code == 1
    assert result.stderr.startswith("e2ee: the file does not open")
    assert again.read_bytes() == b"before"


def test_a_wrong_passphrase_is_said(folder: Path) -> None:
    sealed = seal(folder, "passphrase")
    (folder / "secret").write_text("another\n")

    result = run("unseal", sealed, *secrets(folder)["passphrase"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert "the passphrase is wrong" in result.stderr


def test_the_other_kind_of_secret_is_said(folder: Path) -> None:
    for kind, other in (("passphrase", "key"), ("key", "passphrase")):
        result = run("unseal", seal(folder, kind), *secrets(folder)[other])

        assert result.exit_code == 1
        assert f"no file that was sealed under a {other}" in result.stderr


def test_a_file_that_was_never_sealed_is_refused(folder: Path) -> None:
    result = run("unseal", folder / "film", *secrets(folder)["key"])

    assert (result.exit_code, result.stdout) == (1, "")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_a_usage_error(length: int, folder: Path) -> None:
    (folder / "key").write_bytes(bytes(length))

    result = run("seal", folder / "film", *secrets(folder)["key"])

    assert result.exit_code == 2
    assert "32 random bytes" in result.stderr


def test_two_secrets_are_a_usage_error(folder: Path) -> None:
    both = [word for words in secrets(folder).values() for word in words]

    assert run("seal", folder / "film", *both).exit_code == 2


def test_a_file_is_not_sealed_onto_itself(folder: Path) -> None:
    result = run("seal", folder / "film", "-o", folder / "film", *secrets(folder)["key"])

    assert (result.exit_code, (folder / "film").read_bytes()) == (2, CONTENT)


def test_a_missing_file_and_a_missing_folder_are_said(folder: Path) -> None:
    missing = run("seal", folder / "none", "-o", folder / "sealed", *secrets(folder)["key"])
    nowhere = run("seal", folder / "film", "-o", folder / "no" / "x", *secrets(folder)["key"])

    assert (missing.exit_code, nowhere.exit_code) == (6, 6)
    assert missing.stderr == f"e2ee: {folder / 'none'}: No such file or directory\n"
    assert nowhere.stderr == f"e2ee: {folder / 'no' / 'x'}: No such file or directory\n"
    assert not (folder / "sealed").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said(folder: Path) -> None:
    result = run("seal", folder / "film", "-o", "/dev/full", *secrets(folder)["key"])

    assert result.exit_code == 6
    assert "No space left on device" in result.stderr


def test_a_person_types_the_passphrase_twice_and_sees_the_progress(folder: Path) -> None:
    (folder / "film").write_bytes(CONTENT * 40)
    words = [*PROGRAM, "seal", str(folder / "film"), "-o", str(folder / "sealed")]

    code, shown = at_terminal(
        words,
        {**os.environ, "TERM": "xterm"},
        [("New passphrase:", f"{PASSPHRASE}\n"), ("The same again:", f"{PASSPHRASE}\n")],
    )

    assert code == 0
    assert "Sealing" in shown
    assert PASSPHRASE not in shown
    opened = run("unseal", folder / "sealed", "-o", folder / "out", *secrets(folder)["passphrase"])
    assert opened.exit_code == 0


def test_a_terminal_takes_no_bytes(folder: Path) -> None:
    words = [*PROGRAM, "seal", str(folder / "film"), "--key-file", str(folder / "key")]

    code, shown = at_terminal(words, dict(os.environ), [])

    assert code == 2
    assert "--output" in shown
