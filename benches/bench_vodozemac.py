# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same operations in vodozemac's Olm, for scale: nothing post-quantum, no step to store."""

from typing import TypeAlias

import pytest
import vodozemac

from benches.conftest import PLAINTEXTS, Load, Measure

LIBRARY = "vodozemac"
SKIPPED = 1_000

#: Type and bytes.
Message: TypeAlias = tuple[int, bytes]


def seal(session: vodozemac.Session, plaintext: bytes) -> Message:
    kind, message = session.encrypt(plaintext).to_parts()
    return kind, message


def unseal(session: vodozemac.Session, message: Message) -> bytes:
    return session.decrypt(vodozemac.AnyOlmMessage.from_parts(*message))


def bundle(account: vodozemac.Account) -> tuple[bytes, bytes]:
    """Identity key and a fresh one-time key."""
    account.generate_one_time_keys(1)
    (one_time,) = account.one_time_keys.values()
    account.mark_keys_as_published()
    return account.curve25519_key.to_bytes(), one_time.to_bytes()


def initiate(account: vodozemac.Account, keys: tuple[bytes, bytes]) -> vodozemac.Session:
    identity, one_time = map(vodozemac.Curve25519PublicKey.from_bytes, keys)
    return account.create_outbound_session(identity, one_time)


def accept(
    account: vodozemac.Account, sender: bytes, message: bytes
) -> tuple[vodozemac.Session, bytes]:
    sender_key = vodozemac.Curve25519PublicKey.from_bytes(sender)
    first = vodozemac.AnyOlmMessage.pre_key(message).to_pre_key()
    assert first is not None
    return account.create_inbound_session(sender_key, first)


def conversation() -> tuple[vodozemac.Session, vodozemac.Session]:
    """Both ends of a session with fresh keys, once there and once back."""
    alice, bob = vodozemac.Account(), vodozemac.Account()
    ours = initiate(alice, bundle(bob))
    theirs, _ = accept(bob, alice.curve25519_key.to_bytes(), seal(ours, b"")[1])
    unseal(ours, seal(theirs, b""))
    return ours, theirs


def test_initiate(measure: Measure) -> None:
    alice, bob = vodozemac.Account(), vodozemac.Account()

    def run(bundles: list[tuple[bytes, bytes]]) -> None:
        for keys in bundles:
            initiate(alice, keys)

    def prepare() -> list[tuple[bytes, bytes]]:
        return [bundle(bob) for _ in range(10)]

    name = "start a session from a bundle"
    measure(name, Load(prepare, run, operations=10, rounds=100), library=LIBRARY)


def test_accept(measure: Measure) -> None:
    alice, bob = vodozemac.Account(), vodozemac.Account()
    sender = alice.curve25519_key.to_bytes()

    def run(messages: list[bytes]) -> None:
        for message in messages:
            accept(bob, sender, message)

    def prepare() -> list[bytes]:
        starts = [initiate(alice, bundle(bob)) for _ in range(10)]
        return [seal(start, bytes(PLAINTEXTS[0]))[1] for start in starts]

    name = "accept a first message, 64 B"
    measure(name, Load(prepare, run, operations=10, rounds=100), library=LIBRARY)


@pytest.mark.parametrize("length", PLAINTEXTS)
def test_encrypt(measure: Measure, length: int) -> None:
    _, bob = conversation()
    plaintext = bytes(length)

    def run(count: int) -> None:
        for _ in range(count):
            seal(bob, plaintext)

    name = f"encrypt {length} B"
    measure(name, Load(lambda: 500, run, operations=500, rounds=100), library=LIBRARY)


@pytest.mark.parametrize("length", PLAINTEXTS)
def test_decrypt(measure: Measure, length: int) -> None:
    alice, bob = conversation()
    plaintext = bytes(length)

    def run(messages: list[Message]) -> None:
        for message in messages:
            unseal(alice, message)

    def prepare() -> list[Message]:
        return [seal(bob, plaintext) for _ in range(500)]

    name = f"decrypt {length} B"
    measure(name, Load(prepare, run, operations=500, rounds=100), library=LIBRARY)


def test_exchange(measure: Measure) -> None:
    alice, bob = conversation()
    plaintext = bytes(PLAINTEXTS[0])

    def run(turns: int) -> None:
        for _ in range(turns):
            unseal(bob, seal(alice, plaintext))
            unseal(alice, seal(bob, plaintext))

    name = "ping-pong 64 B, per message"
    measure(name, Load(lambda: 50, run, operations=100, rounds=50), library=LIBRARY)


def test_skip(measure: Measure) -> None:
    def prepare() -> tuple[vodozemac.Session, Message]:
        alice, bob = conversation()
        return alice, [seal(bob, bytes(PLAINTEXTS[0])) for _ in range(SKIPPED + 1)][-1]

    def run(late: tuple[vodozemac.Session, Message]) -> None:
        unseal(*late)

    name = "skip 1,000, then decrypt 64 B"
    measure(name, Load(prepare, run, operations=1, rounds=20), library=LIBRARY)
