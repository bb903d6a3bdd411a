# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same operations in libsignal through its npm package, in a process of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from benches.conftest import PLAINTEXTS, Measure
from benches.operations import (
    ACCEPT,
    DECRYPT,
    ENCRYPT,
    EXCHANGE,
    FAN_OUT,
    GROUP_DECRYPT,
    GROUP_ENCRYPT,
    SKIP,
    START,
    STORED,
)
from benches.peers import LIBSIGNAL
from benches.table import Table
from tests.interop.install import AbsentError, installed, node
from tests.interop.node import Node, PeerLostError

PROGRAM = Path(__file__).with_name("libsignal.mjs")
SHORT = PLAINTEXTS[0]
#: Operation, what the program calls it, bytes of the text, calls in a round, rounds.
ROWS = (
    (START, "start", SHORT, 10, 100),
    (ACCEPT, "accept", SHORT, 10, 100),
    *((ENCRYPT.format(length), "encrypt", length, 200, 100) for length in PLAINTEXTS),
    *((DECRYPT.format(length), "decrypt", length, 200, 100) for length in PLAINTEXTS),
    (EXCHANGE, "exchange", SHORT, 100, 50),
    (SKIP, "skip", SHORT, 1, 20),
    (FAN_OUT, "fanOut", SHORT, 1, 20),
    (GROUP_ENCRYPT, "groupEncrypt", SHORT, 100, 100),
    (GROUP_DECRYPT, "groupDecrypt", SHORT, 100, 100),
)


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[], Node]]:
    """Gives the one process, which begins when it is first asked for."""
    running: list[Node] = []

    def begin() -> Node:
        if not running:
            running.append(Node(node(), installed(), PROGRAM).__enter__())
            running[0].call("versions")
        return running[0]

    yield begin
    for process in running:
        process.__exit__(None, None, None)


@pytest.fixture
def process(
    start: Callable[[], Node], table: Table, left_out: Callable[[str, str], NoReturn]
) -> Node:
    try:
        running = start()
    except (AbsentError, PeerLostError) as error:
        left_out(LIBSIGNAL.name, str(error))
    versions = running.call("versions")
    table.versions[LIBSIGNAL.name] = f"{versions['peer']} on Node {versions['node']}"
    return running


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_row(process: Node, measure: Measure, row: tuple[str, str, int, int, int]) -> None:
    operation, called, length, operations, rounds = row

    times = process.call(
        called, length=length, operations=operations, rounds=measure.rounds(rounds)
    )

    each = [nanoseconds / operations / 1_000 for nanoseconds in times]
    measure.found(operation, each, library=LIBSIGNAL.name)


def test_stored(process: Node, measure: Measure) -> None:
    size = process.call("stored", messages=200, length=SHORT)

    measure.found(STORED, [size], library=LIBSIGNAL.name)
