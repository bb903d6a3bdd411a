# SPDX-License-Identifier: MIT OR Apache-2.0
"""psycopg 3, imported when a `PostgresStore` is made and not before: it is an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2ee.errors import StoreUnavailableError

if TYPE_CHECKING:
    from types import ModuleType


def driver() -> ModuleType:
    """The module.

    Raises:
        StoreUnavailableError: It is not installed.
    """
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise StoreUnavailableError(
            "psycopg is missing: install libe2ee[postgres] to use PostgresStore"
        ) from error
    return psycopg
