# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an account of Olm shows its owner beside what every account shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import e2ee
from e2ee.store import examine

if TYPE_CHECKING:
    from tests.operator.owner import Shown


def of_olm_account() -> Shown:
    """The calls that only Matrix has, and a message between two devices."""
    store = e2ee.MemoryStore()
    alice, bob = (
        e2ee.Account.create(place, user, device="DEV", protocol="olm")
        for place, user in ((store, "@alice:example.org"), (e2ee.MemoryStore(), "@bob:example.org"))
    )
    upload = alice.generate_keys(2, fallback=True)
    alice.mark_keys_as_published()
    bob.connect(alice.address, alice.bundle())
    bob.mark_verified(alice.address, alice.identity_key)
    envelope = bob.encrypt(alice.address, b"text")
    ciphertext = envelope.to_matrix()
    room = bob.create_group([alice.address], id="!room:example.org")
    room.rotate_after(messages=2)
    alice.decrypt(bob.address, room.invitations()[0][1])
    keys = alice.export_room_keys()
    report = alice.import_room_keys(keys)
    counted = examine(store).one_time_keys
    assert counted is not None
    return {
        ("Account", "export_room_keys"): [json.dumps(key) for key in keys],
        ("Account", "import_room_keys"): repr(report),
        ("Group", "rotate_after"): [room.encrypt(b"text"), room.id, room.pending],
        ("RoomKeyReport", "new"): report.new,
        ("RoomKeyReport", "known"): report.known,
        ("RoomKeyReport", "refused"): repr(report.refused),
        ("OneTimeKeyState", "one_time"): counted.one_time,
        ("OneTimeKeyState", "unpublished"): counted.unpublished,
        ("OneTimeKeyState", "fallback"): counted.fallback,
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
