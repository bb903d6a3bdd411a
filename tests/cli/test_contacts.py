# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee add`, `e2ee contacts` and `e2ee forget`."""

from pathlib import Path

from tests.cli.people import Person


def test_a_contact_is_added_from_a_file_of_bytes(alice: Person, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    alice.text("invite", "--binary", "--output", bundle)

    alice.text("add", "carol", bundle, "--binary")

    assert "carol" in alice.text("contacts")


def test_contacts_come_as_json(alice: Person, bob: Person) -> None:
    invitation = bob.json("invite")

    known = alice.json("contacts")

    assert isinstance(known, list)
    assert isinstance(invitation, dict)
    assert known == [
        {
            "user": "bob",
            "device": 1,
            "identity_key": invitation["identity_key"],
            "verified": False,
            "pq_epoch": known[0]["pq_epoch"],
            "pq_messages": known[0]["pq_messages"],
        }
    ]


def test_another_identity_under_a_known_name_is_refused(alice: Person, stranger: Person) -> None:
    before = alice.json("contacts")

    result = alice.run("add", "bob", given=stranger.text("invite"))

    assert result.exit_code == 4
    assert "e2ee verify NAME --bundle" in result.stderr
    assert before == alice.json("contacts")


def test_an_invitation_that_is_damaged_adds_nobody(alice: Person, bob: Person) -> None:
    text = bob.text("invite")
    place = len(text) // 2
    damaged = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]

    result = alice.run("add", "carol", given=damaged)

    assert result.exit_code == 1
    assert "damaged in transit" in result.stderr
    assert "carol" not in alice.text("contacts")


def test_a_name_cannot_steer_the_terminal(alice: Person, bob: Person) -> None:
    hidden = "bob\N{RIGHT-TO-LEFT OVERRIDE}"

    shown = alice.text("add", hidden, given=bob.text("invite")) + alice.text("contacts")

    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in shown
    assert "bob<U+202E>" in shown


def test_a_forgotten_contact_is_gone(alice: Person) -> None:
    alice.text("forget", "bob", "--yes")

    assert alice.json("contacts") == []


def test_without_a_terminal_forgetting_needs_a_yes(alice: Person) -> None:
    result = alice.run("forget", "bob")

    assert result.exit_code == 2
    assert "give --yes" in result.stderr
    assert "bob" in alice.text("contacts")


def test_nobody_known_is_said(alice: Person) -> None:
    alice.text("forget", "bob", "--yes")

    result = alice.run("contacts")

    assert result.stdout == ""
    assert "no contacts yet" in result.stderr
