# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an account of Olm shows its owner beside what every account shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import e2ee

if TYPE_CHECKING:
    from tests.operator.owner import Shown


def of_olm_account() -> Shown:
    """The calls that only Matrix has, and a message between two devices."""
    alice, bob = (
        e2ee.Account.create(e2ee.MemoryStore(), user, device="DEV", protocol="olm")
        for user in ("@alice:example.org", "@bob:example.org")
    )
    upload = alice.generate_keys(2, fallback=True)
    alice.mark_keys_as_published()
    bob.connect(alice.address, alice.bundle())
    bob.mark_verified(alice.address, alice.identity_key)
    envelope = bob.encrypt(alice.address, b"text")
    ciphertext = envelope.to_matrix()
    return {
        ("Account", "generate_keys"): [alice.bundle(), alice.bundle(reusable=True)],
        ("Account", "mark_keys_as_published"): [alice.identity_key, alice.contacts()],
        ("Account", "mark_verified"): bob.contacts(),
        ("Account", "sign_object"): alice.sign_object({"text": "text"}),
        ("Envelope", "to_matrix"): ciphertext,
        ("Envelope", "from_matrix"): e2ee.Envelope.from_matrix(ciphertext),
        ("KeyUpload", "device_keys"): upload.device_keys,
        ("KeyUpload", "one_time_keys"): upload.one_time_keys,
        ("KeyUpload", "fallback_keys"): upload.fallback_keys,
    }
