# SPDX-License-Identifier: MIT OR Apache-2.0
"""Several messages at once through the ciphers for clients of Telegram."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2ee.compat import tgcrypto

KEY, IV = bytes(range(32)), bytes(range(32, 64))
#: What is copied of a buffer at once.
PIECE = 32 * 1_024


@given(st.lists(st.integers(1, 40), max_size=20), st.binary(min_size=64, max_size=64))
def test_many_messages_are_the_same_as_one_by_one(counts: list[int], secrets: bytes) -> None:
    messages = [
        (bytes([at]) * 16 * count, secrets[:31] + bytes([at]), secrets[32:])
        for at, count in enumerate(counts)
    ]

    sealed = tgcrypto.ige256_encrypt_many(messages)

    assert sealed == [tgcrypto.ige256_encrypt(*message) for message in messages]
    again = [(each, *rest) for each, (_, *rest) in zip(sealed, messages, strict=True)]
    opened = tgcrypto.ige256_decrypt_many(again)  # type: ignore[arg-type] # lists vary
    assert opened == [data for data, _, _ in messages]


def test_one_wrong_message_among_many_is_a_value_error() -> None:
    right = (bytes(16), KEY, IV)

    with pytest.raises(ValueError, match="IV size must be exactly 32 bytes"):
        tgcrypto.ige256_encrypt_many([right, (bytes(16), KEY, IV[1:]), right])


@given(st.lists(st.integers(1, 40), max_size=20), st.binary(min_size=64, max_size=64))
def test_many_in_place_are_the_same_as_into_new_bytes(counts: list[int], secrets: bytes) -> None:
    messages = [
        (bytes([at]) * 16 * count, secrets[:31] + bytes([at]), secrets[32:])
        for at, count in enumerate(counts)
    ]
    buffers = [(bytearray(data), *rest) for data, *rest in messages]

    tgcrypto.ige256_encrypt_many_in_place(buffers)  # type: ignore[arg-type] # lists vary

    assert [buffer for buffer, *_ in buffers] == tgcrypto.ige256_encrypt_many(messages)
    tgcrypto.ige256_decrypt_many_in_place(buffers)  # type: ignore[arg-type] # lists vary
    assert [buffer for buffer, *_ in buffers] == [data for data, _, _ in messages]


def test_many_in_place_go_on_from_piece_to_piece() -> None:
    lengths = [
        16,
        PIECE - 16,
        PIECE,
        PIECE + 16,
        3 * PIECE,
        5 * PIECE + 48,
        2 * PIECE,
        32,
        7 * PIECE,
    ]
    data = [bytes((at * at + length) % 251 for at in range(length)) for length in lengths]
    buffers = [bytearray(each) for each in data]

    tgcrypto.ige256_encrypt_many_in_place([(buffer, KEY, IV) for buffer in buffers])

    assert buffers == [tgcrypto.ige256_encrypt(each, KEY, IV) for each in data]
    tgcrypto.ige256_decrypt_many_in_place([(buffer, KEY, IV) for buffer in buffers])
    assert buffers == data


def test_parts_of_one_buffer_are_changed_beside_each_other() -> None:
    whole = bytearray(64)
    parts = [memoryview(whole)[:32], memoryview(whole)[32:]]

    tgcrypto.ige256_encrypt_many_in_place([(part, KEY, IV) for part in parts])

    assert whole == 2 * tgcrypto.ige256_encrypt(bytes(32), KEY, IV)


WHOLE = bytearray(64)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ((bytearray(16), KEY, IV[1:]), ValueError, "IV size must be exactly 32 bytes"),
        ((bytearray(16), KEY[1:], IV), ValueError, "Key size must be exactly 32 bytes"),
        ((bytearray(17), KEY, IV), ValueError, "Data size must match a multiple of 16 bytes"),
        ((bytearray(), KEY, IV), ValueError, "Data must not be empty"),
        ((bytes(16), KEY, IV), TypeError, "read-write bytes-like object is required, not 'bytes'"),
        ((memoryview(WHOLE)[::4], KEY, IV), BufferError, "not C-contiguous"),
        ((WHOLE, KEY, IV), ValueError, "Buffers must not overlap"),
        ((memoryview(WHOLE)[48:], KEY, IV), ValueError, "Buffers must not overlap"),
    ],
    ids=["IV", "key", "part of a block", "empty", "bytes", "apart", "twice", "overlap"],
)
def test_one_wrong_buffer_among_many_changes_none(
    wrong: tuple[Any, bytes, bytes], error: type[Exception], text: str
) -> None:
    other = bytearray(16)

    with pytest.raises(error, match=text):
        tgcrypto.ige256_decrypt_many_in_place([(WHOLE, KEY, IV), wrong, (other, KEY, IV)])

    assert WHOLE + other == bytes(80)
