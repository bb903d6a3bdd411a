# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hypothesis profiles."""

import os

import pytest
from hypothesis import HealthCheck, settings

UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile(
    "default",
    deadline=None,
    # There, a failure must be that of the change at hand; elsewhere each run looks somewhere new.
    derandomize="CI" in os.environ,
    print_blob=True,
    max_examples=500,
    stateful_step_count=60,
    suppress_health_check=UNHURRIED,
)
settings.register_profile(
    "assurance",
    settings.get_profile("default"),
    derandomize=False,
    max_examples=12_000,
    stateful_step_count=120,
)
# On a processor that is emulated, where everything takes twenty times as long (tests/levels).
settings.register_profile(
    "emulated",
    settings.get_profile("default"),
    max_examples=25,
    stateful_step_count=40,
)


def pytest_configure(config: pytest.Config) -> None:
    """Takes our profile unless the command line names one; continuous integration has no other."""
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("default")
