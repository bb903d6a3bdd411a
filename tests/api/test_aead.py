# SPDX-License-Identifier: MIT OR Apache-2.0
"""Single messages: every kind of buffer, and everything that must not open."""

from __future__ import annotations

import mmap
import pickle
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2ee import AuthenticationError, InvalidArgumentError
from e2ee.aead import AeadKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2ee._files import Buffer

OVERHEAD = 28
KINDS: dict[str, Callable[[bytes], Buffer]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "writable memoryview": lambda content: memoryview(bytearray(content)),
    "every other byte": lambda content: memoryview(bytes(2 * len(content)))[::2],
}
every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


@given(plaintext=st.binary(max_size=300), data=st.binary(max_size=50))
def test_a_message_comes_back(plaintext: bytes, data: bytes) -> None:
    key = AeadKey.generate()

    sealed = key.seal(plaintext, data)

    assert len(sealed) == len(plaintext) + OVERHEAD
    assert AeadKey.from_bytes(key.to_bytes()).open(sealed, data) == plaintext


@every_kind
def test_every_buffer_is_taken(kind: str) -> None:
    key = AeadKey.from_bytes(KINDS[kind](bytes(32)))

    sealed = key.seal(KINDS[kind](bytes(100_000)), KINDS[kind](bytes(9)))

    assert key.open(memoryview(sealed), KINDS[kind](bytes(9))) == bytes(100_000)
    assert key.open(bytearray(sealed), bytes(9)) == bytes(100_000)


def test_a_mapped_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mapped" * 1_000)
    key = AeadKey.generate()

    with (tmp_path / "file").open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        sealed = key.seal(mapped)
        mapped.close()

    assert key.open(sealed) == b"mapped" * 1_000


@pytest.mark.parametrize("given", ["text", None, 7, memoryview(b"1234").cast("I")])
def test_what_holds_no_bytes_is_refused(given: Buffer) -> None:
    with pytest.raises((TypeError, BufferError)):
        AeadKey.generate().seal(given)


def test_every_flipped_bit_is_found() -> None:
    key = AeadKey.generate()
    sealed = key.seal(b"text", b"data")

    for bit in range(len(sealed) * 8):
        forged = bytearray(sealed)
        forged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(AuthenticationError):
            key.open(forged, b"data")


def test_every_truncation_and_extension_is_found() -> None:
    key = AeadKey.generate()
    sealed = key.seal(b"text")

    for forged in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\0"]:
        with pytest.raises(AuthenticationError):
            key.open(forged)


def test_a_buffer_that_another_thread_writes_is_looked_at_once() -> None:
    key, plaintext = AeadKey.generate(), bytes(200_000)
    sealed = bytearray(key.seal(plaintext))
    ended = threading.Event()

    def disturb() -> None:
        while not ended.is_set():
            for place in range(20, len(sealed), 4_096):
                sealed[place] ^= 1

    other = threading.Thread(target=disturb)
    other.start()
    try:
        for _ in range(200):
            with suppress(AuthenticationError):
                assert key.open(sealed) == plaintext
    finally:
        ended.set()
        other.join()


def test_another_key_and_other_data_open_nothing() -> None:
    key = AeadKey.generate()
    sealed = key.seal(b"text", b"data")

    with pytest.raises(AuthenticationError):
        AeadKey.generate().open(sealed, b"data")
    with pytest.raises(AuthenticationError):
        key.open(sealed)


def test_no_two_messages_are_alike() -> None:
    key = AeadKey.generate()

    nonces = {key.seal(b"text")[:12] for _ in range(1_000)}

    assert len(nonces) == 1_000


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidArgumentError):
        AeadKey.from_bytes(bytes(length))


def test_a_key_shows_nothing_by_itself() -> None:
    key = AeadKey.from_bytes(b"k" * 32)

    assert "kkk" not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
