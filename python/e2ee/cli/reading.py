# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a command reads: a file or the standard input, as armoured text or as bytes, bounded."""

import sys
from pathlib import Path
from typing import BinaryIO, Final

from e2ee.cli import armour
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.screen import can_answer, note, transfer_progress


def read_plaintext(path: Path | None) -> bytes:
    """What is to be encrypted."""
    plaintext = _read(
        path, MAX_PLAINTEXT_LEN, "Type the message; end it with Ctrl-D on a new line."
    )
    if plaintext is None:
        raise CommandError(
            "this is longer than a message may be (16 MiB): send it in parts, "
            "or send the key of a file that you encrypted",
            Exit.USAGE,
        )
    return plaintext


def read_block(path: Path | None, kind: armour.Kind, *, binary: bool) -> bytes:
    """A message or a bundle, out of its armour."""
    limit = MAX_ENVELOPE_LEN if binary else armour.MAX_TEXT_LEN
    what = "message" if kind is armour.Kind.MESSAGE else "invitation"
    given = _read(path, limit, f"Paste the {what}; end with Ctrl-D on a new line.")
    if given is None:
        sentence = f"this is longer than any {what}: it was not made by e2ee"
        raise CommandError(sentence, Exit.REFUSED)
    return given if binary else armour.unwrap(kind, given)


def read_scanned(path: Path) -> bytes:
    """What a camera read from a QR code."""
    scanned = _read(path, MAX_SCANNED_LEN, "Give the bytes that were scanned.")
    if scanned is None:
        raise CommandError("this is longer than any safety number", Exit.REFUSED)
    return scanned


def _read(path: Path | None, limit: int, invitation: str) -> bytes | None:
    """All bytes of the input, or `None` if they are more than the limit."""
    if path is not None and str(path) != "-":
        with path.open("rb") as file:
            return _bounded(file, limit, path.stat().st_size)
    if can_answer():
        note(invitation)
    return _bounded(sys.stdin.buffer, limit, None)


def _bounded(stream: BinaryIO, limit: int, size: int | None) -> bytes | None:
    if size is not None and size > limit:
        return None
    taken = bytearray()
    with transfer_progress("Reading", size) as bar:
        while block := stream.read(BLOCK_LEN):
            taken += block
            if len(taken) > limit:
                return None
            bar.advance(bar.task_ids[0], len(block))
    return bytes(taken)


BLOCK_LEN: Final = 1 << 18
#: The same as in the core (docs/formats.md, "Envelope").
MAX_PLAINTEXT_LEN: Final = 16 << 20
#: More than a QR code of the largest version holds.
MAX_SCANNED_LEN: Final = 4_096
MAX_ENVELOPE_LEN: Final = MAX_PLAINTEXT_LEN + 4_096
