# SPDX-License-Identifier: MIT OR Apache-2.0
"""What every store promises: transactions that are whole, and compare-and-set."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import e2ee
from e2ee.store import Store, Write
from tests.stores.kinds import KINDS, kind_name


@pytest.fixture(params=KINDS, ids=kind_name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each of our stores, empty."""
    with closing(request.param(tmp_path)) as made:
        yield made


def write_and_raise(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.apply([("a", 0, 1, b"x")])
        assert transaction.get("a") == (1, b"x")
        raise KeyError


def test_a_transaction_that_raises_is_undone(store: Store) -> None:
    with pytest.raises(KeyError):
        write_and_raise(store)

    with store.transaction() as transaction:
        assert transaction.get("a") is None


def test_a_transaction_ends_with_its_block(store: Store) -> None:
    with store.transaction() as transaction:
        pass

    with pytest.raises(e2ee.StaleSessionError):
        transaction.get("a")


def test_an_open_transaction_refuses_another(store: Store) -> None:
    with (
        store.transaction(),
        pytest.raises(e2ee.TransactionOpenError),
        store.transaction(),
    ):
        pytest.fail("two transactions are open")


def test_records_are_listed_by_prefix_in_the_order_of_code_points(store: Store) -> None:
    names = ["p", "p/", "p/a", "p/\U0010ffff", "p/é", "p0", "q"]

    with store.transaction() as transaction:
        transaction.apply([(name, 0, 1, b"") for name in reversed(names)])
        transaction.apply([("p/a", 1, None, None)])

        assert transaction.list("p/") == [("p/", 1), ("p/é", 1), ("p/\U0010ffff", 1)]


@pytest.mark.parametrize(
    "write", [("a", 0, 1, b""), ("a", 2, 3, b""), ("a", 2, None, None), ("b", 1, 2, b"")]
)
def test_a_wrong_base_is_a_conflict(store: Store, write: Write) -> None:
    with store.transaction() as transaction:
        transaction.apply([("a", 0, 1, b"old")])

    with pytest.raises(e2ee.StoreConflictError), store.transaction() as transaction:
        transaction.apply([write])

    with store.transaction() as transaction:
        assert transaction.list("") == [("a", 1)]


def test_a_closed_store_stays_closed(store: Store) -> None:
    store.close()
    store.close()

    with pytest.raises(e2ee.StaleSessionError), store.transaction():
        pytest.fail("the store is open")


def test_a_store_is_not_closed_inside_its_transaction(store: Store) -> None:
    with store.transaction() as transaction:
        with pytest.raises(e2ee.TransactionOpenError):
            store.close()
        transaction.apply([("a", 0, 1, b"x")])

    with store.transaction() as transaction:
        assert transaction.get("a") == (1, b"x")
