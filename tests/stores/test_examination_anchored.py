# SPDX-License-Identifier: MIT OR Apache-2.0
"""The doctor and a store with an anchor: the generation is there, and agrees with the anchor."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee.store import examine, examine_file
from tests.api.anchored import Register
from tests.properties.world import put_rows, read_rows
from tests.stores.kinds import DURABLE, KEY, introduced, kind_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2ee.store import Examination, Store
    from tests.properties.world import Rows


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
def rows(register: Register, bob: e2ee.Account) -> Rows:
    """A store with an anchor, whose newest step the anchor knows."""
    store = e2ee.MemoryStore(key=KEY, anchor=register)
    introduced(store, bob)
    return read_rows(store)


def codes(rows: Rows, register: Register | None = None) -> list[str]:
    """What the doctor finds of these rows, with an anchor or without it."""
    store = e2ee.MemoryStore(key=KEY, anchor=register)
    put_rows(store, rows)
    return [finding.code for finding in seen(store).findings]


def seen(store: Store) -> Examination:
    """What the doctor sees; the anchor stays as it is."""
    anchor = getattr(store, "anchor", None)
    before = None if anchor is None else anchor.read()
    report = examine(store)
    assert anchor is None or anchor.read() == before
    return report


def test_a_store_that_agrees_with_its_anchor_is_sound(rows: Rows, register: Register) -> None:
    assert codes(rows) == []
    assert codes(rows, register) == []


def test_the_generation_has_a_line_in_the_report(rows: Rows) -> None:
    store = e2ee.MemoryStore(key=KEY)
    put_rows(store, rows)

    counted = {kind.kind: kind for kind in examine(store).records}

    assert (counted["generation"].number, counted["generation"].versions) == (1, (1,))


def test_a_generation_that_is_gone_or_damaged_is_found(rows: Rows) -> None:
    revision, sealed = rows["generation"]

    assert codes({name: row for name, row in rows.items() if name != "generation"}) == ["missing"]
    assert codes(rows | {"generation": (revision, sealed[:-1])}) == ["does-not-open"]
    assert codes(rows | {"generation": (revision + 1, sealed)}) == ["does-not-open"]


def test_a_generation_in_a_store_without_an_anchor_belongs_to_nothing(bob: e2ee.Account) -> None:
    plain, register = e2ee.MemoryStore(key=KEY), Register()
    introduced(plain, bob)
    before = read_rows(plain)
    tied = e2ee.MemoryStore(key=KEY, anchor=register)
    put_rows(tied, before)
    e2ee.Account.open(tied)

    assert codes(before | {"generation": read_rows(tied)["generation"]}) == ["orphan"]


def test_an_anchor_that_holds_another_past_is_found(rows: Rows, register: Register) -> None:
    held = register.value
    assert held is not None

    register.value = held[:25] + bytes(16)
    assert codes(rows, register) == ["off-anchor"]
    register.value = None
    assert codes(rows, register) == ["off-anchor"]
    register.value = held[:1] + bytes(16) + held[17:]
    assert codes(rows, register) == ["wrong-anchor"]


@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_a_store_in_use_is_looked_at_with_its_anchor(
    kind: Callable[..., Store], tmp_path: Path, bob: e2ee.Account, register: Register
) -> None:
    with closing(kind(tmp_path, anchor=register)) as store:
        alice = introduced(store, bob)
        assert seen(store).findings == ()
        alice.encrypt(bob.address, b"text")
        assert seen(store).findings == ()

        held = register.value or b""
        register.value = held[:25] + bytes(16) + held[41:]

        assert [finding.code for finding in seen(store).findings] == ["off-anchor"]


def test_an_anchor_that_cannot_be_reached_is_no_finding(
    tmp_path: Path, bob: e2ee.Account, register: Register
) -> None:
    path = tmp_path / "alice.db"
    with e2ee.SQLiteStore(path, key=KEY, anchor=register) as store:
        introduced(store, bob)

    with pytest.raises(e2ee.StoreUnavailableError):
        examine_file(path, key=KEY, anchor=e2ee.store.FileAnchor(tmp_path))
