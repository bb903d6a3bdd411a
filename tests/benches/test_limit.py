# SPDX-License-Identifier: MIT OR Apache-2.0
"""A limit counts what cannot be avoided, and nothing twice."""

from collections.abc import Callable

import pytest

from benches.limit import (
    GroupLengths,
    Lengths,
    Part,
    backlog,
    chat_decrypt,
    chat_encrypt,
    decrypt,
    encrypt,
    fan_out,
    group_backlog,
    group_decrypt,
    microseconds,
)

LENGTHS, GROUP = Lengths(200, 500), GroupLengths(180, 166, 114)


def seals(parts: list[Part]) -> float:
    return sum(part.count for part in parts if part.primitive.startswith("seal "))


def nanoseconds(parts: list[Part]) -> dict[str, float]:
    return {part.primitive: 1_000.0 for part in parts}


def test_the_limit_is_the_sum_of_its_parts() -> None:
    parts = [Part(2, "one", ""), Part(0.5, "other", "")]

    assert microseconds(parts, {"one": 1_500.0, "other": 2_000.0}) == pytest.approx(4.0)


def test_a_fan_out_is_as_many_encryptions() -> None:
    one, many = encrypt(64, LENGTHS), fan_out(64, LENGTHS, 1_000)

    assert microseconds(many, nanoseconds(many)) == pytest.approx(
        1_000 * microseconds(one, nanoseconds(one))
    )


def test_a_backlog_seals_one_head_for_all_of_it() -> None:
    assert seals(decrypt(64, LENGTHS)) == 1
    assert 1_000 * seals(backlog(64, LENGTHS, 1_000)) == pytest.approx(1)
    assert 1_000 * seals(group_backlog(64, GROUP, 1_000)) == pytest.approx(1)


def test_each_message_of_a_group_backlog_is_verified() -> None:
    verified = [part for part in group_decrypt(64, GROUP) if "verify" in part.primitive]

    assert verified
    assert all(part in group_backlog(64, GROUP, 1_000) for part in verified)


@pytest.mark.parametrize("operation", [chat_encrypt, chat_decrypt])
def test_a_message_of_a_secret_chat_is_hashed_three_times_and_encrypted_once(
    operation: Callable[[int], list[Part]],
) -> None:
    parts = operation(192)

    assert sum(part.count for part in parts if part.primitive.startswith("SHA-256 ")) == 3
    assert sum(part.count for part in parts if part.primitive.startswith("AES-256-IGE ")) == 1
