# SPDX-License-Identifier: MIT OR Apache-2.0
"""Certificates of senders, who issues them, and what a server does with messages to many.

The names are shown by `e2ee.signal`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from e2ee import _core
from e2ee._time import from_milliseconds, to_milliseconds
from e2ee.errors import InvalidArgumentError
from e2ee.values import Address, Envelope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

_IDS: Final = range(2**32)


@dataclass(frozen=True, slots=True, repr=False)
class SenderCertificate:
    """What a server says of a sender, for the recipients of sealed messages (signal.md §10.1).

    `sender` is the UUID of the account, as text, with the device; `expires` the last millisecond in
    which it is valid; `identity_key` the sender's, 33 bytes; `e164` the phone number with a plus
    sign, or `None`. Nothing of it is verified before a message that came with it is opened.
    """

    _encoded: bytes
    sender: Address = field(init=False, compare=False)
    expires: datetime = field(init=False, compare=False)
    identity_key: bytes = field(init=False, compare=False)
    e164: str | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Parses the bytes."""
        user, device, expires_ms, key, e164 = _core.read_sender_certificate(self._encoded)
        object.__setattr__(self, "sender", Address(user, device))
        object.__setattr__(self, "expires", from_milliseconds(expires_ms))
        object.__setattr__(self, "identity_key", key)
        object.__setattr__(self, "e164", e164)

    @classmethod
    def from_bytes(cls, encoded: bytes) -> SenderCertificate:
        """The certificate that `to_bytes` gave.

        Raises:
            MalformedMessageError: The bytes are no certificate of an account.
            InvalidKeyError: The identity key has another type or length, or is not reduced.
        """
        return cls(encoded)

    def to_bytes(self) -> bytes:
        """The bytes to give to the sender, about 300, as the server signed them."""
        return self._encoded

    def __repr__(self) -> str:
        """Sender and expiry."""
        return f"SenderCertificate({self.sender}, expires={self.expires.isoformat()})"


@final
class TrustRoot:
    """A key that recipients know, and that certifies servers (signal.md §10.1).

    Keep it off the network: a server needs a signer only.

    >>> import secrets
    >>> from datetime import UTC, datetime, timedelta
    >>> root = TrustRoot.generate()
    >>> signer = root.server_signer(1)
    >>> carol = _core.Device.generate("carol", 1)
    >>> tomorrow = datetime.now(UTC) + timedelta(days=1)
    >>> signer.issue("carol", 1, carol.identity_key, tomorrow).e164 is None
    True
    >>> key = _core.StateKey(secrets.token_bytes(32))
    >>> TrustRoot.load(key, *root.seal(key)).public_key == root.public_key
    True
    """

    __slots__ = ("_inner",)

    _inner: _core.TrustRoot

    def __init__(self) -> None:
        msg = "use TrustRoot.generate or TrustRoot.load"
        raise TypeError(msg)

    @classmethod
    def generate(cls) -> TrustRoot:
        """A fresh root.

        Raises:
            RandomnessError: The system's random source failed.
        """
        return cls._of(_core.TrustRoot.generate())

    @classmethod
    def load(cls, key: _core.StateKey, revision: int, record: bytes) -> TrustRoot:
        """The root that `seal` gave with this revision.

        Raises:
            StoreCorruptionError: The key, the revision or the record is another one.
        """
        return cls._of(_core.TrustRoot.load(key, revision, record))

    @classmethod
    def _of(cls, inner: _core.TrustRoot) -> TrustRoot:
        root = object.__new__(cls)
        root._inner = inner
        return root

    @property
    def public_key(self) -> bytes:
        """The key for every recipient's program, 33 bytes: a type byte (05) and the key."""
        return self._inner.public_key

    def server_signer(self, id: int) -> ServerSigner:  # noqa: A002 - the word for it
        """A signer with a fresh key, certified under a number of 32 bits.

        The number is what recipients revoke it by: do not give one to two signers.

        Raises:
            InvalidArgumentError: The number is out of range, or 0xDEADC357, which is revoked.
        """
        return ServerSigner._of(self._inner.server_signer(_id(id)))  # noqa: SLF001

    def seal(self, key: _core.StateKey) -> tuple[int, bytes]:
        """The next revision and the sealed record to save with it; it holds the private key."""
        return self._inner.seal(key)

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: a copy would be one more place to steal it from."""
        msg = "a trust root cannot be copied"
        raise TypeError(msg)


@final
class ServerSigner:
    """A server's key, certified by a root, that certifies senders (signal.md §10.1).

    Made by `TrustRoot.server_signer`.
    """

    __slots__ = ("_inner",)

    _inner: _core.ServerSigner

    def __init__(self) -> None:
        msg = "use TrustRoot.server_signer or ServerSigner.load"
        raise TypeError(msg)

    @classmethod
    def load(cls, key: _core.StateKey, revision: int, record: bytes) -> ServerSigner:
        """The signer that `seal` gave with this revision.

        Raises:
            StoreCorruptionError: The key, the revision or the record is another one.
        """
        return cls._of(_core.ServerSigner.load(key, revision, record))

    @classmethod
    def _of(cls, inner: _core.ServerSigner) -> ServerSigner:
        signer = object.__new__(cls)
        signer._inner = inner
        return signer

    @property
    def certificate(self) -> bytes:
        """The server certificate, about 105 bytes, signed by the root.

        It travels in every certificate that this signer issues.
        """
        return self._inner.certificate

    def issue(
        self,
        user: str,
        device: int,
        identity_key: bytes,
        expires: datetime,
        *,
        e164: str | None = None,
    ) -> SenderCertificate:
        """A certificate for a device, after the server has made sure that it is the user's.

        Args:
            user: The account's name. One that is no UUID is certified as the UUID that accounts of
                this library map it to.
            device: The device, 1 to 127.
            identity_key: The device's identity key, 33 bytes.
            expires: The last moment in which recipients take it, to the millisecond; with a time
                zone. It must outlast the time that a message may wait for its recipient.
            e164: The phone number, a plus sign and up to 15 digits, if recipients shall learn it.

        Raises:
            InvalidArgumentError: The name, the device, the time or the number cannot be one, or the
                name is a phone number's id (`PNI:`).
            InvalidKeyError: The identity key has another type or length, or is not reduced.
        """
        sender, expires_ms = Address(user, device), to_milliseconds(expires)
        return SenderCertificate(self._inner.issue(sender, identity_key, expires_ms, e164))

    def seal(self, key: _core.StateKey) -> tuple[int, bytes]:
        """The next revision and the sealed record to save with it; it holds the private key."""
        return self._inner.seal(key)

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: a copy would be one more place to steal it from."""
        msg = "a server signer cannot be copied"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True, repr=False)
class SealedRecipient:
    """One account that a sealed message is for, and what its devices get (signal.md §10.4).

    `service_id` is the UUID of the account as text, behind `PNI:` if it is a phone number's;
    `devices` are pairs of device and registration id. A server that knows another registration id
    of a device, or other devices, refuses the message with that list.
    """

    service_id: str
    devices: tuple[tuple[int, int], ...]
    _head: bytes
    _tail: bytes

    @property
    def message(self) -> bytes:
        """The received form, the same for each device: 81 bytes and the ciphertext.

        The ciphertext is in memory once for all recipients until this is asked for.
        """
        return self._head + self._tail

    @property
    def envelope(self) -> Envelope:
        """The same message as `Account.receive_sealed` takes it, two bytes longer."""
        return Envelope(_core.sealed_envelope(self.message))

    def __repr__(self) -> str:
        """Whom it is for, and the size."""
        size = len(self._head) + len(self._tail)
        return f"SealedRecipient({self.service_id}, devices={self.devices}, {size} bytes)"


def fan_out(sent: bytes) -> list[SealedRecipient]:
    """What each recipient of a sealed message to many gets (signal.md §10.4).

    A server does this; it needs no key, and nothing here says who the sender is.

    Raises:
        MalformedMessageError: The bytes are no message in its sent form.
        UnsupportedVersionError: They are of another version.
    """
    recipients, _, tail = _core.read_sent(sent)
    return [
        SealedRecipient(service_id, tuple(devices), head, tail)
        for service_id, devices, head in recipients
    ]


def left_out(sent: bytes) -> list[str]:
    """The service ids of the accounts that the sender of a message to many left out.

    With the recipients they are all members of the group, as the sender knows it (signal.md §10.4).

    Raises:
        MalformedMessageError: The bytes are no message in its sent form.
        UnsupportedVersionError: They are of another version.
    """
    _, excluded, _ = _core.read_sent(sent)
    return excluded


def anchors(
    roots: Iterable[bytes], known: Mapping[int, bytes], revoked: Collection[int]
) -> _core.TrustAnchors:
    """What the core validates certificates with."""
    signers = [(_id(number), certificate) for number, certificate in known.items()]
    return _core.TrustAnchors(list(roots), signers, [_id(number) for number in revoked])


def _id(number: int) -> int:
    if number not in _IDS:
        raise InvalidArgumentError("the number of a server certificate has 32 bits")
    return number
