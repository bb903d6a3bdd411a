# SPDX-License-Identifier: MIT OR Apache-2.0
"""The ciphers of Telegram's clients through Python, as the clients call them, and beside theirs."""

import importlib
import os
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import NoReturn

import pytest

from benches.conftest import Load, Measure
from benches.operations import (
    CBC_DECRYPT,
    CBC_ENCRYPT,
    CTR,
    IGE_DECRYPT,
    IGE_ENCRYPT,
    IGE_IN_PLACE,
    IGE_LENGTHS,
    IGE_MANY,
    IGE_MANY_IN_PLACE,
    OURS,
)
from benches.peers import CRYPTG, TGCRYPTO, Peer
from e2ee.compat import tgcrypto

KEY, IV, BLOCK = os.urandom(32), os.urandom(32), os.urandom(16)
#: Bytes that a round works on, and how many rounds there are.
ROUND, ROUNDS = 1 << 20, 100
STREAMS = 8


def load(call: Callable[[], object], length: int, calls: int = 1) -> Load[int]:
    """So many calls that a round takes about a millisecond."""
    count = max(1, ROUND // (length * calls))

    def run(count: int) -> None:
        for _ in repeat(None, count):
            call()

    return Load(lambda: count, run, operations=count * calls, rounds=ROUNDS)


def theirs(peer: Peer, length: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """The rows that a package has."""
    data = os.urandom(length)
    if peer is CRYPTG:
        cryptg = importlib.import_module("cryptg")
        yield IGE_ENCRYPT, lambda: cryptg.encrypt_ige(data, KEY, IV)
        yield IGE_DECRYPT, lambda: cryptg.decrypt_ige(data, KEY, IV)
    else:
        yield from named_tgcrypto(importlib.import_module("tgcrypto"), data)


def named_tgcrypto(module: object, data: bytes) -> Iterator[tuple[str, Callable[[], object]]]:
    """The rows of a module with the functions of `tgcrypto`."""
    function = {name: getattr(module, name) for name in dir(module)}
    counter, state, block = bytearray(BLOCK), bytearray(1), bytearray(BLOCK)
    yield IGE_ENCRYPT, lambda: function["ige256_encrypt"](data, KEY, IV)
    yield IGE_DECRYPT, lambda: function["ige256_decrypt"](data, KEY, IV)
    yield CTR, lambda: function["ctr256_encrypt"](data, KEY, counter, state)
    yield CBC_ENCRYPT, lambda: function["cbc256_encrypt"](data, KEY, block)
    yield CBC_DECRYPT, lambda: function["cbc256_decrypt"](data, KEY, block)


@pytest.mark.parametrize("length", IGE_LENGTHS)
@pytest.mark.parametrize("operation", [IGE_ENCRYPT, IGE_DECRYPT, CTR, CBC_ENCRYPT, CBC_DECRYPT])
def test_ours(measure: Measure, operation: str, length: str) -> None:
    size = IGE_LENGTHS[length]
    call = dict(named_tgcrypto(tgcrypto, os.urandom(size)))[operation]

    measure(operation.format(length), load(call, size), library=OURS)


@pytest.mark.parametrize("length", IGE_LENGTHS)
@pytest.mark.parametrize("operation", IGE_IN_PLACE)
def test_in_place(measure: Measure, operation: str, length: str) -> None:
    size = IGE_LENGTHS[length]
    buffer = bytearray(os.urandom(size))
    functions = {
        IGE_ENCRYPT: tgcrypto.ige256_encrypt_in_place,
        IGE_DECRYPT: tgcrypto.ige256_decrypt_in_place,
    }
    call = functions[operation]

    row = IGE_IN_PLACE[operation].format(length)
    measure(row, load(lambda: call(buffer, KEY, IV), size))


@pytest.mark.parametrize("length", IGE_LENGTHS)
@pytest.mark.parametrize("operation", IGE_MANY)
def test_many(measure: Measure, operation: str, length: str) -> None:
    size = IGE_LENGTHS[length]
    messages = [(os.urandom(size), os.urandom(32), IV) for _ in range(STREAMS)]
    functions = {
        IGE_ENCRYPT: tgcrypto.ige256_encrypt_many,
        IGE_DECRYPT: tgcrypto.ige256_decrypt_many,
    }
    call = functions[operation]

    row = IGE_MANY[operation].format(length)
    measure(row, load(lambda: call(messages), size, STREAMS))


@pytest.mark.parametrize("length", IGE_LENGTHS)
@pytest.mark.parametrize("operation", IGE_MANY_IN_PLACE)
def test_many_in_place(measure: Measure, operation: str, length: str) -> None:
    size = IGE_LENGTHS[length]
    messages = [(bytearray(os.urandom(size)), os.urandom(32), IV) for _ in range(STREAMS)]
    functions = {
        IGE_ENCRYPT: tgcrypto.ige256_encrypt_many_in_place,
        IGE_DECRYPT: tgcrypto.ige256_decrypt_many_in_place,
    }
    call = functions[operation]

    row = IGE_MANY_IN_PLACE[operation].format(length)
    measure(row, load(lambda: call(messages), size, STREAMS))


@pytest.mark.parametrize("length", IGE_LENGTHS)
@pytest.mark.parametrize("operation", [IGE_ENCRYPT, IGE_DECRYPT, CTR, CBC_ENCRYPT, CBC_DECRYPT])
@pytest.mark.parametrize("peer", [CRYPTG, TGCRYPTO], ids=lambda peer: peer.name)
def test_theirs(
    measure: Measure,
    left_out: Callable[[str, str], NoReturn],
    peer: Peer,
    operation: str,
    length: str,
) -> None:
    size = IGE_LENGTHS[length]
    try:
        calls = dict(theirs(peer, size))
    except ImportError as error:
        left_out(peer.name, str(error))
    if operation not in calls:
        pytest.skip(f"{peer.name} has no {operation.format('').strip()}")

    measure(operation.format(length), load(calls[operation], size), library=peer.name)
