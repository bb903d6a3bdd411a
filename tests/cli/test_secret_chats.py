# SPDX-License-Identifier: MIT OR Apache-2.0
"""The commands that are about a store, on one of secret chats; the others say what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import mtproto
from e2ee.store import FileAnchor
from tests.api.secret_chat_pair import Pair, begin, group, text
from tests.cli.people import PASSPHRASE, Person
from tests.properties.world import put_rows, read_rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Alice, whose store has no account."""
    made = Person("alice", tmp_path)
    made.secret.write_text(f"{PASSPHRASE}\n")
    return made


def store_of(person: Person, anchor: FileAnchor | None = None) -> e2ee.SQLiteStore:
    """The store of a person."""
    return e2ee.SQLiteStore(person.store, passphrase=PASSPHRASE, anchor=anchor)


@pytest.fixture
def pair(person: Person) -> Pair:
    """A chat with Robert, in which he has not acknowledged a message; and one that is offered."""
    with store_of(person) as store:
        made = begin(store)
        made.settle(from_bob=made.bob.encrypt(text(1)))
        made.alice.encrypt(text(2))
        made.chats[0].offer("carolina", group())
    return made


@pytest.mark.usefixtures("pair")
def test_the_doctor_shows_chats_and_names_nobody(person: Person) -> None:
    shown = person.text("doctor")

    for words in ("Secret chats", "chat 1", "chat 2", "agreed", "offered", "Nothing is wrong."):
        assert words in shown
    assert [name for name in ("bob", "carolina") if name in shown] == []
    assert "carolina" in person.text("doctor", "--names")


@pytest.mark.usefixtures("pair")
def test_the_doctors_report_is_there_as_json(person: Person) -> None:
    report = person.json("doctor")

    assert isinstance(report, dict)
    assert report["sound"]
    numbers = sorted((chat["agreed"], chat["received"]) for chat in report["chats"])
    assert numbers == [(False, None), (True, 2)]


def test_damage_is_an_exit_code(person: Person, pair: Pair) -> None:
    name = f"chat-state/{pair.alice.chat_id}"
    with store_of(person) as store:
        rows = read_rows(store)
        put_rows(store, {other: row for other, row in rows.items() if other != name})

    result = person.run("doctor")

    assert result.exit_code == 7
    assert "missing" in result.output


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize("command", ["contacts", "invite", "inbox"])
def test_what_is_for_accounts_says_what_the_store_holds(person: Person, command: str) -> None:
    result = person.run(command)

    assert result.exit_code == 2
    assert "the store holds secret chats" in result.stderr


def test_another_passphrase_opens_the_chats(person: Person, pair: Pair) -> None:
    new = person.folder / "new"
    new.write_text("another horse\n")

    assert person.json("rekey", "--new-passphrase-file", new) == {
        "store": str(person.store),
        "clean": True,
    }

    with e2ee.SQLiteStore(person.store, passphrase="another horse") as store:  # noqa: S106 (of nobody)
        assert mtproto.SecretChats.open(store).chat(pair.alice.chat_id).encrypt(text(3))
    with store_of(person) as store, pytest.raises(e2ee.StoreKeyError):
        mtproto.SecretChats.open(store)


def test_a_backup_is_put_into_use_without_its_chats(
    person: Person, pair: Pair, tmp_path: Path
) -> None:
    file = tmp_path / "chats.backup"
    person.text("backup", file)
    (tmp_path / "there").mkdir()
    again = Person("alice", tmp_path / "there")
    again.secret.write_text(f"{PASSPHRASE}\n")

    result = again.run("restore", file)

    assert result.exit_code == 0
    assert f"{pair.alice.chat_id}" in result.stderr
    with store_of(again) as store:
        chats = mtproto.SecretChats.open(store)
        assert chats.chats() == []
        assert [message.body for message in chats.inbox()] == [text(1)]


def test_a_store_that_was_put_back_is_healed(person: Person, tmp_path: Path) -> None:
    place = tmp_path / "anchor"
    with store_of(person, FileAnchor(place)) as store:
        pair = begin(store)
        older = read_rows(store)
        pair.alice.encrypt(text(1))
        put_rows(store, older)

    healed = person.json("heal", "--anchor", place)

    assert healed == {"peers": [], "groups": [], "dropped": [], "chats": [pair.alice.chat_id]}
    with store_of(person, FileAnchor(place)) as store:
        chats = mtproto.SecretChats.open(store)
        assert chats.chats() == []
        assert chats.offer("bob", group()).chat_id != 0
