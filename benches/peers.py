# SPDX-License-Identifier: MIT OR Apache-2.0
"""The libraries that stand beside ours. Each is optional: one that is not there says why."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from benches import operations


@dataclass(frozen=True, slots=True)
class Peer:
    """A library by its name in the table, its distribution, and what is to be known of its rows."""

    name: str
    distribution: str | None
    note: str

    def version(self) -> str | None:
        """The installed version of its Python package."""
        if self.distribution is None:
            return None
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return None

    def absence(self) -> str | None:
        """Why its Python package is not there."""
        if self.distribution is None or self.version() is not None:
            return None
        return f"the package {self.distribution} is not installed"


COMPAT = Peer(
    operations.OURS_OLM,
    None,
    "our Olm and Megolm through `e2ee.compat.vodozemac`, called as vodozemac is: objects in memory,"
    " no step to store.",
)
VODOZEMAC = Peer(
    "vodozemac",
    "vodozemac",
    "Olm and Megolm; nothing post-quantum, no step to store. Of 1,000 skipped keys it keeps 40; its"
    " start checks no signature.",
)
OLM = Peer(
    "python-olm",
    "python-olm",
    "Olm and Megolm by libolm; nothing post-quantum, no step to store, texts as base64. Of 1,000"
    " skipped keys it keeps 40; its start checks no signature.",
)
OMEMO = Peer(
    "OMEMO",
    "Twomemo",
    "DoubleRatchet and X3DH as Twomemo sets them up; nothing post-quantum, no step to store. Its"
    " start seals a first message.",
)
LIBSIGNAL = Peer(
    "libsignal",
    None,
    "the same protocol, through its npm package in a process of its own: with its bridge to Node"
    " and its stores' interface, over objects in memory that are not encoded.",
)
NACL = Peer("PyNaCl", "PyNaCl", "libsodium; Ed25519 where we have XEdDSA.")
CRYPTOGRAPHY = Peer(
    "cryptography",
    "cryptography",
    "OpenSSL; Ed25519 where we have XEdDSA; an agreement reads their key.",
)
CRYPTG = Peer(operations.CRYPTG, "cryptg", "the ciphers of Telethon, in Rust.")
TGCRYPTO = Peer(operations.TGCRYPTO, "TgCrypto", "the ciphers of Pyrogram and Kurigram, in C.")
TELETHON = Peer(
    "telethon-secret-chat",
    "telethon-secret-chat",
    "secret chats as a plugin of Telethon's, with AES by cryptg where that is there: objects in"
    " memory, no step to store, nothing is looked for that is missing or came before.",
)
POW = Peer(
    "pow()",
    None,
    "Python's own integers, whose time depends on the exponent, which is secret.",
)
PEERS = (
    COMPAT,
    VODOZEMAC,
    OLM,
    OMEMO,
    LIBSIGNAL,
    NACL,
    CRYPTOGRAPHY,
    CRYPTG,
    TGCRYPTO,
    TELETHON,
    POW,
)
