# SPDX-License-Identifier: MIT OR Apache-2.0
"""What each operation cannot avoid: its primitives, how many of each, and why.

The times are those of `rust/primitives/benches/limit` in the same run. Left out, so that the
limit is never too high: parsing and writing messages, copying, the chunks of the braid, records
other than the head, and what happens once in a post-quantum epoch beside ML-KEM itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

#: Bytes of the two identity keys that stand before every frame under its tag.
IDENTITIES_LEN = 66
#: Bytes of the tag that a frame carries, which is not under itself.
TAG_LEN = 8
#: Bytes that sealing adds to a record: format version, nonce and tag.
SEAL_OVERHEAD = 29
#: Bytes that a sealed record is bound to: format version, store id, revision and its name, which is
#: the base key or the group in hexadecimal, and which record it is, of whom.
SESSION_BOUND_LEN = 1 + 16 + 8 + 64 + len("/head")
SENDING_BOUND_LEN = 1 + 16 + 8 + 32 + len("/sending")
RECEIVED_BOUND_LEN = 1 + 16 + 8 + 32 + len("/from/alice/1/head")
#: Bytes that the measured chain of blocks is long.
CHAIN_LEN = 1 << 16
#: The signature at the end of a group message.
SIGNATURE_LEN = 64


@dataclass(frozen=True, slots=True)
class Part:
    """So many calls of one primitive."""

    count: float
    primitive: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lengths:
    """Bytes of an operation's ratchet message and of the sealed head that it writes."""

    message: int
    sealed_head: int

    @property
    def tagged(self) -> int:
        """Bytes under the tag."""
        return self.message - TAG_LEN + IDENTITIES_LEN

    @property
    def head(self) -> int:
        """Bytes of the head before it is sealed."""
        return self.sealed_head - SEAL_OVERHEAD


@dataclass(frozen=True, slots=True)
class GroupLengths:
    """Bytes of a group message, and of the sealed records that its two ends write."""

    message: int
    sealed_sending: int
    sealed_head: int

    @property
    def signed(self) -> int:
        """Bytes under the signature."""
        return self.message - SIGNATURE_LEN

    @property
    def sending(self) -> tuple[int, int]:
        """Bytes of the sender's record before it is sealed, and of what it is bound to."""
        return self.sealed_sending - SEAL_OVERHEAD, SENDING_BOUND_LEN

    @property
    def head(self) -> tuple[int, int]:
        """The same of the receiver's."""
        return self.sealed_head - SEAL_OVERHEAD, RECEIVED_BOUND_LEN


def primitives_with_lengths(
    all_lengths: Iterable[Lengths], group: GroupLengths, chat: int
) -> list[str]:
    """The arguments that make the measurement of primitives include these lengths."""
    known = list(all_lengths)
    tags = sorted({lengths.tagged for lengths in known})
    heads = {(lengths.head, SESSION_BOUND_LEN) for lengths in known}
    return [
        *(f"tag={length}" for length in tags),
        *(
            f"seal={length}+{bound}"
            for length, bound in sorted({*heads, group.sending, group.head})
        ),
        f"sign={group.signed}",
        f"ige={chat}",
    ]


def microseconds(parts: Iterable[Part], nanoseconds: Mapping[str, float]) -> float:
    """The limit: the sum over its parts."""
    return sum(part.count * nanoseconds[part.primitive] for part in parts) / 1_000


def encrypt(plaintext: int, lengths: Lengths) -> list[Part]:
    """A message on the chain that we already send on, with nothing of the braid to carry."""
    return [*_message_keys(1), _cbc("encrypt", plaintext), *_seal(lengths)]


def decrypt(plaintext: int, lengths: Lengths, skipped: int = 0) -> list[Part]:
    """A message on a chain that we already receive on, behind `skipped` others."""
    return [*_message_keys(1 + skipped), _cbc("decrypt", plaintext), *_seal(lengths)]


def exchange(plaintext: int, lengths: Lengths, messages_per_epoch: float) -> list[Part]:
    """One message at both ends, when each message turns the ratchet."""
    once = 1 / messages_per_epoch
    symmetric = [*encrypt(plaintext, lengths), *decrypt(plaintext, lengths)]
    return [
        Part(1, "X25519 public key", "a new ratchet key for each turn"),
        Part(2, "X25519 shared secret", "each end agrees with the new key"),
        Part(2, "root step (HKDF to 64, salted)", "each end turns its root"),
        Part(1, "random 32 B", "the new ratchet key"),
        *_joined(symmetric),
        Part(once, "ML-KEM-768 key pair", "one in an epoch"),
        Part(once, "ML-KEM-768 encapsulate, first half", "one in an epoch"),
        Part(once, "ML-KEM-768 encapsulate, second half", "one in an epoch"),
        Part(once, "ML-KEM-768 decapsulate", "one in an epoch"),
    ]


def initiate() -> list[Part]:
    """From a bundle with one-time keys to a session; nothing needs to be sealed yet."""
    return [
        Part(1, "XEdDSA verify 33 B", "the signed prekey"),
        Part(1, "XEdDSA verify 1569 B, point known", "the Kyber prekey, of the same signer"),
        Part(2, "X25519 public key", "base key and first ratchet key"),
        Part(5, "X25519 shared secret", "four of the handshake and the first turn"),
        Part(1, "Kyber-1024 encapsulate", "the post-quantum part of the handshake"),
        Part(3, "random 32 B", "base key, encapsulation and ratchet key"),
        *_first_keys(),
    ]


def accept(plaintext: int, lengths: Lengths) -> list[Part]:
    """From a prekey message to a session and the plaintext inside."""
    return [
        Part(1, "X25519 canonical key", "the base key must be canonical (signal.md §5.4)"),
        Part(5, "X25519 shared secret", "four of the handshake and the first turn"),
        Part(1, "Kyber-1024 decapsulate", "the post-quantum part of the handshake"),
        *_first_keys(),
        *decrypt(plaintext, lengths),
        Part(1, "record key (HKDF to 32, salted)", "the head has a key of its own"),
    ]


def fan_out(plaintext: int, lengths: Lengths, sessions: int) -> list[Part]:
    """One text to so many sessions, each of which returns a step."""
    return [
        Part(part.count * sessions, part.primitive, part.reason)
        for part in encrypt(plaintext, lengths)
    ]


def backlog(plaintext: int, lengths: Lengths, messages: int) -> list[Part]:
    """Each of so many messages in order, that write one head."""
    return list(_once_in(messages, decrypt(plaintext, lengths)))


def group_backlog(plaintext: int, lengths: GroupLengths, messages: int) -> list[Part]:
    """The same of a group's member."""
    return list(_once_in(messages, group_decrypt(plaintext, lengths)))


def chain(direction: str, length: int) -> list[Part]:
    """Blocks of which each is the cipher's next input: a mode that waits, without its XORs."""
    reason = "each block waits for the one before"
    return [Part(length / CHAIN_LEN, f"AES-256 {direction} 64 KiB, block after block", reason)]


def _once_in(messages: int, parts: Iterable[Part]) -> Iterator[Part]:
    """The same, with one sealing and one nonce for all of them."""
    for part in parts:
        once = part.primitive.startswith(("seal ", "nonce "))
        count = part.count / messages if once else part.count
        yield Part(count, part.primitive, part.reason)


def group_encrypt(plaintext: int, lengths: GroupLengths) -> list[Part]:
    """A message to a group, with the record that it writes."""
    return [
        *_group_keys(),
        _cbc("encrypt", plaintext),
        Part(1, f"XEdDSA sign {lengths.signed} B, public point known", "the message"),
        _record(*lengths.sending, "the chain that is stored"),
        Part(1, "nonce (of 16 drawn at once)", "the nonce of that seal"),
    ]


def group_decrypt(plaintext: int, lengths: GroupLengths) -> list[Part]:
    """A message from a member in order, with the record that it writes."""
    return [
        Part(1, f"XEdDSA verify {lengths.signed} B, point known", "the message"),
        *_group_keys(),
        _cbc("decrypt", plaintext),
        _record(*lengths.head, "the chains that are stored"),
        Part(1, "nonce (of 16 drawn at once)", "the nonce of that seal"),
    ]


def chat_encrypt(data: int) -> list[Part]:
    """A message of a secret chat that encrypts so many bytes; what is stored is no part of it."""
    return [
        *_chat_keys(data),
        Part(1, f"AES-256-IGE encrypt {data} B, fresh key", "the body with its padding"),
        Part(1, "random 32 B", "random bytes and padding"),
    ]


def chat_decrypt(data: int) -> list[Part]:
    """The same of a message that came."""
    decrypt = f"AES-256-IGE decrypt {data} B, fresh key"
    return [*_chat_keys(data), Part(1, decrypt, "the body with its padding")]


def chat_agree() -> list[Part]:
    """The first key of a secret chat, at both ends."""
    return [
        Part(4, "power modulo 2,048 bits", "each end's public value, and each end's key"),
        Part(2, "random 32 B", "each end's exponent"),
    ]


def _chat_keys(data: int) -> list[Part]:
    return [
        Part(1, f"SHA-256 over 32 and {data} B", "the message key, in the place of a MAC"),
        Part(2, "SHA-256 over 16 and 36 B", "cipher key and IV"),
    ]


def _group_keys() -> list[Part]:
    return [
        Part(1, "chain step (2 HMAC, one key)", "the message's seed and the next chain key"),
        Part(1, "group message keys (HKDF to 48)", "cipher key and IV"),
    ]


def _first_keys() -> list[Part]:
    return [
        Part(1, "session secrets (HKDF to 96)", "what both know after the handshake"),
        Part(1, "root step (HKDF to 64, salted)", "the first turn"),
        Part(1, "post-quantum chain start (HKDF to 96)", "the chains of the first epoch"),
        Part(1, "authenticator (HKDF to 64)", "the braid's own key"),
    ]


def _message_keys(steps: int) -> list[Part]:
    return [
        Part(steps, "chain step (2 HMAC, one key)", "the message's seed and the next chain key"),
        Part(steps, "post-quantum chain step (HKDF to 64)", "the salt and the next chain key"),
        Part(1, "message keys (HKDF to 80, salted)", "cipher key, MAC key and IV"),
    ]


def _cbc(direction: str, plaintext: int) -> Part:
    return Part(1, f"AES-256-CBC {direction} {plaintext} B", "the body")


def _seal(lengths: Lengths) -> list[Part]:
    return [
        Part(1, f"tag over {lengths.tagged} B (HMAC, fresh key)", "identities and frame"),
        _record(lengths.head, SESSION_BOUND_LEN, "the head of the step"),
        Part(1, "nonce (of 16 drawn at once)", "the nonce of that seal"),
    ]


def _record(length: int, bound: int, reason: str) -> Part:
    return Part(1, f"seal {length} B beside {bound} B (AES-256-GCM-SIV)", reason)


def _joined(parts: Iterable[Part]) -> list[Part]:
    """The same, with one line for each primitive."""
    joined: dict[str, Part] = {}
    for part in parts:
        count = part.count + (joined[part.primitive].count if part.primitive in joined else 0)
        joined[part.primitive] = Part(count, part.primitive, part.reason)
    return list(joined.values())
