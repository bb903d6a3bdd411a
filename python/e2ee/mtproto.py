# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats of Telegram, MTProto 2.0 between two clients (mtproto_secret_chats.md).

Nothing here opens a connection: an application gives what its Telegram client received, and sends
what it is given. Where the protocol is weaker than that of `e2ee.Account` says
docs/protocols/mtproto.md.

All chats of a client live in one store. Whatever is returned to be sent is in it already: a program
that ends in between finds it in `unposted` at its next start, and what came in the `inbox`.

>>> import e2ee
>>> from e2ee import mtproto
>>> alice = mtproto.SecretChats.create(e2ee.MemoryStore(), "alice")
>>> bob = mtproto.SecretChats.create(e2ee.MemoryStore(), "bob")

Who begins asks the server for a group (`messages.getDhConfig`), offers, and sends
`messages.requestEncryption` with `g_a`, and the number of the chat as its `random_id`:

>>> group = mtproto.DhGroup(2, (2**2048 - 1942289).to_bytes(256, "big"))
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

>>> message = bytes.fromhex("7446cc91000000000100000000000000000000000548656c6c6f0000")
>>> leaving += ours.encrypt(message)

What came (`updateNewEncryptedMessage`) is received: handle its `messages`, send its `outgoing`. An
`IgnoredMessageError` is dropped; after a `FatalChatError`, `close` the chat and send
`messages.discardEncryption`:

>>> for outgoing in leaving:
...     reception = theirs.receive(outgoing.data)
...     ours.posted(outgoing)
...     for each in reception.messages:
...         print(each.peer, each.body == message)
...         bob.handled(each)
alice True

After a start: handle the `inbox`, and for each chat call `ask_again` and send what is `unposted`.

>>> (bob.inbox(), ours.unposted())
([], ())
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
