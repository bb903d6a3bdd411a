# SPDX-License-Identifier: MIT OR Apache-2.0
"""The older channel of a login, with a second implementation on the other side (olm_megolm.md §9).

No recorded conversation was at hand: the other side is written here once more, over primitives of
another library.
"""

from __future__ import annotations

import base64
import pickle

import pytest

from e2ee import AuthenticationError, InvalidKeyError, MalformedMessageError, matrix
from e2ee.errors import StaleSessionError

PURPOSE = "MATRIX_QR_CODE_LOGIN"

ciphers = pytest.importorskip(
    "cryptography.hazmat.primitives.ciphers.aead", reason="the other side needs `cryptography`"
)
hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
hkdf = pytest.importorskip("cryptography.hazmat.primitives.kdf.hkdf")
x25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.x25519")


def text(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def untext(content: str) -> bytes:
    return base64.b64decode(content + "=" * (-len(content) % 4))


class Other:
    """The other side, as `S`, who starts, or as `G`."""

    def __init__(self, role: str) -> None:
        self.role, self.key = role, x25519.X25519PrivateKey.generate()
        self.public = text(self.key.public_key().public_bytes_raw())
        self.sent = self.received = 0

    def agree(self, their_key: str) -> None:
        """Derives for both keys."""
        point = x25519.X25519PublicKey.from_public_bytes(untext(their_key))
        self.shared = self.key.exchange(point)
        keys = [their_key, self.public] if self.role == "S" else [self.public, their_key]
        self.suffix = "|".join(["", *keys])

    def derive(self, label: str, length: int = 32) -> bytes:
        """A key."""
        info = (PURPOSE + label + self.suffix).encode()
        derived: bytes = hkdf.HKDF(hashes.SHA512(), length, None, info).derive(self.shared)
        return derived

    def encrypt(self, plaintext: bytes) -> str:
        """The next message."""
        cipher = ciphers.ChaCha20Poly1305(self.derive(f"_ENCKEY_{self.role}"))
        sealed = cipher.encrypt(self.sent.to_bytes(12, "little"), plaintext, b"")
        self.sent += 1
        return text(sealed)

    def decrypt(self, message: str) -> bytes:
        """What the next message says."""
        theirs = "G" if self.role == "S" else "S"
        cipher = ciphers.ChaCha20Poly1305(self.derive(f"_ENCKEY_{theirs}"))
        opened: bytes = cipher.decrypt(self.received.to_bytes(12, "little"), untext(message), b"")
        self.received += 1
        return opened

    def code(self) -> str:
        """Two digits."""
        first, second = self.derive("_CHECKCODE", 2)
        return f"{first % 10}{second % 10}"


def talk(channel: matrix.LoginChannel, other: Other) -> None:
    for content in (b"", b"a", bytes(1_000)):
        assert other.decrypt(channel.encrypt(content)) == content
        assert channel.decrypt(other.encrypt(content)) == content
    assert channel.check_code == other.code()


def test_the_other_side_starts() -> None:
    recipient, other = matrix.LoginRecipient(), Other("S")
    other.agree(recipient.public_key)

    channel, opened = recipient.accept(f"{other.encrypt(b'first')}|{other.public}")

    assert opened == b"first"
    talk(channel, other)


def test_the_other_side_waits() -> None:
    other = Other("G")

    channel, first = matrix.LoginChannel.establish(other.public, b"first")

    ciphertext, key = first.split("|")
    other.agree(key)
    assert other.decrypt(ciphertext) == b"first"
    talk(channel, other)


def both(purpose: str = PURPOSE) -> tuple[matrix.LoginChannel, matrix.LoginChannel]:
    recipient = matrix.LoginRecipient(purpose=purpose)
    ours, first = matrix.LoginChannel.establish(recipient.public_key, b"1", purpose=purpose)
    theirs, _ = recipient.accept(first)
    return ours, theirs


def test_both_sides_are_ours() -> None:
    ours, theirs = both("another")

    assert ours.check_code == theirs.check_code
    assert theirs.decrypt(ours.encrypt(b"text")) == b"text"


def test_a_message_opens_once_and_in_its_place() -> None:
    ours, theirs = both()
    first, second = ours.encrypt(b"1"), ours.encrypt(b"2")

    for wrong in (second, text(untext(first)[:-1]), theirs.encrypt(b"own")):
        with pytest.raises(AuthenticationError):
            theirs.decrypt(wrong)
    with pytest.raises(MalformedMessageError):
        theirs.decrypt("no base64!")
    assert theirs.decrypt(first) == b"1"
    with pytest.raises(AuthenticationError):
        theirs.decrypt(first)
    assert theirs.decrypt(second) == b"2"


def test_a_recipient_accepts_once() -> None:
    recipient = matrix.LoginRecipient()
    key = recipient.public_key

    with pytest.raises(MalformedMessageError):
        recipient.accept("no message")
    with pytest.raises(StaleSessionError):
        recipient.accept(matrix.LoginChannel.establish(key, b"")[1])


def test_another_purpose_or_key_does_not_open() -> None:
    recipient = matrix.LoginRecipient(purpose="another")
    _, first = matrix.LoginChannel.establish(recipient.public_key, b"")

    with pytest.raises(AuthenticationError):
        recipient.accept(first)
    with pytest.raises(InvalidKeyError):
        matrix.LoginChannel.establish("A" * 43, b"")
    with pytest.raises(MalformedMessageError):
        matrix.LoginChannel.establish("", b"")


@pytest.mark.parametrize(
    "holder", [*both(), matrix.LoginRecipient()], ids=lambda each: type(each).__name__
)
def test_what_holds_keys_cannot_be_pickled(holder: object) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(holder)
