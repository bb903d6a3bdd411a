# SPDX-License-Identifier: MIT OR Apache-2.0
"""What two clients of matrix-nio do with each other, over whichever `vodozemac` is imported.

Its source distribution brings no tests; these drive its own machine, sessions and verification.
`tests/interop/matrix_tests.py` runs them in a process of their own, once with each.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import vodozemac
from nio.crypto import (
    InboundGroupSession,
    InboundSession,
    OlmAccount,
    OlmDevice,
    OutboundGroupSession,
    OutboundSession,
    Sas,
    Session,
)
from nio.crypto.olm_machine import Olm
from nio.events import (
    KeyVerificationAccept,
    KeyVerificationKey,
    KeyVerificationMac,
    KeyVerificationStart,
    MegolmEvent,
    OlmEvent,
)
from nio.exceptions import EncryptionError
from nio.responses import KeysClaimResponse, KeysQueryResponse
from nio.store import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

ROOM = "!room:example.org"
PICKLE_KEY = "pickle key"


def machine(folder: Path, name: str) -> Any:  # noqa: ANN401 (its types are not known here)
    """A device, from its files if there are any."""
    user, device = f"@{name}:example.org", f"{name.upper()}DEVICE"
    return Olm(user, device, SqliteStore(user, device, str(folder), pickle_key=PICKLE_KEY))


def upload(device: Any) -> dict[str, Any]:  # noqa: ANN401
    """What a device sends to its server."""
    device.uploaded_key_count = 0
    keys: dict[str, Any] = device.share_keys()
    device.mark_keys_as_published()
    return keys


def introduce(device: Any, other: Any, keys: dict[str, Any]) -> None:  # noqa: ANN401
    """The device learns of the other one from the server, and trusts it."""
    answer = {"device_keys": {other.user_id: {other.device_id: keys["device_keys"]}}}
    device.handle_response(KeysQueryResponse.from_dict(answer | {"failures": {}}))
    device.verify_device(device.device_store[other.user_id][other.device_id])


def claim(device: Any, other: Any, keys: dict[str, Any]) -> None:  # noqa: ANN401
    """The device takes a one-time key of the other one from the server."""
    name, key = next(iter(keys["one_time_keys"].items()))
    answer = {"one_time_keys": {other.user_id: {other.device_id: {name: key}}}, "failures": {}}
    device.handle_response(KeysClaimResponse.from_dict(answer, ROOM))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Any, Any]:
    """Two devices that know each other; the first has a session with the second."""
    alice, bob = machine(tmp_path, "alice"), machine(tmp_path, "bob")
    keys = upload(bob)
    introduce(alice, bob, keys)
    introduce(bob, alice, upload(alice))
    claim(alice, bob, keys)
    return alice, bob


def share(sender: Any, receiver: Any) -> None:  # noqa: ANN401
    """The sender's room key goes to the receiver through their session."""
    _, request = sender.share_group_session(ROOM, [receiver.user_id])
    sender.outbound_group_sessions[ROOM].mark_as_shared()
    content = request["messages"][receiver.user_id][receiver.device_id]
    event = {"sender": sender.user_id, "type": "m.room.encrypted", "content": content}
    receiver.handle_to_device_event(OlmEvent.from_dict(json.loads(json.dumps(event))))


def written(sender: Any, body: str, number: int = 0) -> Any:  # noqa: ANN401
    """A message of the room, as its server hands it out."""
    message = {"type": "m.room.message", "content": {"msgtype": "m.text", "body": body}}
    return MegolmEvent.from_dict(
        {
            "event_id": f"$event{number}",
            "sender": sender.user_id,
            "origin_server_ts": number,
            "type": "m.room.encrypted",
            "room_id": ROOM,
            "content": sender.group_encrypt(ROOM, message),
        }
    )


def test_a_message_of_a_room_is_read(pair: tuple[Any, Any]) -> None:
    alice, bob = pair
    share(alice, bob)

    read = bob.decrypt_megolm_event(written(alice, "Meet me at noon."))

    assert (read.body, read.verified) == ("Meet me at noon.", True)


def test_the_answer_goes_through_the_session_that_was_started(pair: tuple[Any, Any]) -> None:
    alice, bob = pair
    share(alice, bob)
    share(bob, alice)

    assert alice.decrypt_megolm_event(written(bob, "I will.")).body == "I will."


def test_devices_go_on_from_their_files(pair: tuple[Any, Any], tmp_path: Path) -> None:
    alice, bob = pair
    share(alice, bob)
    before = written(alice, "before")

    bob = machine(tmp_path, "bob")
    assert bob.decrypt_megolm_event(before).body == "before"
    alice = machine(tmp_path, "alice")
    share(bob, alice)

    assert alice.decrypt_megolm_event(written(bob, "after")).body == "after"


def test_messages_of_a_room_come_in_any_order(pair: tuple[Any, Any]) -> None:
    alice, bob = pair
    share(alice, bob)
    events = [written(alice, str(number), number) for number in range(20)]

    read = [bob.decrypt_megolm_event(event).body for event in reversed(events)]

    assert read == [str(number) for number in reversed(range(20))]


def test_a_message_of_a_room_that_comes_again_is_refused(pair: tuple[Any, Any]) -> None:
    alice, bob = pair
    share(alice, bob)
    first = written(alice, "text", 1)
    again = MegolmEvent.from_dict(first.source | {"event_id": "$another"})
    bob.decrypt_megolm_event(first)

    with pytest.raises(EncryptionError, match="replay"):
        bob.decrypt_megolm_event(again)


@pytest.mark.parametrize("place", [0, 10, -70, -1])
def test_an_altered_message_of_a_room_is_refused(pair: tuple[Any, Any], place: int) -> None:
    alice, bob = pair
    share(alice, bob)
    event = written(alice, "text")
    text = list(event.ciphertext)
    text[place] = "B" if text[place] != "B" else "C"
    event.ciphertext = "".join(text)

    with pytest.raises(EncryptionError):
        bob.decrypt_megolm_event(event)


def test_a_session_that_lost_its_way_is_noticed(pair: tuple[Any, Any]) -> None:
    alice, bob = pair
    share(alice, bob)
    curve_key = bob.account.identity_keys["curve25519"]
    content = alice._olm_encrypt(  # noqa: SLF001
        alice.session_store.get(curve_key),
        alice.device_store[bob.user_id][bob.device_id],
        "m.dummy",
        {},
    )
    body = content["ciphertext"][curve_key]["body"]
    content["ciphertext"][curve_key]["body"] = body[:-1] + ("A" if body[-1] != "A" else "Q")
    event = {"sender": alice.user_id, "type": "m.room.encrypted", "content": content}

    assert bob.handle_to_device_event(OlmEvent.from_dict(event)) is None


def test_keys_of_rooms_go_through_a_file(pair: tuple[Any, Any], tmp_path: Path) -> None:
    alice, bob = pair
    share(alice, bob)
    event = written(alice, "text")
    bob.export_keys(str(tmp_path / "keys"), "passphrase", 1_000)
    carol = machine(tmp_path, "carol")

    carol.import_keys(str(tmp_path / "keys"), "passphrase")

    assert carol.decrypt_megolm_event(event).body == "text"


def test_signed_objects_are_verified(pair: tuple[Any, Any]) -> None:
    alice, _ = pair
    signed: dict[str, Any] = {"one": 1}
    name = f"ed25519:{alice.device_id}"
    signed["signatures"] = {alice.user_id: {name: alice.sign_json({"one": 1})}}
    key = alice.account.identity_keys["ed25519"]

    assert alice.verify_json(dict(signed), key, alice.user_id, alice.device_id)
    changed = {**signed, "one": 2}
    assert not alice.verify_json(changed, key, alice.user_id, alice.device_id)


def sessions() -> tuple[Any, Any, Any]:
    """Both ends of a session, and the account of the second."""
    alice, bob = OlmAccount(), OlmAccount()
    bob.generate_one_time_keys(1)
    (key,) = bob.one_time_keys["curve25519"].values()
    ours = OutboundSession(alice, bob.identity_keys["curve25519"], key)
    first = ours.encrypt("first")
    theirs = InboundSession(bob, first, alice.identity_keys["curve25519"])
    assert theirs.decrypt(first) == "first"
    bob.mark_keys_as_published()
    return ours, theirs, bob


def test_sessions_go_on_from_their_pickles() -> None:
    ours, theirs, _ = sessions()

    for number in range(10):
        assert ours.decrypt(theirs.encrypt(f"there {number}")) == f"there {number}"
        now = ours.creation_time
        ours = Session.from_pickle(ours.pickle(PICKLE_KEY), now, PICKLE_KEY)
        theirs = Session.from_pickle(theirs.pickle(PICKLE_KEY), now, PICKLE_KEY)
        assert theirs.decrypt(ours.encrypt(f"back {number}")) == f"back {number}"


def test_messages_of_two_come_in_any_order() -> None:
    ours, theirs, _ = sessions()
    messages = [theirs.encrypt(str(number)) for number in range(30)]

    read = [ours.decrypt(message) for message in reversed(messages)]

    assert read == [str(number) for number in reversed(range(30))]
    with pytest.raises(vodozemac.OlmDecryptionException):
        ours.decrypt(messages[3])


def test_an_account_goes_on_from_its_pickle() -> None:
    account = OlmAccount()
    account.generate_one_time_keys(5)

    again = OlmAccount.from_pickle(account.pickle(PICKLE_KEY), PICKLE_KEY)

    assert again.identity_keys == account.identity_keys
    assert again.one_time_keys == account.one_time_keys
    with pytest.raises(vodozemac.LibolmPickleException):
        OlmAccount.from_pickle(account.pickle(PICKLE_KEY), "another")


def test_sessions_of_rooms_go_on_from_their_pickles() -> None:
    own = OutboundGroupSession()
    reader = InboundGroupSession(own.session_key, "signing", "sender", ROOM)
    own.mark_as_shared()
    first = own.encrypt("first")
    own = OutboundGroupSession.from_pickle(own.pickle(PICKLE_KEY), PICKLE_KEY)
    own.mark_as_shared()
    pickled = reader.pickle(PICKLE_KEY)
    reader = InboundGroupSession.from_pickle(pickled, "signing", "sender", ROOM, PICKLE_KEY)
    later = InboundGroupSession.import_session(reader.export_session(1), "s", "s", ROOM)
    second = own.encrypt("second")

    assert reader.decrypt(first) == ("first", 0)
    assert (reader.decrypt(second), later.decrypt(second)) == (("second", 1), ("second", 1))
    with pytest.raises(vodozemac.MegolmDecryptionException):
        later.decrypt(first)


def verification() -> tuple[Any, Any]:
    """Both sides of a verification, started and accepted."""
    names = {"alice": OlmAccount().identity_keys, "bob": OlmAccount().identity_keys}
    device = {name: OlmDevice(f"@{name}", name.upper(), keys) for name, keys in names.items()}
    alice = Sas("@alice", "ALICE", device["alice"].ed25519, device["bob"])
    start = {"sender": "@alice", "content": alice.start_verification().content}
    bob = Sas.from_key_verification_start(
        "@bob", "BOB", device["bob"].ed25519, device["alice"], KeyVerificationStart.from_dict(start)
    )
    accept = {"sender": "@bob", "content": bob.accept_verification().content}
    alice.receive_accept_event(KeyVerificationAccept.from_dict(accept))
    return alice, bob


def exchange_keys(alice: Any, bob: Any) -> None:  # noqa: ANN401
    """Both learn the other's key."""
    for sender, name, receiver in ((alice, "@alice", bob), (bob, "@bob", alice)):
        event = {"sender": name, "content": sender.share_key().content}
        receiver.receive_key_event(KeyVerificationKey.from_dict(event))


def test_two_devices_verify_each_other() -> None:
    alice, bob = verification()
    exchange_keys(alice, bob)
    assert alice.get_emoji() == bob.get_emoji()
    assert alice.get_decimals() == bob.get_decimals()
    alice.accept_sas()
    bob.accept_sas()

    for sender, name, receiver in ((alice, "@alice", bob), (bob, "@bob", alice)):
        event = {"sender": name, "content": sender.get_mac().content}
        receiver.receive_mac_event(KeyVerificationMac.from_dict(event))

    assert (alice.verified, bob.verified) == (True, True)


def test_a_key_that_was_not_committed_to_ends_a_verification() -> None:
    alice, bob = verification()
    event = {"sender": "@bob", "content": bob.share_key().content}
    event["content"]["key"] = Sas("@bob", "BOB", "key", bob.other_olm_device).pubkey

    alice.receive_key_event(KeyVerificationKey.from_dict(event))

    assert alice.canceled
