# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sender keys without a store, through Python: bytes in, bytes out, each step released."""

from benches.conftest import PLAINTEXTS, Load, Measure
from benches.conversation import Club
from benches.operations import GROUP_DECRYPT, GROUP_ENCRYPT


def test_encrypt(measure: Measure) -> None:
    own = Club.fresh().own
    plaintext = bytes(PLAINTEXTS[0])

    def run(count: int) -> None:
        for _ in range(count):
            own.encrypt(plaintext).release()

    measure(GROUP_ENCRYPT, Load(lambda: 20, run, operations=20, rounds=2_000))


def test_decrypt(measure: Measure) -> None:
    club = Club.fresh()
    others = club.others

    def run(messages: list[bytes]) -> None:
        for message in messages:
            others.decrypt(message).release()

    def prepare() -> list[bytes]:
        return club.written(bytes(PLAINTEXTS[0]), 20)

    measure(GROUP_DECRYPT, Load(prepare, run, operations=20, rounds=2_000))
