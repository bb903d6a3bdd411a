# SPDX-License-Identifier: MIT OR Apache-2.0
"""The people of the API tests."""

import pytest

import e2ee
from tests.api.group_people import People, carry, make_people

KEY = bytes(range(32))


@pytest.fixture
def alice() -> e2ee.Account:
    return e2ee.Account.create(e2ee.MemoryStore(), "alice")


@pytest.fixture
def bob() -> e2ee.Account:
    return e2ee.Account.create(e2ee.MemoryStore(), "bob")


@pytest.fixture
def mallory() -> e2ee.Account:
    """Someone else who calls himself bob."""
    return e2ee.Account.create(e2ee.MemoryStore(), "bob")


@pytest.fixture
def pair(alice: e2ee.Account, bob: e2ee.Account) -> tuple[e2ee.Account, e2ee.Account]:
    """Alice and Bob, who have heard of each other."""
    alice.connect("bob", bob.bundle())
    bob.decrypt("alice", alice.encrypt("bob", b"Hello."))
    alice.decrypt("bob", bob.encrypt("alice", b"Hello."))
    return alice, bob


@pytest.fixture
def people() -> People:
    """The people of the tests of groups."""
    return make_people()


@pytest.fixture
def club(people: People) -> e2ee.Group:
    """Alice's group of Bob and Carol, who are invited."""
    group = people["alice"].create_group(["bob", "carol"])
    carry(people, "alice", group)
    return group
