# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two devices with an Olm session between them, whose owner saves it in a dictionary."""

from __future__ import annotations

import secrets

from e2ee import olm

PREKEY, NORMAL = 0, 1
PARTS = ("head", "chains", "skipped")

Rows = dict[str, tuple[int, bytes]]


def one_time_key(account: olm.Account) -> bytes:
    """A fresh one-time key, published."""
    account.generate_one_time_keys(1)
    (key,) = account.one_time_keys.values()
    account.mark_keys_as_published()
    return key


class Pair:
    """Two devices with a session between them, saved in two dictionaries."""

    def __init__(self) -> None:
        self.key = olm.StateKey(secrets.token_bytes(32))
        self.alice, self.bob = olm.Account.generate(), olm.Account.generate()
        self.sending = olm.Session.initiate(
            self.key,
            self.alice,
            identity_key=self.bob.identity_key,
            one_time_key=one_time_key(self.bob),
        )
        self.saved: Rows = {}
        self.first = self.send(b"first")
        self.receiving, step = olm.Session.accept(
            self.key, self.bob, self.alice.identity_key, self.first
        )
        assert step.release() == b"first"

    def send(self, plaintext: bytes) -> bytes:
        """Encrypts on Alice's session, and saves."""
        step = self.sending.encrypt(plaintext)
        self.saved.update(step.writes)
        return step.release()

    def answer(self) -> None:
        """A message from Bob, which ends the start."""
        answer = self.receiving.encrypt(b"answer")
        step = self.sending.decrypt(NORMAL, answer.release())
        self.saved.update(step.writes)
        assert step.release() == b"answer"

    def load(self, saved: Rows) -> olm.Session:
        """Alice's session as it was saved."""
        return olm.Session.load(self.key, (self.sending.name, [saved[part] for part in PARTS]))
