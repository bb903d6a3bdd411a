# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sessions without a store, through Python: bytes in, bytes out, each step released."""

import pytest

from benches.conftest import PLAINTEXTS, Load, Measure
from benches.conversation import ALICE, BOB, Conversation, Devices, Message
from benches.operations import ACCEPT, DECRYPT, ENCRYPT, EXCHANGE, SKIP, START
from e2ee.signal import Session

SKIPPED = 1_000


def test_initiate(measure: Measure) -> None:
    devices = Devices.fresh()

    def run(bundles: list[bytes]) -> None:
        for bundle in bundles:
            Session.initiate(devices.key, devices.alice, BOB, bundle)

    def prepare() -> list[bytes]:
        return [devices.bob.bundle() for _ in range(2)]

    measure(START, Load(prepare, run, operations=2, rounds=1_000))


def test_accept(measure: Measure) -> None:
    devices = Devices.fresh()

    def run(messages: list[bytes]) -> None:
        for message in messages:
            _, step = Session.accept(devices.key, devices.bob, ALICE, message)
            step.release()

    def prepare() -> list[bytes]:
        return [devices.first_message(bytes(PLAINTEXTS[0])) for _ in range(2)]

    measure(ACCEPT, Load(prepare, run, operations=2, rounds=1_000))


@pytest.mark.parametrize("length", PLAINTEXTS)
def test_encrypt(measure: Measure, length: int) -> None:
    bob = Conversation.fresh().bob
    plaintext = bytes(length)

    def run(count: int) -> None:
        for _ in range(count):
            bob.encrypt(plaintext).release()

    measure(ENCRYPT.format(length), Load(lambda: 500, run, operations=500, rounds=200))


@pytest.mark.parametrize("length", PLAINTEXTS)
def test_decrypt(measure: Measure, length: int) -> None:
    conversation = Conversation.fresh()
    alice = conversation.alice

    def run(messages: list[Message]) -> None:
        for kind, message in messages:
            alice.decrypt(kind, message).release()

    def prepare() -> list[Message]:
        return conversation.from_bob(bytes(length), 500)

    measure(DECRYPT.format(length), Load(prepare, run, operations=500, rounds=200))


def test_exchange(measure: Measure) -> None:
    conversation = Conversation.fresh()
    plaintext = bytes(PLAINTEXTS[0])
    # Through the first epochs, until as many chains and keys are kept as ever will be.
    conversation.exchange(plaintext, 500)

    def run(count: int) -> None:
        conversation.exchange(plaintext, count)

    measure(EXCHANGE, Load(lambda: 100, run, operations=100, rounds=100))


def test_skip(measure: Measure) -> None:
    def prepare() -> tuple[Session, Message]:
        conversation = Conversation.fresh()
        return conversation.alice, conversation.from_bob(bytes(PLAINTEXTS[0]), SKIPPED + 1)[-1]

    def run(late: tuple[Session, Message]) -> None:
        alice, (kind, message) = late
        alice.decrypt(kind, message).release()

    measure(SKIP, Load(prepare, run, operations=1, rounds=100))
