# SPDX-License-Identifier: MIT OR Apache-2.0
"""The profiles of Hypothesis, which are those of the properties."""

from tests.properties.conftest import pytest_configure

__all__ = ["pytest_configure"]
