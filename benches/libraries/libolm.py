# SPDX-License-Identifier: MIT OR Apache-2.0
"""Olm and Megolm by python-olm, in batches: its messages are base64, and its plaintexts text."""

from typing import TypeAlias

import olm

#: Type and text.
Message: TypeAlias = tuple[int, str]
#: Identity key and one-time key.
Bundle: TypeAlias = tuple[str, str]


class Library:
    """Two accounts, and what they do."""

    def __init__(self) -> None:
        self.alice, self.bob = olm.Account(), olm.Account()
        self._sender = self.alice.identity_keys["curve25519"]

    def bundles(self, count: int) -> list[Bundle]:
        return [self._bundle() for _ in range(count)]

    def _bundle(self) -> Bundle:
        self.bob.generate_one_time_keys(1)
        (one_time,) = self.bob.one_time_keys["curve25519"].values()
        self.bob.mark_keys_as_published()
        return self.bob.identity_keys["curve25519"], one_time

    def start(self, bundles: list[Bundle]) -> list[olm.Session]:
        return [olm.OutboundSession(self.alice, *keys) for keys in bundles]

    def first_messages(self, plaintext: bytes, count: int) -> list[str]:
        starts = self.start(self.bundles(count))
        return [self.encrypt(start, plaintext, 1)[0][1] for start in starts]

    def accept(self, messages: list[str]) -> list[olm.Session]:
        return [self._accept(message) for message in messages]

    def _accept(self, text: str) -> olm.Session:
        message = olm.OlmPreKeyMessage(text)
        session = olm.InboundSession(self.bob, message, self._sender)
        self.bob.remove_one_time_keys(session)
        session.decrypt(message)
        return session

    def conversation(self) -> tuple[olm.Session, olm.Session]:
        (ours,) = self.start(self.bundles(1))
        ((_, first),) = self.encrypt(ours, b"", 1)
        (theirs,) = self.accept([first])
        self.decrypt(ours, self.encrypt(theirs, b"", 1))
        return ours, theirs

    def encrypt(self, session: olm.Session, plaintext: bytes, count: int) -> list[Message]:
        text = plaintext.decode()
        return [
            (message.message_type, message.ciphertext)
            for message in (session.encrypt(text) for _ in range(count))
        ]

    def decrypt(self, session: olm.Session, messages: list[Message]) -> None:
        for _, text in messages:
            session.decrypt(olm.OlmMessage(text))

    def exchange(self, ends: tuple[olm.Session, olm.Session], plaintext: bytes, count: int) -> None:
        text = plaintext.decode()
        for number in range(count):
            sent = ends[number % 2].encrypt(text).ciphertext
            ends[1 - number % 2].decrypt(olm.OlmMessage(sent))

    def fan_out(self, sessions: list[olm.Session], plaintext: bytes) -> None:
        text = plaintext.decode()
        for session in sessions:
            session.encrypt(text)

    def group(self) -> tuple[olm.OutboundGroupSession, olm.InboundGroupSession]:
        own = olm.OutboundGroupSession()
        return own, olm.InboundGroupSession(own.session_key)

    def group_encrypt(
        self, own: olm.OutboundGroupSession, plaintext: bytes, count: int
    ) -> list[str]:
        text = plaintext.decode()
        return [own.encrypt(text) for _ in range(count)]

    def group_decrypt(self, other: olm.InboundGroupSession, messages: list[str]) -> None:
        for message in messages:
            other.decrypt(message)

    def pickle(self, session: olm.Session, count: int) -> list[bytes]:
        return [session.pickle("key") for _ in range(count)]

    def unpickle(self, pickles: list[bytes]) -> None:
        for pickle in pickles:
            olm.Session.from_pickle(pickle, "key")

    def stored(self, session: olm.Session) -> int:
        """Bytes of the session as it is kept; the form is text, which is not counted."""
        return len(session.pickle("key")) * 3 // 4
