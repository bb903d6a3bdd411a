# SPDX-License-Identifier: MIT OR Apache-2.0
"""The doctor finds what is wrong with a store of Olm, says where, and changes nothing."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
from e2ee.store import Examination, OneTimeKeyState, Store, examine, examine_file
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.kinds import KEY, KINDS, kind_name
from tests.stores.olm_people import ALICE, BOB, created, introduced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.properties.world import Rows

#: How a name begins and ends, for one row of each kind.
EVERY: Final = {
    "identity": ("identity", ""),
    "root record": ("index", ""),
    "prekeys": ("prekeys", ""),
    "peer": ("peer/", ""),
    "older chains": ("session/", "/chains"),
    "skipped": ("session/", "/skipped"),
    "inbox": ("inbox/", ""),
    "ledger": ("ledger/", ""),
    "outbox": ("outbox/", ""),
}


@pytest.fixture(scope="module")
def state() -> Rows:
    """Rows of every kind: Alice with a late message, one that waits, and one to be posted."""
    bob, store = created(BOB), e2ee.MemoryStore(key=KEY)
    alice = introduced(store, bob)
    bob.encrypt(ALICE, b"lost")
    with pytest.raises(InterruptedError), alice.receive(BOB, bob.encrypt(ALICE, b"waits")):
        raise InterruptedError
    alice.queue(BOB, b"to be posted")
    alice.generate_keys(3, fallback=True)
    return read_rows(store)


def seen(rows: Rows) -> Examination:
    """What the doctor sees of these rows."""
    return examine(copy_of(rows, KEY))


def codes(report: Examination) -> list[str]:
    """The codes of what was found."""
    return [finding.code for finding in report.findings]


def damaged(row: tuple[int, bytes]) -> tuple[int, bytes]:
    """The row with its last bit flipped."""
    revision, sealed = row
    return revision, sealed[:-1] + bytes([sealed[-1] ^ 1])


def row_of(rows: Rows, kind: str) -> str:
    """The name of a row of this kind."""
    prefix, suffix = EVERY[kind]
    return next(name for name in rows if name.startswith(prefix) and name.endswith(suffix))


def test_a_sound_store_has_no_finding(state: Rows) -> None:
    report = seen(state)

    assert report.findings == ()
    assert sum(kind.number for kind in report.records) == len(state)
    assert {kind.kind: kind.versions for kind in report.records}["identity"] == (32,)


def test_peers_keys_and_messages_are_explained(state: Rows) -> None:
    report = seen(state)

    (peer,) = report.peers
    assert (peer.label, peer.sending, peer.verified) == ("peer 1", "ready", False)
    (session,) = peer.sessions
    assert (session.place, session.phase, session.trusted) == ("current", "initiated", True)
    assert (session.late, session.pq_epoch, session.pq_messages) == (1, None, None)
    assert report.one_time_keys == OneTimeKeyState(one_time=3, unpublished=3, fallback=1)
    assert report.inbox == 1


@pytest.mark.parametrize("kind", EVERY)
def test_a_damaged_record_is_found(state: Rows, kind: str) -> None:
    name = row_of(state, kind)

    report = seen(state | {name: damaged(state[name])})

    assert codes(report).count("does-not-open") == 1


@pytest.mark.parametrize("kind", ["identity", "root record", "prekeys", "older chains", "skipped"])
def test_a_record_that_is_gone_is_found(state: Rows, kind: str) -> None:
    name = row_of(state, kind)

    report = seen({other: row for other, row in state.items() if other != name})

    assert codes(report) == ["missing"]


def test_a_peer_that_is_gone_is_found(state: Rows) -> None:
    name = row_of(state, "peer")

    report = seen({other: row for other, row in state.items() if other != name})

    assert set(codes(report)) == {"members", "orphan"}


def test_a_record_that_no_account_of_olm_has_is_found(state: Rows) -> None:
    report = seen(state | {"repair/@bob:example.org/1": (1, b"stripes")})

    assert codes(report) == ["unknown-name"]


def test_names_are_shown_only_if_asked_for(state: Rows) -> None:
    store = copy_of(state, KEY)

    reports = repr(examine(store)), repr(examine(store, names=True))

    assert [name in report for report in reports for name in BOB.user.split(":")] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("begins", KINDS, ids=kind_name)
def test_every_store_can_be_examined(
    state: Rows, begins: Callable[[Path], Store], tmp_path: Path
) -> None:
    with closing(begins(tmp_path)) as store:
        put_rows(store, state)

        report = examine(store)

        assert report == seen(state)
        assert read_rows(store) == state


def test_a_file_can_be_examined(state: Rows, tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    with e2ee.SQLiteStore(path, key=KEY) as store:
        put_rows(store, state)

    assert examine_file(path, key=KEY) == seen(state)
    assert codes(examine_file(path, key=bytes(32))) == ["wrong-key"]
