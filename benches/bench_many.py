# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many messages as one step, through Python: by one core, and by two."""

import os
from collections.abc import Iterator

import pytest

from benches.conftest import PLAINTEXTS, Load, Measure
from benches.conversation import Club, Conversation
from benches.operations import (
    BACKLOG,
    BACKLOG_TWO,
    FAN_OUT,
    FAN_OUT_TWO,
    GROUP_BACKLOG,
    GROUP_BACKLOG_TWO,
    MANY,
)
from e2ee import signal

PLAINTEXT = bytes(PLAINTEXTS[0])
CORES = (1, 2)


@pytest.fixture(params=CORES, ids=lambda count: f"{count} cores")
def cores(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many cores this process may use, on Linux; it is given all of them back."""
    count: int = request.param
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not say which cores a process may use")
    all_cores = os.sched_getaffinity(0)
    if len(all_cores) < count:
        pytest.skip(f"this machine has no {count} cores")
    os.sched_setaffinity(0, sorted(all_cores)[:count])
    yield count
    os.sched_setaffinity(0, all_cores)


def test_fan_out(measure: Measure, cores: int) -> None:
    messages = [(Conversation.fresh().bob, PLAINTEXT) for _ in range(MANY)]

    def run(messages: list[tuple[signal.Session, bytes]]) -> None:
        signal.encrypt_many(messages).release()

    operation = FAN_OUT if cores == 1 else FAN_OUT_TWO
    measure(operation, Load(lambda: messages, run, operations=1, rounds=100))


def test_backlog(measure: Measure, cores: int) -> None:
    conversation = Conversation.fresh()

    def run(messages: list[tuple[int, bytes]]) -> None:
        conversation.alice.decrypt_many(messages).release()

    def prepare() -> list[tuple[int, bytes]]:
        return conversation.from_bob(PLAINTEXT, MANY)

    operation = BACKLOG if cores == 1 else BACKLOG_TWO
    measure(operation, Load(prepare, run, operations=MANY, rounds=50))


def test_group_backlog(measure: Measure, cores: int) -> None:
    club = Club.fresh()

    def run(messages: list[bytes]) -> None:
        club.others.decrypt_many(messages).release()

    def prepare() -> list[bytes]:
        return club.written(PLAINTEXT, MANY)

    operation = GROUP_BACKLOG if cores == 1 else GROUP_BACKLOG_TWO
    measure(operation, Load(prepare, run, operations=MANY, rounds=50))
