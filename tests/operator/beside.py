# SPDX-License-Identifier: MIT OR Apache-2.0
"""What lies beside the messages: attachments, account keys, usernames and single messages.

It is seized, shown to its owner, and tried by the operator, like everything else.
"""

from __future__ import annotations

import hashlib
import io
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import e2ee
from e2ee import signal
from tests.operator.chats import of_chats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown
    from tests.operator.seized import Seized

ACI = UUID(int=5)
TEXT_LEN = 24
STATE_KEY = bytes(range(32))


def seize_beside(seized: Seized) -> None:
    """What servers and thieves hold of it; the keys are those of the sealed states."""
    key = signal.StateKey(seized.keys["signal"])
    blob, own, account = io.BytesIO(), signal.HpkeKey.generate(), signal.AccountKeys.generate()
    pointer = e2ee.encrypt_attachment(io.BytesIO(seized.text()), blob)
    seized.keys["attachment"] = pointer.key
    seized.plaintexts.append(account.pool().encode())
    seized.keys["link"], link = signal.Username("carl.42").link()
    seized.beside = {
        "attachment": blob.getvalue(),
        "link": link,
        "message": signal.hpke_seal(own.public_key, seized.text()),
        "HPKE key": own.seal(key),
        "account keys": account.seal(key),
    }


def of_beside() -> Shown:
    """Each attribute and method, with what it returns; and of secret chats."""
    key, own = signal.StateKey(STATE_KEY), signal.HpkeKey.generate()
    account, username = signal.AccountKeys.generate(), signal.Username("carl.42")
    pointer = e2ee.encrypt_attachment(io.BytesIO(b"text"), blob := io.BytesIO())
    backup, (link_key, link) = account.backup, username.link()
    sealed = signal.hpke_seal(own.public_key, b"text")
    media_id = backup.media_id("name")
    shown: dict[str, dict[str, object]] = {
        "AccountKeys": {
            "generate": repr(account),
            "load": repr(signal.AccountKeys.load(key, account.seal(key))),
            "seal": account.seal(key),
            "pool": account.pool(),
            "svr_key": account.svr_key,
            "registration_lock": account.registration_lock,
            "registration_recovery_password": account.registration_recovery_password,
            "storage_service_key": account.storage_service_key,
            "logging_key": account.logging_key,
            "backup": repr(backup),
        },
        "BackupKeys": {
            "key": backup.key,
            "local_metadata_key": backup.local_metadata_key,
            "id": backup.id(ACI),
            "public_key": backup.public_key(ACI),
            "sign": backup.sign(ACI, b"text"),
            "media_id": media_id,
            "media_key": backup.media_key(media_id),
            "thumbnail_key": backup.thumbnail_key(media_id),
        },
        "HpkeKey": {
            "generate": repr(own),
            "load": repr(signal.HpkeKey.load(key, own.seal(key))),
            "seal": own.seal(key),
            "public_key": own.public_key,
            "open": own.open(sealed),
        },
        "Username": {
            "text": username.text,
            "hash": username.hash,
            "link": [link_key, link],
            "relink": username.relink(link_key),
            "from_link": repr(signal.Username.from_link(link_key, link)),
        },
        "AttachmentPointer": {
            "key": pointer.key,
            "digest": pointer.digest,
            "size": pointer.size,
            "incremental_mac": pointer.incremental_mac,
            "chunk_size": pointer.chunk_size,
            "blob_size": pointer.blob_size,
            "to_bytes": [pointer.to_bytes(), blob.getvalue()],
            "from_bytes": repr(e2ee.AttachmentPointer.from_bytes(pointer.to_bytes())),
        },
    }
    values = {
        (kind, name): value for kind, all_of in shown.items() for name, value in all_of.items()
    }
    return values | of_chats()


def pointers(operator: Operator) -> Iterator[e2ee.AttachmentPointer]:
    """The pointers that the operator can make up, with each key that is suggested."""
    digest = hashlib.sha256(operator.seized.beside["attachment"]).digest()
    for key in operator.keys:
        whole = (key * 2)[:64] if len(key) < 64 else key
        values, chunk_size = hashlib.sha256(digest).digest(), 65_536
        yield e2ee.AttachmentPointer(whole, digest, TEXT_LEN)
        yield e2ee.AttachmentPointer(whole, digest, TEXT_LEN, values, chunk_size)


def with_pointers(
    operator: Operator, act: Callable[[e2ee.AttachmentPointer, io.BytesIO], object]
) -> Iterator[Act]:
    """Tries something with every made-up pointer and the seized blob."""
    for pointer in pointers(operator):
        yield partial(act, pointer, io.BytesIO(operator.seized.beside["attachment"]))


def decrypted(pointer: e2ee.AttachmentPointer, blob: io.BytesIO) -> bytes:
    """What `decrypt_attachment` writes."""
    out = io.BytesIO()
    try:
        e2ee.decrypt_attachment(pointer, blob, out)
    except e2ee.E2EEError:
        return out.getvalue()
    return out.getvalue()


def read_pointer(operator: Operator, encoded: bytes) -> bytes:
    """Opens the seized blob with a pointer that was seized, if it is one."""
    pointer = e2ee.AttachmentPointer.from_bytes(encoded)
    return decrypted(pointer, io.BytesIO(operator.seized.beside["attachment"]))


def load_hpke_key(operator: Operator, key: bytes) -> bytes:
    """Loads the seized key under a suggested one, and opens the seized message."""
    own = signal.HpkeKey.load(signal.StateKey(key), operator.seized.beside["HPKE key"])
    return own.open(operator.seized.beside["message"])


def load_account_keys(operator: Operator, key: bytes) -> str:
    """Loads the seized pool under a suggested key."""
    record = operator.seized.beside["account keys"]
    return signal.AccountKeys.load(signal.StateKey(key), record).pool()


def backup() -> signal.BackupKeys:
    """The operator's own."""
    return signal.AccountKeys("a" * 64).backup


#: For every public callable that takes bytes, how the operator tries it.
BESIDE: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "AccountKeys.load": lambda o: o.key_acts(lambda key, _: load_account_keys(o, key)),
    "AttachmentPointer": lambda o: with_pointers(o, decrypted),
    "AttachmentPointer.from_bytes": lambda o: o.value_acts(lambda b: read_pointer(o, b)),
    "BackupKeys.media_key": lambda o: o.value_acts(lambda b: backup().media_key(b)),
    "BackupKeys.sign": lambda o: o.value_acts(lambda b: backup().sign(ACI, b)),
    "BackupKeys.thumbnail_key": lambda o: o.value_acts(lambda b: backup().thumbnail_key(b)),
    "HpkeKey.load": lambda o: o.key_acts(lambda key, _: load_hpke_key(o, key)),
    "HpkeKey.open": lambda o: o.value_acts(signal.HpkeKey.generate().open),
    "Username.from_link": lambda o: o.key_acts(
        lambda key, _: signal.Username.from_link(key, o.seized.beside["link"]).text
    ),
    "Username.relink": lambda o: o.key_acts(lambda key, _: signal.Username("a.42").relink(key)),
    "decrypt_attachment": lambda o: with_pointers(o, decrypted),
    "encrypt_attachment": lambda o: o.value_acts(
        lambda b: e2ee.encrypt_attachment(io.BytesIO(b), io.BytesIO())
    ),
    "hash_pin": lambda o: (partial(signal.hash_pin, b"1234", key) for key in o.keys[:2]),
    "hpke_seal": lambda o: o.key_acts(lambda key, _: signal.hpke_seal(b"\x05" + key, b"text")),
    "open_attachment": lambda o: with_pointers(
        o, lambda pointer, blob: e2ee.open_attachment(pointer, blob).read()
    ),
    "stream_attachment": lambda o: with_pointers(
        o, lambda pointer, blob: list(e2ee.stream_attachment(pointer, blob))
    ),
}
