# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee doctor`: a report that helps, and that may be pasted in public."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

import e2ee
from tests.cli.people import PASSPHRASE, Person, copied, make_person
from tests.properties.world import Rows, put_rows, read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from e2ee.store import Store

PEOPLE = ("roberta", "carolina", "theodora", "ferdinand")
CLUB = UUID(int=0x1234567890ABCDEF1234567890ABCDEF)
TEXT = b"the treasure lies under the oak"
#: What a key, a hash or an id looks like, in hexadecimal digits or base64.
KEY_LIKE = re.compile(r"[0-9a-f]{12}|[A-Za-z0-9+/_=]{40}")


def acquaint(store: Store) -> None:
    """Peers, a group, a waiting message, an archived session, a changed identity."""
    account = e2ee.Account.open(store)
    stores = {name: e2ee.MemoryStore() for name in PEOPLE}
    people = {name: e2ee.Account.create(stores[name], name) for name in PEOPLE}
    for name, peer in people.items():
        account.connect(name, peer.bundle())
        peer.decrypt("alice", account.encrypt(name, b"Hello."))
    roberta, carolina = people["roberta"], people["carolina"]
    with (
        pytest.raises(InterruptedError),
        account.receive("roberta", roberta.encrypt("alice", TEXT)),
    ):
        raise InterruptedError
    account.create_group(["roberta", "carolina"], id=CLUB)
    carolina.create_group(["alice"], id=CLUB)
    ((_, invitation),) = carolina.group(CLUB).invitations()
    account.decrypt("carolina", invitation)
    account.reset("ferdinand")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Alice, whose store has something of every kind."""
    person = make_person("alice", tmp_path_factory.mktemp("alice"))
    with e2ee.SQLiteStore(person.store, passphrase=PASSPHRASE) as store:
        acquaint(store)
    return person


@pytest.fixture
def alice(whole: Person, tmp_path: Path) -> Person:
    return copied(whole, tmp_path)


def change(person: Person, rows: Rows) -> Rows:
    """Puts these rows into a store, and returns what it holds then."""
    with e2ee.SQLiteStore(person.store, passphrase=PASSPHRASE) as store:
        present = read_rows(store) | rows
        put_rows(store, present)
    return present


def break_everything(person: Person) -> Rows:
    """Damages one row of each kind that names somebody, and adds rows of nobody's."""
    with e2ee.SQLiteStore(person.store, passphrase=PASSPHRASE) as store:
        rows = read_rows(store)
    damaged = {
        name: (revision, sealed[:-1] + bytes([sealed[-1] ^ 1]))
        for name, (revision, sealed) in rows.items()
        if "theodora" in name or name.startswith(("inbox/", "ledger/", "chain/"))
    }
    return change(
        person,
        damaged
        | {
            "peer/leopold/1": (3, b"x" * 60),
            "session/leopold/1/" + "ab" * 32: (1, b"x" * 60),
            "treasure/leopold": (1, TEXT),
        },
    )


def secrets_of(person: Person, rows: Rows) -> list[str]:
    """Everything in the store that no report may show, as text."""
    with e2ee.SQLiteStore(person.store, passphrase=PASSPHRASE) as store:
        account = e2ee.Account.open(store) if "treasure/leopold" not in rows else None
        keys = []
        if account is not None:
            keys = [account.identity_key] + [each.identity_key for each in account.contacts()]
    # Behind "chunk" stand the number of an epoch, an object and an index.
    named = {name.split("/chunk/")[0] for name in rows}
    words = {word for name in named for word in name.split("/") if len(word) > 3}
    kinds = {"store", "identity", "index", "prekeys", "peer", "session", "objects", "skipped"}
    kinds |= {"chains"}
    kinds |= {"group", "chain", "sending", "from", "repair", "inbox", "ledger"}
    hidden = [*PEOPLE, "alice", "leopold", PASSPHRASE, TEXT.decode(), str(CLUB), CLUB.hex]
    store_id = rows["store"][1][1:17].hex()
    every = [*hidden, store_id, str(person.folder), *(words - kinds)]
    return every + [key.hex() for key in keys] + [key[1:].hex() for key in keys]


def outputs(person: Person) -> list[str]:
    """The report as text and as JSON, with what goes to the standard error stream."""
    return [person.run("doctor", *options).output for options in ([], ["--json"])]


def test_the_report_of_a_sound_store_names_nobody_and_holds_no_key(alice: Person) -> None:
    hidden = secrets_of(alice, change(alice, {}))

    for output in outputs(alice):
        assert "peer 4" in output
        assert [word for word in hidden if word in output] == []
        assert KEY_LIKE.findall(output) == []


def test_the_report_of_a_broken_store_names_nobody_and_holds_no_key(alice: Person) -> None:
    hidden = secrets_of(alice, break_everything(alice))

    for output in outputs(alice):
        assert "does-not-open" in output
        assert "orphan" in output
        assert "unknown-name" in output
        assert [word for word in hidden if word in output] == []
        assert KEY_LIKE.findall(output) == []


def test_names_are_shown_when_asked_for(alice: Person) -> None:
    break_everything(alice)

    for options in ([], ["--json"]):
        output = alice.run("doctor", "--names", *options).output
        for name in ("roberta", "leopold", CLUB.hex):
            assert name in output


def test_what_is_stuck_is_an_exit_code(alice: Person) -> None:
    result = alice.run("doctor", "--json")
    report: dict[str, Any] = json.loads(result.stdout)

    assert result.exit_code == 7
    assert report["sound"] is False
    codes = [(each["severity"], each["code"]) for each in report["findings"]]
    assert codes == [("stuck", "no-session"), ("stuck", "invitations-pending")]


def test_a_sound_store_is_done(tmp_path: Path) -> None:
    person = make_person("alice", tmp_path)

    assert person.text("doctor").endswith("Nothing is wrong.\n")
    report = person.json("doctor")
    assert isinstance(report, dict)
    assert (report["sound"], report["findings"], report["backup"]) == (True, [], False)


def test_a_wrong_passphrase_is_said_and_what_can_be_seen_is_shown(alice: Person) -> None:
    alice.secret.write_text("another one\n")

    result = alice.run("doctor", "--json")

    assert result.exit_code == 3
    assert result.stderr == "e2ee: the passphrase is wrong\n"
    report = json.loads(result.stdout)
    assert [each["code"] for each in report["findings"]] == ["wrong-key"]
    assert sum(each["number"] for each in report["records"]) > 20


def test_a_store_that_does_not_open_is_examined(alice: Person) -> None:
    break_everything(alice)
    assert alice.run("contacts").exit_code == 6

    result = alice.run("doctor")

    assert result.exit_code == 7
    assert "restore a backup" in result.stdout
    assert "sessions" in result.stdout.lower()


def test_where_there_is_no_store_it_says_so(tmp_path: Path) -> None:
    nobody = Person("nobody", tmp_path)
    nobody.secret.write_text("x\n")

    assert nobody.run("doctor").exit_code == 3
    assert not nobody.store.exists()


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    nobody = Person("nobody", tmp_path)
    nobody.secret.write_text("x\n")
    nobody.store.write_bytes(b"SQLite format 3\0" + bytes(4_080))

    assert nobody.run("doctor").exit_code == 7


def test_an_account_of_olm_is_examined(tmp_path: Path) -> None:
    person = Person("alice", tmp_path)
    person.secret.write_text(f"{PASSPHRASE}\n")
    with e2ee.SQLiteStore(person.store, passphrase=PASSPHRASE) as store:
        account = e2ee.Account.create(store, "@alice:b.org", device="PHONE", protocol="olm")
        other = e2ee.Account.create(
            e2ee.MemoryStore(), "@theodora:b.org", device="TABLET", protocol="olm"
        )
        account.connect(e2ee.Address("@theodora:b.org", "TABLET"), other.bundle())

    sound = person.text("doctor")
    change(person, {"treasure/leopold": (1, TEXT)})
    broken = person.run("doctor")

    assert sound.endswith("Nothing is wrong.\n")
    assert "peer 1" in sound
    assert (broken.exit_code, "unknown-name" in broken.output) == (7, True)
    for word in ("theodora", "TABLET", "PHONE", "leopold", "b.org"):
        assert word not in sound + broken.output
