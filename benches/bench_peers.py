# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same operations in libraries of Python: wire to wire, fresh keys, in batches.

What a library in `benches/libraries` does for one row is a loop of its own over its own calls, so
that no call of ours stands between.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn, Protocol

import pytest

from benches.conftest import PLAINTEXTS, Load, Measure
from benches.operations import (
    ACCEPT,
    DECRYPT,
    ENCRYPT,
    EXCHANGE,
    FAN_OUT,
    GROUP_DECRYPT,
    GROUP_ENCRYPT,
    PICKLE,
    SKIP,
    START,
    STORED,
    UNPICKLE,
)
from benches.peers import COMPAT, OLM, OMEMO, VODOZEMAC, Peer

MODULES = {COMPAT: "compat", VODOZEMAC: "vodozemac", OLM: "libolm", OMEMO: "omemo"}
SKIPPED, SESSIONS = 1_000, 1_000
SHORT_TEXT = bytes(PLAINTEXTS[0])


class Library(Protocol):
    """What each of them does; how its bundles, messages and sessions look is its own affair.

    One with groups has `group`, both ends of one, `group_encrypt` and `group_decrypt` besides; one
    with pickles `pickle` and `unpickle`; one that holds something to be closed has `close`.
    """

    def bundles(self, count: int) -> list[Any]:
        """Bob's fresh keys, as they come from a server."""

    def start(self, bundles: list[Any]) -> list[Any]:
        """Alice's sessions from them."""

    def first_messages(self, plaintext: bytes, count: int) -> list[Any]:
        """Messages of as many fresh sessions of Alice's."""

    def accept(self, messages: list[Any]) -> list[Any]:
        """Bob's sessions from them, their plaintexts read."""

    def conversation(self) -> tuple[Any, Any]:
        """Both ends of an acknowledged session."""

    def encrypt(self, session: Any, plaintext: bytes, count: int) -> list[Any]:  # noqa: ANN401
        """So many messages of one session, as they go to the wire."""

    def decrypt(self, session: Any, messages: list[Any]) -> None:  # noqa: ANN401
        """Reads them from the wire."""

    def exchange(self, ends: tuple[Any, Any], plaintext: bytes, count: int) -> None:
        """So many messages in turns."""

    def fan_out(self, sessions: list[Any], plaintext: bytes) -> None:
        """One message of each session."""

    def stored(self, session: Any) -> int:  # noqa: ANN401
        """Bytes of the session as it is kept."""


@dataclass(frozen=True, slots=True)
class Other:
    """A library under its name, and what measures it."""

    peer: Peer
    library: Library
    measure: Measure

    def row(self, operation: str, load: Load[Any]) -> None:
        """Measures a row of this library."""
        self.measure(operation, load, library=self.peer.name)


@pytest.fixture(params=MODULES, ids=lambda peer: peer.name)
def other(
    request: pytest.FixtureRequest, measure: Measure, left_out: Callable[[str, str], NoReturn]
) -> Iterator[Other]:
    peer: Peer = request.param
    try:
        library = import_module(f"benches.libraries.{MODULES[peer]}").Library()
    except ImportError as error:
        left_out(peer.name, str(error))
    yield Other(peer, library, measure)
    if hasattr(library, "close"):
        library.close()


def test_start(other: Other) -> None:
    library = other.library

    other.row(START, Load(lambda: library.bundles(10), library.start, operations=10, rounds=100))


def test_accept(other: Other) -> None:
    library = other.library

    def prepare() -> list[Any]:
        return library.first_messages(SHORT_TEXT, 10)

    other.row(ACCEPT, Load(prepare, library.accept, operations=10, rounds=100))


@pytest.mark.parametrize("length", PLAINTEXTS)
def test_encrypt(other: Other, length: int) -> None:
    _, bob = other.library.conversation()

    def run(count: int) -> None:
        other.library.encrypt(bob, bytes(length), count)

    other.row(ENCRYPT.format(length), Load(lambda: 200, run, operations=200, rounds=100))


@pytest.mark.parametrize("length", PLAINTEXTS)
def test_decrypt(other: Other, length: int) -> None:
    alice, bob = other.library.conversation()

    def prepare() -> list[Any]:
        return other.library.encrypt(bob, bytes(length), 200)

    def run(messages: list[Any]) -> None:
        other.library.decrypt(alice, messages)

    other.row(DECRYPT.format(length), Load(prepare, run, operations=200, rounds=100))


def test_exchange(other: Other) -> None:
    ends = other.library.conversation()

    def run(count: int) -> None:
        other.library.exchange(ends, SHORT_TEXT, count)

    other.row(EXCHANGE, Load(lambda: 100, run, operations=100, rounds=50))


def test_skip(other: Other) -> None:
    def prepare() -> tuple[Any, list[Any]]:
        alice, bob = other.library.conversation()
        return alice, other.library.encrypt(bob, SHORT_TEXT, SKIPPED + 1)[-1:]

    def run(late: tuple[Any, list[Any]]) -> None:
        other.library.decrypt(*late)

    other.row(SKIP, Load(prepare, run, operations=1, rounds=20))


def test_fan_out(other: Other) -> None:
    sessions = [other.library.conversation()[1] for _ in range(SESSIONS)]

    def run(sessions: list[Any]) -> None:
        other.library.fan_out(sessions, SHORT_TEXT)

    other.row(FAN_OUT, Load(lambda: sessions, run, operations=1, rounds=20))


def test_group_encrypt(other: Other) -> None:
    own, _ = _group(other)

    def run(count: int) -> None:
        other.library.group_encrypt(own, SHORT_TEXT, count)

    other.row(GROUP_ENCRYPT, Load(lambda: 100, run, operations=100, rounds=100))


def test_group_decrypt(other: Other) -> None:
    own, reader = _group(other)

    def prepare() -> list[Any]:
        messages: list[Any] = other.library.group_encrypt(own, SHORT_TEXT, 100)
        return messages

    def run(messages: list[Any]) -> None:
        other.library.group_decrypt(reader, messages)

    other.row(GROUP_DECRYPT, Load(prepare, run, operations=100, rounds=100))


def test_pickle(other: Other) -> None:
    session = _pickled(other)

    def run(count: int) -> None:
        other.library.pickle(session, count)  # type: ignore[attr-defined]

    other.row(PICKLE, Load(lambda: 50, run, operations=50, rounds=50))


def test_unpickle(other: Other) -> None:
    session = _pickled(other)

    def prepare() -> list[Any]:
        texts: list[Any] = other.library.pickle(session, 50)  # type: ignore[attr-defined]
        return texts

    def run(texts: list[Any]) -> None:
        other.library.unpickle(texts)  # type: ignore[attr-defined]

    other.row(UNPICKLE, Load(prepare, run, operations=50, rounds=50))


def test_stored(other: Other) -> None:
    ends = other.library.conversation()
    other.library.exchange(ends, SHORT_TEXT, 200)

    size = other.library.stored(ends[0])

    other.measure.found(STORED, [size], library=other.peer.name)


def _pickled(other: Other) -> Any:  # noqa: ANN401 (how a session looks is its own affair)
    if not hasattr(other.library, "pickle"):
        pytest.skip(f"{other.peer.name} has no pickles")
    ends = other.library.conversation()
    other.library.exchange(ends, SHORT_TEXT, 200)
    return ends[0]


def _group(other: Other) -> tuple[Any, Any]:
    if not hasattr(other.library, "group"):
        pytest.skip(f"{other.peer.name} has no groups")
    ends: tuple[Any, Any] = other.library.group()
    return ends
