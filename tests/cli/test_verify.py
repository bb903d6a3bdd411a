# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee verify`."""

from pathlib import Path

import pytest

from tests.cli.people import Person


def is_verified(person: Person, name: str) -> bool:
    known = person.json("contacts")
    assert isinstance(known, list)
    return bool({contact["user"]: contact["verified"] for contact in known}[name])


def test_both_see_the_same_number(alice: Person, bob: Person) -> None:
    assert alice.number("bob") == bob.number("alice")


def test_the_number_is_shown_in_groups_beside_a_code_for_the_camera(alice: Person) -> None:
    digits = alice.number("bob")

    shown = alice.text("verify", "bob")

    rows = [
        " ".join(digits[start : start + 5] for start in range(row, row + 20, 5))
        for row in (0, 20, 40)
    ]
    assert "\n".join(f"  {row}" for row in rows) in shown
    assert "█" in shown
    assert not is_verified(alice, "bob")


@pytest.mark.parametrize("separator", ["", " ", "\n"])
def test_matching_digits_verify(alice: Person, bob: Person, separator: str) -> None:
    digits = bob.number("alice")
    pasted = separator.join(digits[start : start + 5] for start in range(0, 60, 5))

    alice.text("verify", "bob", "--code", pasted)

    assert is_verified(alice, "bob")


def test_other_digits_are_refused(alice: Person, bob: Person) -> None:
    digits = bob.number("alice")
    other = digits[:-1] + str((int(digits[-1]) + 1) % 10)

    result = alice.run("verify", "bob", "--code", other)

    assert result.exit_code == 1
    assert "the numbers differ" in result.stderr
    assert not is_verified(alice, "bob")


@pytest.mark.parametrize("code", ["123", "x" * 60, "1" * 61])
def test_what_is_no_number_is_not_compared(alice: Person, code: str) -> None:
    result = alice.run("verify", "bob", "--code", code)

    assert result.exit_code == 2
    assert result.stderr == "e2ee: a safety number has 60 digits\n"


def test_a_new_identity_is_accepted_with_matching_digits_only(
    alice: Person, stranger: Person, tmp_path: Path
) -> None:
    stranger.text("add", "alice", given=alice.text("invite"))
    invitation = tmp_path / "new.invitation"
    stranger.text("invite", "--output", invitation)

    wrong = alice.run("verify", "bob", "--bundle", invitation, "--code", alice.number("bob"))
    before = is_verified(alice, "bob")
    alice.text("verify", "bob", "--bundle", invitation, "--code", stranger.number("alice"))

    assert wrong.exit_code == 1
    assert not before
    assert is_verified(alice, "bob")
    mail = alice.text("encrypt", "bob", given="Hello again.")
    assert stranger.text("decrypt", "alice", given=mail) == "Hello again."


def test_a_bundle_of_bytes_is_taken(alice: Person, bob: Person, tmp_path: Path) -> None:
    invitation = tmp_path / "bob.bundle"
    bob.text("invite", "--binary", "--output", invitation)

    described = alice.json("verify", "bob", "--bundle", invitation, "--binary")

    assert isinstance(described, dict)
    assert described["safety_number"] == bob.number("alice")


def test_an_unknown_contact_has_no_number(alice: Person) -> None:
    assert alice.run("verify", "carol").exit_code == 1


def scanned(person: Person, name: str, folder: Path) -> Path:
    """What a camera reads from the code that a person shows."""
    described = person.json("verify", name)
    assert isinstance(described, dict)
    path = folder / f"{person.user}.scanned"
    path.write_bytes(bytes.fromhex(described["scannable"]))
    return path


def test_a_scanned_code_verifies(alice: Person, bob: Person, tmp_path: Path) -> None:
    path = scanned(bob, "alice", tmp_path)

    alice.text("verify", "bob", "--scanned", path)

    assert is_verified(alice, "bob")
    assert alice.text("verify", "bob", "--scanned", "-", given=path.read_bytes())


def test_our_own_code_does_not_verify(alice: Person, tmp_path: Path) -> None:
    result = alice.run("verify", "bob", "--scanned", scanned(alice, "bob", tmp_path))

    assert result.exit_code == 1
    assert "the numbers differ" in result.stderr
    assert not is_verified(alice, "bob")


def test_a_code_of_another_version_or_none_at_all_is_refused(alice: Person) -> None:
    described = alice.json("verify", "bob")
    assert isinstance(described, dict)
    older = b"\x08\x01" + bytes.fromhex(described["scannable"])[2:]

    for given in (older, b"https://example.org", bytes(5_000)):
        assert alice.run("verify", "bob", "--scanned", "-", given=given).exit_code == 1
    assert not is_verified(alice, "bob")


def test_digits_and_a_scanned_code_are_not_given_together(alice: Person, tmp_path: Path) -> None:
    path = scanned(alice, "bob", tmp_path)

    assert alice.run("verify", "bob", "--code", "1" * 60, "--scanned", path).exit_code == 2


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.svg", b"<svg")])
def test_the_code_is_written_as_a_picture(
    alice: Person, tmp_path: Path, name: str, start: bytes
) -> None:
    alice.text("verify", "bob", "--image", tmp_path / name)

    assert (tmp_path / name).read_bytes().startswith(start)
