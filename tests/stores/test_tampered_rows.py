# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rows that were swapped, copied, deleted, damaged or put back are found (P7 in docs/threats.md).

Every act with such a store either does what it would have done, or refuses because the store is
damaged or set back. It never shows another text, never takes a peer for unknown, and never says
that the key is wrong.
"""

from collections.abc import Iterator
from itertools import combinations, permutations

import pytest

import e2ee
from tests.properties.world import PEER_PREFIX, Rows, copy_of, is_head, put_rows, read_rows
from tests.stores.protocols import OLM, PROTOCOLS, protocol_name
from tests.stores.state import (
    CLUB,
    HANDLED,
    KEY,
    PENDING,
    WAITING,
    State,
    acts_of,
    make_state,
    outcomes,
)

FOUND = (e2ee.StoreCorruptionError, e2ee.StoreRollbackError)
#: Rows that nothing vouches for (N4): what is missing of them is not found, what is false is.
UNVOUCHED = ("inbox/", "ledger/")

Changed = Iterator[tuple[str, Rows]]


@pytest.fixture(scope="module", params=PROTOCOLS, ids=protocol_name)
def state(request: pytest.FixtureRequest) -> State:
    return make_state(request.param)


@pytest.fixture
def in_groups(state: State) -> State:
    """The state of Alice who is in groups."""
    if state.protocol is OLM:
        pytest.skip("an account of Olm has no groups of this kind")
    return state


def kind(name: str) -> str:
    """What kind of row this is."""
    if name.startswith("session/"):
        if is_head(name):
            return "head"
        return "chunk" if "/chunk/" in name else name.rsplit("/", 1)[1]
    if name.startswith("chain/"):
        parts = name.split("/")
        return "own chain" if parts[2] == "sending" else f"chain {parts[5:]}"
    return name.split("/", 1)[0]


def verdicts(state: State, changes: Changed) -> tuple[list[str], list[str]]:
    """Which changes made an act do something else; and which were found by no act."""
    expected, wrong, unnoticed = outcomes(state, state.now), [], []
    for what, rows in changes:
        found = outcomes(state, rows)
        differing = {name for name, result in found.items() if result != expected[name]}
        wrong += [
            f"{what}: {name}: {found[name]}" for name in differing if found[name] not in FOUND
        ]
        if not differing:
            unnoticed.append(what)
    return wrong, unnoticed


def swapped(rows: Rows) -> Changed:
    """Each pair of rows in each other's place: with their revisions, and without."""
    for one, other in combinations(sorted(rows), 2):
        yield f"{one} <> {other}", rows | {one: rows[other], other: rows[one]}
        crossed = {
            one: (rows[one][0], rows[other][1]),
            other: (rows[other][0], rows[one][1]),
        }
        yield f"{one} <> {other}, revisions kept", rows | crossed


def copied(rows: Rows) -> Changed:
    """Each row in the place of each other."""
    for one, other in permutations(sorted(rows), 2):
        yield f"{one} > {other}", rows | {other: rows[one]}


def deleted(rows: Rows) -> Changed:
    """Each row taken away."""
    for name in sorted(rows):
        yield name, {other: row for other, row in rows.items() if other != name}


def damaged(rows: Rows) -> Changed:
    """Each row with one byte changed, cut or added."""
    for name, (revision, sealed) in sorted(rows.items()):
        for place in sorted({0, 1, 12, 13, len(sealed) // 2, len(sealed) - 17, len(sealed) - 1}):
            for mask in (1, 0x80):
                changed = bytearray(sealed)
                changed[place] ^= mask
                yield f"{name}: {place}", rows | {name: (revision, bytes(changed))}
        for what, changed_row in (("cut", sealed[:-1]), ("longer", sealed + b"\0"), ("empty", b"")):
            yield f"{name}: {what}", rows | {name: (revision, changed_row)}


def renumbered(rows: Rows) -> Changed:
    """Each row under another revision."""
    for name, (revision, sealed) in sorted(rows.items()):
        for other in {1, revision - 1, revision + 1} - {0, revision}:
            yield f"{name}: {other}", rows | {name: (other, sealed)}


def test_the_state_has_rows_of_every_kind(state: State) -> None:
    kinds = {"store", "identity", "index", "prekeys", "peer", "head", "chains", "skipped"}
    chains = set[str]()
    if state.protocol is not OLM:
        kinds |= {"objects", "chunk"}
        chains = {"group", "own chain", "chain []", "chain ['skipped']"}

    assert {kind(name) for name in state.now} == kinds | chains | {"inbox", "ledger"}
    assert {kind(name) for name in state.deleted} >= chains | {"peer", "head", "inbox"}


def test_every_act_works_with_rows_that_nobody_touched(state: State) -> None:
    found = outcomes(state, state.now)

    assert [name for name, result in found.items() if isinstance(result, type)] == []
    assert found["read bob"] == found["send to carol"] == found["start"] == PENDING
    if state.protocol is OLM:
        assert found["make keys"] == 2
    else:
        assert found["write to the group"] == found["read the group"] == PENDING
        assert found["invite carol"] == ["carol"]
    assert (found["inbox"], found["waiting again"]) == ([WAITING], WAITING)
    assert found["handled again"] is True


@pytest.mark.slow
def test_swapped_rows_are_found(state: State) -> None:
    wrong, unnoticed = verdicts(state, swapped(state.now))

    assert wrong == []
    assert [what for what in unnoticed if not between_forgotten(state, what)] == []


@pytest.mark.slow
def test_copied_rows_are_found(state: State) -> None:
    wrong, unnoticed = verdicts(state, copied(state.now))

    assert wrong == []
    assert [what for what in unnoticed if not between_forgotten(state, what)] == []


def between_forgotten(state: State, what: str) -> bool:
    """Whether only rows are concerned that no act asks for: ledger entries of other messages."""
    asked = {f"ledger/{name}" for name in asked_ledger_entries(state)}
    names = what.removesuffix(", revisions kept").replace(" <> ", " > ").split(" > ")
    target = names if " <> " in what else names[1:]
    return all(name.startswith("ledger/") and name not in asked for name in target)


def asked_ledger_entries(state: State) -> set[str]:
    """The entries of the two messages that come again: those since the older state."""
    entries = {name for name in state.now if name.startswith("ledger/")}
    return {name.removeprefix("ledger/") for name in entries - set(state.before)}


@pytest.mark.slow
def test_damaged_rows_are_found(state: State) -> None:
    wrong, unnoticed = verdicts(state, damaged(state.now))

    assert wrong == []
    assert {name.split(":")[0] for name in unnoticed} <= old_ledger_entries(state)


@pytest.mark.slow
def test_rows_under_another_revision_are_found(state: State) -> None:
    # The store record is the only row that is not sealed, and its revision means nothing.
    sealed = {name: row for name, row in state.now.items() if name != "store"}
    changes = ((what, state.now | rows) for what, rows in renumbered(sealed))

    wrong, unnoticed = verdicts(state, changes)

    assert wrong == []
    assert {name.split(":")[0] for name in unnoticed} <= old_ledger_entries(state)


def old_ledger_entries(state: State) -> set[str]:
    """The ledger entries that no act asks for."""
    return {name for name in state.before if name.startswith("ledger/")}


@pytest.mark.slow
def test_deleted_rows_are_found(state: State) -> None:
    vouched = {name: row for name, row in state.now.items() if not name.startswith(UNVOUCHED)}
    changes = [(name, rows) for name, rows in deleted(state.now) if name in vouched]
    missing_store = dict(changes).pop("store")

    wrong, unnoticed = verdicts(state, (each for each in changes if each[0] != "store"))

    assert (wrong, unnoticed) == ([], [])
    assert set(outcomes(state, missing_store).values()) == {e2ee.StoreMissingError}


@pytest.mark.parametrize(
    ("prefix", "changed"),
    [
        ("inbox/", {"inbox": {""}, "waiting again": {"handled"}}),
        ("ledger/", {"waiting again": {"refused"}, "handled again": {"refused"}}),
    ],
)
def test_a_deleted_inbox_or_ledger_row_loses_that_alone(
    state: State, prefix: str, changed: dict[str, set[str]]
) -> None:
    expected = outcomes(state, state.now)
    names: dict[str, str] = {"[]": "", "True": "handled", "False": "refused"}
    names[str(e2ee.AuthenticationError)] = "refused"

    for what, rows in deleted(state.now):
        if what.startswith(prefix):
            for act, result in outcomes(state, rows).items():
                assert result == expected[act] or names[str(result)] in changed[act]


@pytest.mark.slow
def test_an_older_copy_of_a_row_is_found(state: State) -> None:
    older = {name: row for name, row in state.before.items() if state.now.get(name, row) != row}
    kinds = {"index", "prekeys", "head", "chains", "skipped"}
    if state.protocol is not OLM:
        kinds |= {"objects", "group", "own chain", "chain []"}
    assert {kind(name) for name in older} >= kinds
    changes = [(name, state.now | {name: row}) for name, row in older.items()]
    crossed = [
        (f"{name}, newer revision", state.now | {name: (state.now[name][0], row[1])})
        for name, row in older.items()
    ]

    wrong, unnoticed = verdicts(state, iter(changes + crossed))

    assert (wrong, unnoticed) == ([], [])


def look(state: State, living: e2ee.Account, name: str) -> None:
    """Lets a process see a peer's sessions, which Signal's contacts show and Olm's do not."""
    if state.protocol is OLM:
        living.encrypt(state.address(name), b"lost")
    living.contacts()


@pytest.mark.parametrize("name", ["bob", "carol"])
def test_a_session_set_back_as_a_whole_is_found_by_a_living_process(
    state: State, name: str
) -> None:
    store = copy_of(state.now, KEY)
    living = e2ee.Account.open(store)
    prefix, peer = state.prefix(name), state.address(name)
    look(state, living, name)
    older = {row: value for row, value in state.before.items() if row.startswith(prefix)}

    put_rows(store, read_rows(store) | older)
    before = read_rows(store)

    with pytest.raises(FOUND):
        living.encrypt(peer, b"never leaves")
    with pytest.raises(FOUND):
        living.decrypt(peer, state.pending[name])
    assert read_rows(store) == before


def test_chains_set_back_as_a_whole_are_found_by_a_living_process(in_groups: State) -> None:
    state = in_groups
    store = copy_of(state.now, KEY)
    living = e2ee.Account.open(store)
    club, bob = living.group(CLUB), state.peer("bob")
    earlier = read_rows(store)
    club.encrypt(b"later")
    living.decrypt("bob", state.to_club)

    put_rows(store, earlier)

    with pytest.raises(FOUND):
        club.encrypt(b"never leaves")
    with pytest.raises(FOUND):
        living.decrypt("bob", bob.group(CLUB).encrypt(b"later"))
    assert read_rows(store) == earlier


def test_a_group_that_was_left_and_is_put_back_is_found(in_groups: State) -> None:
    state = in_groups
    (group,) = (name for name in state.deleted if name.startswith("group/"))
    chains = {n: row for n, row in state.deleted.items() if n.startswith("chain/")}

    for added in ({group: state.deleted[group]}, {group: state.deleted[group]} | chains):
        found = outcomes(state, state.now | added)

        assert set(found.values()) == {e2ee.StoreCorruptionError}
    assert outcomes(state, state.now | chains) == outcomes(state, state.now)


def test_a_forgotten_peer_who_is_put_back_is_found(state: State) -> None:
    (peer,) = (name for name in state.deleted if name.startswith(PEER_PREFIX))

    for added in ({peer: state.deleted[peer]}, dict(state.deleted)):
        found = outcomes(state, state.now | added)

        assert set(found.values()) == {e2ee.StoreCorruptionError}


def test_sessions_of_a_forgotten_peer_are_not_read(state: State) -> None:
    sessions = {n: row for n, row in state.deleted.items() if n.startswith("session/")}
    assert sessions

    assert outcomes(state, state.now | sessions) == outcomes(state, state.now)


def test_a_handled_message_that_is_put_back_shows_again(state: State) -> None:
    messages = {n: row for n, row in state.deleted.items() if n.startswith("inbox/")}
    expected = outcomes(state, state.now)

    found = outcomes(state, state.now | messages)

    assert found.pop("inbox") == [WAITING, WAITING]
    assert found == {name: result for name, result in expected.items() if name != "inbox"}


def test_an_unknown_row_changes_nothing(state: State) -> None:
    rows = state.now | {"zebra": (1, b"stripes"), "session/nobody/1/00": (7, HANDLED)}

    assert outcomes(state, rows) == outcomes(state, state.now)


def test_a_wrong_key_is_no_damage(state: State) -> None:
    with pytest.raises(e2ee.StoreKeyError):
        e2ee.Account.open(copy_of(state.now, bytes(32)))


def test_all_acts_are_different(state: State) -> None:
    assert len(acts_of(state.protocol)) == (17 if state.protocol is OLM else 20)
