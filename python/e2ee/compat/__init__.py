# SPDX-License-Identifier: MIT OR Apache-2.0
"""Drop-ins for programs of Matrix: change one import, and keep the rest (docs/guides/libolm.md).

`e2ee.compat.vodozemac` has the names of the package `vodozemac`, `e2ee.compat.olm` those of
`python-olm`: the same signatures, exceptions and formats, with our core below.

Their objects change in place, and saving them is left to the caller: no step says what has to be
stored before a message may leave, and nothing finds an older pickle that is loaded again. A program
that dies between a message and its pickle uses a message key twice. New programs use
`e2ee.olm`, whose every change is a step to be stored.
"""
