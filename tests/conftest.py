# SPDX-License-Identifier: MIT OR Apache-2.0
"""What all tests share: the database server, which ends with the session, and a report."""

import pytest

from tests.properties import report
from tests.stores import server

#: A program in a process of its own, which imports what is fetched only when it is to run.
collect_ignore = ["interop/streams_peer.py"]


def pytest_configure(config: pytest.Config) -> None:
    """Takes what the state machines have done into the report."""
    config.pluginmanager.register(report)


def pytest_unconfigure() -> None:
    """Stops the server that a test has started."""
    server.stop()
