# SPDX-License-Identifier: MIT OR Apache-2.0
"""A database server for the tests, and Alice, who keeps her account there."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import e2ee
from e2ee.store import PostgresStore
from tests.stores.kinds import in_a_database, introduced
from tests.stores.lent import DatabaseApplication, Desk, desk_with
from tests.stores.protocols import Protocol
from tests.stores.server import Server, server


@pytest.fixture
def running() -> Server:
    return server()


@pytest.fixture
def ours(running: Server) -> Server:
    """A server whose own settings a test may change."""
    if not running.ours:
        pytest.skip("the server is not ours: its settings are left alone")
    return running


@pytest.fixture
def bob(protocol: Protocol) -> e2ee.Account:
    return protocol.created(e2ee.MemoryStore(), "bob")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PostgresStore]:
    with in_a_database(tmp_path) as made:
        yield made


@pytest.fixture
def alice(store: PostgresStore, bob: e2ee.Account) -> e2ee.Account:
    """Alice, who has a session with Bob."""
    return introduced(store, bob)


@pytest.fixture
def application(tmp_path: Path) -> Iterator[DatabaseApplication]:
    with closing(DatabaseApplication(tmp_path)) as made:
        yield made


@pytest.fixture
def implicit(tmp_path: Path) -> Iterator[DatabaseApplication]:
    """An application whose every statement begins a transaction, as psycopg has it by default."""
    with closing(DatabaseApplication(tmp_path, autocommit=False)) as made:
        yield made


@pytest.fixture
def other(tmp_path: Path) -> Iterator[DatabaseApplication]:
    """Another worker of the same application."""
    with closing(DatabaseApplication(tmp_path)) as made:
        yield made


@pytest.fixture
def desk(application: DatabaseApplication, protocol: Protocol) -> Desk:
    return desk_with(application, protocol)
