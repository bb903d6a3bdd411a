# SPDX-License-Identifier: MIT OR Apache-2.0
"""Arguments that may be given in more than one form."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from e2ee.values import Address, Envelope, PreKeyBundle

if TYPE_CHECKING:
    from e2ee._sealed import SenderCertificate


def address_of(peer: Address | str) -> Address:
    """A peer, of whom the name alone means device 1."""
    return _first_device(peer) if isinstance(peer, str) else peer


@lru_cache(maxsize=1_024)
def _first_device(user: str) -> Address:
    """The address of a name that is used again and again."""
    return Address(user)


def encoded_of(value: Envelope | PreKeyBundle | SenderCertificate | bytes) -> bytes:
    """The bytes of a value."""
    return value if isinstance(value, bytes) else value.to_bytes()
