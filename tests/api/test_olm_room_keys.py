# SPDX-License-Identifier: MIT OR Apache-2.0
"""Keys of rooms that come from elsewhere and go there (olm_megolm.md §5, §7 and §8)."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
import e2ee.aio
from e2ee import matrix, olm
from tests.api.olm_rooms import (
    CAROL,
    ROOM,
    acquainted,
    bytes_of,
    device_keys,
    invite,
    one_time_key,
    own_key,
    read,
    shared,
    signed,
    text_of,
)
from tests.stores.kinds import KINDS, kind_name
from tests.stores.olm_people import ALICE, BOB, Standalone, created

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2ee.store import RekeyableStore, Store

OTHER: Final = bytes(31) + b"\x01"


@pytest.fixture
def bob() -> e2ee.Account:
    return created(BOB)


@pytest.fixture(params=KINDS, ids=kind_name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RekeyableStore]:
    kind: Callable[[Path], RekeyableStore] = request.param
    with closing(kind(tmp_path)) as made:
        yield made


@pytest.fixture
def alice(store: Store, bob: e2ee.Account) -> e2ee.Account:
    return acquainted(store, bob)


def test_a_key_is_taken_in_from_its_sender_for_this_device_alone(
    alice: e2ee.Account, bob: e2ee.Account
) -> None:
    session = olm.OutboundGroupSession.create(olm.StateKey(bytes(32)))
    room_key = {
        "type": "m.room_key",
        "content": {
            "algorithm": "m.megolm.v1.aes-sha2",
            "room_id": ROOM,
            "session_id": text_of(session.session_id),
            "session_key": text_of(session.session_key()),
        },
        "sender": BOB.user,
        "sender_device_keys": {"unsigned": {"device_display_name": 'Bob\'s "phone" \\'}},
        "keys": {"ed25519": own_key(bob)},
        "recipient": ALICE.user,
        "recipient_keys": {"ed25519": own_key(alice)},
    }
    wrong = {
        "sender": CAROL.user,
        "recipient": BOB.user,
        "recipient_keys": {"ed25519": own_key(bob)},
    }

    for name, value in wrong.items():
        envelope = bob.encrypt(ALICE, json.dumps(room_key | {name: value}).encode())
        with pytest.raises(e2ee.AuthenticationError):
            alice.decrypt(BOB, envelope)
    with pytest.raises(e2ee.UntrustedIdentityError):
        alice.decrypt(
            BOB,
            bob.encrypt(
                ALICE, json.dumps(room_key | {"keys": {"ed25519": own_key(alice)}}).encode()
            ),
        )
    plain = alice.decrypt(BOB, bob.encrypt(ALICE, b'{"type": "m.dummy"}'))
    assert (plain.content, plain.plaintext) == ("message", b'{"type": "m.dummy"}')
    assert alice.groups() == []
    taken = alice.decrypt(BOB, bob.encrypt(ALICE, json.dumps(room_key).encode()))
    assert (taken.content, taken.group) == ("invitation", ROOM)
    event = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "session_id": text_of(session.session_id),
        "ciphertext": text_of(session.encrypt(b"text").release()),
    }
    envelope = e2ee.Envelope.from_matrix(event, room_id=ROOM)
    assert alice.decrypt(BOB, envelope).plaintext == b"text"
    assert envelope.to_matrix() == event


def test_a_device_that_its_owner_saves_itself_reads_what_we_write(store: Store) -> None:
    alice = created(ALICE, store)
    peer = Standalone(alice)
    alice.decrypt(BOB, peer.encrypt(b"Hello."))
    room = alice.create_group([BOB], id=ROOM)

    assert room.invitations() == []
    assert room.pending == (BOB,)
    own = alice.contacts()[0]
    assert own.signing_key is None
    one_time = {"signed_curve25519:AAAA": signed(peer, {"key": one_time_key(peer)})}
    alice.connect(BOB, matrix.make_bundle(device_keys(peer), one_time))
    ((_, invitation),) = room.invitations()
    state, step = olm.Session.accept(
        peer.key, peer.account, alice.identity_key, invitation.to_bytes()[2:]
    )
    payload = json.loads(step.release())
    assert state.session_id
    assert payload["keys"] == {"ed25519": own_key(alice)}
    assert payload["recipient_keys"] == {"ed25519": text_of(peer.account.signing_key)}
    assert (payload["sender"], payload["recipient"]) == (ALICE.user, BOB.user)
    key = bytes_of(payload["content"]["session_key"])
    inbound, saved = olm.InboundGroupSession.accept(peer.key, key)
    saved.release()
    event = room.encrypt(b"text").to_matrix()
    assert event["session_id"] == payload["content"]["session_id"]
    assert (event["device_id"], event["sender_key"]) == (ALICE.device, text_of(alice.identity_key))
    message = bytes_of(str(event["ciphertext"]))
    assert inbound.decrypt(message, "$event").release() == (0, b"text")


def test_keys_go_into_a_file_and_a_backup_and_come_back(store: Store, bob: e2ee.Account) -> None:
    alice, room = shared(store, bob)
    texts = [room.encrypt(b"%d" % number) for number in range(3)]
    assert alice.export_room_keys() == []
    keys = bob.export_room_keys()
    file = matrix.seal_key_export(keys, "passphrase", rounds=100_000)
    key = matrix.BackupKey.generate()
    kept = matrix.seal_backup(key.public_key, keys[0])

    carol = created(CAROL)
    report = carol.import_room_keys(matrix.open_key_export(file, "passphrase"))
    again = carol.import_room_keys([matrix.open_backup(key, kept)])

    assert (report.new, report.known, report.refused) == (1, 0, {})
    assert (again.new, again.known, again.refused) == (0, 1, {})
    assert carol.export_room_keys() == keys == carol.export_room_keys(ROOM)
    assert carol.export_room_keys("!other:example.org") == []
    message = carol.decrypt(ALICE, texts[1])
    assert (message.content, message.group, message.plaintext) == ("forwarded", ROOM, b"1")
    with pytest.raises(e2ee.DuplicateMessageError):
        carol.decrypt(ALICE, texts[1])
    # The key comes from its owner: now it is known whose it is.
    alice.connect(CAROL, carol.bundle())
    room.add(CAROL)
    invite(room, ALICE, carol)
    assert read(carol, ALICE, texts[0]) == b"0"
    assert keys[0]["sender_claimed_keys"] == {"ed25519": own_key(alice)}


def test_keys_that_are_none_are_refused_by_their_places(store: Store, bob: e2ee.Account) -> None:
    shared(store, bob)
    (good,) = bob.export_room_keys()
    wrong: list[dict[str, object]] = [
        good | {"algorithm": "m.megolm.v2"},
        good | {"session_key": "AAAA"},
        good | {"session_id": text_of(bytes(32))},
        good | {"room_id": ""},
        good | {"sender_key": "AAAA"},
        {name: value for name, value in good.items() if name != "session_key"},
        good | {"forwarding_curve25519_key_chain": [good["sender_key"]] * 17},
    ]
    carol = created(CAROL)

    report = carol.import_room_keys([*wrong, good])

    assert (report.new, report.known) == (1, 0)
    assert list(report.refused) == list(range(len(wrong)))
    assert isinstance(report.refused[0], e2ee.UnsupportedVersionError)
    assert carol.export_room_keys() == [good]


@pytest.mark.parametrize(
    "change",
    [
        {"session_id": "AAAA"},
        {"session_id": None},
        {"ciphertext": 1},
        {"ciphertext": "*"},
        {"sender_key": "AAAA"},
        {"device_id": 1},
        {"device_id": "x" * 256},
    ],
)
def test_an_event_that_is_no_message_to_a_room_is_malformed(change: dict[str, object]) -> None:
    event = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "session_id": text_of(bytes(32)),
        "ciphertext": text_of(b"message"),
    }
    assert e2ee.Envelope.from_matrix(event, room_id=ROOM).kind == "group"

    with pytest.raises(e2ee.MalformedMessageError):
        e2ee.Envelope.from_matrix(event | change, room_id=ROOM)
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.Envelope.from_matrix(event)
