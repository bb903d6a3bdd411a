# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee.olm` over the C library: the same names, arguments, results and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tests.capi.objects import (
    BacklogStep,
    GroupBacklogStep,
    GroupStep,
    Handle,
    Parts,
    Records,
    SessionStep,
    StateKey,
    check,
    ffi,
    filled,
    lib,
    messages_of,
    sealed,
    text,
    two,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Account",
    "InboundGroupSession",
    "OutboundGroupSession",
    "Session",
    "SessionStep",
    "StateKey",
]

_SESSION = ("head", "chains", "skipped")
_INBOUND = ("head", "events")


class Account(Handle):
    """One device: its identity keys, and the keys that others start sessions with."""

    ctype = "e2ee_olm_account"

    @classmethod
    def generate(cls) -> Self:
        """A device with fresh identity keys."""
        return cls.made(lib.e2ee_olm_account_generate)

    @classmethod
    def load(cls, key: StateKey, revision: int, record: bytes) -> Self:
        """The account that `seal` gave."""
        rows = Records({"olm account": (revision, record)})
        return cls.made(lambda place: lib.e2ee_olm_account_load(key.pointer, rows.array, 1, place))

    def seal(self, key: StateKey) -> tuple[int, bytes]:
        """The next revision and the sealed record."""
        return sealed(self, lib.e2ee_olm_account_seal, key)

    @property
    def identity_key(self) -> bytes:
        """The public Curve25519 key."""
        return self.output(lib.e2ee_olm_account_identity_key)

    @property
    def signing_key(self) -> bytes:
        """The public Ed25519 key."""
        return self.output(lib.e2ee_olm_account_signing_key)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of these bytes."""
        return self.output(lib.e2ee_olm_account_sign, message, len(message))

    def generate_one_time_keys(self, count: int) -> None:
        """Makes so many one-time keys."""
        check(lib.e2ee_olm_account_generate_one_time_keys(self.pointer, count))

    @property
    def one_time_keys(self) -> dict[int, bytes]:
        """The one-time keys that wait to be published."""
        return self._keys(lib.e2ee_olm_account_one_time_keys)

    def generate_fallback_key(self) -> None:
        """Makes a fallback key."""
        check(lib.e2ee_olm_account_generate_fallback_key(self.pointer))

    @property
    def fallback_key(self) -> tuple[int, bytes] | None:
        """The fallback key, if it waits to be published."""
        return next(iter(self._keys(lib.e2ee_olm_account_fallback_key).items()), None)

    def mark_keys_as_published(self) -> None:
        """Says that the server has all keys that waited."""
        check(lib.e2ee_olm_account_mark_keys_as_published(self.pointer))

    def forget_fallback_key(self) -> bool:
        """Forgets the fallback key before the current one."""
        return bool(self.value(lib.e2ee_olm_account_forget_fallback_key, "bool"))

    @property
    def max_one_time_keys(self) -> int:
        """How many one-time keys may wait to be published."""
        return int(lib.e2ee_olm_account_max_one_time_keys())

    def _keys(self, function: Any) -> dict[int, bytes]:
        room, count = filled(lambda *room: function(self.pointer, *room), "e2ee_olm_one_time_key")
        return {room[at].id: bytes(ffi.buffer(room[at].public_key)) for at in range(count)}


class Session(Handle):
    """One session with one device of a peer."""

    ctype = "e2ee_olm_session"

    @classmethod
    def initiate(
        cls, key: StateKey, account: Account, *, identity_key: bytes, one_time_key: bytes
    ) -> Self:
        """Starts a session with the owner of these two keys."""
        theirs = identity_key, len(identity_key), one_time_key, len(one_time_key)
        return cls.made(
            lambda place: lib.e2ee_olm_session_initiate(
                key.pointer, account.pointer, *theirs, place
            )
        )

    @classmethod
    def accept(
        cls, key: StateKey, account: Account, sender_identity_key: bytes | None, message: bytes
    ) -> tuple[Self, SessionStep]:
        """Makes the session that a prekey message asks for."""
        sender = (
            (ffi.NULL, 0)
            if sender_identity_key is None
            else (sender_identity_key, len(sender_identity_key))
        )
        return two(
            cls,
            lambda *places: lib.e2ee_olm_session_accept(
                key.pointer, account.pointer, *sender, message, len(message), *places
            ),
        )

    @classmethod
    def load(cls, key: StateKey, records: tuple[str, Parts]) -> Self:
        """The session of these records."""
        name, rows = text(records[0]), Records.of(_SESSION, records[1])
        return cls.made(
            lambda place: lib.e2ee_olm_session_load(
                key.pointer, *name, rows.array, rows.count, place
            )
        )

    @property
    def name(self) -> str:
        """What names this session."""
        return self.output(lib.e2ee_olm_session_name).decode()

    @property
    def session_id(self) -> bytes:
        """The id of the session."""
        return self.output(lib.e2ee_olm_session_session_id)

    @property
    def their_identity_key(self) -> bytes:
        """The peer's public identity key."""
        return self.output(lib.e2ee_olm_session_their_identity_key)

    @property
    def has_received(self) -> bool:
        """Whether a message of the peer has opened."""
        return bool(self.value(lib.e2ee_olm_session_has_received, "bool"))

    def matches(self, message: bytes) -> bool:
        """Whether a prekey message belongs to this session."""
        place = ffi.new("bool *")
        check(lib.e2ee_olm_session_matches(self.pointer, message, len(message), place))
        return bool(place[0])

    def encrypt(self, plaintext: bytes) -> SessionStep:
        """Encrypts."""
        return SessionStep.made(
            lambda place: lib.e2ee_olm_session_encrypt(
                self.pointer, plaintext, len(plaintext), place
            )
        )

    def decrypt(self, kind: int, message: bytes) -> SessionStep:
        """Opens a message."""
        return SessionStep.made(
            lambda place: lib.e2ee_olm_session_decrypt(
                self.pointer, kind, message, len(message), place
            )
        )

    def decrypt_many(self, messages: Sequence[tuple[int, bytes]]) -> BacklogStep:
        """Opens many messages as one step."""
        array, count, _kept = messages_of(messages)
        return BacklogStep.of(
            count,
            lambda place: lib.e2ee_olm_session_decrypt_many(self.pointer, array, count, place),
        )

    def save(self) -> SessionStep:
        """Saves a session that was read from elsewhere."""
        return SessionStep.made(lambda place: lib.e2ee_olm_session_save(self.pointer, place))


class OutboundGroupSession(Handle):
    """Our own ratchet for a room."""

    ctype = "e2ee_olm_outbound_group_session"

    @classmethod
    def create(cls, key: StateKey) -> Self:
        """A fresh ratchet."""
        return cls.made(
            lambda place: lib.e2ee_olm_outbound_group_session_create(key.pointer, place)
        )

    @classmethod
    def load(cls, key: StateKey, session_id: bytes, record: tuple[int, bytes]) -> Self:
        """The session of its record."""
        rows = Records({"sending": record})
        return cls.made(
            lambda place: lib.e2ee_olm_outbound_group_session_load(
                key.pointer, session_id, rows.array, rows.count, place
            )
        )

    @property
    def session_id(self) -> bytes:
        """The id of the session."""
        return self.output(lib.e2ee_olm_outbound_group_session_session_id)

    @property
    def message_index(self) -> int:
        """The index of the next message."""
        return int(self.value(lib.e2ee_olm_outbound_group_session_message_index, "uint32_t"))

    def session_key(self) -> bytes:
        """The session key for a new member."""
        return self.output(lib.e2ee_olm_outbound_group_session_session_key)

    def encrypt(self, plaintext: bytes) -> SessionStep:
        """Encrypts to all members."""
        return SessionStep.made(
            lambda place: lib.e2ee_olm_outbound_group_session_encrypt(
                self.pointer, plaintext, len(plaintext), place
            )
        )

    def save(self) -> SessionStep:
        """Saves a session that was read from elsewhere."""
        return SessionStep.made(
            lambda place: lib.e2ee_olm_outbound_group_session_save(self.pointer, place)
        )


class InboundGroupSession(Handle):
    """The ratchet of one sender of a room."""

    ctype = "e2ee_olm_inbound_group_session"

    @classmethod
    def accept(cls, key: StateKey, session_key: bytes) -> tuple[Self, SessionStep]:
        """The session of a session key."""
        return two(
            cls,
            lambda *places: lib.e2ee_olm_inbound_group_session_accept(
                key.pointer, session_key, len(session_key), *places
            ),
        )

    @classmethod
    def accept_export(cls, key: StateKey, export: bytes) -> tuple[Self, SessionStep]:
        """The session of an export."""
        return two(
            cls,
            lambda *places: lib.e2ee_olm_inbound_group_session_accept_export(
                key.pointer, export, len(export), *places
            ),
        )

    @classmethod
    def load(cls, key: StateKey, session_id: bytes, records: Parts) -> Self:
        """The session of its records."""
        rows = Records.of(_INBOUND, records)
        return cls.made(
            lambda place: lib.e2ee_olm_inbound_group_session_load(
                key.pointer, session_id, rows.array, rows.count, place
            )
        )

    @property
    def session_id(self) -> bytes:
        """The id of the session."""
        return self.output(lib.e2ee_olm_inbound_group_session_session_id)

    @property
    def first_known_index(self) -> int:
        """The index of the first message that opens."""
        return int(self.value(lib.e2ee_olm_inbound_group_session_first_known_index, "uint32_t"))

    @property
    def is_signed(self) -> bool:
        """Whether the sender's signature was over what we have."""
        return bool(self.value(lib.e2ee_olm_inbound_group_session_is_signed, "bool"))

    def export_at(self, index: int) -> bytes:
        """The export from this index on."""
        return self.output(lib.e2ee_olm_inbound_group_session_export_at, index)

    def merge(self, shared: bytes) -> SessionStep:
        """Takes over what another share of the same session knows."""
        return SessionStep.made(
            lambda place: lib.e2ee_olm_inbound_group_session_merge(
                self.pointer, shared, len(shared), place
            )
        )

    def decrypt(self, message: bytes, event_id: str | None) -> GroupStep:
        """Opens a message as the event with this id."""
        event = (ffi.NULL, 0) if event_id is None else text(event_id)
        return GroupStep.made(
            lambda place: lib.e2ee_olm_inbound_group_session_decrypt(
                self.pointer, message, len(message), *event, place
            )
        )

    def decrypt_many(self, messages: Sequence[tuple[bytes, str | None]]) -> GroupBacklogStep:
        """Opens messages, each as an event or none, as one step."""
        array, _kept = events_of(messages)
        count = len(messages)
        return GroupBacklogStep.of(
            count,
            lambda place: lib.e2ee_olm_inbound_group_session_decrypt_many(
                self.pointer, array, count, place
            ),
        )

    def save(self) -> SessionStep:
        """Saves a session that was read from elsewhere."""
        return SessionStep.made(
            lambda place: lib.e2ee_olm_inbound_group_session_save(self.pointer, place)
        )


def events_of(messages: Sequence[tuple[bytes, str | None]]) -> tuple[Any, object]:
    """Messages and their events as C takes them, and what they point to."""
    array = ffi.new("e2ee_olm_event[]", max(1, len(messages)))
    kept = []
    for event, (message, event_id) in zip(array, messages, strict=False):
        given = ffi.from_buffer(message), (ffi.NULL, 0) if event_id is None else text(event_id)
        event.message, event.message_len = given[0], len(message)
        event.event_id, event.event_id_len = given[1]
        kept.append(given)
    return array, kept
