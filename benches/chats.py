# SPDX-License-Identifier: MIT OR Apache-2.0
"""A secret chat between two stores in memory: what the benchmarks act on."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from e2ee import MemoryStore
from e2ee.mtproto import DhGroup, OutgoingMessage, SecretChat, SecretChats

_VECTORS = Path(__file__).parents[1] / "tests" / "vectors" / "mtproto" / "secret_chat.json"
_GROUP = json.loads(_VECTORS.read_text(encoding="utf-8"))["dh"]
GENERATOR, PRIME = int(_GROUP["g"]), bytes.fromhex(_GROUP["p"])
#: Fingerprint and message key, which stand before what is encrypted.
HEADER_LEN = 8 + 16
#: Messages that one key outlives at both ends, with those that say which layer is spoken.
MANY = 90


@dataclass(frozen=True, slots=True)
class Ends:
    """What both ends hold before they agree on a key."""

    group: DhGroup
    ours: SecretChats
    theirs: SecretChats

    @classmethod
    def fresh(cls) -> "Ends":
        """Two empty stores."""
        stores = (SecretChats.create(MemoryStore(), name) for name in ("alice", "bob"))
        return cls(DhGroup.from_server(GENERATOR, PRIME), *stores)

    def agree(self) -> tuple[SecretChat, SecretChat]:
        """A chat, whose first messages have not left."""
        return self._agreed()[:2]

    def begin(self) -> tuple[SecretChat, SecretChat]:
        """A chat in which both ends have said which layer they speak."""
        alice, bob, from_alice, from_bob = self._agreed()
        for message in from_alice:
            bob.receive(message.data)
        for message in from_bob:
            alice.receive(message.data)
        return alice, bob

    def _agreed(
        self,
    ) -> tuple[SecretChat, SecretChat, tuple[OutgoingMessage, ...], tuple[OutgoingMessage, ...]]:
        offer = self.ours.offer("bob", self.group)
        number = offer.chat_id
        answer = self.theirs.accept(number, "alice", offer.g_a, self.group)
        leaving = self.ours.confirm(number, answer.g_b, answer.key_fingerprint)
        return self.ours.chat(number), self.theirs.chat(number), leaving, answer.outgoing


def text(length: int) -> bytes:
    """A `decryptedMessage` with a text of so many bytes, below 254."""
    head = struct.pack("<IIqi", 0x91CC4674, 0, 1, 0)
    said = bytes([length]) + bytes(length)
    return head + said + bytes(-len(said) % 4)


def data_len(length: int) -> int:
    """The bytes that are encrypted of such a message."""
    alice, _ = Ends.fresh().begin()
    (message,) = alice.encrypt(text(length))
    return len(message.data) - HEADER_LEN
