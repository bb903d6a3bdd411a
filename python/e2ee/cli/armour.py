# SPDX-License-Identifier: MIT OR Apache-2.0
"""Armour: messages and bundles as text that survives mail and chat (docs/formats.md, "Armour")."""

import base64
import binascii
import enum
import hashlib
from typing import Final

from e2ee import MalformedMessageError


class Kind(enum.Enum):
    """What a block of text holds; its value stands in the first and the last line."""

    MESSAGE = "MESSAGE"
    BUNDLE = "BUNDLE"

    @property
    def begin(self) -> str:
        """The line before the payload."""
        return f"-----BEGIN E2EE {self.value}-----"

    @property
    def end(self) -> str:
        """The line behind the checksum."""
        return f"-----END E2EE {self.value}-----"


def wrap(kind: Kind, payload: bytes) -> str:
    """The payload as a block of text, with a line end behind its last line."""
    text = base64.b64encode(payload).decode("ascii")
    lines = [text[start : start + LINE_LEN] for start in range(0, len(text), LINE_LEN)]
    return "\n".join([kind.begin, *lines, _checksum(payload), kind.end, ""])


def unwrap(kind: Kind, text: bytes) -> bytes:
    """The payload of the one block in the text.

    Whatever stands around the block is ignored, and so are the marks of a quotation, blank lines
    and blanks at both ends of a line.

    Raises:
        MalformedMessageError: if there is no block of this kind, more than one of any kind, or
            one that is not as it was written.
    """
    if len(text) > MAX_TEXT_LEN:
        raise MalformedMessageError("the text is longer than any message")
    lines = [_unquoted(line) for line in text.decode("utf-8", errors="replace").splitlines()]
    start = _start(kind, lines)
    try:
        end = lines.index(kind.end, start)
    except ValueError:
        raise MalformedMessageError(CUT) from None
    *body, checksum = [line for line in lines[start + 1 : end] if line] or [""]
    if not checksum.startswith(CHECKSUM_MARK):
        raise MalformedMessageError(DAMAGED)
    payload = _decoded("".join(body))
    if checksum != _checksum(payload):
        raise MalformedMessageError(DAMAGED)
    return payload


def _start(kind: Kind, lines: list[str]) -> int:
    """The index of the only line that begins a block."""
    begins = {candidate.begin: candidate for candidate in Kind}
    found = [(index, begins[line]) for index, line in enumerate(lines) if line in begins]
    match found:
        case []:
            raise MalformedMessageError(MISSING[kind])
        case [(index, only)] if only is kind:
            return index
        case [_]:
            raise MalformedMessageError(OTHER_KIND[kind])
        case _:
            raise MalformedMessageError("the text holds more than one block: pass one at a time")


def _unquoted(line: str) -> str:
    return line.strip().lstrip(QUOTATION).rstrip()


def _decoded(body: str) -> bytes:
    try:
        payload = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessageError(DAMAGED) from None
    # Only one text stands for a payload: unused bits of the last character are zero.
    if base64.b64encode(payload).decode("ascii") != body:
        raise MalformedMessageError(DAMAGED)
    return payload


def _checksum(payload: bytes) -> str:
    digest = hashlib.sha256(payload).digest()[:CHECKSUM_LEN]
    return CHECKSUM_MARK + base64.b64encode(digest).decode("ascii")


#: Characters of base64 in a line.
LINE_LEN: Final = 64
#: Bytes of the checksum: it finds accidents, not attackers.
CHECKSUM_LEN: Final = 6
CHECKSUM_MARK: Final = "="
#: What may stand before a line: marks of a quotation, and blanks between them.
QUOTATION: Final = "> \t\N{NO-BREAK SPACE}"
#: The longest message as text, quoted, with a long mail around it.
MAX_TEXT_LEN: Final = 32 << 20

DAMAGED: Final = "the text was damaged in transit: ask for it again, or for a file instead of text"
CUT: Final = "the text was cut off in transit: its last line is missing"
MISSING: Final = {
    Kind.MESSAGE: "the text holds no message: copy it with its BEGIN and END lines",
    Kind.BUNDLE: "the text holds no invitation: copy it with its BEGIN and END lines",
}
OTHER_KIND: Final = {
    Kind.MESSAGE: "the text is an invitation, not a message: add the contact with it",
    Kind.BUNDLE: "the text is a message, not an invitation: decrypt it",
}
