# SPDX-License-Identifier: MIT OR Apache-2.0
"""How a command ends: the exit codes, and what each error asks a person to do."""

import contextlib
import enum
import os
import sys
from typing import Final

import e2ee


class Exit(enum.IntEnum):
    """An exit code; the texts stand in `e2ee --help` and in the README."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NO_ACCESS = 3
    UNTRUSTED = 4
    HANDLED = 5
    STORAGE = 6
    FINDINGS = 7
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What the code tells a script."""
        return MEANINGS[self]


class CommandError(Exception):
    """A command that ends early: one sentence for a person, one code for a script."""

    def __init__(self, sentence: str, code: Exit) -> None:
        super().__init__(sentence)
        self.code = code


def explained(error: e2ee.E2EEError) -> CommandError:
    """What a person reads instead of an error of the library."""
    for kind in type(error).__mro__:
        if kind in ADVICE:
            code, advice = ADVICE[kind]
            return CommandError(advice or str(error), code)
    return CommandError(str(error), Exit.REFUSED)


def explained_os(error: OSError) -> CommandError:
    """What a person reads if a file or a pipe fails."""
    if isinstance(error, BrokenPipeError):
        forget_output()
    reason = error.strerror or type(error).__name__
    if error.filename is None:
        return CommandError(f"reading or writing failed: {reason}", Exit.STORAGE)
    return CommandError(f"{os.fsdecode(error.filename)}: {reason}", Exit.STORAGE)


def forget_output() -> None:
    """Lets what could not be written go, so that the interpreter does not try again at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


MEANINGS: Final = {
    Exit.DONE: "done",
    Exit.REFUSED: "refused: a message, a file, an invitation or a safety number does not hold",
    Exit.USAGE: "the command was not understood",
    Exit.NO_ACCESS: "there is no store yet, or the passphrase is wrong",
    Exit.UNTRUSTED: "the contact's identity changed: compare safety numbers",
    Exit.HANDLED: "the message was handled before",
    Exit.STORAGE: "the store or a file could not be read or written",
    Exit.FINDINGS: "the doctor found damage, or something that is stuck",
    Exit.INTERRUPTED: "interrupted at the keyboard",
}

#: The most special class of an error decides. An empty text means that the error's own will do.
ADVICE: Final[dict[type, tuple[Exit, str]]] = {
    e2ee.MalformedMessageError: (Exit.REFUSED, ""),
    e2ee.UnsupportedVersionError: (
        Exit.REFUSED,
        "this was written by a newer or an unknown version: update e2ee",
    ),
    e2ee.BadSignatureError: (
        Exit.REFUSED,
        "the invitation is not signed by its own identity: ask for a new one another way",
    ),
    e2ee.InvalidKeyError: (Exit.REFUSED, "it holds an invalid key: ask for a new one"),
    e2ee.UntrustedIdentityError: (
        Exit.UNTRUSTED,
        "the identity is not the one you know: compare with 'e2ee verify NAME --bundle INVITATION'",
    ),
    e2ee.DecryptionError: (
        Exit.REFUSED,
        "the message does not open: it was changed, or is not from this contact to you",
    ),
    e2ee.MessageTooFarAheadError: (
        Exit.REFUSED,
        "too many messages before this one are missing: decrypt those first",
    ),
    e2ee.NoSessionError: (
        Exit.REFUSED,
        "there is no contact of this name: add them with 'e2ee add NAME'",
    ),
    e2ee.UnknownPreKeyError: (
        Exit.REFUSED,
        "the message answers an invitation that is used up: send a new one ('e2ee invite')",
    ),
    e2ee.SessionExhaustedError: (
        Exit.REFUSED,
        "this conversation cannot go on: exchange new invitations",
    ),
    e2ee.SafetyNumberMismatchError: (
        Exit.REFUSED,
        "the numbers differ: do not trust this contact before you know why",
    ),
    e2ee.SafetyNumberVersionError: (
        Exit.REFUSED,
        "the code is of another version: compare the digits, or update both programs",
    ),
    e2ee.InvalidArgumentError: (Exit.USAGE, ""),
    e2ee.StoreKeyError: (Exit.NO_ACCESS, "the passphrase is wrong"),
    e2ee.StoreMissingError: (
        Exit.NO_ACCESS,
        "the store holds no account: make one with 'e2ee init'",
    ),
    e2ee.StoreExistsError: (
        Exit.REFUSED,
        "the store already holds an account: choose another place with --store",
    ),
    e2ee.StoreBusyError: (Exit.STORAGE, "the store is in use by another program: try again"),
    e2ee.StoreCorruptionError: (
        Exit.STORAGE,
        "the store is damaged: make a new account, and do not go back to an old copy",
    ),
    e2ee.StoreRollbackError: (
        Exit.STORAGE,
        "the store is an older copy or runs twice: use the newest, or let this go on: 'e2ee heal'",
    ),
    e2ee.StoreAnchorError: (
        Exit.STORAGE,
        "this is not the store with its own anchor: give that with --anchor or E2EE_ANCHOR",
    ),
    e2ee.StoreBackupError: (
        Exit.STORAGE,
        "the file is a backup: put it into use with 'e2ee restore FILE --store PLACE'",
    ),
    e2ee.StoreFormatError: (
        Exit.STORAGE,
        "the file is not a store, or of a newer version: choose another file, or update e2ee",
    ),
    e2ee.StoreConflictError: (
        Exit.STORAGE,
        "another program changed the store at the same time: try again",
    ),
    e2ee.StaleSessionError: (
        Exit.STORAGE,
        "another program changed the store at the same time: try again",
    ),
    e2ee.StoreError: (Exit.STORAGE, ""),
}
