# SPDX-License-Identifier: MIT OR Apache-2.0
"""Olm and Megolm by a module with the names of vodozemac, in batches: bytes in, bytes out.

The same calls for the package and for ours, so that nothing but the module differs.
"""

from typing import Any, TypeAlias

#: Type and bytes.
Message: TypeAlias = tuple[int, bytes]
#: Identity key and one-time key.
Bundle: TypeAlias = tuple[bytes, bytes]
#: Sessions and groups are the module's own.
Held: TypeAlias = Any
#: Of pickles.
KEY = bytes(32)


def library(vodozemac: Held) -> type:  # noqa: C901 (its methods are simple)
    """The library that calls this module."""

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

        def start(self, bundles: list[Bundle]) -> list[Held]:
            read = vodozemac.Curve25519PublicKey.from_bytes
            return [
                self.alice.create_outbound_session(read(identity), read(one_time))
                for identity, one_time in bundles
            ]

        def first_messages(self, plaintext: bytes, count: int) -> list[bytes]:
            starts = self.start(self.bundles(count))
            return [self.encrypt(start, plaintext, 1)[0][1] for start in starts]

        def accept(self, messages: list[bytes]) -> list[Held]:
            return [self._accept(message) for message in messages]

        def _accept(self, message: bytes) -> Held:
            sender = vodozemac.Curve25519PublicKey.from_bytes(self._sender)
            first = vodozemac.AnyOlmMessage.pre_key(message).to_pre_key()
            assert first is not None
            return self.bob.create_inbound_session(sender, first)[0]

        def conversation(self) -> tuple[Held, Held]:
            (ours,) = self.start(self.bundles(1))
            ((_, first),) = self.encrypt(ours, b"", 1)
            (theirs,) = self.accept([first])
            self.decrypt(ours, self.encrypt(theirs, b"", 1))
            return ours, theirs

        def encrypt(self, session: Held, plaintext: bytes, count: int) -> list[Message]:
            return [session.encrypt(plaintext).to_parts() for _ in range(count)]

        def decrypt(self, session: Held, messages: list[Message]) -> None:
            for kind, message in messages:
                session.decrypt(vodozemac.AnyOlmMessage.from_parts(kind, message))

        def exchange(self, ends: tuple[Held, Held], plaintext: bytes, count: int) -> None:
            for number in range(count):
                kind, message = ends[number % 2].encrypt(plaintext).to_parts()
                ends[1 - number % 2].decrypt(vodozemac.AnyOlmMessage.from_parts(kind, message))

        def fan_out(self, sessions: list[Held], plaintext: bytes) -> None:
            for session in sessions:
                session.encrypt(plaintext).to_parts()

        def group(self) -> tuple[Held, Held]:
            own = vodozemac.GroupSession()
            return own, vodozemac.InboundGroupSession(own.session_key)

        def group_encrypt(self, own: Held, plaintext: bytes, count: int) -> list[bytes]:
            return [own.encrypt(plaintext).to_bytes() for _ in range(count)]

        def group_decrypt(self, other: Held, messages: list[bytes]) -> None:
            for message in messages:
                other.decrypt(vodozemac.MegolmMessage.from_bytes(message))

        def pickle(self, session: Held, count: int) -> list[str]:
            return [session.pickle(KEY) for _ in range(count)]

        def unpickle(self, pickles: list[str]) -> None:
            for pickle in pickles:
                vodozemac.Session.from_pickle(pickle, KEY)

        def stored(self, session: Held) -> int:
            """Bytes of the session as it is kept; the form is text, which is not counted."""
            return len(session.pickle(KEY)) * 3 // 4

    return Library
