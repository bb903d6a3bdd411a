# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a device of Matrix does in a conversation, over a module with the names of either package.

With the packages themselves this runs in the peer's process, with `e2ee.compat` in ours: the same
calls on both sides. All values are texts, numbers and lists, as JSON has them; bytes are base64.
"""

from __future__ import annotations

import base64
from typing import Any, Final, Protocol, final

#: The key of all pickles; vodozemac wants 32 bytes.
PICKLE_KEY: Final = "a pickle key of thirty-two bytes"
#: What is pickled.
ACCOUNT, SESSION, OUTBOUND, INBOUND = "account", "session", "outbound", "inbound"
DECRYPTION: Final = "decryption"


class RefusedError(Exception):
    """The module refused: the name of its exception."""


class Party(Protocol):
    """One side; what it makes is kept under names that the driver chooses."""

    def account(self, name: str) -> list[str]:
        """Makes an account; its Curve25519 and Ed25519 keys."""

    def one_time_key(self, account: str, *, fallback: bool) -> str:
        """Makes a one-time or fallback key, and says that it is published."""

    def start(self, name: str, account: str, identity: str, one_time_key: str) -> str:
        """Starts a session; its id."""

    def accept(self, name: str, account: str, identity: str, message: str) -> str:
        """Makes the session that a first message asks for; the plaintext."""

    def encrypt(self, name: str, plaintext: str) -> list[Any]:
        """Type and text of a message."""

    def decrypt(self, name: str, kind: int, message: str) -> str:
        """The plaintext of a message."""

    def outbound(self, name: str) -> str:
        """Makes an outbound session of a room; its id."""

    def session_key(self, name: str) -> str:
        """The key for members."""

    def inbound(self, name: str, key: str, *, exported: bool) -> str:
        """Makes an inbound session of a room; its id."""

    def export(self, name: str, index: int) -> str:
        """The exported key from an index on."""

    def write(self, name: str, plaintext: str) -> str:
        """A message to a room."""

    def read(self, name: str, message: str) -> list[Any]:
        """Plaintext and index of a message to a room."""

    def sign(self, account: str, message: str) -> str:
        """The signature of a message."""

    def verify(self, key: str, message: str, signature: str) -> None:
        """Refuses a signature that is not this key's."""

    def compare(self, name: str) -> str:
        """Begins a comparison of short strings; the key for the other side."""

    def compared(self, name: str, key: str) -> list[str]:
        """What follows from the other side's key: the string, and MACs of both kinds."""

    def decryption(self, name: str) -> str:
        """Makes a key that others encrypt to; its public half."""

    def seal(self, key: str, plaintext: str) -> list[str]:
        """Ephemeral key, MAC and ciphertext of a message to a public key."""

    def unseal(self, name: str, sealed: list[str]) -> str:
        """The plaintext of a message to a public key."""

    def pickle(self, kind: str, name: str) -> str:
        """The pickle of what has this name."""

    def unpickle(self, kind: str, name: str, pickle: str) -> None:
        """Puts what a pickle holds under this name."""


def to_text(data: bytes) -> str:
    """Unpadded base64."""
    return base64.b64encode(data).decode().rstrip("=")


def to_bytes(text: str) -> bytes:
    """The bytes of unpadded base64."""
    return base64.b64decode(text + "=" * (-len(text) % 4))


@final
class VodozemacParty:
    """A side over `vodozemac`, or ours under that name."""

    def __init__(self, module: Any) -> None:  # noqa: ANN401 (either module)
        self._module = module
        self._held: dict[str, Any] = {}

    def account(self, name: str) -> list[str]:
        made = self._held[name] = self._module.Account()
        return [made.curve25519_key.to_base64(), made.ed25519_key.to_base64()]

    def one_time_key(self, account: str, *, fallback: bool) -> str:
        held = self._held[account]
        if fallback:
            held.generate_fallback_key()
            (key,) = held.fallback_key.values()
        else:
            held.generate_one_time_keys(1)
            (key,) = held.one_time_keys.values()
        held.mark_keys_as_published()
        text: str = key.to_base64()
        return text

    def start(self, name: str, account: str, identity: str, one_time_key: str) -> str:
        read = self._module.Curve25519PublicKey.from_base64
        made = self._held[account].create_outbound_session(read(identity), read(one_time_key))
        self._held[name] = made
        return str(made.session_id)

    def accept(self, name: str, account: str, identity: str, message: str) -> str:
        sender = self._module.Curve25519PublicKey.from_base64(identity)
        first = self._module.PreKeyMessage.from_base64(message)
        made, plaintext = self._held[account].create_inbound_session(sender, first)
        assert made.session_matches(first)
        self._held[name] = made
        return to_text(plaintext)

    def encrypt(self, name: str, plaintext: str) -> list[Any]:
        kind, message = self._held[name].encrypt(to_bytes(plaintext)).to_parts()
        return [kind, to_text(message)]

    def decrypt(self, name: str, kind: int, message: str) -> str:
        read = self._module.AnyOlmMessage.from_parts(kind, to_bytes(message))
        return to_text(self._held[name].decrypt(read))

    def outbound(self, name: str) -> str:
        made = self._held[name] = self._module.GroupSession()
        return str(made.session_id)

    def session_key(self, name: str) -> str:
        return str(self._held[name].session_key.to_base64())

    def inbound(self, name: str, key: str, *, exported: bool) -> str:
        kind = self._module.InboundGroupSession
        if exported:
            made = kind.import_session(self._module.ExportedSessionKey(key))
        else:
            made = kind(self._module.SessionKey(key))
        self._held[name] = made
        return str(made.session_id)

    def export(self, name: str, index: int) -> str:
        return str(self._held[name].export_at(index).to_base64())

    def write(self, name: str, plaintext: str) -> str:
        return str(self._held[name].encrypt(to_bytes(plaintext)).to_base64())

    def read(self, name: str, message: str) -> list[Any]:
        opened = self._held[name].decrypt(self._module.MegolmMessage.from_base64(message))
        return [to_text(opened.plaintext), opened.message_index]

    def sign(self, account: str, message: str) -> str:
        return str(self._held[account].sign(message.encode()).to_base64())

    def verify(self, key: str, message: str, signature: str) -> None:
        read = self._module.Ed25519Signature.from_base64(signature)
        self._module.Ed25519PublicKey.from_base64(key).verify_signature(message.encode(), read)

    def compare(self, name: str) -> str:
        made = self._held[name] = self._module.Sas()
        return str(made.public_key.to_base64())

    def compared(self, name: str, key: str) -> list[str]:
        agreed = self._held[name].diffie_hellman(self._module.Curve25519PublicKey.from_base64(key))
        shown = agreed.bytes("info")
        return [
            str(list(shown.emoji_indices)),
            str(shown.decimals),
            agreed.calculate_mac("text", "info"),
            agreed.calculate_mac_invalid_base64("text", "info"),
        ]

    def decryption(self, name: str) -> str:
        made = self._held[name] = self._module.PkDecryption()
        return str(made.public_key.to_base64())

    def seal(self, key: str, plaintext: str) -> list[str]:
        read = self._module.Curve25519PublicKey.from_base64(key)
        sealed = self._module.PkEncryption.from_key(read).encrypt(plaintext.encode())
        return list(sealed.to_base64())

    def unseal(self, name: str, sealed: list[str]) -> str:
        ephemeral_key, mac, ciphertext = sealed
        message = self._module.Message.from_base64(ciphertext, mac, ephemeral_key)
        return str(self._held[name].decrypt(message).decode())

    def pickle(self, kind: str, name: str) -> str:
        if kind == DECRYPTION:  # it has no pickle there, but its bytes can be had
            return to_text(self._held[name].key.to_bytes())
        return str(self._held[name].pickle(PICKLE_KEY.encode()))

    def unpickle(self, kind: str, name: str, pickle: str) -> None:
        if kind == DECRYPTION:
            key = self._module.Curve25519SecretKey.from_bytes(to_bytes(pickle))
            self._held[name] = self._module.PkDecryption.from_key(key)
            return
        names = {
            ACCOUNT: "Account",
            SESSION: "Session",
            OUTBOUND: "GroupSession",
            INBOUND: "InboundGroupSession",
        }
        loaded = getattr(self._module, names[kind])
        self._held[name] = loaded.from_pickle(pickle, PICKLE_KEY.encode())


@final
class OlmParty:
    """A side over `olm`, or ours under that name; its plaintexts are texts."""

    def __init__(self, module: Any) -> None:  # noqa: ANN401 (either module)
        self._module = module
        self._held: dict[str, Any] = {}

    def account(self, name: str) -> list[str]:
        made = self._held[name] = self._module.Account()
        return [made.identity_keys["curve25519"], made.identity_keys["ed25519"]]

    def one_time_key(self, account: str, *, fallback: bool) -> str:
        held = self._held[account]
        if fallback:
            held.generate_fallback_key()
            (key,) = held.fallback_key["curve25519"].values()
        else:
            held.generate_one_time_keys(1)
            (key,) = held.one_time_keys["curve25519"].values()
        held.mark_keys_as_published()
        return str(key)

    def start(self, name: str, account: str, identity: str, one_time_key: str) -> str:
        made = self._module.OutboundSession(self._held[account], identity, one_time_key)
        self._held[name] = made
        return str(made.id)

    def accept(self, name: str, account: str, identity: str, message: str) -> str:
        first = self._module.OlmPreKeyMessage(message)
        made = self._module.InboundSession(self._held[account], first, identity)
        assert made.matches(first, identity)
        plaintext = made.decrypt(first)
        self._held[account].remove_one_time_keys(made)
        self._held[name] = made
        return str(plaintext)

    def encrypt(self, name: str, plaintext: str) -> list[Any]:
        message = self._held[name].encrypt(plaintext)
        return [message.message_type, message.ciphertext]

    def decrypt(self, name: str, kind: int, message: str) -> str:
        kinds = (self._module.OlmPreKeyMessage, self._module.OlmMessage)
        return str(self._held[name].decrypt(kinds[kind](message)))

    def outbound(self, name: str) -> str:
        made = self._held[name] = self._module.OutboundGroupSession()
        return str(made.id)

    def session_key(self, name: str) -> str:
        return str(self._held[name].session_key)

    def inbound(self, name: str, key: str, *, exported: bool) -> str:
        kind = self._module.InboundGroupSession
        made = self._held[name] = kind.import_session(key) if exported else kind(key)
        return str(made.id)

    def export(self, name: str, index: int) -> str:
        return str(self._held[name].export_session(index))

    def write(self, name: str, plaintext: str) -> str:
        return str(self._held[name].encrypt(plaintext))

    def read(self, name: str, message: str) -> list[Any]:
        return list(self._held[name].decrypt(message))

    def sign(self, account: str, message: str) -> str:
        return str(self._held[account].sign(message))

    def verify(self, key: str, message: str, signature: str) -> None:
        self._module.ed25519_verify(key, message, signature)

    def compare(self, name: str) -> str:
        made = self._held[name] = self._module.Sas()
        return str(made.pubkey)

    def compared(self, name: str, key: str) -> list[str]:
        held = self._held[name]
        held.set_their_pubkey(key)
        return [
            to_text(held.generate_bytes("info", 6)),
            held.calculate_mac("text", "info"),
            held.calculate_mac_fixed_base64("text", "info"),
            held.calculate_mac_long_kdf("text", "info"),
        ]

    def decryption(self, name: str) -> str:
        made = self._held[name] = self._module.PkDecryption()
        return str(made.public_key)

    def seal(self, key: str, plaintext: str) -> list[str]:
        sealed = self._module.PkEncryption(key).encrypt(plaintext)
        return [sealed.ephemeral_key, sealed.mac, sealed.ciphertext]

    def unseal(self, name: str, sealed: list[str]) -> str:
        return str(self._held[name].decrypt(self._module.PkMessage(*sealed)))

    def pickle(self, kind: str, name: str) -> str:  # noqa: ARG002 (the other needs none either)
        return str(self._held[name].pickle(PICKLE_KEY).decode())

    def unpickle(self, kind: str, name: str, pickle: str) -> None:
        names = {
            ACCOUNT: "Account",
            SESSION: "Session",
            OUTBOUND: "OutboundGroupSession",
            INBOUND: "InboundGroupSession",
            DECRYPTION: "PkDecryption",
        }
        loaded = getattr(self._module, names[kind])
        self._held[name] = loaded.from_pickle(pickle.encode(), PICKLE_KEY)


#: By the name of the package.
PARTIES: Final = {"vodozemac": VodozemacParty, "olm": OlmParty}
#: What a peer does when asked.
OPERATIONS: Final = tuple(name for name in vars(VodozemacParty) if not name.startswith("_"))
