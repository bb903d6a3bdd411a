# SPDX-License-Identifier: MIT OR Apache-2.0
"""Messages of two as the package `python-olm` has them: a text in base64, and its type."""

from __future__ import annotations

from e2ee._core import CompatAnyOlmMessage
from e2ee.compat import vodozemac
from e2ee.compat.olm._text import decode


class _OlmMessage:
    """A message of either type."""

    def __init__(self, ciphertext: str | bytes, message_type: int) -> None:
        if not ciphertext:
            raise ValueError("Ciphertext can't be empty")
        self.ciphertext = ciphertext
        self.message_type = message_type

    def __str__(self) -> str:
        """The type in one word, and the text."""
        return f"{'MESSAGE' if self.message_type else 'PRE_KEY'} {self.ciphertext!s}"


class OlmPreKeyMessage(_OlmMessage):
    """A message that can start a session, of type 0."""

    def __init__(self, ciphertext: str | bytes) -> None:
        super().__init__(ciphertext, 0)

    def __repr__(self) -> str:
        """The class and the text."""
        return f"OlmPreKeyMessage({self.ciphertext!s})"


class OlmMessage(_OlmMessage):
    """A message of a session that both ends have used, of type 1."""

    def __init__(self, ciphertext: str | bytes) -> None:
        super().__init__(ciphertext, 1)

    def __repr__(self) -> str:
        """The class and the text."""
        return f"OlmMessage({self.ciphertext!s})"


def read(message: OlmMessage | OlmPreKeyMessage, message_type: int) -> CompatAnyOlmMessage:
    """The message as the core takes it; raises `DecodeException` if it is none."""
    if not message.ciphertext:
        raise ValueError("Ciphertext can't be empty")
    data = decode(message.ciphertext)
    if data is None:
        raise vodozemac.DecodeException("the text is no base64")
    return CompatAnyOlmMessage.from_parts(message_type, data)
