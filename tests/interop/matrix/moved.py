# SPDX-License-Identifier: MIT OR Apache-2.0
"""A device that was imported from a program's store, and goes on here."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, final

import e2ee
from e2ee import olm
from tests.interop.matrix.parties import to_bytes, to_text

if TYPE_CHECKING:
    from e2ee.matrix_stores import ImportedDevice

OLM: Final = "m.olm.v1.curve25519-aes-sha2"
MEGOLM: Final = "m.megolm.v1.aes-sha2"


@final
class Moved:
    """An imported device; keys and messages are base64 here, as the programs have them."""

    def __init__(self, device: ImportedDevice, key: olm.StateKey) -> None:
        assert device.account is not None
        self.device = device
        self.account = device.account
        self._key = key
        self._sessions = {peer: list(sessions) for peer, sessions in device.sessions.items()}
        self._received = {to_text(each.session.session_id): each for each in device.received}
        self._taken: dict[str, olm.InboundGroupSession] = {}
        self._sent = {each.room_id: each.session for each in device.sent}

    def save(self) -> int:
        """Saves all, as a program would that has just imported it; how many records that are."""
        every: list[Any] = [each for sessions in self._sessions.values() for each in sessions]
        every += [each.session for each in self.device.received]
        every += [each.session for each in self.device.sent]
        records = 1
        self.account.seal(self._key)
        for session in every:
            step = session.save()
            records += len(step.writes)
            assert step.release() == b""
        return records

    def encrypt(self, identity_key: str, text: str) -> tuple[int, str]:
        """A message in the session used last: its type and body."""
        step = self._sessions[to_bytes(identity_key)][0].encrypt(text.encode())
        assert step.kind is not None
        return step.kind, to_text(step.release())

    def receive(self, identity_key: str, kind: int, body: str) -> str:
        """What a message says, in whichever session; a first one makes it."""
        peer, message = to_bytes(identity_key), to_bytes(body)
        for session in self._sessions.get(peer, []):
            if kind == 0 and not session.matches(message):
                continue
            with suppress(e2ee.DecryptionError):
                return session.decrypt(kind, message).release().decode()
        assert kind == 0, "no session opens it"
        session, step = olm.Session.accept(self._key, self.account, peer, message)
        self._sessions.setdefault(peer, []).insert(0, session)
        return step.release().decode()

    def take(self, session_key: str) -> None:
        """Takes a room key that came in a message."""
        session, step = olm.InboundGroupSession.accept(self._key, to_bytes(session_key))
        step.release()
        self._taken[to_text(session.session_id)] = session

    def read(self, session_id: str, message: str, event_id: str) -> str:
        """What a message to a room says."""
        found = self._taken.get(session_id) or self._received[session_id].session
        return found.decrypt(to_bytes(message), event_id).release()[1].decode()

    def write(self, room: str, text: str) -> str:
        """A message to a room."""
        return to_text(self._sent[room].encrypt(text.encode()).release())

    def make_room_key(self, room: str) -> tuple[str, str]:
        """A new key of a room: id and key."""
        made = self._sent[room] = olm.OutboundGroupSession.create(self._key)
        return to_text(made.session_id), to_text(made.session_key())

    def content_to(self, peer: dict[str, str], kind: str, content: object) -> dict[str, Any]:
        """The content of an event with a message of two, as clients wrap it."""
        inside = {
            "sender": self.device.user_id,
            "sender_device": self.device.device_id,
            "keys": {"ed25519": to_text(self.account.signing_key)},
            "recipient": peer["user"],
            "recipient_keys": {"ed25519": peer["ed25519"]},
            "type": kind,
            "content": content,
        }
        message_type, body = self.encrypt(peer["curve25519"], json.dumps(inside))
        return {
            "algorithm": OLM,
            "sender_key": to_text(self.account.identity_key),
            "ciphertext": {peer["curve25519"]: {"type": message_type, "body": body}},
        }

    def opened(self, content: dict[str, Any]) -> dict[str, Any]:
        """What the content of such an event says to us."""
        for_us = content["ciphertext"][to_text(self.account.identity_key)]
        found: dict[str, Any] = json.loads(
            self.receive(content["sender_key"], for_us["type"], for_us["body"])
        )
        assert found["recipient"] == self.device.user_id
        return found

    def room_event(self, room: str, body: str) -> dict[str, Any]:
        """A message to a room, as its server hands it out."""
        text = json.dumps(
            {
                "type": "m.room.message",
                "room_id": room,
                "content": {"msgtype": "m.text", "body": body},
            }
        )
        return {
            "event_id": "$ours",
            "sender": self.device.user_id,
            "origin_server_ts": 1,
            "type": "m.room.encrypted",
            "room_id": room,
            "content": {
                "algorithm": MEGOLM,
                "sender_key": to_text(self.account.identity_key),
                "device_id": self.device.device_id,
                "session_id": to_text(self._sent[room].session_id),
                "ciphertext": self.write(room, text),
            },
        }

    def room_body(self, event: dict[str, Any]) -> str:
        """What such an event says."""
        content = event["content"]
        text = self.read(content["session_id"], content["ciphertext"], event["event_id"])
        return str(json.loads(text)["content"]["body"])
