# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is said in a secret chat, and its files: shown to its owner, and tried by the operator."""

from __future__ import annotations

import hashlib
import io
import struct
from functools import partial
from typing import TYPE_CHECKING

import e2ee
from e2ee import mtproto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown


def of_secret_chats() -> Shown:
    """Each attribute and method, with what it returns."""
    shown = of_messages() | of_actions() | of_files()
    return {(kind, name): value for kind, all_of in shown.items() for name, value in all_of.items()}


def of_messages() -> dict[str, dict[str, object]]:
    """Messages in clear, as they go into a chat."""
    text, other = mtproto.Text(text="text"), mtproto.OtherMessage(b"12345678")
    service = mtproto.Service(action=mtproto.FlushHistory())
    return {
        "Text": {
            "text": text.text,
            "message_id": text.message_id,
            "ttl": text.ttl,
            "reply_to": text.reply_to,
            "silent": text.silent,
            "unread": text.unread,
            "to_bytes": text.to_bytes(),
        },
        "Service": {
            "action": repr(service.action),
            "message_id": service.message_id,
            "to_bytes": service.to_bytes(),
        },
        "OtherMessage": {"encoded": other.encoded, "message_id": other.message_id},
    }


def of_actions() -> dict[str, dict[str, object]]:
    """What service messages say."""
    return {
        "SetMessageTtl": {"seconds": mtproto.SetMessageTtl(1).seconds},
        "ReadMessages": {"message_ids": list(mtproto.ReadMessages((1,)).message_ids)},
        "DeleteMessages": {"message_ids": list(mtproto.DeleteMessages((1,)).message_ids)},
        "ScreenshotMessages": {"message_ids": list(mtproto.ScreenshotMessages((1,)).message_ids)},
        "Typing": {"doing": mtproto.Typing().doing},
        "OtherAction": {"encoded": mtproto.OtherAction(b"1234").encoded},
    }


def of_files() -> dict[str, dict[str, object]]:
    """What a message says of a file."""
    file = mtproto.encrypt_file(io.BytesIO(b"text"), io.BytesIO())
    return {
        "EncryptedFile": {
            "key": file.key,
            "size": file.size,
            "fingerprint": file.fingerprint,
            "ciphertext_size": file.ciphertext_size,
        }
    }


def decrypted(key: bytes, blob: bytes) -> bytes:
    """What `decrypt_file` writes of a blob under a key of 64 bytes, whether it fails or not."""
    digest = hashlib.md5(key, usedforsecurity=False).digest()
    first, second = struct.unpack("<ii", digest[:8])
    file, out = mtproto.EncryptedFile(key, len(blob), first ^ second), io.BytesIO()
    try:
        mtproto.decrypt_file(file, io.BytesIO(blob), out)
    except e2ee.E2EEError:
        return out.getvalue()
    return out.getvalue()


def with_keys(operator: Operator) -> Iterator[Act]:
    """Tries the seized files under every key, which is taken twice."""
    for key in operator.keys:
        for blob in operator.seized.beside.values():
            yield partial(decrypted, key * 2, blob)


#: For every public callable that takes bytes, how the operator tries it.
SECRET_CHATS: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "EncryptedFile": with_keys,
    "OtherAction": lambda o: o.value_acts(
        lambda b: mtproto.Service(action=mtproto.OtherAction(b)).to_bytes()
    ),
    "OtherMessage": lambda o: o.value_acts(mtproto.OtherMessage),
    "Text": lambda o: o.value_acts(lambda b: mtproto.Text(text="", unread=b).to_bytes()),
    "Typing": lambda o: o.value_acts(
        lambda b: mtproto.Service(action=mtproto.Typing(b)).to_bytes()
    ),
    "decode": lambda o: o.value_acts(mtproto.decode),
}
