# SPDX-License-Identifier: MIT OR Apache-2.0
"""Our Olm and Megolm, under the names of vodozemac."""

from benches.libraries.named_vodozemac import library
from e2ee.compat import vodozemac

Library = library(vodozemac)
