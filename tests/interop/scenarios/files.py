# SPDX-License-Identifier: MIT OR Apache-2.0
"""Attachments and account keys: what one implementation computes, the other checks."""

from __future__ import annotations

import io
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import e2ee
from e2ee import signal
from tests.interop.node import PeerError, to_bytes, to_text

if TYPE_CHECKING:
    from tests.interop.world import World

_AES_KEY_LEN: Final = 32
#: Around the size from which chunks grow, and small ones.
_LARGE: Final = range(256 * 65_536 - 2_000, 256 * 65_536 + 2_000)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def attachments(world: World) -> None:
    """Incremental MACs of both are the same, and each stops at what was altered."""
    size = world.random.choice([0, 1, world.random.randrange(300_000)])
    content, blob = world.random.randbytes(size), io.BytesIO()
    pointer = e2ee.encrypt_attachment(io.BytesIO(content), blob)
    sealed = blob.getvalue()
    world.note(f"an attachment of {size} bytes, {len(sealed)} sealed")
    assert pointer.incremental_mac is not None
    assert pointer.chunk_size is not None
    mac = {"key": to_text(pointer.key[_AES_KEY_LEN:]), "chunk": pointer.chunk_size}
    theirs = to_bytes(world.node.call("incremental", blob=to_text(sealed), **mac))
    world.check(theirs == pointer.incremental_mac, "incremental MACs of the same bytes")
    digest = to_text(pointer.incremental_mac)
    passed = world.node.call("checkIncremental", blob=to_text(sealed), digest=digest, **mac)
    world.check(passed == len(sealed), "attachments of ours that theirs let through")
    with_theirs = replace(pointer, incremental_mac=theirs)
    opened = b"".join(e2ee.stream_attachment(with_theirs, io.BytesIO(sealed)))
    world.check(opened == content, "attachments that ours opened by a MAC of theirs")
    _altered(world, pointer, sealed, mac)
    _chunk_sizes(world)


def account_keys(world: World) -> None:
    """Keys of an entropy pool, PIN hashes, usernames and HPKE."""
    _pool(world)
    _pin(world)
    _usernames(world)
    _hpke(world)


def _altered(
    world: World, pointer: e2ee.AttachmentPointer, sealed: bytes, mac: dict[str, Any]
) -> None:
    assert pointer.incremental_mac is not None
    place = world.random.randrange(len(sealed))
    altered = bytearray(sealed)
    altered[place] ^= 1 << world.random.randrange(8)
    digest = to_text(pointer.incremental_mac)
    try:
        world.node.call("checkIncremental", blob=to_text(bytes(altered)), digest=digest, **mac)
    except PeerError:
        world.figures.checked["altered attachments refused, theirs"] += 1
    else:
        world.expect(holds=False, what=f"theirs refuses byte {place}")
    try:
        list(e2ee.stream_attachment(pointer, io.BytesIO(bytes(altered))))
    except e2ee.AuthenticationError:
        world.figures.checked["altered attachments refused, ours"] += 1
    else:
        world.expect(holds=False, what=f"ours refuses byte {place}")


def _chunk_sizes(world: World) -> None:
    """The chunks of a blob are those that the reference client would choose."""
    size = world.random.choice([world.random.randrange(2_000), world.random.choice(_LARGE)])
    blob = io.BytesIO()
    pointer = e2ee.encrypt_attachment(io.BytesIO(bytes(size)), blob)
    theirs = world.node.call("chunkSize", size=len(blob.getvalue()))
    world.check(pointer.chunk_size == theirs, "chunk sizes")


def _pool(world: World) -> None:
    keys = signal.AccountKeys.generate()
    if world.random.random() < 0.5:
        keys = signal.AccountKeys(world.node.call("newPool"))
    aci = uuid.UUID(int=world.random.getrandbits(128), version=4)
    name = world.random.randbytes(8).hex()
    theirs = world.node.call("poolKeys", pool=keys.pool(), aci=str(aci), media=name)
    backup = keys.backup
    media_id = backup.media_id(name)
    ours = {
        "svr": keys.svr_key,
        "registrationLock": keys.registration_lock,
        "registrationRecovery": keys.registration_recovery_password,
        "storage": keys.storage_service_key,
        "logging": keys.logging_key,
        "backup": backup.key,
        "backupId": backup.id(aci),
        "backupEc": backup.public_key(aci),
        "localMetadata": backup.local_metadata_key,
        "mediaId": media_id,
        "mediaKey": backup.media_key(media_id),
        "thumbnailKey": backup.thumbnail_key(media_id),
    }
    for key, value in ours.items():
        world.expect(to_bytes(theirs[key]) == value, f"the same {key} of one pool")
    world.expect(set(ours) == set(theirs), "all keys of a pool")
    world.figures.checked["keys of one entropy pool"] += len(ours)


def _pin(world: World) -> None:
    pin, salt = world.random.randbytes(4).hex().encode(), world.random.randbytes(32)
    theirs = world.node.call("pinHash", pin=to_text(pin), salt=to_text(salt))
    ours = {"encryption": 0, "access": 1}
    hashed = signal.hash_pin(pin, salt)
    same = all(to_bytes(theirs[name]) == hashed[place] for name, place in ours.items())
    world.check(same, "PIN hashes")


def _usernames(world: World) -> None:
    nickname = "".join(world.random.choices(_LETTERS + "_", k=world.random.randint(3, 32)))
    text = f"{nickname}.{world.random.randint(1, 99_999):02}"
    username = signal.Username(text)
    hashed = to_bytes(world.node.call("usernameHash", username=text))
    world.check(username.hash == hashed, "hashes of usernames")
    key, sealed = username.link()
    read = world.node.call("openUsernameLink", entropy=to_text(key), encrypted=to_text(sealed))
    world.check(read == text, "links of ours that theirs opened")
    link = world.node.call("usernameLink", username=text)
    opened = signal.Username.from_link(to_bytes(link["entropy"]), to_bytes(link["encrypted"]))
    world.check(opened.text == text, "links of theirs that ours opened")


def _hpke(world: World) -> None:
    client, key = world.theirs(), signal.HpkeKey.generate()
    content, data = world.content(), world.random.randbytes(world.random.randrange(20))
    info = world.random.randbytes(5).hex()
    texts = {"info": info, "data": to_text(data)}
    sealed = signal.hpke_seal(
        client.identity_key, content, info=info.encode(), associated_data=data
    )
    opened = to_bytes(client.call("hpkeOpen", ciphertext=to_text(sealed), **texts))
    world.check(opened == content, "HPKE messages of ours that theirs opened")
    theirs = to_bytes(
        world.node.call(
            "hpkeSeal", key=to_text(key.public_key), plaintext=to_text(content), **texts
        )
    )
    again = key.open(theirs, info=info.encode(), associated_data=data)
    world.check(again == content, "HPKE messages of theirs that ours opened")
