# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who certifies senders, in either implementation, and how their messages are sealed and opened."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from e2ee import signal
from tests.interop.node import PeerError, to_bytes, to_text
from tests.interop.parties import Ours, Refusal, Theirs, Wire

if TYPE_CHECKING:
    import e2ee
    from tests.interop.parties import Party, Who
    from tests.interop.world import World

SEALED: Final = 6
_HINTS: Final = (0, 1, 2)
_RATCHET_KINDS: Final = (2, 3)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificates:
    """A trust root, and a certificate for each device that sends."""

    root: bytes
    issued: dict[Who, bytes]

    @classmethod
    def by_ours(cls, world: World, senders: list[Party]) -> Certificates:
        """Issued by this library."""
        root = signal.TrustRoot.generate()
        signer = root.server_signer(world.random.randint(1, 1_000))
        expires = datetime.now(UTC) + _DAY
        return cls(
            root.public_key,
            {
                each.who: signer.issue(
                    each.who.name, each.who.device, each.identity_key, expires
                ).to_bytes()
                for each in senders
            },
        )

    @classmethod
    def by_theirs(
        cls, world: World, senders: list[Party], valid_for: timedelta = _DAY
    ) -> Certificates:
        """Issued by the reference client; not valid any more if the time is negative."""
        name = uuid.uuid4().hex
        root = world.node.call("authority", name=name, id=world.random.randint(1, 1_000))
        issue = partial(world.node.call, "issue", name=name, expires=_milliseconds(valid_for))
        return cls(
            to_bytes(root),
            {
                each.who: to_bytes(
                    issue(address=each.who.wire, identity=to_text(each.identity_key))
                )
                for each in senders
            },
        )

    @classmethod
    def by_any(cls, world: World, senders: list[Party]) -> Certificates:
        """Issued by one of the two."""
        by_ours = world.random.random() < 0.5
        world.note(f"certificates by {'ours' if by_ours else 'theirs'}")
        return cls.by_ours(world, senders) if by_ours else cls.by_theirs(world, senders)


def seal(
    sender: Party, receiver: Who, content: bytes, certificate: bytes, *, many: bool = False
) -> Wire:
    """A message to one device, in version 1; or theirs in the version that is made for many."""
    if isinstance(sender, Ours):
        return Wire.of(sender.account.encrypt_sealed(receiver.address, content, certificate))
    assert isinstance(sender, Theirs)
    sealed = sender.call(
        "sealForMany" if many else "seal",
        excluded=[],
        peers=[receiver.wire],
        plaintext=sender.padded(content),
        certificate=to_text(certificate),
        hint=_HINTS[len(content) % len(_HINTS)],
    )
    if many:
        sealed = sender.node.call("receivedForm", sent=sealed)
    return Wire(SEALED, to_bytes(sealed))


def open_sealed(
    receiver: Party,
    sender: Who,
    sealed: Wire,
    roots: list[bytes],
    *,
    later: timedelta | None = None,
) -> bytes | Refusal:
    """What is in a sealed message, which must be of this sender.

    Args:
        receiver: Who opens it.
        sender: Who must have sent it.
        sealed: The message.
        roots: Whose word is taken.
        later: How far ahead the clock of a reference client is.
    """
    if isinstance(receiver, Ours):
        return Ours.opened(partial(_open_as_ours, receiver, sender, sealed, roots))
    assert isinstance(receiver, Theirs)
    try:
        opened: dict[str, Any] = receiver.call(
            "openSealed",
            sealed=to_text(sealed.body),
            roots=[to_text(root) for root in roots],
            now=_milliseconds(later or timedelta()),
        )
    except PeerError as error:
        return Theirs.received({"error": error.name, "code": error.code, "message": str(error)})
    assert opened["sender"] == sender.wire
    return Theirs.received({"ok": opened["plaintext"]})


def _open_as_ours(receiver: Ours, sender: Who, sealed: Wire, roots: list[bytes]) -> bytes:
    with receiver.account.receive_sealed(sealed.envelope(), trust_roots=roots) as message:
        assert message.sender in {sender.address, _by_service(sender)}
        return message.plaintext


def _by_service(sender: Who) -> e2ee.Address:
    """How an account calls a sender whose name it does not know."""
    return type(sender.address)(sender.service, sender.device)


def _milliseconds(ahead: timedelta) -> int:
    return int((datetime.now(UTC) + ahead).timestamp() * 1000)
