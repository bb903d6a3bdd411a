# SPDX-License-Identifier: MIT OR Apache-2.0
"""The recorded messages and states of the Python suite, opened by the C library."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import e2ee
from tests.capi import olm, recorded, signal

VECTORS = Path(__file__).parent.parent / "vectors"
unhex = bytes.fromhex
PREKEY = 3
Fixture = dict[str, Any]


def unbase64(text: str) -> bytes:
    """The bytes of base64 without padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4))


def read(path: str) -> Any:
    """A file of vectors."""
    return json.loads((VECTORS / path).read_text())


def records(parts: list[tuple[int, str]]) -> list[tuple[int, bytes]]:
    """Revisions and sealed bytes of records."""
    return [(revision, unhex(sealed)) for revision, sealed in parts]


def states(pattern: str) -> list[Fixture]:
    """The stored states of a kind, of every released format."""
    found = [read(f"state/{path.name}") for path in sorted((VECTORS / "state").glob(pattern))]
    assert found
    return found


OLM_STATES, MEGOLM_STATES = states("olm-[0-9].json"), states("megolm-*.json")
FINGERPRINTS = [
    each for each in read("signal/fingerprints.json")["fingerprints"] if each["iterations"] == 5_200
]


CONVERSATIONS = [
    each.stem
    for each in sorted((VECTORS / "signal").glob("session_*.json"))
    if "bob_bundle" in read(f"signal/{each.name}")
]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_recorded_first_messages_open(name: str) -> None:
    vectors, key = read(f"signal/{name}.json"), signal.StateKey(recorded.KEY)
    alice, bob = vectors["alice"], vectors["bob"]
    sender = e2ee.Address(alice["name"], alice["device_id"])
    record = recorded.device(bob, vectors["bob_bundle"])
    device = signal.Device.load(key, recorded.REVISION, record)
    sent = {each["id"]: each for each in vectors["steps"] if each["op"] == "send"}
    ours = f"{alice['name']}.{alice['device_id']}"
    first = {name for name, each in sent.items() if (each["from"], each["type"]) == (ours, PREKEY)}
    opened = [step for step in vectors["steps"] if step["op"] == "recv" and step["id"] in first]

    assert unhex(bob["identity_public"]) == device.identity_key
    session = None
    for step in opened:
        message = unhex(sent[step["id"]]["message"])
        if "plaintext" not in step["outcome"]:
            assert session is not None
            with pytest.raises(e2ee.DecryptionError):
                session.decrypt(PREKEY, message)
            continue
        if session is None:
            session, opening = signal.Session.accept(key, device, sender, message)
        else:
            opening = session.decrypt(PREKEY, message)
        assert step["outcome"]["plaintext"] == opening.release().hex()
    assert session is not None
    assert unhex(alice["identity_public"]) == session.their_identity_key


def test_a_recorded_sender_key_opens_its_messages() -> None:
    vectors = read("signal/sender_key.json")
    name, device = vectors["sender"].rsplit(".", 1)
    sender, group = e2ee.Address(name, int(device)), UUID(vectors["distribution_id"])
    first, late = vectors["distribution_message"], vectors["late_distribution_message"]
    readers = {}
    for name, distribution in (("bob", first), ("carol", late)):
        readers[name] = signal.SenderKeys(signal.StateKey(bytes(32)), sender, group)
        readers[name].accept(unhex(distribution)).release()
    messages = {each["id"]: unhex(each["message"]) for each in vectors["messages"]}

    for step in vectors["steps"]:
        keys = readers[step["by"].split()[0]]
        if "plaintext" in step["outcome"]:
            opened = keys.decrypt(messages[step["id"]]).release()
            assert step["outcome"]["plaintext"] == opened.hex()
        else:
            with pytest.raises(e2ee.DuplicateMessageError):
                keys.decrypt(messages[step["id"]])


@pytest.mark.parametrize("each", FINGERPRINTS, ids=lambda each: each["local_id"])
def test_recorded_safety_numbers_are_ours(each: Fixture) -> None:
    scannable = unhex(each["scannable"])

    assert each["displayable"] == signal.digits(scannable)
    if each["version"] == 1:
        ours = unhex(each["local_id"]).decode(), unhex(each["local_key"])
        theirs = unhex(each["remote_id"]).decode(), unhex(each["remote_key"])
        assert scannable == signal.safety_number(ours, theirs, version=1)
    if each["compare"]:
        signal.compare(scannable, unhex(each["scannable_other_side"]))
    with pytest.raises(e2ee.SafetyNumberMismatchError):
        signal.compare(scannable, scannable)


@pytest.mark.parametrize("fixture", OLM_STATES)
def test_a_stored_account_of_olm_accepts_first_messages(fixture: Fixture) -> None:
    key = olm.StateKey(unhex(fixture["key"]))
    revision, record = fixture["account"]
    account = olm.Account.load(key, revision, unhex(record))
    sender = unhex(fixture["sender_identity_key"])

    opened = [
        olm.Session.accept(key, account, sender, unhex(message))[1].release().decode()
        for message, _ in fixture["firsts"]
    ]

    assert [text for _, text in fixture["firsts"]] == opened
    with pytest.raises(e2ee.UnknownPreKeyError):
        olm.Session.accept(key, account, sender, unhex(fixture["firsts"][0][0]))


@pytest.mark.parametrize("fixture", OLM_STATES)
def test_a_stored_session_of_olm_opens_what_is_late_and_what_is_next(fixture: Fixture) -> None:
    name, parts = fixture["session"]
    session = olm.Session.load(olm.StateKey(unhex(fixture["key"])), (name, records(parts)))

    opened = [
        session.decrypt(kind, unhex(message)).release().decode()
        for kind, message, _ in fixture["messages"]
    ]

    assert [text for _, _, text in fixture["messages"]] == opened


@pytest.mark.parametrize("peer", ["libolm", "vodozemac"])
def test_recorded_messages_of_megolm_open(peer: str) -> None:
    key = olm.StateKey(bytes(32))

    for each in read(f"olm/megolm-{peer}.json")["megolm"]:
        session, step = olm.InboundGroupSession.accept(key, unbase64(each["session_key"]))
        step.release()
        assert unbase64(each["session_id"]) == session.session_id
        for message in each["messages"]:
            opened = session.decrypt(unbase64(message["body"]), None).release()
            assert (message["index"], message["plaintext"].encode()) == opened


@pytest.mark.parametrize("fixture", MEGOLM_STATES)
def test_stored_sessions_of_megolm_are_what_they_were(fixture: Fixture) -> None:
    key = olm.StateKey(unhex(fixture["key"]))

    for stored in fixture["inbound"]:
        session = olm.InboundGroupSession.load(
            key, unhex(stored["session_id"]), records(stored["records"])
        )
        assert stored["first_known_index"] == session.first_known_index
        assert stored["is_signed"] == session.is_signed
        for message, index in stored["waiting"]:
            opened = session.decrypt(unhex(message), f"$late{index}").release()
            assert (index, b"message %d" % index) == opened
        for message in stored["unknown"]:
            with pytest.raises(e2ee.UnknownMessageIndexError):
                session.decrypt(unhex(message), None)
        for message, event, index in stored["events"]:
            assert (index, b"message %d" % index) == session.decrypt(
                unhex(message), event
            ).release()
            with pytest.raises(e2ee.DuplicateMessageError):
                session.decrypt(unhex(message), "$other")


@pytest.mark.parametrize("fixture", MEGOLM_STATES)
def test_a_stored_sender_of_megolm_goes_on(fixture: Fixture) -> None:
    key = olm.StateKey(unhex(fixture["key"]))

    for stored in fixture["outbound"]:
        (record,) = records([stored["record"]])
        own = olm.OutboundGroupSession.load(key, unhex(stored["session_id"]), record)
        reader, step = olm.InboundGroupSession.accept(key, own.session_key())
        step.release()
        message = own.encrypt(b"next").release()
        assert (stored["message_index"], b"next") == reader.decrypt(message, "$next").release()
