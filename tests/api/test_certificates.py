# SPDX-License-Identifier: MIT OR Apache-2.0
"""What operators and servers use: roots, signers, certificates, and messages to many."""

from __future__ import annotations

import copy
import json
import pickle
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import signal
from tests.api.sealed_world import World

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parent.parent / "vectors" / "signal" / "sealed_sender.json"
REVOKED_FOR_EVER = 0xDEADC357
KEY = signal.StateKey(bytes(32))


@pytest.fixture
def world() -> World:
    return World()


def test_a_certificate_says_what_it_was_issued_for(world: World) -> None:
    expires = datetime(2030, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    key = world.alice.identity_key

    issued = world.signer.issue("alice", 3, key, expires, e164="+14155550100")

    read = signal.SenderCertificate.from_bytes(issued.to_bytes())
    assert read == issued
    assert uuid.UUID(read.sender.user).version == 5
    assert (read.sender.device, read.identity_key, read.e164) == (3, key, "+14155550100")
    assert read.expires == expires.replace(microsecond=678_000)
    assert repr(read).startswith(f"SenderCertificate({read.sender}, expires=2030-01-02T")


def test_a_service_id_is_certified_as_it_is(world: World) -> None:
    name = "9d0652a3-dcc3-4d11-975f-74d61598733f"

    certificate = world.certify(world.alice, user=name)

    assert certificate.sender.user == name


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"user": ""}, e2ee.InvalidArgumentError),
        ({"user": "PNI:9d0652a3-dcc3-4d11-975f-74d61598733f"}, e2ee.InvalidArgumentError),
        ({"device": 0}, e2ee.InvalidArgumentError),
        ({"device": 128}, e2ee.InvalidArgumentError),
        ({"identity_key": b"\x05" + bytes(31)}, e2ee.InvalidKeyError),
        ({"identity_key": b"\x05" + b"\xff" * 32}, e2ee.InvalidKeyError),
        ({"e164": "14155550100"}, e2ee.InvalidArgumentError),
        ({"lifetime": timedelta(days=-30_000)}, e2ee.InvalidArgumentError),
    ],
    ids=[
        "no name",
        "phone number id",
        "device 0",
        "device 128",
        "short key",
        "high key",
        "e164",
        "1950",
    ],
)
def test_what_cannot_be_certified_is_refused(
    world: World, change: dict[str, object], expected: type[e2ee.E2EEError]
) -> None:
    with pytest.raises(expected):
        world.certify(world.alice, **change)  # type: ignore[arg-type]


def test_a_time_without_a_zone_is_refused(world: World) -> None:
    naive = datetime(2030, 1, 1)  # noqa: DTZ001

    with pytest.raises(e2ee.InvalidArgumentError):
        world.signer.issue("alice", 1, world.alice.identity_key, naive)


@pytest.mark.parametrize("number", [-1, 2**32, REVOKED_FOR_EVER])
def test_a_number_that_no_signer_can_have_is_refused(world: World, number: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        world.root.server_signer(number)


@pytest.mark.parametrize("number", [0, 2**32 - 1])
def test_the_least_and_the_highest_number_are_given(world: World, number: int) -> None:
    assert world.root.server_signer(number).certificate


def test_a_known_signer_must_have_its_number(world: World) -> None:
    for known in ({8: world.signer.certificate}, {-1: world.signer.certificate}):
        with pytest.raises(e2ee.InvalidArgumentError):
            world.bob.decrypt_sealed(
                world.sealed(b""), trust_roots=world.roots, known_signers=known
            )
    with pytest.raises(e2ee.MalformedMessageError):
        world.bob.decrypt_sealed(
            world.sealed(b""), trust_roots=world.roots, known_signers={7: b"garbage"}
        )


def test_a_root_of_another_form_is_no_key(world: World) -> None:
    for root in (b"", world.root.public_key[1:], world.root.public_key + b"\0"):
        with pytest.raises(e2ee.InvalidKeyError):
            world.bob.decrypt_sealed(world.sealed(b""), trust_roots=[root])


def test_roots_and_signers_are_loaded_as_they_were_sealed(world: World) -> None:
    root = signal.TrustRoot.load(KEY, *world.root.seal(KEY))
    sealed = world.signer.seal(KEY)
    world.signer = signal.ServerSigner.load(KEY, *sealed)

    assert root.public_key == world.root.public_key
    assert world.opened(world.sealed(b"text")).plaintext == b"text"
    assert world.signer.seal(KEY)[0] == sealed[0] + 1


def test_a_record_opens_as_what_it_is_alone(world: World) -> None:
    revision, record = world.root.seal(KEY)
    other = signal.StateKey(b"\1" * 32)
    altered = record[:-1] + bytes([record[-1] ^ 1])

    for load in (
        lambda: signal.TrustRoot.load(other, revision, record),
        lambda: signal.TrustRoot.load(KEY, revision + 1, record),
        lambda: signal.TrustRoot.load(KEY, revision, altered),
        lambda: signal.ServerSigner.load(KEY, revision, record),
    ):
        with pytest.raises(e2ee.StoreCorruptionError):
            load()


def test_roots_and_signers_are_made_by_their_methods_and_not_copied(world: World) -> None:
    for kind, each in ((signal.TrustRoot, world.root), (signal.ServerSigner, world.signer)):
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            copy.copy(each)
        with pytest.raises(TypeError):
            pickle.dumps(each)


def test_a_server_gives_each_recipient_its_part() -> None:
    recorded = json.loads(VECTORS.read_text())["v2"]
    sent = bytes.fromhex(recorded["sent_message"])

    recipients = signal.fan_out(sent)

    expected = [
        (
            case["service_id"],
            tuple(zip(case["device_ids"], case["registration_ids"], strict=True)),
            bytes.fromhex(case["received_message"]),
        )
        for case in recorded["received"]
    ]
    assert expected == [(each.service_id, each.devices, each.message) for each in recipients]
    assert {each.envelope.kind for each in recipients} == {"sealed"}
    assert recipients[0].envelope.to_bytes()[2:] == recipients[0].message
    assert repr(recipients[1]).endswith("devices=((1, 800),), 492 bytes)")


def test_a_server_sees_who_was_left_out() -> None:
    sent = bytes.fromhex(json.loads(VECTORS.read_text())["v2"]["sent_message"])

    assert signal.left_out(sent) == [
        "e80f7bbe-5b94-471e-bd8c-2173654ea3d1",
        "PNI:38381c3b-2606-4ca7-9310-7cb927f2ab4a",
    ]


@pytest.mark.parametrize("read", [signal.fan_out, signal.left_out])
def test_what_is_no_sent_form_is_refused(read: Callable[[bytes], object]) -> None:
    sent = bytes.fromhex(json.loads(VECTORS.read_text())["v2"]["single_recipient_sent"])

    for cut in (b"", sent[:1], sent[:40], sent[:2] + b"\2" + sent[3:]):
        with pytest.raises(e2ee.MalformedMessageError):
            read(cut)
    with pytest.raises(e2ee.UnsupportedVersionError):
        read(b"\x33" + sent[1:])
