# SPDX-License-Identifier: MIT OR Apache-2.0
"""Devices of matrix-nio with their stores, driven by name; runs in a process of its own.

What it needs of the program is the same in 0.26, over vodozemac, and before, over libolm.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, final

from nio.crypto import InboundGroupSession
from nio.crypto.olm_machine import Olm
from nio.events import MegolmEvent, OlmEvent
from nio.responses import KeysClaimResponse, KeysQueryResponse
from nio.store import DefaultStore, SqliteStore
from nio.store.models import DeviceKeys, DeviceKeys_v1, Keys, StoreVersion

from tests.interop.matrix.story import tables

#: So few that a fixture stays small.
ONE_TIME_KEYS: Final = 4
DECISIONS: Final = ("verify", "blacklist", "ignore")


@final
class NioStores:
    """Devices by name; results are what JSON can say."""

    def __init__(self) -> None:
        self._held: dict[str, Any] = {}

    def open(self, name: str, folder: str, kind: str, pickle_key: str) -> dict[str, str]:
        """A device, from its file if there is one; the kind says where decisions go."""
        user, device = f"@{name}:example.org", f"{name.upper()}DEVICE"
        store = {"sqlite": SqliteStore, "default": DefaultStore}[kind]
        made = Olm(user, device, store(user, device, folder, pickle_key=pickle_key))
        self._held[name] = made
        return {"user": user, "device": device, **made.account.identity_keys}

    def path(self, name: str) -> str:
        """Where its file is."""
        return str(Path(self._held[name].store.database_path).absolute())

    def close(self, name: str) -> None:
        """It stops."""
        self._held.pop(name).store.database.close()

    def upload(self, name: str) -> dict[str, Any]:
        """What it sends to its server: device keys and some one-time keys."""
        held = self._held[name]
        generate = held.account.generate_one_time_keys
        held.account.generate_one_time_keys = lambda _: generate(ONE_TIME_KEYS)
        held.uploaded_key_count = 0
        keys: dict[str, Any] = held.share_keys()
        held.account.generate_one_time_keys = generate
        held.account.shared = True
        held.mark_keys_as_published()
        held.save_account()
        return keys

    def introduce(self, name: str, user: str, device: str, keys: Any, decision: str) -> None:  # noqa: ANN401
        """It learns of a device, and its user decides about it."""
        held = self._held[name]
        answer = {"device_keys": {user: {device: keys}}, "failures": {}}
        held.handle_response(KeysQueryResponse.from_dict(answer))
        if decision in DECISIONS:
            getattr(held, f"{decision}_device")(held.device_store[user][device])

    def forget_device(self, name: str, user: str, device: str) -> None:
        """A device was removed by its owner."""
        held = self._held[name]
        held.device_store[user][device].deleted = True
        held.store.save_device_keys({user: {device: held.device_store[user][device]}})

    def claim(self, name: str, user: str, device: str, keys: Any, place: int) -> None:  # noqa: ANN401
        """It starts a session with the one-time key at this place."""
        key_id, key = list(keys.items())[place]
        answer = {"one_time_keys": {user: {device: {key_id: key}}}, "failures": {}}
        self._held[name].handle_response(KeysClaimResponse.from_dict(answer, "!room:example.org"))

    def share(self, name: str, room: str, user: str, device: str) -> Any:  # noqa: ANN401
        """The message with its room key to a device; it is the only one that gets the key."""
        held = self._held[name]
        _, request = held.share_group_session(room, [user], ignore_unverified_devices=True)
        held.outbound_group_sessions[room].mark_as_shared()
        return request["messages"][user][device]

    def write_to(self, name: str, user: str, device: str) -> Any:  # noqa: ANN401
        """A message of two that says nothing."""
        held = self._held[name]
        other = held.device_store[user][device]
        session = held.session_store.get(other.curve25519)
        return held._olm_encrypt(session, other, "m.dummy", {})  # noqa: SLF001

    def receive(self, name: str, sender: str, content: Any) -> str | None:  # noqa: ANN401
        """What kind of message of two it opened, or nothing."""
        event = {"sender": sender, "type": "m.room.encrypted", "content": content}
        opened = self._held[name].handle_to_device_event(OlmEvent.from_dict(event))
        return None if opened is None else type(opened).__name__

    def write(self, name: str, room: str, body: str, event_id: str) -> dict[str, Any]:
        """A message to a room, as its server hands it out."""
        held = self._held[name]
        message = {"type": "m.room.message", "content": {"msgtype": "m.text", "body": body}}
        return {
            "event_id": event_id,
            "sender": held.user_id,
            "origin_server_ts": 1,
            "type": "m.room.encrypted",
            "room_id": room,
            "content": held.group_encrypt(room, message),
        }

    def read(self, name: str, event: Any) -> str:  # noqa: ANN401
        """What a message to a room says."""
        return str(self._held[name].decrypt_megolm_event(MegolmEvent.from_dict(event)).body)

    def export(self, name: str, room: str, sender_key: str, session_id: str, index: int) -> str:
        """A room key that it holds, from an index on."""
        held = self._held[name].inbound_group_store.get(room, sender_key, session_id)
        return str(held.export_session(index))

    def keep_forwarded(self, name: str, key: str, said: dict[str, Any]) -> None:
        """It takes a room key that others forwarded."""
        session = InboundGroupSession.import_session(
            key, said["signing_key"], said["sender_key"], said["room"], said["chain"]
        )
        self._held[name].save_inbound_group_session(session)

    def remember(self, name: str, rooms: list[str], token: str) -> None:
        """It knows of encrypted rooms, and has read up to here."""
        store = self._held[name].store
        store.save_encrypted_rooms(rooms)
        store.save_sync_token(token)

    def listing(self, name: str) -> dict[str, Any]:
        """All that it holds, as a fresh look at its store shows it."""
        store = self._held[name].store
        return {
            "sessions": {
                key: [session.id for session in sessions]
                for key, sessions in self._held[name].session_store.items()
            },
            "received": [
                [
                    each.room_id,
                    each.id,
                    each.sender_key,
                    each.ed25519,
                    each.first_known_index,
                    each.forwarding_chain,
                ]
                for each in store.load_inbound_group_sessions()
            ],
            "sent": [],
            "devices": [
                [each.user_id, each.id, each.curve25519, each.ed25519, self._trust(store, each)]
                for each in store.load_device_keys()
            ],
            "cross_signing_keys": [],
            "encrypted_rooms": sorted(store.load_encrypted_rooms()),
            "sync_token": store.load_sync_token(),
        }

    @staticmethod
    def _trust(store: Any, device: Any) -> str:  # noqa: ANN401
        for state in ("verified", "blacklisted", "ignored"):
            if getattr(store, f"is_device_{state}")(device):
                return state
        return "unset"

    def back_to_version_1(self, name: str) -> None:
        """Its devices go to the table that its first version had, as the program still knows it."""
        store = self._held[name].store
        with store.database.bind_ctx([DeviceKeys, DeviceKeys_v1, Keys, StoreVersion]):
            rows = [
                {
                    "id": each.id,
                    "account": each.account_id,
                    "user_id": each.user_id,
                    "device_id": each.device_id,
                    "deleted": each.deleted,
                    "sender_key": next(k.key for k in each.keys if k.key_type == "curve25519"),
                    "fp_key": next(k.key for k in each.keys if k.key_type == "ed25519"),
                }
                for each in DeviceKeys.select()
            ]
            store.database.execute_sql("PRAGMA foreign_keys = OFF")
            store.database.drop_tables([Keys, DeviceKeys])
            store.database.create_tables([DeviceKeys_v1])
            DeviceKeys_v1.insert_many(rows).execute()
            StoreVersion.update(version=1).execute()

    def dump(self, name: str) -> Any:  # noqa: ANN401
        """The rows of its file."""
        return tables(self.path(name))
