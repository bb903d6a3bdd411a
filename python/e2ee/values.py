# SPDX-License-Identifier: MIT OR Apache-2.0
"""The values that travel or are shown: frozen, and checked when they are made."""

from __future__ import annotations

import hmac
import io
import re
from collections import deque
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from e2ee import _core
from e2ee.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    import segno

    from e2ee.prekeys import OneTimePreKey, PreKeyUpload, SignedPreKey

ContentKind: TypeAlias = Literal["message", "group", "invitation", "resend", "forwarded"]
EnvelopeKind: TypeAlias = Literal["prekey", "message", "sealed", "group", "repair"]

_DIGITS: Final = re.compile(r"[0-9]{60}")
_GROUP: Final = 5
_MAX_SCALE: Final = 64


@dataclass(frozen=True, slots=True)
class Address:
    """A device of a user: a number, or the id that a Matrix server gave as text.

    >>> print(Address("alice"))
    alice.1
    >>> Address("@alice:example.org", "JLAFKJWSCS").device
    'JLAFKJWSCS'

    Raises:
        InvalidArgumentError: The name is empty, above 255 bytes or has control characters, or the
            device is not 1 to 127, or as text 1 to 255 bytes without `/` and control characters.
    """

    user: str
    device: int | str = 1

    def __post_init__(self) -> None:
        """Checks both."""
        _core.check_address(self.user, self.device)

    def __str__(self) -> str:
        """User and device, with a dot between them."""
        return f"{self.user}.{self.device}"


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """An encrypted message, as it travels.

    >>> Envelope.from_bytes(bytes([1, 2]) + bytes(80))
    Envelope(kind='message', 82 bytes)
    """

    _encoded: bytes

    def __post_init__(self) -> None:
        """Checks version, kind and size; what is inside is checked when it is opened."""
        _core.envelope_kind(self._encoded)

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Envelope:
        """The envelope that `to_bytes` gave.

        Raises:
            MalformedMessageError: The bytes are no envelope, or of another version.
        """
        return cls(encoded)

    def to_bytes(self) -> bytes:
        """The bytes to carry to the recipient."""
        return self._encoded

    @classmethod
    def from_matrix(cls, content: Mapping[str, object], *, room_id: str | None = None) -> Envelope:
        """The envelope of a message as events have it (olm_megolm.md §8).

        Args:
            content: Of an Olm message `type` and `body`; of one to a room the content of its
                `m.room.encrypted`, which may lack `sender_key` and `device_id`.
            room_id: The room of the event.

        Raises:
            MalformedMessageError: A field is missing or of another type.
            InvalidArgumentError: The message is to a room, and no id of it is given.
        """
        from e2ee import _matrix_envelopes  # noqa: PLC0415 - as for bundles

        return cls(_matrix_envelopes.from_event(content, room_id))

    def to_matrix(self) -> dict[str, int | str]:
        """An envelope of Olm as events have it (olm_megolm.md §8).

        To a device: `type`, 0 for a prekey message and 1 for others, and `body`. To a room: the
        content of `m.room.encrypted`.

        Raises:
            InvalidArgumentError: It is another protocol's.
        """
        from e2ee import _matrix_envelopes  # noqa: PLC0415 - as for bundles

        return _matrix_envelopes.to_event(self._encoded)

    @property
    def kind(self) -> EnvelopeKind:
        """What it holds.

        "prekey" can start a session and "message" needs one; "group" is for all members of a group,
        "sealed" hides its sender, and "repair" says that a message could not be opened.
        """
        return _core.envelope_kind(self._encoded)

    def __len__(self) -> int:
        """The number of bytes."""
        return len(self._encoded)

    def __repr__(self) -> str:
        """Kind and size."""
        return f"Envelope(kind={self.kind!r}, {len(self)} bytes)"


_new: Final = object.__new__
_set_encoded: Final = vars(Envelope)["_encoded"].__set__


def envelope_of(made: bytes) -> Envelope:
    """An envelope that the core has made, which need not be checked.

    The class's own `__init__` takes six times the time.
    """
    envelope = _new(Envelope)
    _set_encoded(envelope, made)
    return envelope


def envelopes_of(made: Sequence[bytes]) -> list[Envelope]:
    """Envelopes like those of `envelope_of`, in two thirds of the time: nothing here is a loop."""
    envelopes = list(map(_new, repeat(Envelope, len(made))))
    deque(map(_set_encoded, envelopes, made), maxlen=0)
    return envelopes


@dataclass(frozen=True, slots=True)
class Message:
    """A decrypted message; its `repr` does not show the plaintext.

    `received` and `inbox_id` are `None` if it never was in the inbox. `content` says what it is:

    - "message": the application's, to this device alone;
    - "group": the application's, to the group `group`;
    - "invitation": from now on messages of the sender to the group `group` can be opened here;
    - "resend": the sender could not open what was sent to it at the time `sent`: send it again;
    - "forwarded": the application's, to the group `group`, under a key that was imported: nothing
      says that the sender has written it.

    An invitation and a resend have no plaintext. The group of a Matrix account is a room's id.
    """

    sender: Address
    plaintext: bytes = field(repr=False)
    received: datetime | None = None
    inbox_id: str | None = None
    content: ContentKind = "message"
    group: UUID | str | None = None
    sent: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class PreKeyBundle:
    """The public keys with which others start a session with a device; nothing in it is secret.

    A bundle of Olm is a JSON object (olm_megolm.md §8); `e2ee.matrix.make_bundle` makes one of what
    a server gave.
    """

    _encoded: bytes
    identity_key: bytes = field(init=False, compare=False)
    device: int | str = field(init=False, compare=False)
    reusable: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Parses the bytes; signatures are verified when a session is started."""
        identity_key, device, reusable = _read_bundle(self._encoded)
        object.__setattr__(self, "identity_key", identity_key)
        object.__setattr__(self, "device", device)
        object.__setattr__(self, "reusable", reusable)

    @classmethod
    def from_bytes(cls, encoded: bytes) -> PreKeyBundle:
        """The bundle that `to_bytes` gave.

        Raises:
            MalformedMessageError: The bytes are no bundle, or of another version.
            InvalidKeyError: A key in it has another type or length.
        """
        return cls(encoded)

    @classmethod
    def assemble(
        cls,
        upload: PreKeyUpload,
        *,
        kyber: SignedPreKey | None = None,
        one_time: OneTimePreKey | None = None,
    ) -> PreKeyBundle:
        """The bundle that a server makes of what a device has uploaded.

        Args:
            upload: Whose keys they are, and the signed prekey.
            kyber: A one-time Kyber key; without it the last-resort key stands in the bundle.
            one_time: A one-time key, if there is one.

        Raises:
            InvalidKeyError: A key has another type or length.
            BadSignatureError: A signature does not verify.
            InvalidArgumentError: A number is out of its range.
        """
        chosen = upload.last_resort if kyber is None else kyber
        return cls(
            _core.assemble_bundle(
                (upload.registration_id, upload.device, upload.identity_key),
                (upload.signed.id, upload.signed.key, upload.signed.signature),
                (chosen.id, chosen.key, chosen.signature),
                None if one_time is None else (one_time.id, one_time.key),
            )
        )

    def to_bytes(self) -> bytes:
        """The bytes to publish, or to give to whoever wants to start a session."""
        return self._encoded

    def __repr__(self) -> str:
        """Identity key, device and whether it is reusable."""
        key = self.identity_key.hex()
        return f"PreKeyBundle(identity_key={key}, device={self.device}, reusable={self.reusable})"


def _read_bundle(encoded: bytes) -> tuple[bytes, int | str, bool]:
    if encoded[:1] != b"{":
        return _core.read_bundle(encoded)
    # Whoever has no devices of Matrix does not load what reads them.
    from e2ee import _matrix_bundles  # noqa: PLC0415

    return _matrix_bundles.read_bundle(encoded)


@dataclass(frozen=True, slots=True, eq=False)
class SafetyNumber:
    """What two people compare to know that nobody is between them (signal.md §11).

    `digits` are 60 decimal digits to read aloud, the same on both sides. `scannable` is what the
    other's camera reads: 74 bytes, on each side the mirror image of the other's; `None` if only
    digits were given. Two numbers are equal if their digits are.

    >>> print(SafetyNumber("1234567890" * 6))
    12345 67890 12345 67890 12345 67890 12345 67890 12345 67890 12345 67890

    Raises:
        InvalidArgumentError: These are not 60 digits, or not those of the scannable form.
        MalformedMessageError: `scannable` is no safety number.
    """

    digits: str
    scannable: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Checks that these are 60 digits, and that both forms say the same."""
        if not _DIGITS.fullmatch(self.digits):
            raise InvalidArgumentError("a safety number has 60 digits")
        if self.scannable is not None and not hmac.compare_digest(
            self.digits, _core.safety_number_digits(self.scannable)
        ):
            raise InvalidArgumentError("the digits are not those of the scannable form")

    @classmethod
    def from_scannable(cls, scannable: bytes) -> SafetyNumber:
        """The number of a scannable form, as the device that shows it sees it.

        Raises:
            MalformedMessageError: The bytes are no safety number.
        """
        return cls(_core.safety_number_digits(scannable), scannable)

    def compare(self, scanned: bytes) -> bool:
        """Whether the bytes that a camera read from the other's device belong to this number.

        The time does not depend on the hashes.

        Raises:
            SafetyNumberVersionError: They are of another version, which says nothing.
            MalformedMessageError: They are no safety number.
            InvalidArgumentError: This number has digits only.
        """
        return _core.safety_number_matches(self._scannable(), scanned)

    def __eq__(self, other: object) -> bool:
        """Whether both have the same digits, in a time that does not depend on them."""
        if not isinstance(other, SafetyNumber):
            return NotImplemented
        return hmac.compare_digest(self.digits, other.digits)

    def __hash__(self) -> int:
        """The hash of the digits."""
        return hash(self.digits)

    def __str__(self) -> str:
        """Twelve groups of five digits."""
        return " ".join(self.digits[i : i + _GROUP] for i in range(0, len(self.digits), _GROUP))

    def qr(self) -> str:
        """The scannable form as a QR code for a terminal.

        Raises:
            InvalidArgumentError: This number has digits only.
        """
        text = io.StringIO()
        self._code().terminal(text, compact=True)
        return text.getvalue()

    def svg(self) -> str:
        """The scannable form as a QR code in SVG.

        Raises:
            InvalidArgumentError: This number has digits only.
        """
        return self._code().svg_inline()

    def png(self, *, scale: int = 8) -> bytes:
        """The scannable form as a QR code in PNG; `scale` is the width of a module in pixels.

        Raises:
            InvalidArgumentError: This number has digits only, or the scale is not 1 to 64.
        """
        if not 1 <= scale <= _MAX_SCALE:
            raise InvalidArgumentError("the scale is 1 to 64")
        image = io.BytesIO()
        self._code().save(image, kind="png", scale=scale)
        return image.getvalue()

    def _scannable(self) -> bytes:
        if self.scannable is None:
            raise InvalidArgumentError("digits alone cannot be scanned")
        return self.scannable

    def _code(self) -> segno.QRCode:
        # Most programs never show one, and it brings the half of what they would load.
        import segno  # noqa: PLC0415

        return segno.make_qr(self._scannable(), error="L", mode="byte")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An envelope that waits in the outbox for its carrier.

    `id` names it there, `queued` is when it was made (UTC). The same entry has the same envelope
    each time, also in another process.
    """

    id: str
    recipient: Address
    queued: datetime
    envelope: Envelope = field(repr=False)


@dataclass(frozen=True, slots=True)
class Contact:
    """A peer, as a list of contacts shows it.

    `pq_epoch` and `pq_messages` say how far the post-quantum ratchet of the current session is, and
    how many messages ago it turned; `None` without a session. `signing_key` is the Ed25519 key of a
    Matrix device, once it is known.
    """

    address: Address
    identity_key: bytes
    verified: bool
    pq_epoch: int | None
    pq_messages: int | None
    signing_key: bytes | None = None
