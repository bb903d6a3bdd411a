# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is measured, by name: the limit of each operation, its unit, and the bar that is set for it.

A bar is data: what was measured may be at most `factor` times the reference, plus `above`. The
reference is the operation's limit, another row, or a peer's figure for the same operation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from benches import limit
from benches.conversation import Observed

OURS = "e2ee"
#: Our Olm and Megolm, through the module that has the names of vodozemac.
OURS_OLM = "e2ee Olm"
VODOZEMAC = "vodozemac"
LIMIT = "limit"

ENCRYPT, DECRYPT = "encrypt {} B", "decrypt {} B"
START = "start a session from a bundle"
ACCEPT = "accept a first message, 64 B"
EXCHANGE = "ping-pong 64 B, per message"
SKIP = "skip 1,000, then decrypt 64 B"
MANY = 1_000
FAN_OUT = "fan-out 64 B to 1,000 sessions"
FAN_OUT_TWO = "fan-out by two cores"
GROUP_ENCRYPT, GROUP_DECRYPT = "group encrypt 64 B", "group decrypt 64 B"
#: One of 1,000 that wait.
BACKLOG, BACKLOG_TWO = "backlog 64 B, each", "backlog by two cores, each"
GROUP_BACKLOG, GROUP_BACKLOG_TWO = "group backlog 64 B, each", "group backlog by two cores, each"
CHAT_ENCRYPT, CHAT_DECRYPT = "secret chat: encrypt 64 B", "secret chat: decrypt 64 B"
CHAT_AGREE = "secret chat: agree on a key"
#: What an account's calls take over such a store as that of the chats.
ACCOUNT_ENCRYPT, ACCOUNT_DECRYPT = "account: encrypt 64 B", "account: decrypt 64 B"
POWER = "power modulo 2,048 bits"
PICKLE, UNPICKLE = "pickle a session, 200 messages", "unpickle a session, 200 messages"
STORED = "session in a store, 200 messages"
STORED_PQ = "of it the post-quantum ratchet"
IN_MEMORY = "session in memory, 200 messages"
IMPORT = "import"
IMPORT_USED = "import, with an account and its file"
WHEEL = "wheel"
INSTALLED = "installed"
FILE_ONE, FILE_TWO = "seal a file of 1 GiB, one thread", "seal a file of 1 GiB, two threads"

#: The ciphers of Telegram's clients, by the names of the lengths.
IGE_LENGTHS = {"1 KiB": 1 << 10, "64 KiB": 1 << 16, "4 MiB": 1 << 22}
IGE_ENCRYPT, IGE_DECRYPT = "AES-256-IGE encrypt {}", "AES-256-IGE decrypt {}"
IGE_IN_PLACE = {IGE_ENCRYPT: IGE_ENCRYPT + ", in place", IGE_DECRYPT: IGE_DECRYPT + ", in place"}
#: One of eight.
IGE_MANY = {IGE_ENCRYPT: IGE_ENCRYPT + ", of 8", IGE_DECRYPT: IGE_DECRYPT + ", of 8"}
IGE_MANY_IN_PLACE = {one: many + ", in place" for one, many in IGE_MANY.items()}
CBC_ENCRYPT, CBC_DECRYPT = "AES-256-CBC encrypt {}", "AES-256-CBC decrypt {}"
CTR = "AES-256-CTR {}"
CRYPTG, TGCRYPTO = "cryptg", "TgCrypto"

#: Of the rows that have no limit of their own.
UNITS = {
    PICKLE: "µs",
    UNPICKLE: "µs",
    FAN_OUT_TWO: "µs",
    BACKLOG_TWO: "µs",
    GROUP_BACKLOG_TWO: "µs",
    ACCOUNT_ENCRYPT: "µs",
    ACCOUNT_DECRYPT: "µs",
    STORED: "B",
    STORED_PQ: "B",
    IN_MEMORY: "B",
    IMPORT: "ms",
    IMPORT_USED: "ms",
    WHEEL: "MB",
    INSTALLED: "MB",
    FILE_ONE: "s",
    FILE_TWO: "s",
    **{
        operation.format(length): "µs"
        for operation in (*IGE_MANY.values(), *IGE_MANY_IN_PLACE.values(), CTR, CBC_DECRYPT)
        for length in IGE_LENGTHS
    },
}

#: Single primitives: the measured ones of ours, and the names under which peers stand beside them.
PRIMITIVES = {
    "X25519, one agreement": "X25519 shared secret",
    "sign 64 B": "XEdDSA sign 64 B, public point known",
    "verify 64 B": "XEdDSA verify 64 B",
    "HKDF-SHA-256 to 80 B": "message keys (HKDF to 80, salted)",
    "HMAC-SHA-256, 64 B": "tag over 64 B (HMAC, fresh key)",
    POWER: "power modulo 2,048 bits",
}
AEAD = "AES-256-GCM seal 1 MiB"
#: Lengths that the table of primitives needs beside those of the operations.
PRIMITIVE_ARGUMENTS = ("tag=64", "sign=64")


@dataclass(frozen=True, slots=True)
class Bar:
    """At most `factor` times the reference, plus `above`, in the unit of the row.

    The row is one of ours under the name `library`.
    """

    operation: str
    factor: float = 0.0
    reference: str | None = None
    above: float = 0.0
    library: str = OURS

    def allowed(self, figures: Mapping[str, float]) -> float | None:
        """The most that meets the bar; `None` if its reference was not measured."""
        if self.reference is None:
            return self.above
        value = figures.get(self.reference)
        return None if value is None else self.factor * value + self.above

    def title(self) -> str:
        """The row, and whose it is where that is not said by the table."""
        return self.operation if self.library == OURS else f"{self.library}: {self.operation}"

    def formula(self) -> str:
        """As a person writes it."""
        unit = UNITS.get(self.operation, "µs")
        constant = f"{self.above:,g} {unit}"
        if self.reference is None:
            return f"at most {constant}"
        times = self.reference if self.factor == 1 else f"{self.factor:.3g} x {self.reference}"
        return f"{times} + {constant}" if self.above else times


BARS = (
    Bar("encrypt 64 B", 1, LIMIT, above=0.8),
    Bar("decrypt 64 B", 1, LIMIT, above=0.8),
    Bar(EXCHANGE, 1.15, LIMIT),
    Bar(EXCHANGE, above=68),
    Bar(START, 1.15, LIMIT),
    Bar(ACCEPT, 1.15, LIMIT),
    Bar(SKIP, 1.2, LIMIT),
    Bar(FAN_OUT, 1.2, LIMIT),
    Bar(FAN_OUT_TWO, 1 / 1.8, FAN_OUT),
    Bar(GROUP_ENCRYPT, 1.15, LIMIT),
    Bar(GROUP_DECRYPT, 1.15, LIMIT),
    Bar(GROUP_BACKLOG_TWO, 0.55, GROUP_DECRYPT),
    Bar(CHAT_ENCRYPT, 2, ACCOUNT_ENCRYPT),
    Bar(CHAT_DECRYPT, 2, ACCOUNT_DECRYPT),
    Bar(CHAT_AGREE, 1.05, LIMIT),
    Bar(STORED, 1, STORED_PQ, above=2_048),
    Bar(IMPORT, above=5),
    Bar(WHEEL, above=2.5),
    Bar(AEAD, 1 / 0.95, "cryptography"),
    Bar(FILE_TWO, 1 / 1.8, FILE_ONE),
    *(
        Bar(operation.format(length), 1 / 0.9, LIMIT)
        for operation in IGE_IN_PLACE.values()
        for length in ("64 KiB", "4 MiB")
    ),
    *(
        Bar(operation.format(length), 1 / 1.6, CRYPTG)
        for operation in IGE_IN_PLACE
        for length in IGE_LENGTHS
    ),
    *(
        Bar(many.format(length), 1 / 2.5, one.format(length))
        for one, many in (
            *IGE_MANY.items(),
            *((IGE_IN_PLACE[one], many) for one, many in IGE_MANY_IN_PLACE.items()),
        )
        for length in IGE_LENGTHS
    ),
    *(
        Bar(operation.format(length), 1 / times, TGCRYPTO)
        for operation, times in ((CTR, 10), (CBC_ENCRYPT, 3), (CBC_DECRYPT, 10))
        for length in IGE_LENGTHS
    ),
    *(
        Bar(operation, factor, VODOZEMAC, library=OURS_OLM)
        for operation, factor in (
            (ENCRYPT.format(64), 1 / 8),
            (DECRYPT.format(64), 0.9),
            (EXCHANGE, 0.6),
            (FAN_OUT, 1 / 10),
            (GROUP_ENCRYPT, 0.8),
            (GROUP_DECRYPT, 0.8),
            (PICKLE, 1),
            (UNPICKLE, 1),
        )
    ),
)


def limits(seen: Observed) -> dict[str, list[limit.Part]]:
    """The parts of each operation's limit, in the order of the table."""
    operations = {START: limit.initiate(), ACCEPT: limit.accept(64, seen.accept)}
    for length, lengths in seen.encrypt.items():
        operations[ENCRYPT.format(length)] = limit.encrypt(length, lengths)
    for length, lengths in seen.decrypt.items():
        operations[DECRYPT.format(length)] = limit.decrypt(length, lengths)
    operations[EXCHANGE] = limit.exchange(64, seen.exchange, seen.messages_per_epoch)
    operations[SKIP] = limit.decrypt(64, seen.decrypt[64], skipped=1_000)
    operations[FAN_OUT] = limit.fan_out(64, seen.encrypt[64], MANY)
    operations[BACKLOG] = limit.backlog(64, seen.decrypt[64], MANY)
    operations[GROUP_ENCRYPT] = limit.group_encrypt(64, seen.group)
    operations[GROUP_DECRYPT] = limit.group_decrypt(64, seen.group)
    operations[GROUP_BACKLOG] = limit.group_backlog(64, seen.group, MANY)
    for name, length in IGE_LENGTHS.items():
        for operation in (IGE_ENCRYPT, IGE_IN_PLACE[IGE_ENCRYPT], CBC_ENCRYPT):
            operations[operation.format(name)] = limit.chain("encrypt", length)
        for operation in (IGE_DECRYPT, IGE_IN_PLACE[IGE_DECRYPT]):
            operations[operation.format(name)] = limit.chain("decrypt", length)
    operations[CHAT_ENCRYPT] = limit.chat_encrypt(seen.chat)
    operations[CHAT_DECRYPT] = limit.chat_decrypt(seen.chat)
    operations[CHAT_AGREE] = limit.chat_agree()
    return operations
