# SPDX-License-Identifier: MIT OR Apache-2.0
"""Accounts and secret chats for asyncio: the names of `e2ee` and `e2ee.mtproto`, awaitable.

Calls that wait at the same time share one commit, in the order in which they came
(docs/storage.md, "asyncio").

>>> import asyncio, e2ee, e2ee.aio
>>> async def main():
...     async with (
...         await e2ee.aio.Account.create(e2ee.MemoryStore(), "alice") as alice,
...         await e2ee.aio.Account.create(e2ee.MemoryStore(), "bob") as bob,
...     ):
...         await alice.connect("bob", await bob.bundle())
...         texts = [b"Meet me", b"at noon."]
...         envelopes = await asyncio.gather(*(alice.encrypt("bob", text) for text in texts))
...         for envelope in envelopes:
...             async with bob.receive("alice", envelope) as message:
...                 print(message.plaintext.decode())
>>> asyncio.run(main())
Meet me
at noon.
"""

from e2ee.aio.account import Account
from e2ee.aio.group import Group
from e2ee.aio.secret_chats import SecretChat, SecretChats

__all__ = ["Account", "Group", "SecretChat", "SecretChats"]
