# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gate: rows are swapped, copied, deleted, damaged, renumbered, and put back from an older copy.

Over all rows, and all pairs of rows, of an account with everything in it. After each change the
account does all that it can do, each thing on a copy: what it does is what it would have done, or
it says that the store is damaged; and a change that nothing notices is a violation, unless it is of
rows that nobody asks for. The functions are those of the tests of single changes.
"""

import random
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import Final, NamedTuple

import e2ee
from tests.assurance.gate import Control, Gate, Profile, Result
from tests.properties.world import Rows, copy_of, put_rows, read_rows
from tests.stores import test_tampered_rows as tampered
from tests.stores.state import KEY, State, make_state

SAMPLE: Final = 150
WRONG, UNNOTICED = "acts that did something else", "changes that nothing noticed"
LIMIT: Final = "a session or chain set back with its head, which nothing inside can find (N3)"
UNFOUND: Final = "sessions set back under a living process, which did not find it"
PEERS: Final = ("bob", "carol")


class Family(NamedTuple):
    """Changes of one kind; and those of them that nobody has to notice."""

    name: str
    changes: list[tuple[str, Rows]]
    excused: Callable[[str], bool]


def families(state: State) -> list[Family]:
    """All kinds of changes."""
    rows = state.now
    old_entries = tampered.old_ledger_entries(state)
    older = {name: row for name, row in state.before.items() if rows.get(name, row) != row}
    vouched = {name for name in rows if not name.startswith(tampered.UNVOUCHED)}
    sealed = {name: row for name, row in rows.items() if name != "store"}

    def forgotten(what: str) -> bool:
        return tampered.between_forgotten(state, what)

    def entry(what: str) -> bool:
        return what.split(":", maxsplit=1)[0] in old_entries

    back = {name: row for name, row in state.deleted.items() if name.startswith("session/")}
    return [
        Family("pairs swapped", list(tampered.swapped(rows)), forgotten),
        Family("rows copied over another", list(tampered.copied(rows)), forgotten),
        Family(
            "rows deleted",
            [each for each in tampered.deleted(rows) if each[0] in vouched - {"store"}],
            lambda _: False,
        ),
        Family("rows damaged", list(tampered.damaged(rows)), entry),
        Family(
            "rows under another revision",
            [(what, rows | changed) for what, changed in tampered.renumbered(sealed)],
            entry,
        ),
        Family("rows from an older copy", single(rows, older), lambda _: False),
        Family("pairs of rows from an older copy", pairs(rows, older), lambda _: False),
        # Nobody reads the sessions of a peer that was forgotten.
        Family("sessions put back", [(n, rows | {n: r}) for n, r in back.items()], lambda _: True),
    ]


def single(rows: Rows, older: Rows) -> list[tuple[str, Rows]]:
    """Each older row, with its own revision and with the present one."""
    own = [(name, rows | {name: row}) for name, row in older.items()]
    return own + [
        (f"{name}, newer revision", rows | {name: (rows[name][0], row[1])})
        for name, row in older.items()
    ]


def pairs(rows: Rows, older: Rows) -> list[tuple[str, Rows]]:
    """Each two older rows."""
    return [
        (f"{one} > {other}", rows | {one: older[one], other: older[other]})
        for one, other in combinations(sorted(older), 2)
    ]


def whole(what: str) -> bool:
    """Whether a pair of rows is a session or a chain with its head."""
    one, _, other = what.partition(" > ")
    return bool(other) and other.startswith(f"{one}/") and one.startswith(("session/", "chain/"))


def run(profile: Profile) -> Result:
    """Makes all changes, or some of each kind."""
    state = make_state(profile.protocol)
    chance = random.Random(profile.seed)  # noqa: S311 - chooses changes, no secrets
    return changed(state, families(state), profile.share(short=SAMPLE, full=4_000_000), chance)


def changed(state: State, kinds: list[Family], sample: int, chance: random.Random) -> Result:
    """Makes so many changes of each kind."""
    counts, found, notes = {"rows": len(state.now)}, Counter[str](), []
    found.update(dict.fromkeys((WRONG, UNNOTICED, UNFOUND), 0))
    limits = 0
    for family in kinds:
        chosen = chance.sample(family.changes, min(sample, len(family.changes)))
        wrong, unnoticed = tampered.verdicts(state, iter(chosen))
        missed = [what for what in unnoticed if not family.excused(what)]
        limits += sum(whole(what) for what in missed)
        missed = [what for what in missed if not whole(what)]
        counts[family.name] = len(chosen)
        found[WRONG] += len(wrong)
        found[UNNOTICED] += len(missed)
        notes += [f"{family.name}: {what}" for what in (*wrong[:3], *missed[:3])]
    found[UNFOUND] += sum(not found_by_the_living(state, peer) for peer in PEERS)
    return Result(counts | {LIMIT: limits}, found, tuple(notes))


def found_by_the_living(state: State, peer: str) -> bool:
    """Whether a process that lives on finds that a whole session was set back."""
    store = copy_of(state.now, KEY)
    living = e2ee.Account.open(store)
    tampered.look(state, living, peer)
    prefix = state.prefix(peer)
    put_rows(
        store, read_rows(store) | {n: r for n, r in state.before.items() if n.startswith(prefix)}
    )
    try:
        living.encrypt(state.address(peer), b"never leaves")
    except tampered.FOUND:
        return True
    return False


def set_back(profile: Profile) -> Result:
    """A control: whole sessions are set back, and nobody lives who has seen them."""
    state = make_state(profile.protocol)
    changes = []
    for peer in PEERS:
        older = {n: r for n, r in state.before.items() if n.startswith(state.prefix(peer))}
        changes.append((f"all of {peer}", state.now | older))
    family = Family("whole sessions from an older copy", changes, lambda _: False)
    chance = random.Random(profile.seed)  # noqa: S311 - as above
    return changed(state, [family], len(changes), chance)


GATE: Final = Gate(
    "rows",
    "rows are swapped, deleted, damaged, and put back from an older copy",
    run,
    (Control("whole sessions from an older copy", set_back),),
)
