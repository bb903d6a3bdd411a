# SPDX-License-Identifier: MIT OR Apache-2.0
"""X3DH and the Double Ratchet as Twomemo sets them up, in batches within one event loop."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import x3dh
from doubleratchet.recommended import diffie_hellman_ratchet_curve25519
from twomemo.twomemo import (
    AEADImpl,
    DoubleRatchetImpl,
    EncryptedKeyMaterialImpl,
    KeyExchangeImpl,
    MessageChainKDFImpl,
    RootChainKDFImpl,
    StateImpl,
)

#: As many as our sessions keep.
MAX_SKIPPED = 2_000
SETUP = (
    diffie_hellman_ratchet_curve25519.DiffieHellmanRatchet,
    RootChainKDFImpl,
    MessageChainKDFImpl,
    DoubleRatchetImpl.MESSAGE_CHAIN_CONSTANT,
    MAX_SKIPPED,
    MAX_SKIPPED,
    AEADImpl,
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Session:
    """A ratchet and what its messages are bound to."""

    ratchet: DoubleRatchetImpl
    associated_data: bytes

    async def seal(self, plaintext: bytes) -> bytes:
        sent = await self.ratchet.encrypt_message(plaintext, self.associated_data)
        return EncryptedKeyMaterialImpl("", 1, sent).serialize()

    async def unseal(self, message: bytes) -> bytes:
        parsed = EncryptedKeyMaterialImpl.parse(message, "", 1)
        return await self.ratchet.decrypt_message(parsed.encrypted_message, self.associated_data)


#: A session that was started, and its first message, which the API makes at once.
Start: TypeAlias = tuple[Session, bytes]


class Library:
    """Two states, and what they do."""

    def __init__(self) -> None:
        self.alice, self.bob = (
            StateImpl.create(
                x3dh.IdentityKeyFormat.CURVE_25519, x3dh.HashFunction.SHA_256, StateImpl.INFO
            )
            for _ in range(2)
        )
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.close()

    def bundles(self, count: int) -> list[x3dh.Bundle]:
        return [self._bundle() for _ in range(count)]

    def _bundle(self) -> x3dh.Bundle:
        for key in self.bob.bundle.pre_keys:
            self.bob.delete_pre_key(key)
        self.bob.generate_pre_keys(1)
        return self.bob.bundle

    def start(self, bundles: list[x3dh.Bundle]) -> list[Start]:
        async def work() -> list[Start]:
            return [await self._start(bundle, b"") for bundle in bundles]

        return self._run(work())

    async def _start(self, bundle: x3dh.Bundle, plaintext: bytes) -> Start:
        secret, bound, header = await self.alice.get_shared_secret_active(bundle)
        ratchet, sent = await DoubleRatchetImpl.encrypt_initial_message(
            *SETUP, secret, bundle.signed_pre_key, plaintext, bound
        )
        exchange = KeyExchangeImpl(header, 1, 1)
        body = EncryptedKeyMaterialImpl("", 1, sent).serialize()
        return Session(ratchet, bound), exchange.serialize(body)

    def first_messages(self, plaintext: bytes, count: int) -> list[tuple[x3dh.Bundle, bytes]]:
        return [self._first(plaintext) for _ in range(count)]

    def _first(self, plaintext: bytes) -> tuple[x3dh.Bundle, bytes]:
        self.bob.generate_pre_keys(1)
        bundle = self.bob.bundle
        (prekey, *_) = bundle.pre_keys
        self.bob.hide_pre_key(prekey)
        alone = x3dh.Bundle(
            bundle.identity_key,
            bundle.signed_pre_key,
            bundle.signed_pre_key_sig,
            frozenset([prekey]),
        )
        return alone, self._run(self._start(alone, plaintext))[1]

    def accept(self, messages: list[tuple[x3dh.Bundle, bytes]]) -> list[Session]:
        async def work() -> list[Session]:
            return [await self._accept(bundle, message) for bundle, message in messages]

        return self._run(work())

    async def _accept(self, bundle: x3dh.Bundle, message: bytes) -> Session:
        exchange, body = KeyExchangeImpl.parse(message)
        (prekey,) = bundle.pre_keys
        header = x3dh.Header(
            exchange.header.identity_key,
            exchange.header.ephemeral_key,
            bundle.signed_pre_key,
            prekey,
        )
        secret, bound, signed = await self.bob.get_shared_secret_passive(header)
        parsed = EncryptedKeyMaterialImpl.parse(body, "", 1).encrypted_message
        ratchet, _ = await DoubleRatchetImpl.decrypt_initial_message(
            *SETUP, secret, signed.priv, parsed, bound
        )
        self.bob.delete_pre_key(prekey)
        return Session(ratchet, bound)

    def conversation(self) -> tuple[Session, Session]:
        self.bundles(1)
        bundle = self.bob.bundle
        ((ours, first),) = self.start([bundle])
        (theirs,) = self.accept([(bundle, first)])
        self.decrypt(ours, self.encrypt(theirs, b"", 1))
        return ours, theirs

    def encrypt(self, session: Session, plaintext: bytes, count: int) -> list[bytes]:
        async def work() -> list[bytes]:
            return [await session.seal(plaintext) for _ in range(count)]

        return self._run(work())

    def decrypt(self, session: Session, messages: list[bytes]) -> None:
        async def work() -> None:
            for message in messages:
                await session.unseal(message)

        self._run(work())

    def exchange(self, ends: tuple[Session, Session], plaintext: bytes, count: int) -> None:
        async def work() -> None:
            for number in range(count):
                await ends[1 - number % 2].unseal(await ends[number % 2].seal(plaintext))

        self._run(work())

    def fan_out(self, sessions: list[Session], plaintext: bytes) -> None:
        async def work() -> None:
            for session in sessions:
                await session.seal(plaintext)

        self._run(work())

    def stored(self, session: Session) -> int:
        """Bytes of the session as it is kept."""
        return len(json.dumps(session.ratchet.json)) + len(session.associated_data)

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self._loop.run_until_complete(work)
