# SPDX-License-Identifier: MIT OR Apache-2.0
"""What all tests share: the database server, which ends with the session."""

from tests.stores import server


def pytest_unconfigure() -> None:
    """Stops the server that a test has started."""
    server.stop()
