# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where the secret of a store comes from: a value, a call, a file descriptor."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import e2ee
from e2ee.store import Store, StoreSecret
from tests.stores.server import schema_of, server

KEY = bytes(range(32))
RIGHT, WRONG = StoreSecret.from_key(KEY), StoreSecret.from_key(bytes(32))
SECRETS = {"key": RIGHT, "passphrase": StoreSecret.from_passphrase(KEY)}

Makes = Callable[..., Store]


def in_memory(_: Path) -> Makes:
    return e2ee.MemoryStore


def in_a_file(folder: Path) -> Makes:
    return lambda **options: e2ee.SQLiteStore(folder / "store.db", **options)


def in_a_database(folder: Path) -> Makes:
    place, schema = server().conninfo, schema_of(folder)
    return lambda **options: e2ee.PostgresStore(place, schema=schema, **options)


@pytest.fixture(params=[in_memory, in_a_file, in_a_database], ids=lambda each: each.__name__)
def makes(request: pytest.FixtureRequest, tmp_path: Path) -> Makes:
    """Makes a store of each kind, with these options."""
    made: Makes = request.param(tmp_path)
    return made


@pytest.fixture
def pipe() -> Iterator[Callable[[bytes], int]]:
    """Makes descriptors from which these bytes can be read."""
    opened = []

    def filled(content: bytes) -> int:
        reading, writing = os.pipe()
        opened.append(reading)
        os.write(writing, content)
        os.close(writing)
        return reading

    yield filled
    for descriptor in opened:
        os.close(descriptor)


def opens(store: Store, secret: StoreSecret) -> bool:
    """Whether another store with this secret opens the same records."""
    with store.transaction() as transaction:
        rows = [(name, transaction.get(name)) for name, _ in transaction.list("")]
    copy = e2ee.MemoryStore(secret=secret)
    with copy.transaction() as transaction:
        transaction.apply([(name, 0, *row) for name, row in rows if row is not None])
    try:
        e2ee.Account.open(copy)
    except e2ee.StoreKeyError:
        return False
    return True


def test_a_key_may_be_called_for(makes: Makes) -> None:
    with closing(makes(key=lambda: KEY)) as store:
        e2ee.Account.create(store, "alice")

        assert (opens(store, RIGHT), opens(store, WRONG)) == (True, False)


def test_a_passphrase_may_be_called_for(makes: Makes) -> None:
    with closing(makes(passphrase=lambda: "cafe\N{COMBINING ACUTE ACCENT}")) as store:
        e2ee.Account.create(store, "alice")

        assert opens(store, StoreSecret.from_passphrase("café".encode()))


def test_a_secret_may_be_given(makes: Makes, pipe: Callable[[bytes], int]) -> None:
    with closing(makes(secret=StoreSecret.from_fd(pipe(KEY)))) as store:
        e2ee.Account.create(store, "alice")

        assert opens(store, RIGHT)


@pytest.mark.parametrize("option", ["key", "passphrase"])
def test_a_bytearray_that_comes_from_a_call_is_wiped(makes: Makes, option: str) -> None:
    answers: list[bytearray] = []

    def ask() -> bytearray:
        answers.append(bytearray(KEY))
        return answers[-1]

    with closing(makes(**{option: ask})) as store:
        assert answers == [bytearray(32)]
        e2ee.Account.create(store, "alice")

        assert opens(store, SECRETS[option])


def test_a_bytearray_is_wiped_if_it_is_refused() -> None:
    answer = bytearray(b"too short")

    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.MemoryStore(key=lambda: answer)

    assert answer == bytes(9)


def test_a_bytearray_that_is_given_stays_the_callers() -> None:
    key = bytearray(KEY)

    e2ee.MemoryStore(key=key)

    assert key == KEY


def test_what_a_call_raises_is_not_hidden(makes: Makes) -> None:
    def ask() -> bytes:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        makes(key=ask)


@pytest.mark.parametrize("options", [{}, {"key", "passphrase"}, {"key", "secret"}])
def test_a_store_has_exactly_one_secret(makes: Makes, options: set[str]) -> None:
    values = {"key": KEY, "passphrase": "word", "secret": StoreSecret.from_key(KEY)}
    if not options and makes is e2ee.MemoryStore:
        options = {"passphrase", "secret"}

    with pytest.raises(e2ee.InvalidArgumentError):
        makes(**{name: values[name] for name in options})


@pytest.mark.parametrize("length", [0, 1, 31, 33, 34, 100])
def test_a_descriptor_gives_exactly_a_key(pipe: Callable[[bytes], int], length: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        StoreSecret.from_fd(pipe(bytes(length)))


def test_a_key_may_come_in_pieces() -> None:
    reading, writing = os.pipe()

    def write() -> None:
        for place in range(0, 32, 5):
            os.write(writing, KEY[place : place + 5])
            time.sleep(0.002)
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    secret = StoreSecret.from_fd(reading)
    thread.join()
    os.close(reading)
    with e2ee.MemoryStore(secret=secret) as store:
        e2ee.Account.create(store, "alice")

        assert opens(store, RIGHT)


def test_a_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    with (tmp_path / "key").open("rb") as file:
        StoreSecret.from_fd(file.fileno())

        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == len(KEY)


@pytest.mark.parametrize("number", [-1, 1 << 31, 1 << 64])
def test_what_is_no_descriptor_is_refused(number: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        StoreSecret.from_fd(number)


def test_a_descriptor_that_is_closed_says_so() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    os.close(reading)

    with pytest.raises(OSError, match="Bad file descriptor"):
        StoreSecret.from_fd(reading)
