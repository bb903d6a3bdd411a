# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kurigram's ciphers and messages, beside ciphers made of single blocks of `pyaes`.

`tests/interop/telegram_tests.py` runs this with the clients, once with `tgcrypto` and once with
ours.
"""

from __future__ import annotations

import os
import time
from hashlib import sha1, sha256
from io import BytesIO

import pyaes
import pytest
from pyrogram import raw
from pyrogram.crypto import aes, mtproto

LENGTHS = [16, 32, 48, 112, 128, 144, 1024, 4096]


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def ige(data: bytes, key: bytes, iv: bytes) -> bytes:
    """IGE as it is defined: c = E(p ⊕ c before) ⊕ p before."""
    cipher, before, plain, out = pyaes.AES(key), iv[:16], iv[16:], b""
    for at in range(0, len(data), 16):
        block = data[at : at + 16]
        before = xor(bytes(cipher.encrypt(xor(block, before))), plain)
        plain = block
        out += before
    return out


@pytest.mark.parametrize("length", LENGTHS)
def test_ige_is_as_defined(length: int) -> None:
    data, key, iv = os.urandom(length), os.urandom(32), os.urandom(32)

    sealed = aes.ige256_encrypt(data, key, iv)

    assert sealed == ige(data, key, iv)
    assert aes.ige256_decrypt(sealed, key, iv) == data


@pytest.mark.parametrize("length", [1, 15, 16, 17, 1_000])
def test_a_ctr_stream_goes_on_as_defined(length: int) -> None:
    data, key, iv = os.urandom(3 * length), os.urandom(32), os.urandom(16)
    counter, state = bytearray(iv), bytearray(1)
    whole = pyaes.AESModeOfOperationCTR(key, pyaes.Counter(int.from_bytes(iv, "big")))

    sealed = [
        aes.ctr256_encrypt(data[at : at + length], key, counter, state)
        for at in range(0, 3 * length, length)
    ]

    assert b"".join(sealed) == whole.encrypt(data)
    assert aes.ctr256_decrypt(sealed[0], key, bytearray(iv)) == data[:length]


class Chat:
    """A key between a client and a server, and a session under it."""

    def __init__(self) -> None:
        self.key, self.session = os.urandom(256), os.urandom(8)
        self.key_id = sha1(self.key).digest()[-8:]  # noqa: S324 - the protocol's own
        self.message_id = int(time.time()) << 32

    def served(self, number: int) -> bytes:
        """A server's message: a pong with this number."""
        body = raw.types.Pong(msg_id=1, ping_id=number).write()
        head = [(0, 8), (self.message_id | 1, 8), (1, 4), (len(body), 4)]
        salt, message_id, sequence, length = (each.to_bytes(n, "little") for each, n in head)
        inner = salt + self.session + message_id + sequence + length + body
        inner += os.urandom(-(len(inner) + 12) % 16 + 12)
        message_key = sha256(self.key[96:128] + inner).digest()[8:24]
        sealed = ige(inner, *mtproto.kdf(self.key, message_key, False))  # noqa: FBT003 (theirs)
        return self.key_id + message_key + sealed


@pytest.mark.parametrize("number", [0, 7, 2**62])
def test_a_packed_message_opens_for_a_server(number: int) -> None:
    chat = Chat()
    ping = raw.functions.Ping(ping_id=number)
    message = raw.core.Message(ping, chat.message_id, 1, len(ping.write()))

    wire = mtproto.pack(message, 0, chat.session, chat.key, chat.key_id)

    opened = aes.ige256_decrypt(wire[24:], *mtproto.kdf(chat.key, wire[8:24], True))  # noqa: FBT003 (theirs)
    assert ige(opened, *mtproto.kdf(chat.key, wire[8:24], True)) == wire[24:]  # noqa: FBT003 (theirs)
    assert sha256(chat.key[88:120] + opened).digest()[8:24] == wire[8:24]
    assert opened[8:16] == chat.session
    assert opened[32 : 32 + len(ping.write())] == ping.write()


@pytest.mark.parametrize("number", [0, 7, 2**62])
def test_a_message_of_a_server_unpacks(number: int) -> None:
    chat = Chat()

    found = mtproto.unpack(BytesIO(chat.served(number)), chat.session, chat.key, chat.key_id)

    assert (found.body.ping_id, found.msg_id) == (number, chat.message_id | 1)


def test_an_altered_message_of_a_server_is_refused() -> None:
    chat = Chat()
    wire = bytearray(chat.served(7))
    wire[-1] ^= 1

    # Its own errors, whatever they are.
    with pytest.raises(Exception, match=r"\w"):
        mtproto.unpack(BytesIO(bytes(wire)), chat.session, chat.key, chat.key_id)
