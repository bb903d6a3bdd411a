# SPDX-License-Identifier: MIT OR Apache-2.0
"""Secret chats over stores in memory, through Python: bytes in, bytes out, each step stored.

A key lasts longer than a batch, so that no row has part of an agreement in it. Accounts over such
stores stand beside them, and the plugin of Telethon's, which keeps nothing.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NoReturn

import pytest

import e2ee
from benches.chats import MANY, PRIME, Ends, text
from benches.conftest import PLAINTEXTS, Load, Measure
from benches.operations import (
    ACCOUNT_DECRYPT,
    ACCOUNT_ENCRYPT,
    CHAT_AGREE,
    CHAT_DECRYPT,
    CHAT_ENCRYPT,
    POWER,
)
from benches.peers import POW, TELETHON
from e2ee.mtproto import SecretChat

LENGTH = PLAINTEXTS[0]
MESSAGE = text(LENGTH)


def test_encrypt(measure: Measure) -> None:
    def run(chat: SecretChat) -> None:
        for _ in range(MANY):
            chat.encrypt(MESSAGE)

    measure(CHAT_ENCRYPT, Load(lambda: Ends.fresh().begin()[0], run, operations=MANY, rounds=100))


def test_decrypt(measure: Measure) -> None:
    def prepare() -> tuple[SecretChat, list[bytes]]:
        alice, bob = Ends.fresh().begin()
        return bob, [alice.encrypt(MESSAGE)[0].data for _ in range(MANY)]

    def run(waiting: tuple[SecretChat, list[bytes]]) -> None:
        chat, messages = waiting
        for message in messages:
            chat.receive(message)

    measure(CHAT_DECRYPT, Load(prepare, run, operations=MANY, rounds=100))


def test_agree(measure: Measure) -> None:
    def run(ends: Ends) -> None:
        ends.agree()

    measure(CHAT_AGREE, Load(Ends.fresh, run, operations=1, rounds=100))


def introduced() -> tuple[e2ee.Account, e2ee.Account]:
    """Two accounts with an acknowledged session."""
    alice, bob = (e2ee.Account.create(e2ee.MemoryStore(), name) for name in ("alice", "bob"))
    alice.connect("bob", bob.bundle())
    bob.decrypt("alice", alice.encrypt("bob", b""))
    alice.decrypt("bob", bob.encrypt("alice", b""))
    return alice, bob


def test_account_encrypt(measure: Measure) -> None:
    alice, _ = introduced()

    def run(count: int) -> None:
        for _ in range(count):
            alice.encrypt("bob", bytes(LENGTH))

    measure(ACCOUNT_ENCRYPT, Load(lambda: MANY, run, operations=MANY, rounds=100))


def test_account_decrypt(measure: Measure) -> None:
    alice, bob = introduced()

    def run(messages: list[e2ee.Envelope]) -> None:
        for message in messages:
            bob.decrypt("alice", message)

    def prepare() -> list[e2ee.Envelope]:
        return [alice.encrypt("bob", bytes(LENGTH)) for _ in range(MANY)]

    measure(ACCOUNT_DECRYPT, Load(prepare, run, operations=MANY, rounds=100))


@pytest.fixture
def plugin(left_out: Callable[[str, str], NoReturn]) -> Iterator[Any]:
    try:
        made = import_module("benches.libraries.telethon_plugin").Plugin()
    except ImportError as error:
        left_out(TELETHON.name, str(error))
    yield made
    made.close()


def test_plugin_encrypt(measure: Measure, plugin: Any) -> None:  # noqa: ANN401 (the peer has no types)
    def run(count: int) -> None:
        plugin.encrypt("x" * LENGTH, count)

    load = Load(lambda: MANY, run, operations=MANY, rounds=50)
    measure(CHAT_ENCRYPT, load, library=TELETHON.name)


def test_plugin_decrypt(measure: Measure, plugin: Any) -> None:  # noqa: ANN401 (the peer has no types)
    def prepare() -> list[bytes]:
        messages: list[bytes] = plugin.encrypt("x" * LENGTH, MANY)
        return messages

    load = Load(prepare, plugin.decrypt, operations=MANY, rounds=50)
    measure(CHAT_DECRYPT, load, library=TELETHON.name)


def test_plugin_agree(measure: Measure, plugin: Any) -> None:  # noqa: ANN401 (the peer has no types)
    load = Load(lambda: 1, lambda _: plugin.agree(), operations=1, rounds=30)
    measure(CHAT_AGREE, load, library=TELETHON.name)


def test_pow(measure: Measure) -> None:
    prime = int.from_bytes(PRIME)
    # As long as an exponent, and a base that no small generator is.
    exponent, base = prime ^ (1 << 1_000), prime >> 1

    load = Load(lambda: base, lambda base: pow(base, exponent, prime), operations=1, rounds=50)
    measure(POWER, load, library=POW.name)
