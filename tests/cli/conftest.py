# SPDX-License-Identifier: MIT OR Apache-2.0
"""Alice and Bob, who have added each other; made once, copied for each test."""

from pathlib import Path

import pytest

from tests.cli.people import Person, copied, make_person


@pytest.fixture(scope="session")
def acquainted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Person, Person]:
    folder = tmp_path_factory.mktemp("people")
    alice, bob = make_person("alice", folder), make_person("bob", folder)
    alice.text("add", "bob", given=bob.text("invite"))
    bob.text("add", "alice", given=alice.text("invite"))
    return alice, bob


@pytest.fixture
def alice(acquainted: tuple[Person, Person], tmp_path: Path) -> Person:
    return copied(acquainted[0], tmp_path)


@pytest.fixture
def bob(acquainted: tuple[Person, Person], tmp_path: Path) -> Person:
    return copied(acquainted[1], tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Person:
    """Somebody else who says that they are Bob."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return make_person("bob", folder)
