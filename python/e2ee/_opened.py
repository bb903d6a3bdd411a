# SPDX-License-Identifier: MIT OR Apache-2.0
"""Opened messages, as the core gives them, and as `e2ee.Message` shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias
from uuid import UUID

from e2ee._time import from_milliseconds
from e2ee.values import Address, Contact, ContentKind, Message

#: What a message is, with its group and the time that a resend asks for; and the plaintext.
Opened: TypeAlias = tuple[tuple[ContentKind, bytes | str | None, int | None], bytes]
#: An entry of the inbox: its id, user, device, time, and the message.
Entry: TypeAlias = tuple[str, str, int | str, int, Opened]

#: User, device, identity key, whether it was verified, how far the post-quantum ratchet is, and the
#: Ed25519 key of a Matrix device.
ContactRow: TypeAlias = tuple[str, int | str, bytes, bool, tuple[int, int] | None, bytes | None]


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
        group=UUID(bytes=group) if isinstance(group, bytes) else group,
        sent=None if sent_ms is None else from_milliseconds(sent_ms),
    )


def contact_of(row: ContactRow) -> Contact:
    """A peer in the list of contacts."""
    user, device, identity_key, verified, progress, signing_key = row
    epoch, messages = progress or (None, None)
    return Contact(Address(user, device), identity_key, verified, epoch, messages, signing_key)
