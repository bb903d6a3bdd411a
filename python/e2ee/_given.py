# SPDX-License-Identifier: MIT OR Apache-2.0
"""Arguments that may be given in more than one form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2ee.values import Address, Envelope, PreKeyBundle

if TYPE_CHECKING:
    from e2ee._sealed import SenderCertificate


def address_of(peer: Address | str) -> Address:
    """A peer, of whom the name alone means device 1."""
    return Address(peer) if isinstance(peer, str) else peer


def encoded_of(value: Envelope | PreKeyBundle | SenderCertificate | bytes) -> bytes:
    """The bytes of a value."""
    return value if isinstance(value, bytes) else value.to_bytes()
