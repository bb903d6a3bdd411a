# SPDX-License-Identifier: MIT OR Apache-2.0
"""The gates that no fault of a medium, a process or a database may pass (docs/storage.md)."""
