# SPDX-License-Identifier: MIT OR Apache-2.0
"""Opened messages, as the core gives them, and as `e2ee.Message` shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from e2ee._time import from_milliseconds
from e2ee.values import Address, ContentKind, Message

#: What a message is, with its group and the time that a resend asks for; and the plaintext.
Opened: TypeAlias = tuple[tuple[ContentKind, bytes | None, int | None], bytes]
#: An entry of the inbox: its id, user, device, time, and the message.
Entry: TypeAlias = tuple[str, str, int | str, int, Opened]


def message_of(entry: Entry) -> Message:
    """A message from the inbox."""
    inbox_id, user, device, received_ms, opened = entry
    message = opened_message(Address(user, device), opened)
    return replace(message, received=from_milliseconds(received_ms), inbox_id=inbox_id)


def opened_message(sender: Address, opened: Opened) -> Message:
    """A message of a sender."""
    (content, group, sent_ms), plaintext = opened
    return Message(
        sender,
        plaintext,
        content=content,
        group=None if group is None else UUID(bytes=group),
        sent=None if sent_ms is None else from_milliseconds(sent_ms),
    )
