# SPDX-License-Identifier: MIT OR Apache-2.0
"""The channel of a login over HPKE, with a second implementation on the other side.

No conversation of another program was at hand: the other side is written here once more, over
primitives of another library (RFC 9180 §4, §5; olm_megolm.md §9). It has to say what the recorded
conversation says before it speaks with ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import pickle
from pathlib import Path
from typing import Any, Final

import pytest

from e2ee import AuthenticationError, InvalidKeyError, MalformedMessageError, matrix
from e2ee.errors import StaleSessionError

PURPOSE: Final = "MATRIX_QR_CODE_LOGIN"
VECTOR: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "olm" / "hpke_channel.json").read_text()
)
KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"
KEY_LEN, NONCE_LEN = 32, 32

ciphers = pytest.importorskip(
    "cryptography.hazmat.primitives.ciphers.aead", reason="the other side needs `cryptography`"
)
x25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.x25519")


def text(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def untext(content: str) -> bytes:
    return base64.b64decode(content + "=" * (-len(content) % 4))


def extract(salt: bytes, key: bytes) -> bytes:
    """HKDF-Extract (RFC 5869 §2.2)."""
    return hmac.digest(salt or bytes(32), key, hashlib.sha256)


def expand(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand of at most 32 bytes (RFC 5869 §2.3)."""
    return hmac.digest(secret, info + b"\x01", hashlib.sha256)[:length]


def labeled_extract(suite: bytes, salt: bytes, label: bytes, key: bytes) -> bytes:
    """LabeledExtract (RFC 9180 §4)."""
    return extract(salt, b"HPKE-v1" + suite + label + key)


def labeled_expand(suite: bytes, secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand (RFC 9180 §4)."""
    return expand(secret, length.to_bytes(2) + b"HPKE-v1" + suite + label + info, length)


def derived(material: bytes) -> bytes:
    """The private key of DeriveKeyPair (RFC 9180 §7.1.3)."""
    secret = labeled_extract(KEM, b"", b"dkp_prk", material)
    return labeled_expand(KEM, secret, b"sk", b"", 32)


class Line:
    """Messages in one direction (RFC 9180 §5.2)."""

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self.cipher, self.nonce, self.index = ciphers.ChaCha20Poly1305(key), nonce, 0

    def next_nonce(self) -> bytes:
        """The nonce of the next message."""
        count = self.index.to_bytes(12)
        self.index += 1
        return bytes(one ^ other for one, other in zip(self.nonce, count, strict=True))

    def seal(self, plaintext: bytes) -> bytes:
        """The next message."""
        sealed: bytes = self.cipher.encrypt(self.next_nonce(), plaintext, b"")
        return sealed

    def open(self, message: bytes) -> bytes:
        """What the next message says."""
        opened: bytes = self.cipher.decrypt(self.next_nonce(), message, b"")
        return opened


class Other:
    """The other side, which starts or waits."""

    def __init__(self, key: bytes | None = None, purpose: str = PURPOSE) -> None:
        kind = x25519.X25519PrivateKey
        self.key = kind.generate() if key is None else kind.from_private_bytes(key)
        self.public: bytes = self.key.public_key().public_bytes_raw()
        self.purpose = purpose

    def agree(self, encapsulated: bytes, recipient: bytes) -> None:
        """Encap or Decap, and the key schedule of base mode (RFC 9180 §4.1, §5.1)."""
        theirs = recipient if self.public == encapsulated else encapsulated
        shared = self.key.exchange(x25519.X25519PublicKey.from_public_bytes(theirs))
        secret = labeled_extract(KEM, b"", b"eae_prk", shared)
        context = encapsulated + recipient
        shared = labeled_expand(KEM, secret, b"shared_secret", context, 32)
        schedule = b"\x00" + labeled_extract(SUITE, b"", b"psk_id_hash", b"")
        schedule += labeled_extract(SUITE, b"", b"info_hash", self.purpose.encode())
        secret = labeled_extract(SUITE, shared, b"secret", b"")
        key = labeled_expand(SUITE, secret, b"key", schedule, 32)
        nonce = labeled_expand(SUITE, secret, b"base_nonce", schedule, 12)
        self.from_initiator = Line(key, nonce)
        exporter = labeled_expand(SUITE, secret, b"exp", schedule, 32)
        label = f"{self.purpose}_RESPONSE".encode()
        self.response = labeled_expand(SUITE, exporter, b"sec", label, 32)
        label = f"{self.purpose}_CHECKCODE|{text(recipient)}|{text(encapsulated)}".encode()
        first, second = labeled_expand(SUITE, exporter, b"sec", label, 2)
        self.code = f"{first % 10}{second % 10}"
        self.encapsulated = encapsulated

    def answering(self, nonce: bytes) -> None:
        """What the recipient says is sealed under keys that this nonce gives."""
        secret = extract(self.encapsulated + nonce, self.response)
        self.from_recipient = Line(expand(secret, b"key", 32), expand(secret, b"nonce", 12))


def talk(channel: matrix.HpkeLoginChannel, ours: Line, theirs: Line, code: str) -> None:
    """Both sides speak; the lines are those of the other implementation."""
    for content in (b"", b"a", bytes(1_000)):
        assert theirs.open(channel.encrypt(content)) == content
        assert channel.decrypt(ours.seal(content)) == content
    assert channel.check_code == code


def test_the_other_side_says_what_was_recorded() -> None:
    recipient = Other(bytes.fromhex(VECTOR["recipient_private"]), VECTOR["purpose"])
    initiator = Other(derived(bytes.fromhex(VECTOR["initiator_drawn"])), VECTOR["purpose"])
    nonce = bytes.fromhex(VECTOR["response_drawn"])
    for side in (initiator, recipient):
        side.agree(initiator.public, recipient.public)
        side.answering(nonce)

    said = [initiator.public, b"", b""], [nonce, b"", b""]
    lines = (initiator.from_initiator, recipient.from_recipient)
    for line, name, heads in zip(lines, ("from_initiator", "from_recipient"), said, strict=True):
        for head, step in zip(heads, VECTOR[name], strict=True):
            assert (head + line.seal(bytes.fromhex(step["plaintext"]))).hex() == step["message"]
    assert initiator.code == recipient.code == VECTOR["check_code"]


def test_the_other_side_starts() -> None:
    recipient, other = matrix.HpkeLoginRecipient(), Other()
    other.agree(other.public, untext(recipient.public_key))

    opened, said = recipient.accept(other.public + other.from_initiator.seal(b"first"))
    channel, answer = opened.answer(b"answer")

    assert said == b"first"
    other.answering(answer[:NONCE_LEN])
    assert other.from_recipient.open(answer[NONCE_LEN:]) == b"answer"
    talk(channel, other.from_initiator, other.from_recipient, other.code)


def test_the_other_side_waits() -> None:
    other = Other()

    waiting, first = matrix.HpkeLoginWaiting.establish(text(other.public), b"first")

    other.agree(first[:KEY_LEN], other.public)
    assert other.from_initiator.open(first[KEY_LEN:]) == b"first"
    nonce = bytes(range(NONCE_LEN))
    other.answering(nonce)
    channel, said = waiting.receive(nonce + other.from_recipient.seal(b"answer"))
    assert said == b"answer"
    talk(channel, other.from_recipient, other.from_initiator, other.code)


def both(purpose: str = PURPOSE) -> tuple[matrix.HpkeLoginChannel, matrix.HpkeLoginChannel]:
    recipient = matrix.HpkeLoginRecipient(purpose=purpose)
    waiting, first = matrix.HpkeLoginWaiting.establish(
        recipient.public_key, b"first", purpose=purpose
    )
    opened, _ = recipient.accept(first)
    theirs, answer = opened.answer(b"answer")
    ours, _ = waiting.receive(answer)
    return ours, theirs


def test_both_sides_are_ours() -> None:
    ours, theirs = both("another")

    assert ours.check_code == theirs.check_code
    assert theirs.decrypt(ours.encrypt(b"text")) == b"text"
    assert ours.decrypt(theirs.encrypt(b"back")) == b"back"


@pytest.mark.parametrize("starts", [True, False], ids=["initiator", "recipient"])
def test_a_message_opens_once_and_in_its_place(*, starts: bool) -> None:
    sender, receiver = both() if starts else both()[::-1]
    first, second = sender.encrypt(b"1"), sender.encrypt(b"2")

    for wrong in (second, first[:-1], b"", receiver.encrypt(b"own")):
        with pytest.raises(AuthenticationError):
            receiver.decrypt(wrong)
    assert receiver.decrypt(first) == b"1"
    with pytest.raises(AuthenticationError):
        receiver.decrypt(first)
    assert receiver.decrypt(second) == b"2"


def test_each_state_leads_to_the_next_once() -> None:
    recipient = matrix.HpkeLoginRecipient()
    waiting, first = matrix.HpkeLoginWaiting.establish(recipient.public_key, b"")
    opened, _ = recipient.accept(first)
    _, answer = opened.answer(b"")
    waiting.receive(answer)

    for again in (
        lambda: recipient.accept(first),
        lambda: recipient.public_key,
        lambda: opened.answer(b""),
        lambda: waiting.receive(answer),
    ):
        with pytest.raises(StaleSessionError):
            again()


def test_what_is_refused_uses_the_state_up() -> None:
    recipient = matrix.HpkeLoginRecipient()
    waiting, first = matrix.HpkeLoginWaiting.establish(recipient.public_key, b"")

    with pytest.raises(MalformedMessageError):
        recipient.accept(first[: KEY_LEN - 1])
    with pytest.raises(StaleSessionError):
        recipient.accept(first)
    with pytest.raises(MalformedMessageError):
        waiting.receive(bytes(NONCE_LEN - 1))
    with pytest.raises(StaleSessionError):
        waiting.receive(bytes(NONCE_LEN))


def test_another_purpose_or_key_does_not_open() -> None:
    recipient = matrix.HpkeLoginRecipient(purpose="another")
    waiting, first = matrix.HpkeLoginWaiting.establish(recipient.public_key, b"")

    with pytest.raises(AuthenticationError):
        recipient.accept(first)
    with pytest.raises(AuthenticationError):
        waiting.receive(bytes(NONCE_LEN + 16))
    with pytest.raises(InvalidKeyError):
        matrix.HpkeLoginRecipient().accept(b"\xff" * KEY_LEN + bytes(16))
    with pytest.raises(InvalidKeyError):
        matrix.HpkeLoginWaiting.establish("A" * 43, b"")
    with pytest.raises(MalformedMessageError):
        matrix.HpkeLoginWaiting.establish("", b"")


def holders() -> list[object]:
    recipient = matrix.HpkeLoginRecipient()
    waiting, first = matrix.HpkeLoginWaiting.establish(recipient.public_key, b"")
    return [recipient.accept(first)[0], waiting, matrix.HpkeLoginRecipient(), both()[0]]


@pytest.mark.parametrize("holder", holders(), ids=lambda each: type(each).__name__)
def test_what_holds_keys_cannot_be_pickled(holder: object) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(holder)
