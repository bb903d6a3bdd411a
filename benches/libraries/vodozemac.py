# SPDX-License-Identifier: MIT OR Apache-2.0
"""Olm and Megolm by vodozemac."""

import vodozemac

from benches.libraries.named_vodozemac import library

Library = library(vodozemac)
