# SPDX-License-Identifier: MIT OR Apache-2.0
"""Drop-ins for programs of Matrix and Telegram: change one import, and keep the rest.

For Matrix (docs/guides/libolm.md), `e2ee.compat.vodozemac` has the names of the package
`vodozemac`, `e2ee.compat.olm` those of `python-olm`: the same signatures, exceptions and formats,
with our core below.

Their objects change in place, and saving them is left to the caller: no step says what has to be
stored before a message may leave, and nothing finds an older pickle that is loaded again. A program
that dies between a message and its pickle uses a message key twice. New programs use
`e2ee.olm`, whose every change is a step to be stored.

For Telegram (docs/protocols/mtproto.md), `e2ee.compat.tgcrypto` has the functions of `TgCrypto`, on
which Pyrogram and Kurigram run, and `e2ee.compat.cryptg` those of `cryptg`, on which Telethon runs.
"""
