# SPDX-License-Identifier: MIT OR Apache-2.0
"""Telethon's ciphers, factorization and message state, beside its own slow Python.

`tests/interop/telegram_tests.py` runs this with the clients, once with `cryptg` and once with ours.
"""

from __future__ import annotations

import logging
import os
import struct
import time
from collections import defaultdict
from hashlib import sha256
from typing import Any

import cryptg
import pytest
import tgcrypto
from telethon.crypto import AES, AESModeCTR, AuthKey, Factorization, aes, libssl
from telethon.errors import SecurityError
from telethon.network.mtprotostate import MTProtoState
from telethon.tl import types

LENGTHS = [16, 32, 48, 64, 112, 128, 144, 256, 1024, 4096]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Telethon's AES in Python alone."""
    monkeypatch.setattr(aes, "cryptg", None)
    monkeypatch.setattr(libssl, "encrypt_ige", None)
    monkeypatch.setattr(libssl, "decrypt_ige", None)
    return AES


@pytest.mark.parametrize("length", LENGTHS)
def test_ige_is_that_of_its_python(slow: Any, length: int) -> None:
    data, key, iv = os.urandom(length), os.urandom(32), os.urandom(32)

    sealed = cryptg.encrypt_ige(data, key, iv)

    assert sealed == slow.encrypt_ige(data, key, iv)
    assert cryptg.decrypt_ige(sealed, key, iv) == slow.decrypt_ige(sealed, key, iv) == data


def test_telethon_uses_the_module() -> None:
    assert aes.cryptg is cryptg


@pytest.mark.parametrize("length", [1, 15, 17, 100])
def test_what_it_fills_up_comes_back(length: int) -> None:
    data, key, iv = os.urandom(length), os.urandom(32), os.urandom(32)

    sealed = AES.encrypt_ige(data, key, iv)

    assert len(sealed) == -(-length // 16) * 16
    assert AES.decrypt_ige(sealed, key, iv)[:length] == data


@pytest.mark.parametrize("length", [1, 15, 16, 17, 100, 5_000])
def test_ctr_is_that_of_its_python(length: int) -> None:
    data, key, iv = os.urandom(length), os.urandom(32), os.urandom(16)
    counter, state = bytearray(iv), bytearray(1)
    whole = AESModeCTR(key, iv)

    pieces = [data[at : at + 7] for at in range(0, length, 7)]
    sealed = b"".join(tgcrypto.ctr256_encrypt(each, key, counter, state) for each in pieces)

    assert sealed == whole.encrypt(data)


@pytest.mark.parametrize(
    "pq", [0x17ED48941A08F981, 4_295_229_443, 2_363_612_107_535_801_713, 1_470_626_929_934_143_021]
)
def test_factors_are_those_of_its_python(pq: int) -> None:
    p, q = cryptg.factorize_pq_pair(pq)

    assert (p, q) == Factorization.factorize(pq)
    assert p * q == pq


def states() -> MTProtoState:
    """A client's state, with a key of its own."""
    return MTProtoState(AuthKey(os.urandom(256)), defaultdict(lambda: logging.getLogger("none")))


@pytest.mark.parametrize("length", [4, 64, 1_000])
def test_a_message_of_a_client_opens_for_a_server(slow: Any, length: int) -> None:
    state, body = states(), os.urandom(length)
    aes.cryptg = cryptg

    wire = state.encrypt_message_data(body)

    aes.cryptg = None
    key, iv = MTProtoState._calc_key(state.auth_key.key, wire[8:24], client=True)  # noqa: SLF001
    opened = slow.decrypt_ige(wire[24:], key, iv)
    assert sha256(state.auth_key.key[88:120] + opened).digest()[8:24] == wire[8:24]
    assert opened[16 : 16 + length] == body


def served(state: MTProtoState, number: int) -> bytes:
    """A server's message: a pong with this number, encrypted by Telethon's Python."""
    body = bytes(types.Pong(msg_id=1, ping_id=number))
    message_id = (int(time.time()) << 32) | 1
    inner = struct.pack("<qqqii", 0, state.id, message_id, 1, len(body)) + body
    inner += os.urandom(-(len(inner) + 12) % 16 + 12)
    message_key = sha256(state.auth_key.key[96:128] + inner).digest()[8:24]
    key, iv = MTProtoState._calc_key(state.auth_key.key, message_key, client=False)  # noqa: SLF001
    key_id = struct.pack("<Q", state.auth_key.key_id)
    return b"".join([key_id, message_key, AES.encrypt_ige(inner, key, iv)])


@pytest.mark.parametrize("number", [0, 7, 2**62])
def test_a_message_of_a_server_opens_for_the_client(slow: Any, number: int) -> None:
    state = states()
    assert slow is AES
    wire = served(state, number)
    aes.cryptg = cryptg

    assert state.decrypt_message_data(wire).obj.ping_id == number


def test_an_altered_message_of_a_server_is_refused() -> None:
    state = states()
    wire = bytearray(served(state, 7))
    wire[-1] ^= 1

    with pytest.raises(SecurityError):
        state.decrypt_message_data(bytes(wire))
