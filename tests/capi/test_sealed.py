# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sealed sender: C with C, and C with an account of Python's (signal.md §10)."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
from e2ee import Address
from e2ee import signal as in_python
from tests.capi import sealed, signal
from tests.capi.objects import StateKey

if TYPE_CHECKING:
    from collections.abc import Callable

KEY: Final = bytes(range(32))
ALICE: Final = "9d0652a3-dcc3-4d11-975f-74d61598733f"
BOB: Final = "796abedb-ca4e-4f18-8803-1fde5b921f9f"
HOUR_MS: Final = 3_600_000
RATCHET, PREKEY, GROUP = 2, 3, 7


def now_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class World:
    """An operator, and two devices."""

    def __init__(self) -> None:
        self.root = sealed.TrustRoot.generate()
        self.signer = self.root.server_signer(7)
        self.anchors = sealed.TrustAnchors.of([self.root.public_key])
        self.alice = signal.Device.generate(ALICE, 1)
        self.bob = signal.Device.generate(BOB, 1)

    def certificate(
        self, lifetime_ms: int = HOUR_MS, e164: str | None = None
    ) -> sealed.SenderCertificate:
        """One for Alice."""
        expires = now_ms() + lifetime_ms
        return self.signer.issue(ALICE, 1, self.alice.identity_key, expires, e164)

    def sealed(self, content: sealed.Content) -> bytes:
        """A content for Bob."""
        return sealed.seal(self.alice, self.certificate(), content, self.bob.identity_key)


@pytest.fixture
def world() -> World:
    return World()


def test_a_message_of_a_session_goes_under_a_seal(world: World) -> None:
    key = StateKey(KEY)
    session = signal.Session.initiate(key, world.alice, Address(BOB), world.bob.bundle())
    step = session.encrypt(b"hello")
    content = sealed.Content(int(step.kind or 0), step.release(), hint=1, group_id=b"g")

    unsealed = sealed.unseal(world.bob, world.anchors, world.sealed(content))

    assert unsealed.content == content
    user, device = unsealed.certificate.sender
    assert (user, device) == (ALICE, 1)
    assert unsealed.certificate.identity_key == world.alice.identity_key
    _, opened = signal.Session.accept(
        key, world.bob, Address(user, device), unsealed.content.message
    )
    assert opened.release() == b"hello"


def test_one_message_goes_to_many(world: World) -> None:
    carol = signal.Device.generate("carol", 2)
    content = sealed.Content(GROUP, b"to all", group_id=b"group")
    destinations = [
        sealed.Destination(BOB, 1, world.bob.identity_key, 11),
        sealed.Destination("carol", 2, carol.identity_key, 12),
    ]

    sent = sealed.seal_for_many(
        world.alice, world.certificate(), content, destinations, excluded=["dave"]
    )

    parsed = sealed.Sent.parse(sent)
    assert [devices for _, devices, _ in parsed.recipients] == [[(1, 11)], [(2, 12)]]
    assert (parsed.recipients[0][0], len(parsed.excluded)) == (BOB, 1)
    for device, (*_, received) in zip((world.bob, carol), parsed.recipients, strict=True):
        assert sealed.unseal(device, world.anchors, received).content == content
    with pytest.raises(e2ee.AuthenticationError):
        sealed.unseal(carol, world.anchors, parsed.recipients[0][2])


def test_python_fans_out_what_c_has_sealed(world: World) -> None:
    destinations = [sealed.Destination(BOB, 1, world.bob.identity_key, 11)]
    content = sealed.Content(GROUP, b"to all")

    sent = sealed.seal_for_many(
        world.alice, world.certificate(), content, destinations, excluded=[ALICE]
    )

    (recipient,) = in_python.fan_out(sent)
    assert (recipient.service_id, recipient.devices) == (BOB, ((1, 11),))
    assert recipient.message == sealed.Sent.parse(sent).recipients[0][2]
    assert in_python.left_out(sent) == [ALICE]
    assert sealed.Sent.parse(sent).excluded == [ALICE]


def test_an_account_of_python_opens_what_c_has_sealed(world: World) -> None:
    bob = e2ee.Account.create(e2ee.MemoryStore(), BOB)
    padded = b"hello\x80".ljust(159, b"\0")
    session = signal.Session.initiate(
        StateKey(KEY), world.alice, Address(BOB), bob.bundle().to_bytes()
    )
    step = session.encrypt(padded)
    content = sealed.Content(int(step.kind or 0), step.release())

    message = sealed.seal(world.alice, world.certificate(), content, bob.identity_key)

    opened = bob.decrypt_sealed(b"\x01\x06" + message, trust_roots=[world.root.public_key])
    assert (opened.sender.user, opened.plaintext) == (ALICE, b"hello")


def test_certificates_of_python_and_c_are_the_same(world: World) -> None:
    root = in_python.TrustRoot.generate()
    signer = root.server_signer(9)
    expires = datetime.now(UTC) + timedelta(hours=1)
    issued = signer.issue("alice", 3, world.alice.identity_key, expires, e164="+14155550100")

    read = sealed.SenderCertificate.from_bytes(issued.to_bytes())

    assert read.sender == (issued.sender.user, 3)
    assert (read.identity_key, read.e164) == (world.alice.identity_key, "+14155550100")
    assert read.expires_ms == int(expires.timestamp() * 1_000)
    assert read.to_bytes() == issued.to_bytes()
    read.validate(sealed.TrustAnchors.of([root.public_key]))
    again = world.signer.issue("alice", 3, world.alice.identity_key, read.expires_ms)
    assert in_python.SenderCertificate.from_bytes(again.to_bytes()).sender == issued.sender
    assert again.e164 is None


def expired(world: World) -> sealed.SenderCertificate:
    """A certificate of the past."""
    return world.certificate(-1)


def of_another_device(world: World) -> sealed.SenderCertificate:
    """Bob's."""
    return world.signer.issue(BOB, 1, world.bob.identity_key, now_ms() + HOUR_MS)


@pytest.mark.parametrize("make", [expired, of_another_device])
def test_what_is_not_certified_is_not_sealed(
    world: World, make: Callable[[World], sealed.SenderCertificate]
) -> None:
    with pytest.raises(e2ee.InvalidCertificateError):
        sealed.seal(world.alice, make(world), sealed.Content(RATCHET, b"m"), world.bob.identity_key)


def test_what_is_trusted_decides(world: World) -> None:
    message = world.sealed(sealed.Content(RATCHET, b"m"))
    root, signer = world.root.public_key, world.signer.certificate
    strangers = sealed.TrustRoot.generate().public_key

    for anchors in (
        sealed.TrustAnchors.of([]),
        sealed.TrustAnchors.of([strangers]),
        sealed.TrustAnchors.of([], signers=[signer]),
        sealed.TrustAnchors.of([root], revoked=[7]),
    ):
        with pytest.raises(e2ee.InvalidCertificateError):
            sealed.unseal(world.bob, anchors, message)
        with pytest.raises(e2ee.InvalidCertificateError):
            world.certificate().validate(anchors)
    assert sealed.unseal(
        world.bob, sealed.TrustAnchors.of([strangers, root], revoked=[8]), message
    ).content == sealed.Content(RATCHET, b"m")


def test_a_signer_is_known_once(world: World) -> None:
    anchors = sealed.TrustAnchors.of([], signers=[world.signer.certificate])

    with pytest.raises(e2ee.InvalidArgumentError):
        anchors.add_signer(world.signer.certificate)
    with pytest.raises(e2ee.MalformedMessageError):
        anchors.add_signer(b"certificate")


@pytest.mark.parametrize("kind", [0, 1, 4, 6, 9, 255])
def test_what_is_no_kind_is_not_sealed(world: World, kind: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        world.sealed(sealed.Content(kind, b"m"))


def test_a_flipped_bit_opens_nowhere(world: World) -> None:
    message = world.sealed(sealed.Content(RATCHET, b"m"))
    opened = 0

    for bit in range(8 * len(message)):
        altered = bytearray(message)
        altered[bit // 8] ^= 1 << bit % 8
        try:
            sealed.unseal(world.bob, world.anchors, bytes(altered))
        except e2ee.E2EEError:
            continue
        opened += 1

    # Nobody reads the lower four bits of the version, and 0 counts as 1 (signal.md §10.3).
    assert opened == 5


def test_a_prekey_message_under_another_identity_is_forged(world: World) -> None:
    mallory = signal.Device.generate(ALICE, 1)
    session = signal.Session.initiate(StateKey(KEY), mallory, Address(BOB), world.bob.bundle())
    content = sealed.Content(PREKEY, session.encrypt(b"hello").release())

    with pytest.raises(e2ee.AuthenticationError):
        sealed.unseal(world.bob, world.anchors, world.sealed(content))


def test_a_device_refuses_its_own(world: World) -> None:
    certificate = world.certificate(e164="+14155550100")
    content = sealed.Content(RATCHET, b"m")
    to_alice = sealed.seal(world.alice, certificate, content, world.alice.identity_key)
    to_bob = sealed.seal(world.alice, certificate, content, world.bob.identity_key)

    with pytest.raises(e2ee.SelfSendError):
        sealed.unseal(world.alice, world.anchors, to_alice)
    with pytest.raises(e2ee.SelfSendError):
        sealed.unseal(world.bob, world.anchors, to_bob, e164="+14155550100")
    assert sealed.unseal(world.bob, world.anchors, to_bob, e164="+1").content == content


def test_roots_and_signers_move_between_c_and_python() -> None:
    key, same_key = StateKey(KEY), in_python.StateKey(KEY)
    root = sealed.TrustRoot.generate()
    signer = root.server_signer(3)

    (_, first), (revision, record) = root.seal(key), root.seal(key)

    assert revision == 2
    assert in_python.TrustRoot.load(same_key, revision, record).public_key == root.public_key
    assert sealed.TrustRoot.load(key, 1, first).public_key == root.public_key
    with pytest.raises(e2ee.StoreCorruptionError):
        sealed.TrustRoot.load(key, 2, first)
    loaded = sealed.ServerSigner.load(key, *signer.seal(key))
    assert loaded.certificate == signer.certificate
    with pytest.raises(e2ee.InvalidArgumentError):
        root.server_signer(0xDEADC357)


def test_the_registration_id_of_a_peer_is_the_one_it_uploads(world: World) -> None:
    bob = e2ee.Account.create(e2ee.MemoryStore(), BOB)
    bundle = bob.bundle().to_bytes()

    session = signal.Session.initiate(StateKey(KEY), world.alice, Address(BOB), bundle)

    assert session.their_registration_id == bob.prekeys().registration_id
