# SPDX-License-Identifier: MIT OR Apache-2.0
"""The commands, one file for each thing that a person wants to do."""
