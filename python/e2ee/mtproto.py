# SPDX-License-Identifier: MIT OR Apache-2.0
"""What clients of Telegram speak with each other, MTProto 2.0 (mtproto_secret_chats.md §1).

Nothing here opens a connection: an application gives what its client of Telegram received, and
sends what it is given. Where the protocol is weaker than that of `e2ee.Account` says
docs/protocols/mtproto.md.

All chats of a client live in one store. Whatever is returned to be sent is in it already: a program
that ends in between finds it in `unposted` at its next start, and what came in the `inbox`.

>>> import e2ee
>>> from e2ee import mtproto
>>> alice = mtproto.SecretChats.create(e2ee.MemoryStore(), "alice")
>>> bob = mtproto.SecretChats.create(e2ee.MemoryStore(), "bob")

Who begins asks the server for a group (`messages.getDhConfig`), which is checked before it is
used, offers, and sends `messages.requestEncryption` with
`g_a`, and the number of the chat as its `random_id`:

>>> group = mtproto.DhGroup.from_server(2, (2**2048 - 1942289).to_bytes(256))
>>> offer = alice.offer("bob", group)

Who is asked (`encryptedChatRequested`) accepts, sends `messages.acceptEncryption`, and then what is
outgoing:

>>> answer = bob.accept(offer.chat_id, "alice", offer.g_a, group)

Who has begun confirms the answer (`encryptedChat`), and sends what that returns:

>>> leaving = alice.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)
>>> ours, theirs = alice.chat(offer.chat_id), bob.chat(offer.chat_id)

Both show the picture of the key, for two people to compare. Nothing else tells whether somebody
sits in between:

>>> ours.state().picture == theirs.state().picture
True

From then on both do the same. A message is a TL object; all that `encrypt` returns goes to
`messages.sendEncrypted`, or to `messages.sendEncryptedService` if it is a service message, and is
`posted` when the server has it:

>>> message = mtproto.Text(text="Meet me at noon.").to_bytes()
>>> leaving += ours.encrypt(message)

What came (`updateNewEncryptedMessage`) is received: handle its `messages`, send its `outgoing`. An
`IgnoredMessageError` is dropped; after a `FatalChatError`, `close` the chat and send
`messages.discardEncryption`:

>>> for outgoing in leaving:
...     reception = theirs.receive(outgoing.data)
...     ours.posted(outgoing)
...     for each in reception.messages:
...         print(each.peer, mtproto.decode(each.body).text)
...         bob.handled(each)
alice Meet me at noon.

After a start: handle the `inbox`, and for each chat call `ask_again` and send what is `unposted`.

>>> (bob.inbox(), ours.unposted())
([], ())

Files lie beside the messages. They have no MAC, in Telegram's own design:

>>> import io
>>> ciphertext, file = io.BytesIO(), io.BytesIO()
>>> encrypted = mtproto.encrypt_file(io.BytesIO(b"A picture."), ciphertext)
>>> ciphertext.seek(0)
0
>>> mtproto.decrypt_file(encrypted, ciphertext, file)
>>> file.getvalue()
b'A picture.'

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
