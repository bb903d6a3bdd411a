# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats of Telegram, MTProto 2.0 between two clients (mtproto_secret_chats.md).

Nothing here opens a connection: an application gives what its Telegram client received, and sends
what it is given. Where the protocol is weaker than that of `e2ee.Account` says
docs/protocols/mtproto.md.

>>> from e2ee.mtproto import SecretChats
>>> chats = SecretChats.create(e2ee.MemoryStore(), "me")
>>> chats.chats()
[]
"""

from e2ee._core import DhGroup
from e2ee._mtproto_picture import KeyPicture
from e2ee._secret_chat_values import (
    ChatAcceptance,
    ChatMessage,
    ChatOffer,
    ChatState,
    KeyChanged,
    LayerChanged,
    OutgoingMessage,
    Reception,
)
from e2ee._secret_chats import SecretChat, SecretChats

__all__ = [
    "ChatAcceptance",
    "ChatMessage",
    "ChatOffer",
    "ChatState",
    "DhGroup",
    "KeyChanged",
    "KeyPicture",
    "LayerChanged",
    "OutgoingMessage",
    "Reception",
    "SecretChat",
    "SecretChats",
]
