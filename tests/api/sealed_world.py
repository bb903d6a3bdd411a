# SPDX-License-Identifier: MIT OR Apache-2.0
"""An operator who certifies senders, and two people who have talked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import e2ee
from e2ee import signal

HOUR = timedelta(hours=1)


class World:
    """An operator, and Alice and Bob, who have talked."""

    def __init__(self) -> None:
        self.root = signal.TrustRoot.generate()
        self.signer = self.root.server_signer(7)
        self.roots = [self.root.public_key]
        self.alice, self.bob = (account(name) for name in ("alice", "bob"))
        self.alice.connect("bob", self.bob.bundle())
        self.bob.decrypt("alice", self.alice.encrypt("bob", b"first"))
        self.alice.decrypt("bob", self.bob.encrypt("alice", b"answer"))

    def certify(
        self, sender: e2ee.Account, lifetime: timedelta = HOUR, **other: object
    ) -> signal.SenderCertificate:
        """A certificate for an account, or for something close to it."""
        what = {"user": sender.user, "device": sender.device, "identity_key": sender.identity_key}
        return self.signer.issue(**(what | other), expires=datetime.now(UTC) + lifetime)  # type: ignore[arg-type]

    def sealed(self, plaintext: bytes, sender: e2ee.Account | None = None) -> e2ee.Envelope:
        """A sealed message to Bob."""
        sender = sender or self.alice
        return sender.encrypt_sealed("bob", plaintext, self.certify(sender))

    def opened(self, envelope: e2ee.Envelope | bytes) -> e2ee.Message:
        """What Bob sees."""
        return self.bob.decrypt_sealed(envelope, trust_roots=self.roots)


def account(name: str, device: int = 1) -> e2ee.Account:
    """An account in memory."""
    return e2ee.Account.create(e2ee.MemoryStore(), name, device=device)
