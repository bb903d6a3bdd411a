# SPDX-License-Identifier: MIT OR Apache-2.0
"""A whole conversation over a bad carrier, shown to a person and counted for a script.

Two accounts live in processes of their own (`party`); the process that runs `stage` is the carrier
between them. All cryptography is that of the public API.
"""
