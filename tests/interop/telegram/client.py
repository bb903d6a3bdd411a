# SPDX-License-Identifier: MIT OR Apache-2.0
"""What stands for a `TelegramClient` of Telethon: it hands over requests, and has no network.

Texts, uploads and downloads go through Telethon's own methods, up to the request.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from telethon.client.downloads import DownloadMethods
from telethon.client.messageparse import MessageParseMethods
from telethon.client.uploads import UploadMethods
from telethon.tl import types
from telethon.tl.functions import messages, upload
from telethon.tl.types import messages as replies

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable

_LOG: Final = logging.getLogger("silent")


class Client(MessageParseMethods, UploadMethods, DownloadMethods):  # type: ignore[misc] # untyped
    """One client: the requests it would have sent, and the replies of a server that only stores."""

    def __init__(self, group: tuple[int, bytes], loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.handler: Callable[[Any], Any] | None = None
        #: What leaves: whether it is a service message, and the bytes.
        self.outgoing: list[tuple[bool, bytes]] = []
        #: The key agreement: `g_a`, or `g_b` and the fingerprint.
        self.agreement: tuple[bytes, int | None] | None = None
        #: The file that was uploaded last, and the fingerprint that was sent with it.
        self.parts: list[bytes] = []
        self.fingerprint: int | None = None
        #: What a download gives.
        self.file = b""
        self.closed = False
        self._log: defaultdict[str, logging.Logger] = defaultdict(lambda: _LOG)
        self._parse_mode = None
        self._group = group

    def add_event_handler(self, handler: Callable[[Any], Any]) -> None:
        """Keeps what updates are given to."""
        self.handler = handler

    async def get_input_entity(self, _: object) -> types.InputUser:
        """Anybody: chats are told by their numbers."""
        return types.InputUser(1, 1)

    async def __call__(self, request: Any) -> object:  # noqa: ANN401 (any request)
        """What the server replies."""
        match request:
            case messages.GetDhConfigRequest():
                g, p = self._group
                return replies.DhConfig(g, p, 1, b"")
            case messages.RequestEncryptionRequest():
                self.agreement = (request.g_a, None)
                number = random.randrange(1, 1 << 31)
                return types.EncryptedChatWaiting(number, 0, None, 1, 2)
            case messages.AcceptEncryptionRequest():
                self.agreement = (request.g_b, request.key_fingerprint)
                return types.EncryptedChat(request.peer.chat_id, 0, None, 1, 2, b"", 0)
            case messages.SendEncryptedServiceRequest():
                self.outgoing.append((True, request.data))
            case messages.SendEncryptedFileRequest():
                self.fingerprint = request.file.key_fingerprint
                self.outgoing.append((False, request.data))
            case messages.SendEncryptedRequest():
                self.outgoing.append((False, request.data))
            case upload.SaveFilePartRequest():
                self.parts.append(request.bytes)
                return True
            case messages.DiscardEncryptionRequest():
                self.closed = True
                return True
            case _:
                raise NotImplementedError(type(request).__name__)
        return replies.SentEncryptedMessage(None)

    async def _iter_download(
        self, _: object, *, request_size: int, **_options: object
    ) -> AsyncIterator[bytes]:
        for start in range(0, len(self.file), request_size):
            yield self.file[start : start + request_size]
