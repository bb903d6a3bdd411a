# SPDX-License-Identifier: MIT OR Apache-2.0
"""The protocols that accounts in stores speak, for tests that hold for each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import e2ee

if TYPE_CHECKING:
    from pathlib import Path

    from e2ee._protocols import ProtocolName
    from e2ee.store import Store


@final
@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol: its name, and the device that everybody has in a test."""

    name: ProtocolName
    device: int | str

    def address(self, user: str) -> e2ee.Address:
        """A user's device."""
        return e2ee.Address(user, self.device)

    def created(self, store: Store, user: str) -> e2ee.Account:
        """An account in an empty store."""
        return e2ee.Account.create(store, user, device=self.device, protocol=self.name)

    def opened(self, store: Store, user: str) -> e2ee.Account:
        """The account of a store; a new one, if the store is empty."""
        try:
            return e2ee.Account.open(store)
        except e2ee.StoreMissingError:
            return self.created(store, user)


def protocol_name(protocol: Protocol) -> str:
    """How a test's report calls a protocol."""
    return protocol.name


def peer_of(account: e2ee.Account, name: str = "bob") -> e2ee.Address:
    """Another user's device, for an account that speaks whatever it speaks."""
    return e2ee.Address(name, account.device)


SIGNAL: Final = Protocol("signal", 1)
OLM: Final = Protocol("olm", "DEVICE")
PROTOCOLS: Final = (SIGNAL, OLM)
#: A file with a protocol's name: who works in this folder, speaks it.
SPOKEN: Final = "protocol"


def speak(folder: Path, protocol: Protocol) -> None:
    """Says what the accounts in a folder speak."""
    (folder / SPOKEN).write_text(protocol.name)


def spoken_in(folder: Path) -> Protocol:
    """What the accounts in a folder speak: Signal, if nobody has said so."""
    place = folder / SPOKEN
    name = place.read_text() if place.exists() else SIGNAL.name
    (protocol,) = (each for each in PROTOCOLS if each.name == name)
    return protocol
