# SPDX-License-Identifier: MIT OR Apache-2.0
"""Our side of a conversation of two as accounts in stores, with the calls of a `Party`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, final

import e2ee
from e2ee._protocols import olm_of
from tests.interop.matrix.parties import to_bytes, to_text

if TYPE_CHECKING:
    from collections.abc import Callable


@final
class StoredParty:
    """Accounts by their names, and the peer with whom a session is, by the session's name."""

    def __init__(self, package: str) -> None:
        # What is in a message: python-olm encrypts texts.
        texts = package == "olm"
        self._in: Callable[[str], bytes] = str.encode if texts else to_bytes
        self._out: Callable[[bytes], str] = bytes.decode if texts else to_text
        self._accounts: dict[str, e2ee.Account] = {}
        self._stores: dict[str, e2ee.MemoryStore] = {}
        self._sessions: dict[str, tuple[str, e2ee.Address]] = {}

    def account(self, name: str) -> list[str]:
        """Makes an account; its Curve25519 and Ed25519 keys."""
        store = self._stores[name] = e2ee.MemoryStore()
        made = e2ee.Account.create(store, "@ours:example.org", device="OURS", protocol="olm")
        self._accounts[name] = made
        keys = made.generate_keys().device_keys["keys"]
        assert isinstance(keys, dict)
        return [keys["curve25519:OURS"], keys["ed25519:OURS"]]

    def one_time_key(self, account: str, *, fallback: bool) -> str:
        """Makes a one-time or fallback key, and says that it is published."""
        bundle = json.loads(self._accounts[account].bundle(reusable=fallback).to_bytes())
        (key,) = bundle["one_time_keys"].values()
        text: str = key["key"]
        return text

    def start(self, name: str, account: str, identity: str, one_time_key: str) -> str:
        """Starts a session with keys that nobody has signed; its name."""
        held = self._accounts[account]
        core, peer = olm_of(held._inner), self._with(name, account)  # noqa: SLF001 - unsigned
        # They share no room, so that any Ed25519 key will do.
        keys = to_bytes(identity), to_bytes(identity), to_bytes(one_time_key)
        held._commits.write(lambda inside: core.connect(inside, peer, *keys))  # noqa: SLF001
        return name

    def accept(self, name: str, account: str, identity: str, message: str) -> str:
        """Opens the first message of a peer, who has this identity key; the plaintext."""
        peer = self._with(name, account)
        plaintext = self.decrypt(name, 0, message)
        (contact,) = [each for each in self._accounts[account].contacts() if each.address == peer]
        assert contact.identity_key == to_bytes(identity)
        return plaintext

    def encrypt(self, name: str, plaintext: str) -> list[Any]:
        """Type and text of a message."""
        account, peer = self._sessions[name]
        made = self._accounts[account].encrypt(peer, self._in(plaintext)).to_matrix()
        return [made["type"], made["body"]]

    def decrypt(self, name: str, kind: int, message: str) -> str:
        """The plaintext of a message, which leaves the inbox."""
        account, peer = self._sessions[name]
        envelope = e2ee.Envelope.from_matrix({"type": kind, "body": message})
        with self._accounts[account].receive(peer, envelope) as opened:
            return self._out(opened.plaintext)

    def reopen(self) -> None:
        """Opens all accounts again, as another process would."""
        for name, store in self._stores.items():
            self._accounts[name] = e2ee.Account.open(store)

    def _with(self, session: str, account: str) -> e2ee.Address:
        peer = e2ee.Address("@theirs:example.org", f"THEIRS {session}")
        self._sessions[session] = (account, peer)
        return peer
