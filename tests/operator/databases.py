# SPDX-License-Identifier: MIT OR Apache-2.0
"""How the operator tries the stores in a database, if there is a server."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import e2ee
from tests.properties.world import put_rows
from tests.stores.kinds import in_a_database
from tests.stores.lent import DatabaseApplication
from tests.stores.server import available

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.operator.attempts import Act, Operator


def placed(operator: Operator, name: str) -> Path:
    """The folder of a database of the operator's, whose tables hold these seized rows."""
    folder = operator.folder / f"{name} in a database"
    if not folder.exists():
        folder.mkdir(parents=True)
        with in_a_database(folder) as store:
            put_rows(store, operator.seized.rows[name])
    return folder


def read_database(operator: Operator, name: str, key: bytes) -> list[object]:
    """What a key reads of seized rows."""
    with in_a_database(placed(operator, name), key) as store:
        return operator.read_all(store)


def read_beside(operator: Operator, name: str, key: bytes) -> list[object]:
    """The same on the connection of an application of the operator's."""
    with closing(DatabaseApplication(placed(operator, name))) as application:
        schema = application.schema
        store = e2ee.PostgresStore.on(application.connection, key=key, schema=schema)
        return operator.read_all(store)


def tried(read: Callable[[Operator, str, bytes], object]) -> Callable[[Operator], Iterator[Act]]:
    """All attempts, or none without a server."""
    return lambda o: o.key_acts(lambda key, name: read(o, name, key)) if available() else iter(())


DATABASES: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "PostgresStore": tried(read_database),
    "PostgresStore.on": tried(read_beside),
}
