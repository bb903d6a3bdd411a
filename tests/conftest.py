# SPDX-License-Identifier: MIT OR Apache-2.0
"""What all tests share: the protocols, the database server, which ends with them, and a report."""

import pytest

from tests.properties import report
from tests.stores import server
from tests.stores.protocols import PROTOCOLS, Protocol, protocol_name

#: Programs in processes of their own, which import what is fetched only when they are to run.
collect_ignore = [
    "interop/clients/kurigram_checks.py",
    "interop/clients/telethon_checks.py",
    "interop/streams_peer.py",
    "interop/matrix/nio_checks.py",
    "interop/matrix/store_mautrix.py",
    "interop/matrix/store_nio.py",
    "interop/telegram/client.py",
    "interop/telegram/peer.py",
    "interop/telegram_stub.py",
]


def pytest_configure(config: pytest.Config) -> None:
    """Takes what the state machines have done into the report."""
    config.pluginmanager.register(report)


def pytest_unconfigure() -> None:
    """Stops the server that a test has started."""
    server.stop()


@pytest.fixture(params=PROTOCOLS, ids=protocol_name)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    """Each protocol that accounts speak."""
    found: Protocol = request.param
    return found
