# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee.signal` over the C library: the same names, arguments, results and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tests.capi.objects import (
    BacklogStep,
    Handle,
    Parts,
    Records,
    SessionStep,
    StateKey,
    address,
    address_of,
    bytes_of,
    check,
    ffi,
    lib,
    messages_of,
    sealed,
    text,
    two,
    uuid_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from e2ee import Address

__all__ = ["Device", "SenderKey", "SenderKeys", "Session", "SessionStep", "StateKey"]

_SESSION = ("head", "objects", "skipped")
_SENDER_KEYS = ("head", "skipped")


class Device(Handle):
    """One device: its identity and its prekeys."""

    ctype = "e2ee_signal_device"

    @classmethod
    def generate(cls, user: str, device: int) -> Self:
        """A device with a fresh identity."""
        named = address_of(user, device)
        return cls.made(lambda place: lib.e2ee_signal_device_generate(named, place))

    @classmethod
    def load(cls, key: StateKey, revision: int, record: bytes) -> Self:
        """The device that `seal` gave."""
        rows = Records({"device": (revision, record)})
        return cls.made(
            lambda place: lib.e2ee_signal_device_load(key.pointer, rows.array, 1, place)
        )

    @property
    def identity_key(self) -> bytes:
        """The public identity key."""
        return self.output(lib.e2ee_signal_device_identity_key)

    def bundle(self, *, reusable: bool = False) -> bytes:
        """An encoded bundle."""
        return self.output(lib.e2ee_signal_device_bundle, int(reusable))

    def seal(self, key: StateKey) -> tuple[int, bytes]:
        """The next revision and the sealed record."""
        return sealed(self, lib.e2ee_signal_device_seal, key)


class Session(Handle):
    """One session with one device of a peer."""

    ctype = "e2ee_signal_session"

    @classmethod
    def initiate(cls, key: StateKey, device: Device, peer: Address, bundle: bytes) -> Self:
        """Starts a session from a bundle."""
        to = address(peer)
        return cls.made(
            lambda place: lib.e2ee_signal_session_initiate(
                key.pointer, device.pointer, to, bundle, len(bundle), place
            )
        )

    @classmethod
    def accept(
        cls, key: StateKey, device: Device, peer: Address, message: bytes
    ) -> tuple[Self, SessionStep]:
        """Makes the session that a prekey message asks for."""
        sender = address(peer)
        return two(
            cls,
            lambda *places: lib.e2ee_signal_session_accept(
                key.pointer, device.pointer, sender, message, len(message), *places
            ),
        )

    @classmethod
    def load(cls, key: StateKey, device: Device, peer: Address, records: tuple[str, Parts]) -> Self:
        """The session of these records."""
        name, rows, to = text(records[0]), Records.of(_SESSION, records[1]), address(peer)
        return cls.made(
            lambda place: lib.e2ee_signal_session_load(
                key.pointer, device.pointer, to, *name, rows.array, rows.count, place
            )
        )

    @property
    def name(self) -> str:
        """What names this session."""
        return self.output(lib.e2ee_signal_session_name).decode()

    @property
    def their_identity_key(self) -> bytes:
        """The peer's public identity key."""
        return self.output(lib.e2ee_signal_session_their_identity_key)

    @property
    def their_registration_id(self) -> int:
        """The registration id of the peer's device."""
        return int(self.value(lib.e2ee_signal_session_their_registration_id, "uint32_t"))

    @property
    def pq_progress(self) -> tuple[int, int]:
        """The epoch of the post-quantum ratchet, and the messages since it began."""
        places = ffi.new("uint64_t *"), ffi.new("uint64_t *")
        check(lib.e2ee_signal_session_pq_progress(self.pointer, *places))
        return places[0][0], places[1][0]

    def encrypt(self, plaintext: bytes) -> SessionStep:
        """Encrypts."""
        return SessionStep.made(
            lambda place: lib.e2ee_signal_session_encrypt(
                self.pointer, plaintext, len(plaintext), place
            )
        )

    def decrypt(self, kind: int, message: bytes) -> SessionStep:
        """Opens a message."""
        return SessionStep.made(
            lambda place: lib.e2ee_signal_session_decrypt(
                self.pointer, kind, message, len(message), place
            )
        )

    def decrypt_many(self, messages: Sequence[tuple[int, bytes]]) -> BacklogStep:
        """Opens many messages as one step."""
        array, count, _kept = messages_of(messages)
        return BacklogStep.of(
            count,
            lambda place: lib.e2ee_signal_session_decrypt_many(self.pointer, array, count, place),
        )


class SenderKey(Handle):
    """Our own chain for one group."""

    ctype = "e2ee_signal_sender_key"

    @classmethod
    def create(cls, key: StateKey, distribution_id: UUID) -> Self:
        """A fresh chain."""
        group = uuid_of(distribution_id)
        return cls.made(lambda place: lib.e2ee_signal_sender_key_create(key.pointer, group, place))

    @classmethod
    def load(cls, key: StateKey, distribution_id: UUID, record: tuple[int, bytes]) -> Self:
        """The chain of its record."""
        group, rows = uuid_of(distribution_id), Records({"sending": record})
        return cls.made(
            lambda place: lib.e2ee_signal_sender_key_load(
                key.pointer, group, rows.array, rows.count, place
            )
        )

    def distribution(self) -> bytes:
        """The distribution message for a new member."""
        return self.output(lib.e2ee_signal_sender_key_distribution)

    def encrypt(self, plaintext: bytes) -> SessionStep:
        """Encrypts to all members."""
        return SessionStep.made(
            lambda place: lib.e2ee_signal_sender_key_encrypt(
                self.pointer, plaintext, len(plaintext), place
            )
        )


class SenderKeys(Handle):
    """The chains of one sender for one group."""

    ctype = "e2ee_signal_sender_keys"

    def __init__(self, key: StateKey, sender: Address, distribution_id: UUID) -> None:
        group, named = uuid_of(distribution_id), address(sender)
        place = ffi.new("e2ee_signal_sender_keys **")
        check(lib.e2ee_signal_sender_keys_new(key.pointer, named, group, place))
        super().__init__(place[0])

    @classmethod
    def load(
        cls, key: StateKey, sender: Address, distribution_id: UUID, records: Parts
    ) -> SenderKeys:
        """The chains of their records."""
        group, named = uuid_of(distribution_id), address(sender)
        rows, place = Records.of(_SENDER_KEYS, records), ffi.new("e2ee_signal_sender_keys **")
        check(
            lib.e2ee_signal_sender_keys_load(
                key.pointer, named, group, rows.array, rows.count, place
            )
        )
        made = cls.__new__(cls)
        Handle.__init__(made, place[0])
        return made

    def accept(self, distribution: bytes) -> SessionStep:
        """Takes in a distribution message."""
        return SessionStep.made(
            lambda place: lib.e2ee_signal_sender_keys_accept(
                self.pointer, distribution, len(distribution), place
            )
        )

    def decrypt(self, message: bytes) -> SessionStep:
        """Opens a group message."""
        return SessionStep.made(
            lambda place: lib.e2ee_signal_sender_keys_decrypt(
                self.pointer, message, len(message), place
            )
        )

    def decrypt_many(self, messages: Sequence[bytes]) -> BacklogStep:
        """Opens many group messages as one step."""
        array, count, _kept = messages_of((7, message) for message in messages)
        return BacklogStep.of(
            count,
            lambda place: lib.e2ee_signal_sender_keys_decrypt_many(
                self.pointer, array, count, place
            ),
        )


def safety_number(ours: tuple[str, bytes], theirs: tuple[str, bytes], *, version: int = 2) -> bytes:
    """The scannable form of the safety number of two people."""
    people: list[Any] = []
    kept = []
    for named, key in (ours, theirs):
        person, characters = ffi.new("e2ee_signal_person *"), text(named)
        kept += [characters, ffi.from_buffer(key)]
        person.id, person.id_len = characters
        person.identity_key, person.identity_key_len = kept[-1], len(key)
        people.append(person)
    return bytes_of(lambda *room: lib.e2ee_signal_safety_number(version, *people, *room))


def digits(scannable: bytes) -> str:
    """The 60 digits of a scannable form."""
    return bytes_of(
        lambda *room: lib.e2ee_signal_safety_number_digits(scannable, len(scannable), *room)
    ).decode()


def compare(scannable: bytes, scanned: bytes) -> None:
    """Raises an error unless what was scanned is the mirror image of ours."""
    check(lib.e2ee_signal_safety_number_matches(scannable, len(scannable), scanned, len(scanned)))
