# SPDX-License-Identifier: MIT OR Apache-2.0
"""What tests of rooms of Matrix accounts share."""

from __future__ import annotations

import binascii
import json
from typing import TYPE_CHECKING, Final

import e2ee
from e2ee import _matrix_bundles, matrix
from tests.stores.olm_people import ALICE, BOB, Standalone, introduced

if TYPE_CHECKING:
    from e2ee.store import Store

ROOM: Final = "!room/1:example.org"
CAROL: Final = e2ee.Address("@carol:example.org", "CAROLDEVICE")


def invite(room: e2ee.Group, sender: e2ee.Address, *readers: e2ee.Account) -> None:
    """Carries all invitations, through events, to those of the readers that they are for."""
    known = {reader.address: reader for reader in readers}
    for member, envelope in room.invitations():
        event = envelope.to_matrix()
        message = known[member].decrypt(sender, e2ee.Envelope.from_matrix(event))
        assert (message.content, message.group, message.plaintext) == ("invitation", ROOM, b"")


def acquainted(store: Store, bob: e2ee.Account) -> e2ee.Account:
    """Alice, of whom Bob knows both keys, and the other way round."""
    alice = introduced(store, bob)
    bob.connect(ALICE, alice.bundle())
    return alice


def shared(store: Store, bob: e2ee.Account) -> tuple[e2ee.Account, e2ee.Group]:
    """Alice and a room, whose key Bob has."""
    alice = introduced(store, bob)
    room = alice.create_group([BOB], id=ROOM)
    invite(room, ALICE, bob)
    return alice, room


def read(reader: e2ee.Account, sender: e2ee.Address, envelope: e2ee.Envelope) -> bytes:
    """The plaintext of a message to the room, carried as an event."""
    event = json.loads(json.dumps(envelope.to_matrix()))
    message = reader.decrypt(sender, e2ee.Envelope.from_matrix(event, room_id=ROOM))
    assert (message.content, message.group, message.sender) == ("group", ROOM, sender)
    return message.plaintext


def text_of(value: bytes) -> str:
    """Unpadded base64."""
    return _matrix_bundles.encoded_text(value)


def bytes_of(text: str) -> bytes:
    """The bytes of a text in base64."""
    return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)


def own_key(account: e2ee.Account) -> str:
    """The text of the Ed25519 key of an account."""
    keys = json.loads(account.bundle(reusable=True).to_bytes())["device_keys"]["keys"]
    return str(keys[f"ed25519:{account.device}"])


def signed(peer: Standalone, value: dict[str, object]) -> dict[str, object]:
    """An object under the signature of the peer."""
    signature = text_of(peer.account.sign(matrix.canonical_json(value)))
    return value | {"signatures": {BOB.user: {f"ed25519:{BOB.device}": signature}}}


def device_keys(peer: Standalone) -> dict[str, object]:
    """The signed keys of the peer, as a server has them."""
    keys = {
        f"curve25519:{BOB.device}": text_of(peer.account.identity_key),
        f"ed25519:{BOB.device}": text_of(peer.account.signing_key),
    }
    return signed(
        peer,
        {
            "user_id": BOB.user,
            "device_id": BOB.device,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
            "keys": keys,
        },
    )


def one_time_key(peer: Standalone) -> str:
    """The text of a fresh one-time key of the peer."""
    peer.account.generate_one_time_keys(1)
    (key,) = peer.account.one_time_keys.values()
    return text_of(key)
