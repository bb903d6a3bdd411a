# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files beside the messages of a chat with the plugin, both ways (mtproto_secret_chats.md §7)."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from e2ee import mtproto
from tests.interop.telegram.objects import Document

if TYPE_CHECKING:
    from tests.interop.telegram.talk import Talk

#: What Telethon uploads and downloads at once, and works on under one IV each time.
UPLOADED, DOWNLOADED = 128 << 10, 64 << 10
#: Bytes of a key, which an IV follows where both are one.
KEY: Final = 32
SIZES: Final = (1, 15, 16, 17, 1_000, DOWNLOADED - 1, DOWNLOADED)


def to_them(talk: Talk, size: int) -> tuple[bytes, bytes]:
    """They read a file of ours; what it is, and what they have."""
    content, stored = talk.world.random.randbytes(size), BytesIO()
    file = mtproto.encrypt_file(BytesIO(content), stored)
    message = Document(size, file.key[:KEY], file.key[KEY:]).message(talk.world.number())
    talk.settle()
    (leaving,) = talk.chat.encrypt(message)
    talk.world.counts["files to them"] += 1
    got = talk.world.peer.read_file(leaving.data.hex(), stored.getvalue().hex(), file.fingerprint)
    return content, bytes.fromhex(got)


def to_us(talk: Talk, size: int) -> tuple[bytes, bytes]:
    """We read a file of theirs; the same."""
    content, got = talk.world.random.randbytes(size), BytesIO()
    stored, fingerprint, made, leaving = talk.world.peer.send_file(content.hex())
    talk.from_them.append(bytes.fromhex(made))
    talk.arrive(leaving)
    talk.settle()
    said = Document.read(bytes.fromhex(made))
    file = mtproto.EncryptedFile(said.key + said.iv, said.size, fingerprint)
    mtproto.decrypt_file(file, BytesIO(bytes.fromhex(stored)), got)
    talk.world.counts["files to us"] += 1
    return content, got.getvalue()


def exchange(talk: Talk) -> None:
    """A file each way, of some size."""
    for way in (to_them, to_us):
        wanted, got = way(talk, talk.world.random.choice(SIZES))
        talk.world.expect(wanted, got, "file read")
