# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tests. A package, since one that is installed under this name would be taken first."""
