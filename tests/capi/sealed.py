# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sealed sender over the C library, with the names of `e2ee.signal` where that has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.capi.objects import (
    Handle,
    Records,
    StateKey,
    address_of,
    bytes_of,
    check,
    ffi,
    filled,
    lib,
    sealed,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.capi.signal import Device

__all__ = [
    "Content",
    "Destination",
    "SenderCertificate",
    "Sent",
    "ServerSigner",
    "TrustAnchors",
    "TrustRoot",
    "seal",
    "seal_for_many",
    "unseal",
]


class TrustRoot(Handle):
    """The key of an operator, which certifies its servers."""

    ctype = "e2ee_signal_trust_root"

    @classmethod
    def generate(cls) -> Self:
        """A fresh root."""
        return cls.made(lib.e2ee_signal_trust_root_generate)

    @classmethod
    def load(cls, key: StateKey, revision: int, record: bytes) -> Self:
        """The root that `seal` gave."""
        rows = Records({"trust-root": (revision, record)})
        return cls.made(
            lambda place: lib.e2ee_signal_trust_root_load(key.pointer, rows.array, 1, place)
        )

    @property
    def public_key(self) -> bytes:
        """The public key, which recipients trust."""
        return self.output(lib.e2ee_signal_trust_root_public_key)

    def server_signer(self, number: int) -> ServerSigner:
        """A signer with a fresh key."""
        return ServerSigner.made(
            lambda place: lib.e2ee_signal_trust_root_server_signer(self.pointer, number, place)
        )

    def seal(self, key: StateKey) -> tuple[int, bytes]:
        """The next revision and the sealed record."""
        return sealed(self, lib.e2ee_signal_trust_root_seal, key)


class ServerSigner(Handle):
    """A certified key, which certifies senders."""

    ctype = "e2ee_signal_server_signer"

    @classmethod
    def load(cls, key: StateKey, revision: int, record: bytes) -> Self:
        """The signer that `seal` gave."""
        rows = Records({"server-signer": (revision, record)})
        return cls.made(
            lambda place: lib.e2ee_signal_server_signer_load(key.pointer, rows.array, 1, place)
        )

    @property
    def certificate(self) -> bytes:
        """The root's word for this signer."""
        return self.output(lib.e2ee_signal_server_signer_certificate)

    def issue(
        self, user: str, device: int, identity_key: bytes, expires_ms: int, e164: str | None = None
    ) -> SenderCertificate:
        """A certificate for a device."""
        named, number = address_of(user, device), text(e164) if e164 else (ffi.NULL, 0)
        return SenderCertificate.made(
            lambda place: lib.e2ee_signal_server_signer_issue(
                self.pointer, named, identity_key, len(identity_key), *number, expires_ms, place
            )
        )

    def seal(self, key: StateKey) -> tuple[int, bytes]:
        """The next revision and the sealed record."""
        return sealed(self, lib.e2ee_signal_server_signer_seal, key)


class SenderCertificate(Handle):
    """What a server says of a sender."""

    ctype = "e2ee_signal_sender_certificate"

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Self:
        """A certificate as it travels."""
        return cls.made(
            lambda place: lib.e2ee_signal_sender_certificate_parse(encoded, len(encoded), place)
        )

    def to_bytes(self) -> bytes:
        """The certificate as it travels."""
        return self.output(lib.e2ee_signal_sender_certificate_bytes)

    @property
    def sender(self) -> tuple[str, int]:
        """Service id and device."""
        name = self.output(lib.e2ee_signal_sender_certificate_sender).decode()
        return name, self.value(lib.e2ee_signal_sender_certificate_device, "uint32_t")

    @property
    def identity_key(self) -> bytes:
        """The identity key of the sender."""
        return self.output(lib.e2ee_signal_sender_certificate_identity_key)

    @property
    def e164(self) -> str | None:
        """The phone number of the sender, if it is told."""
        return self.output(lib.e2ee_signal_sender_certificate_e164).decode() or None

    @property
    def expires_ms(self) -> int:
        """The last millisecond in which it is valid."""
        return int(self.value(lib.e2ee_signal_sender_certificate_expires_ms, "uint64_t"))

    def validate(self, anchors: TrustAnchors) -> None:
        """Raises an error unless somebody who is trusted vouches for it."""
        check(lib.e2ee_signal_sender_certificate_validate(self.pointer, anchors.pointer))


class TrustAnchors(Handle):
    """What a recipient trusts."""

    ctype = "e2ee_signal_trust_anchors"

    @classmethod
    def of(
        cls, roots: Sequence[bytes], signers: Sequence[bytes] = (), revoked: Sequence[int] = ()
    ) -> Self:
        """Roots, known signers, and numbers of signers that count no more."""
        made = cls.made(lib.e2ee_signal_trust_anchors_new)
        for root in roots:
            made.add_root(root)
        for signer in signers:
            made.add_signer(signer)
        for number in revoked:
            check(lib.e2ee_signal_trust_anchors_revoke(made.pointer, number))
        return made

    def add_root(self, public_key: bytes) -> None:
        """Trusts a root."""
        check(lib.e2ee_signal_trust_anchors_add_root(self.pointer, public_key, len(public_key)))

    def add_signer(self, certificate: bytes) -> None:
        """Knows a signer."""
        check(lib.e2ee_signal_trust_anchors_add_signer(self.pointer, certificate, len(certificate)))


@dataclass(frozen=True, slots=True)
class Content:
    """A message to seal, or out of its seal."""

    kind: int
    message: bytes
    hint: int = 0
    group_id: bytes = b""

    def as_c(self) -> tuple[Any, object]:
        """The same as C takes it, and what it points to."""
        made = ffi.new("e2ee_signal_content *")
        kept = ffi.from_buffer(self.message), ffi.from_buffer(self.group_id)
        made.message, made.message_len = kept[0], len(self.message)
        made.group_id, made.group_id_len = kept[1], len(self.group_id)
        made.hint, made.kind = self.hint, self.kind
        return made, kept


@dataclass(frozen=True, slots=True)
class Destination:
    """A device that a message goes to."""

    user: str
    device: int
    identity_key: bytes
    registration_id: int


def seal(
    device: Device, certificate: SenderCertificate, content: Content, identity_key: bytes
) -> bytes:
    """Seals a message for the owner of an identity key."""
    given, _kept = content.as_c()
    return bytes_of(
        lambda *room: lib.e2ee_signal_sealed_seal(
            device.pointer, certificate.pointer, given, identity_key, len(identity_key), *room
        )
    )


def seal_for_many(
    device: Device,
    certificate: SenderCertificate,
    content: Content,
    destinations: Sequence[Destination],
    excluded: Sequence[str] = (),
) -> bytes:
    """Seals a message for many, in the form that a server fans out."""
    given, _kept = content.as_c()
    keys = [ffi.from_buffer(each.identity_key) for each in destinations]
    array = ffi.new("e2ee_signal_destination[]", max(1, len(destinations)))
    for place, (to, key) in enumerate(zip(destinations, keys, strict=True)):
        array[place].address = address_of(to.user, to.device)[0]
        array[place].identity_key, array[place].identity_key_len = key, len(to.identity_key)
        array[place].registration_id = to.registration_id
    names = ffi.new("e2ee_signal_address[]", max(1, len(excluded)))
    for place, user in enumerate(excluded):
        names[place] = address_of(user, 1)[0]
    return bytes_of(
        lambda *room: lib.e2ee_signal_sealed_seal_for_many(
            *(device.pointer, certificate.pointer, given, array, len(destinations)),
            *(names, len(excluded), *room),
        )
    )


class Unsealed(Handle):
    """A message out of its seal."""

    ctype = "e2ee_signal_sealed_content"

    @property
    def content(self) -> Content:
        """Kind, message, hint and group."""
        return Content(
            self.value(lib.e2ee_signal_sealed_content_kind, "uint8_t"),
            self.output(lib.e2ee_signal_sealed_content_message),
            self.value(lib.e2ee_signal_sealed_content_hint, "uint32_t"),
            self.output(lib.e2ee_signal_sealed_content_group_id),
        )

    @property
    def certificate(self) -> SenderCertificate:
        """The certificate of its sender."""
        return SenderCertificate.made(
            lambda place: lib.e2ee_signal_sealed_content_certificate(self.pointer, place)
        )


def unseal(
    device: Device, anchors: TrustAnchors, message: bytes, e164: str | None = None
) -> Unsealed:
    """Takes a message out of its seal."""
    number = text(e164) if e164 else (ffi.NULL, 0)
    return Unsealed.made(
        lambda place: lib.e2ee_signal_sealed_open(
            device.pointer, anchors.pointer, *number, message, len(message), place
        )
    )


class Sent(Handle):
    """A message to many."""

    ctype = "e2ee_signal_sent"

    @classmethod
    def parse(cls, message: bytes) -> Self:
        """A message as its sender gave it to the server."""
        return cls.made(lambda place: lib.e2ee_signal_sent_parse(message, len(message), place))

    @property
    def recipients(self) -> list[tuple[str, list[tuple[int, int]], bytes]]:
        """Service id, devices with registration ids, and what each gets."""
        count, _ = self._counts()
        return [
            (
                self.output(lib.e2ee_signal_sent_service_id, place).decode(),
                self._devices(place),
                self.output(lib.e2ee_signal_sent_received, place),
            )
            for place in range(count)
        ]

    @property
    def excluded(self) -> list[str]:
        """The service ids that were left out."""
        _, count = self._counts()
        return [
            self.output(lib.e2ee_signal_sent_excluded, place).decode() for place in range(count)
        ]

    def _counts(self) -> tuple[int, int]:
        places = ffi.new("size_t *"), ffi.new("size_t *")
        check(lib.e2ee_signal_sent_recipients(self.pointer, *places))
        return places[0][0], places[1][0]

    def _devices(self, place: int) -> list[tuple[int, int]]:
        room, count = filled(
            lambda *room: lib.e2ee_signal_sent_devices(self.pointer, place, *room),
            "e2ee_signal_registration",
        )
        return [(room[each].device, room[each].registration_id) for each in range(count)]
