# SPDX-License-Identifier: MIT OR Apache-2.0
"""Devices of mautrix with their stores, driven by name; runs in a process of its own.

Its sessions and its store are used without its client, which needs a server; each change is stored
as the program does it. What is needed is the same from 0.11 on.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from mautrix.crypto.account import OlmAccount
from mautrix.crypto.sessions import InboundGroupSession, OutboundGroupSession
from mautrix.crypto.store.asyncpg import PgCryptoStore
from mautrix.types import OlmCiphertext, OlmMsgType
from mautrix.util.async_db import Database

from tests.interop.matrix.story import tables

try:
    from mautrix.types import DeviceIdentity, TrustState
except ImportError:  # its earlier versions
    from mautrix.crypto import DeviceIdentity, TrustState

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

ONE_TIME_KEYS: Final = 4


@final
class MautrixStores:
    """Devices by name; several may have one file. Results are what JSON can say."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._files: dict[str, Any] = {}
        self._held: dict[str, tuple[Any, Any, str]] = {}
        self._clock = datetime(2026, 1, 1)  # noqa: DTZ001 (the program's own have no zone)

    def _done(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def _now(self) -> datetime:
        """A moment that is later than every one before."""
        self._clock += timedelta(seconds=1)
        return self._clock

    def open(self, name: str, file: str, pickle_key: str) -> dict[str, str]:
        """A device, from its file if it is there."""
        user, device = f"@{name}:example.org", f"{name.upper()}DEVICE"
        if file not in self._files:
            table = PgCryptoStore.upgrade_table
            made = Database.create(f"sqlite:///{file}", upgrade_table=table)
            self._done(made.start())
            self._files[file] = made
        store = PgCryptoStore(user, pickle_key, self._files[file])
        self._done(store.open())
        account = self._done(store.get_account())
        if account is None:
            account = OlmAccount()
            self._done(store.put_device_id(device))
            self._done(store.put_account(account))
        self._held[name] = (store, account, file)
        keys = {"curve25519": account.identity_key, "ed25519": account.signing_key}
        return {"user": user, "device": device, **keys}

    def stop(self, file: str) -> None:
        """The program ends: its log is written into the file."""
        self._done(self._files.pop(file).stop())

    def upload(self, name: str) -> list[str]:
        """Some one-time keys, and its identity keys, which are at the server from then on."""
        store, account, _ = self._held[name]
        account.generate_one_time_keys(ONE_TIME_KEYS)
        keys = list(account.one_time_keys["curve25519"].values())
        account.mark_keys_as_published()
        account.shared = True
        self._done(store.put_account(account))
        return keys

    def start(self, name: str, identity_key: str, one_time_key: str) -> str:
        """A session with somebody; its id."""
        store, account, _ = self._held[name]
        session = account.new_outbound_session(identity_key, one_time_key)
        self._done(store.add_session(identity_key, session))
        return str(session.id)

    def encrypt(self, name: str, identity_key: str, text: str, session_id: str | None) -> list[Any]:
        """A message in a session, or in the one that the program chooses; its type and body."""
        store, _, _ = self._held[name]
        session = self._done(store.get_latest_session(identity_key))
        if session_id is not None:
            sessions = self._done(store.get_sessions(identity_key))
            session = next(each for each in sessions if each.id == session_id)
        message = session.encrypt(text)
        session.last_encrypted = session.use_time = self._now()
        self._done(store.update_session(identity_key, session))
        return [message.type.value, message.body]

    def receive(self, name: str, identity_key: str, kind: int, body: str) -> str:
        """What a message says, in whichever session; a first one makes it."""
        store, account, _ = self._held[name]
        message = OlmCiphertext(body=body, type=OlmMsgType(kind))
        for session in self._done(store.get_sessions(identity_key)):
            if kind == 0 and not session.matches(body):
                continue
            try:
                text = session.decrypt(message)
            except Exception:  # noqa: BLE001, S112 (it is of another session)
                continue
            session.last_decrypted = session.use_time = self._now()
            self._done(store.update_session(identity_key, session))
            return str(text)
        session = account.new_inbound_session(identity_key, body)
        text = session.decrypt(message)
        self._done(store.put_account(account))
        session.last_decrypted = session.use_time = self._now()
        self._done(store.add_session(identity_key, session))
        self._done(store.update_session(identity_key, session))
        return str(text)

    def outbound(self, name: str, room: str) -> list[str]:
        """Makes its key of a room; id and key. It reads its own messages, too."""
        store, account, _ = self._held[name]
        session = OutboundGroupSession(room)
        session.shared = True
        found = [str(session.id), str(session.session_key)]
        said = {"signing_key": account.signing_key, "sender_key": account.identity_key}
        self.inbound(name, found[1], {"room": room, "chain": [], **said}, exported=False)
        self._done(store.add_outbound_group_session(session))
        return found

    def write(self, name: str, room: str, text: str) -> str:
        """A message to a room."""
        store, _, _ = self._held[name]
        session = self._done(store.get_outbound_group_session(room))
        message = session.encrypt(text)
        self._done(store.update_outbound_group_session(session))
        return str(message)

    def inbound(self, name: str, key: str, said: dict[str, Any], *, exported: bool) -> str:
        """It takes a room key; its id."""
        store, _, _ = self._held[name]
        make = InboundGroupSession.import_session if exported else InboundGroupSession
        arguments = (key, said["signing_key"], said["sender_key"], said["room"])
        session = make(*arguments, forwarding_chain=said["chain"])
        self._done(store.put_group_session(said["room"], said["sender_key"], session.id, session))
        return str(session.id)

    def read(self, name: str, place: list[str], message: str, event: str) -> str:
        """What a message to a room says, by room, sender's key and session; it is one event."""
        store, _, _ = self._held[name]
        session = self._group_session(store, *place)
        _, sender_key, session_id = place
        text, index = session.decrypt(message)
        assert self._done(store.validate_message_index(sender_key, session_id, event, index, 1))
        return str(text)

    def _group_session(self, store: Any, room: str, sender_key: str, session_id: str) -> Any:  # noqa: ANN401
        """The program asked for the sender's key in its earlier versions."""
        try:
            return self._done(store.get_group_session(room, session_id))
        except TypeError:
            return self._done(store.get_group_session(room, sender_key, session_id))

    def export(self, name: str, place: list[str], index: int) -> str:
        """A room key that it holds, from an index on."""
        store, _, _ = self._held[name]
        session = self._group_session(store, *place)
        return str(session.export_session(index))

    def redact(self, name: str, room: str, session_id: str) -> None:
        """It deletes a room key, and keeps a note of it."""
        store, _, _ = self._held[name]
        self._done(store.redact_group_session(room, session_id, "it was used up"))

    def introduce(self, name: str, user: str, device: str, keys: list[str], trust: str) -> None:
        """It learns of a device; its user's decision is one of the program's words."""
        store, _, _ = self._held[name]
        known = self._done(store.get_devices(user)) or {}
        identity_key, signing_key = keys
        known[device] = DeviceIdentity(
            user_id=user,
            device_id=device,
            identity_key=identity_key,
            signing_key=signing_key,
            trust=TrustState[trust],
            deleted=False,
            name=f"{device} of {user}",
        )
        self._done(store.put_devices(user, known))

    def cross_sign(self, name: str, user: str, usage: str, key: str) -> None:
        """It learns of a cross-signing key."""
        from mautrix.types import CrossSigningUsage  # noqa: PLC0415 (earlier versions have none)

        store, _, _ = self._held[name]
        self._done(store.put_cross_signing_key(user, CrossSigningUsage(usage), key))

    def remember(self, name: str, token: str) -> None:
        """It has read up to here."""
        self._done(self._held[name][0].put_next_batch(token))

    def dump(self, name: str) -> Any:  # noqa: ANN401
        """The rows of its file."""
        return tables(self._held[name][2])
