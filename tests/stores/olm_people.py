# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two devices of Matrix whose accounts are in stores, and one that its owner saves itself."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Final, final

import e2ee
from e2ee import _matrix_bundles, olm

if TYPE_CHECKING:
    from e2ee.store import Store

ALICE: Final = e2ee.Address("@alice:example.org", "JLAFKJWSCS")
BOB: Final = e2ee.Address("@bob:example.org", "ABC DEF")


def created(address: e2ee.Address, store: Store | None = None) -> e2ee.Account:
    """An account of Olm; in memory, if no store is given."""
    given = e2ee.MemoryStore() if store is None else store
    return e2ee.Account.create(given, address.user, device=address.device, protocol="olm")


def introduced(store: Store, bob: e2ee.Account) -> e2ee.Account:
    """Alice, who has a session with Bob."""
    alice = created(ALICE, store)
    alice.connect(BOB, bob.bundle())
    bob.decrypt(ALICE, alice.encrypt(BOB, b"Hello."))
    alice.decrypt(BOB, bob.encrypt(ALICE, b"Hello."))
    return alice


@final
class Standalone:
    """A device as `e2ee.olm` has it, which speaks with Alice."""

    def __init__(self, alice: e2ee.Account) -> None:
        self.key = olm.StateKey(secrets.token_bytes(32))
        self.account = olm.Account.generate()
        bundle = json.loads(alice.bundle().to_bytes())
        keys = bundle["device_keys"]["keys"]
        (one_time,) = bundle["one_time_keys"].values()
        self.session = olm.Session.initiate(
            self.key,
            self.account,
            identity_key=_matrix_bundles.decoded_key(keys[f"curve25519:{ALICE.device}"]),
            one_time_key=_matrix_bundles.decoded_key(one_time["key"]),
        )

    def encrypt(self, text: bytes) -> e2ee.Envelope:
        """What a client puts into an event, as Alice's client reads it there."""
        step = self.session.encrypt(text)
        body = _matrix_bundles.encoded_text(step.release())
        return e2ee.Envelope.from_matrix({"type": step.kind, "body": body})

    def decrypt(self, envelope: e2ee.Envelope) -> bytes:
        """The text of what Alice's client has put into an event."""
        ciphertext = envelope.to_matrix()
        message = envelope.to_bytes()[2:]
        return self.session.decrypt(int(ciphertext["type"]), message).release()
