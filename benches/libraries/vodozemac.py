# SPDX-License-Identifier: MIT OR Apache-2.0
"""Olm and Megolm by vodozemac, in batches: bytes in, bytes out, fresh keys."""

from typing import TypeAlias

import vodozemac

#: Type and bytes.
Message: TypeAlias = tuple[int, bytes]
#: Identity key and one-time key.
Bundle: TypeAlias = tuple[bytes, bytes]


class Library:
    """Two accounts, and what they do."""

    def __init__(self) -> None:
        self.alice, self.bob = vodozemac.Account(), vodozemac.Account()
        self._sender = self.alice.curve25519_key.to_bytes()

    def bundles(self, count: int) -> list[Bundle]:
        return [self._bundle() for _ in range(count)]

    def _bundle(self) -> Bundle:
        self.bob.generate_one_time_keys(1)
        (one_time,) = self.bob.one_time_keys.values()
        self.bob.mark_keys_as_published()
        return self.bob.curve25519_key.to_bytes(), one_time.to_bytes()

    def start(self, bundles: list[Bundle]) -> list[vodozemac.Session]:
        read = vodozemac.Curve25519PublicKey.from_bytes
        return [
            self.alice.create_outbound_session(read(identity), read(one_time))
            for identity, one_time in bundles
        ]

    def first_messages(self, plaintext: bytes, count: int) -> list[bytes]:
        starts = self.start(self.bundles(count))
        return [self.encrypt(start, plaintext, 1)[0][1] for start in starts]

    def accept(self, messages: list[bytes]) -> list[vodozemac.Session]:
        return [self._accept(message) for message in messages]

    def _accept(self, message: bytes) -> vodozemac.Session:
        sender = vodozemac.Curve25519PublicKey.from_bytes(self._sender)
        first = vodozemac.AnyOlmMessage.pre_key(message).to_pre_key()
        assert first is not None
        return self.bob.create_inbound_session(sender, first)[0]

    def conversation(self) -> tuple[vodozemac.Session, vodozemac.Session]:
        (ours,) = self.start(self.bundles(1))
        ((_, first),) = self.encrypt(ours, b"", 1)
        (theirs,) = self.accept([first])
        self.decrypt(ours, self.encrypt(theirs, b"", 1))
        return ours, theirs

    def encrypt(self, session: vodozemac.Session, plaintext: bytes, count: int) -> list[Message]:
        return [session.encrypt(plaintext).to_parts() for _ in range(count)]

    def decrypt(self, session: vodozemac.Session, messages: list[Message]) -> None:
        for kind, message in messages:
            session.decrypt(vodozemac.AnyOlmMessage.from_parts(kind, message))

    def exchange(
        self, ends: tuple[vodozemac.Session, vodozemac.Session], plaintext: bytes, count: int
    ) -> None:
        for number in range(count):
            kind, message = ends[number % 2].encrypt(plaintext).to_parts()
            ends[1 - number % 2].decrypt(vodozemac.AnyOlmMessage.from_parts(kind, message))

    def fan_out(self, sessions: list[vodozemac.Session], plaintext: bytes) -> None:
        for session in sessions:
            session.encrypt(plaintext).to_parts()

    def group(self) -> tuple[vodozemac.GroupSession, vodozemac.InboundGroupSession]:
        own = vodozemac.GroupSession()
        return own, vodozemac.InboundGroupSession(own.session_key)

    def group_encrypt(
        self, own: vodozemac.GroupSession, plaintext: bytes, count: int
    ) -> list[bytes]:
        return [own.encrypt(plaintext).to_bytes() for _ in range(count)]

    def group_decrypt(self, other: vodozemac.InboundGroupSession, messages: list[bytes]) -> None:
        for message in messages:
            other.decrypt(vodozemac.MegolmMessage.from_bytes(message))

    def stored(self, session: vodozemac.Session) -> int:
        """Bytes of the session as it is kept; the form is text, which is not counted."""
        return len(session.pickle(bytes(32))) * 3 // 4
