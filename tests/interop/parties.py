# SPDX-License-Identifier: MIT OR Apache-2.0
"""Those who talk: devices of this library and devices of the reference client, used alike."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, final

import e2ee
from tests.interop import bundle as bundles
from tests.interop import padding
from tests.interop.node import PeerError, result_of, to_bytes, to_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.interop.node import Node

#: Under which the core maps names that are no service ids (rust/signal/src/account/names.rs).
_NAMESPACE: Final = uuid.UUID("7b1e5c02-9a6d-4f43-b0d4-318f52c6aa19")
_VERSION: Final = 1
RATCHET: Final = 2
PREKEY: Final = 3
_DUPLICATE: Final = "DuplicatedMessage"
_UNTRUSTED: Final = "UntrustedIdentity"


@dataclass(frozen=True, slots=True)
class Who:
    """A device: the name that our applications use, the one on the wire, and the number."""

    name: str
    service: str
    device: int

    @classmethod
    def of_service(cls, service: str, device: int = 1) -> Who:
        """A user whose name is a service id."""
        return cls(service, service, device)

    @classmethod
    def of_name(cls, name: str, device: int = 1) -> Who:
        """A user with any other name, which the wire knows by a UUID made of it."""
        return cls(name, str(uuid.uuid5(_NAMESPACE, name)), device)

    @property
    def address(self) -> e2ee.Address:
        """As our accounts call it."""
        return e2ee.Address(self.name, self.device)

    @property
    def wire(self) -> list[str | int]:
        """As the peer calls it."""
        return [self.service, self.device]

    @property
    def service_bytes(self) -> bytes:
        """The service id in its variable binary form (signal.md §2.4)."""
        if self.service.startswith("PNI:"):
            return b"\x01" + uuid.UUID(self.service.removeprefix("PNI:")).bytes
        return uuid.UUID(self.service).bytes


@dataclass(frozen=True, slots=True)
class Wire:
    """A message as it travels: its kind (signal.md §2.4) and its bytes."""

    kind: int
    body: bytes

    def envelope(self) -> bytes:
        """As our applications carry it (docs/formats.md, "Envelope")."""
        return bytes([_VERSION, self.kind]) + self.body

    @classmethod
    def of(cls, envelope: e2ee.Envelope) -> Wire:
        """What is in one of our envelopes."""
        encoded = envelope.to_bytes()
        assert encoded[0] == _VERSION
        return cls(encoded[1], encoded[2:])


@dataclass(frozen=True, slots=True)
class Refusal:
    """That a message did not open: "duplicate", "untrusted" or "refused", and the error's text."""

    why: str
    text: str


class Party(Protocol):
    """A device that can talk."""

    who: Who
    ours: bool
    identity_key: bytes

    def bundle(self, *, reusable: bool) -> bytes:
        """Keys for a session with this device, as one of our bundles."""

    def connect(self, peer: Who, bundle: bytes) -> None:
        """Starts a session."""

    def encrypt(self, peer: Who, plaintexts: list[bytes]) -> list[Wire]:
        """The messages, one after the other."""

    def decrypt(self, sender: Who, messages: list[Wire]) -> list[bytes | Refusal]:
        """What is in the messages, opened one after the other."""

    def trust(self, peer: Who, bundle: bytes) -> None:
        """Accepts a peer's new identity, and starts a session under it."""


@final
class Ours:
    """A device of this library, with a store in memory."""

    def __init__(self, who: Who) -> None:
        self.who = who
        self.ours = True
        self.account = e2ee.Account.create(e2ee.MemoryStore(), who.name, device=who.device)
        self.identity_key = self.account.identity_key

    def bundle(self, *, reusable: bool) -> bytes:
        """Keys for a session with this device."""
        return self.account.bundle(reusable=reusable).to_bytes()

    def connect(self, peer: Who, bundle: bytes) -> None:
        """Starts a session."""
        self.account.connect(peer.address, bundle)

    def encrypt(self, peer: Who, plaintexts: list[bytes]) -> list[Wire]:
        """The messages, one after the other."""
        return [Wire.of(self.account.encrypt(peer.address, each)) for each in plaintexts]

    def decrypt(self, sender: Who, messages: list[Wire]) -> list[bytes | Refusal]:
        """What is in the messages, opened one after the other."""
        return [self.opened(partial(self._receive, sender, each)) for each in messages]

    def _receive(self, sender: Who, message: Wire) -> bytes:
        with self.account.receive(sender.address, message.envelope()) as received:
            assert received.content == "message"
            assert received.sender == sender.address
            return received.plaintext

    @staticmethod
    def opened(work: Callable[[], bytes]) -> bytes | Refusal:
        """What `work` gives, or its refusal."""
        try:
            return work()
        except e2ee.DuplicateMessageError as error:
            return Refusal("duplicate", repr(error))
        except e2ee.UntrustedIdentityError as error:
            return Refusal("untrusted", repr(error))
        except e2ee.E2EEError as error:
            return Refusal("refused", repr(error))

    def trust(self, peer: Who, bundle: bytes) -> None:
        """Accepts a peer's new identity, and starts a session under it."""
        self.account.accept_identity(peer.address, bundle)


@final
class Theirs:
    """A device of the reference client, which pads what it says as applications do."""

    def __init__(self, node: Node, who: Who, registration: int, block: int) -> None:
        self.who = who
        self.ours = False
        self.node = node
        self.name = uuid.uuid4().hex
        self._block = block
        identity = self.call("create", address=who.wire, registration=registration)
        self.identity_key = to_bytes(identity)

    def call(self, op: str, **arguments: Any) -> Any:  # noqa: ANN401 (JSON has any shape)
        """An operation of this client."""
        return self.node.call(op, client=self.name, **arguments)

    def bundle(self, *, reusable: bool) -> bytes:
        """Keys for a session with this device, as one of our bundles."""
        return bundles.from_fields(self.call("bundle", reusable=reusable))

    def connect(self, peer: Who, bundle: bytes) -> None:
        """Starts a session."""
        self.call("connect", peer=peer.wire, bundle=bundles.to_fields(bundle))

    def encrypt(
        self, peer: Who, plaintexts: list[bytes], boundary: int = padding.DIRECT
    ) -> list[Wire]:
        """The messages, one after the other."""
        padded = [self.padded(each, boundary) for each in plaintexts]
        made = self.call("encrypt", peer=peer.wire, plaintexts=padded)
        return [Wire(kind, to_bytes(body)) for kind, body in made]

    def padded(self, plaintext: bytes, boundary: int = padding.DIRECT) -> str:
        """A plaintext as it is encrypted, for the peer."""
        return to_text(padding.pad(plaintext, boundary, self._block))

    def decrypt(
        self, sender: Who, messages: list[Wire], boundary: int = padding.DIRECT
    ) -> list[bytes | Refusal]:
        """What is in the messages, opened one after the other."""
        encoded = [[each.kind, to_text(each.body)] for each in messages]
        replies = self.call("decrypt", peer=sender.wire, messages=encoded)
        return [self.received(reply, boundary) for reply in replies]

    @staticmethod
    def received(reply: dict[str, Any], boundary: int = padding.DIRECT) -> bytes | Refusal:
        """The content in a reply, or its refusal."""
        try:
            found, content = padding.unpad(to_bytes(result_of(reply)))
        except PeerError as error:
            why = {_DUPLICATE: "duplicate", _UNTRUSTED: "untrusted"}.get(error.name, "refused")
            return Refusal(why, str(error))
        assert found == boundary
        return content

    def archive(self, peer: Who) -> None:
        """Ends the current session by hand."""
        self.call("archive", peer=peer.wire)

    def trust(self, peer: Who, bundle: bytes) -> None:
        """Accepts a peer's new identity, and starts a session under it."""
        self.call("trust", peer=peer.wire)
        self.connect(peer, bundle)

    def drop(self) -> None:
        """Lets the peer forget this client."""
        self.call("drop")
