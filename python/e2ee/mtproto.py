# SPDX-License-Identifier: MIT OR Apache-2.0
"""What clients of Telegram speak with each other, MTProto 2.0 (mtproto_secret_chats.md §1).

A server names the group in which two people agree on a key. It is checked before it is used, since
a server could name one in which it can listen:

>>> from e2ee import mtproto
>>> p = (2**2048 - 1942289).to_bytes(256)  # a safe prime; servers send another
>>> group = mtproto.DhGroup.from_server(2, p)

In a call (§8) the caller commits itself to a value that it shows only after the callee's has come.
Two people who see the same four emoji have nobody between them.

>>> calling = mtproto.CallOffer(group)
>>> called = mtproto.CallAnswer(group, calling.commitment)
>>> ours = calling.confirm(called.public_value)
>>> theirs = called.confirm(ours.caller_public_value, ours.fingerprint)
>>> ours.emoji == theirs.emoji  # people compare these
True
>>> numbered = (1).to_bytes(4) + b"Hello."
>>> theirs.open(ours.seal(numbered)) == numbered
True

A secret chat lives in a store. Nothing here opens a connection: an application gives what its
client of Telegram received, and sends what it is given.

>>> import e2ee
>>> chats = mtproto.SecretChats.create(e2ee.MemoryStore(), "me")
>>> offer = chats.offer("you", group)  # for messages.requestEncryption
>>> chats.chat(offer.chat_id).state() is None  # until the other end has answered
True

Of a secret chat, people compare a `KeyPicture`.

What an application says in a chat, if it has no TL of its own:

>>> message = mtproto.Text(text="Meet me at noon.").to_bytes()
>>> mtproto.decode(message).text
'Meet me at noon.'
>>> typing = mtproto.Service(action=mtproto.Typing()).to_bytes()
>>> mtproto.decode(typing).action == mtproto.Typing()
True

Files lie beside the messages. They have no MAC, in Telegram's own design:

>>> import io
>>> ciphertext, file = io.BytesIO(), io.BytesIO()
>>> encrypted = mtproto.encrypt_file(io.BytesIO(b"A picture."), ciphertext)
>>> ciphertext.seek(0)
0
>>> mtproto.decrypt_file(encrypted, ciphertext, file)
>>> file.getvalue()
b'A picture.'
"""

from e2ee._core import Call, CallAnswer, CallOffer, DhGroup
from e2ee._mtproto_files import EncryptedFile, decrypt_file, encrypt_file
from e2ee._mtproto_messages import (
    DeleteMessages,
    FlushHistory,
    OtherAction,
    OtherMessage,
    ReadMessages,
    ScreenshotMessages,
    Service,
    SetMessageTtl,
    Text,
    Typing,
    decode,
    new_message_id,
)
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
    "Call",
    "CallAnswer",
    "CallOffer",
    "ChatAcceptance",
    "ChatMessage",
    "ChatOffer",
    "ChatState",
    "DeleteMessages",
    "DhGroup",
    "EncryptedFile",
    "FlushHistory",
    "KeyChanged",
    "KeyPicture",
    "LayerChanged",
    "OtherAction",
    "OtherMessage",
    "OutgoingMessage",
    "ReadMessages",
    "Reception",
    "ScreenshotMessages",
    "SecretChat",
    "SecretChats",
    "Service",
    "SetMessageTtl",
    "Text",
    "Typing",
    "decode",
    "decrypt_file",
    "encrypt_file",
    "new_message_id",
]
