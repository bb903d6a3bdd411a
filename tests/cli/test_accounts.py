# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee init` and `e2ee invite`."""

import base64
import stat
from pathlib import Path

import pytest

from e2ee import Account, PreKeyBundle, SQLiteStore
from e2ee.cli.armour import Kind, unwrap
from e2ee.cli.places import default_store
from tests.cli.people import PASSPHRASE, Person, run


def test_an_account_is_made_where_it_is_asked_for(alice: Person) -> None:
    with SQLiteStore(alice.store, passphrase=PASSPHRASE) as store:
        assert Account.open(store).user == "alice"


def test_a_second_account_in_the_same_store_is_refused(alice: Person) -> None:
    result = alice.run("init", "--user", "another")

    assert result.exit_code == 1
    assert result.stderr == (
        "e2ee: the store already holds an account: choose another place with --store\n"
    )


def test_without_a_terminal_the_name_must_be_given(tmp_path: Path) -> None:
    result = Person("nobody", tmp_path).run("init")

    assert result.exit_code == 2
    assert "give --user" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_description_of_a_new_account_is_json(tmp_path: Path) -> None:
    carol = Person("carol", tmp_path)
    carol.secret.write_text(PASSPHRASE)

    described = carol.json("init", "--user", "carol")

    with SQLiteStore(carol.store, passphrase=PASSPHRASE) as store:
        key = Account.open(store).identity_key.hex()
    assert described == {
        "user": "carol",
        "device": 1,
        "identity_key": key,
        "store": str(carol.store),
    }


def test_the_default_store_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert default_store() == tmp_path / "e2ee" / "store.db"


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".local/share"),
        ("darwin", "Library/Application Support"),
        ("win32", "AppData/Local"),
    ],
)
def test_the_default_store_suits_the_system(
    platform: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    # Relative, so that it does not count; and the variable of another system.
    monkeypatch.setenv("XDG_DATA_HOME", "somewhere")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)

    assert default_store() == tmp_path / folder / "e2ee" / "store.db"


def test_init_makes_the_default_folder_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE)

    result = run("init", "--user", "alice", "--passphrase-file", secret)

    assert result.exit_code == 0, result.output
    assert default_store().is_file()
    assert stat.S_IMODE(default_store().parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(("option", "reusable"), [([], True), (["--one-time"], False)])
def test_an_invitation_is_a_bundle(alice: Person, option: list[str], *, reusable: bool) -> None:
    text = alice.text("invite", *option)

    bundle = PreKeyBundle.from_bytes(unwrap(Kind.BUNDLE, text.encode()))
    assert bundle.reusable is reusable


def test_an_invitation_comes_as_bytes_in_a_file(alice: Person, tmp_path: Path) -> None:
    target = tmp_path / "alice.bundle"

    alice.text("invite", "--binary", "--output", target)

    assert PreKeyBundle.from_bytes(target.read_bytes()).reusable


def test_an_invitation_comes_as_json(alice: Person) -> None:
    described = alice.json("invite", "--one-time")

    assert isinstance(described, dict)
    bundle = unwrap(Kind.BUNDLE, described["text"].encode())
    assert bundle == base64.b64decode(described["bundle"])
    assert described["identity_key"] == PreKeyBundle.from_bytes(bundle).identity_key.hex()
    assert (described["user"], described["reusable"]) == ("alice", False)
