# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many messages in one transaction (docs/storage.md, "Batches").

These functions are methods of `e2ee.Account`. The work is done without the interpreter's lock, and
on all cores where that pays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from e2ee import _core
from e2ee._commits import handled_before
from e2ee._given import address_of, encoded_of
from e2ee._opened import message_of, opened_message
from e2ee.errors import E2EEError
from e2ee.values import Address, Envelope, envelopes_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2ee._opened import Entry
    from e2ee.account import Account
    from e2ee.values import Message


def encrypt_many(self: Account, messages: Iterable[tuple[Address | str, bytes]]) -> list[Envelope]:
    """Encrypts many plaintexts, each to its peer, in one transaction: all of them, or none.

    The envelopes are in the order of the messages.

    Raises:
        E2EEError: As `encrypt`; `place` says which message was refused, from 0.
    """
    outgoing, batches = _addressed(messages), _core.Batches(self._inner)
    made = self._commits.exchange(lambda change: batches.encrypt_at_rest(outgoing, change))
    if made is None:
        made = self._commits.write(lambda inside: batches.encrypt(inside, outgoing))
    return envelopes_of(made)


def queue_many(self: Account, messages: Iterable[tuple[Address | str, bytes]]) -> list[str]:
    """Encrypts many plaintexts into the outbox like `queue`: all of them, or none.

    The names of the entries are in the order of the messages.

    Raises:
        E2EEError: As `queue`; `place` says which message was refused, from 0.
    """
    outgoing, batches = _addressed(messages), _core.Batches(self._inner)
    return self._commits.join(lambda inside: batches.queue(inside, outgoing))


def decrypt_many(
    self: Account, envelopes: Iterable[tuple[Address | str, Envelope | bytes]]
) -> list[Message | E2EEError]:
    """Decrypts many envelopes, each of its sender, in one transaction, each at most once.

    Each place holds the message, or the error that `decrypt` would raise: an envelope that is
    refused changes nothing, and does not hold up the others. A crash after this call loses the
    messages; use `receive_many` where that matters.
    """
    incoming, batches = _arrived(envelopes), _core.Batches(self._inner)
    placed = self._commits.write(lambda inside: batches.decrypt(inside, incoming))
    return [
        each if isinstance(each, E2EEError) else opened_message(sender, each)
        for (sender, _), each in zip(incoming, placed, strict=True)
    ]


def receive_many(
    self: Account, envelopes: Iterable[tuple[Address | str, Envelope | bytes]]
) -> list[Message | E2EEError]:
    """Decrypts many envelopes into the inbox, in one transaction.

    Each place holds the message, which waits in the inbox until `handled` is called for it, or the
    error that `receive` would raise: an envelope that is refused changes nothing, and does not hold
    up the others.
    """
    incoming, batches = _arrived(envelopes), _core.Batches(self._inner)
    placed = self._commits.write(lambda inside: batches.receive(inside, incoming))
    return [each if isinstance(each, E2EEError) else _waiting(each) for each in placed]


def _waiting(entry: Entry | None) -> Message | E2EEError:
    if entry is None:
        return handled_before()
    return message_of(entry)


def _addressed(messages: Iterable[tuple[Address | str, bytes]]) -> list[tuple[Address, bytes]]:
    addresses = _Addresses()
    return [(addresses[peer], plaintext) for peer, plaintext in messages]


def _arrived(
    envelopes: Iterable[tuple[Address | str, Envelope | bytes]],
) -> list[tuple[Address, bytes]]:
    addresses = _Addresses()
    return [(addresses[sender], encoded_of(envelope)) for sender, envelope in envelopes]


@final
class _Addresses(dict["Address | str", Address]):
    """The addresses of a batch, each of which is made and checked once."""

    def __missing__(self, peer: Address | str) -> Address:
        self[peer] = address_of(peer)
        return self[peer]
