# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command line `e2ee`: encrypted messages over any carrier that takes text or files."""

from e2ee.cli.app import main

__all__ = ["main"]
