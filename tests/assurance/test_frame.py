# SPDX-License-Identifier: MIT OR Apache-2.0
"""The frame of the gates and the ledger fail when they should."""

import pytest

import e2ee
from tests.assurance.__main__ import row_of
from tests.assurance.gate import Control, Gate, Profile, Result
from tests.assurance.ledger import BLOCK, Ledger, place
from tests.properties.world import pair, put_rows, read_rows

SHORT = Profile("short", 1)


def found(violations: int) -> Result:
    return Result({"tries": 1}, {"violations": violations})


def gate(violations: int, control: int, missing: str | None = None) -> Gate:
    """A gate that finds so much, with a control that does."""
    planted = Control("a planted fault", lambda _: found(control))
    return Gate("a", "a gate", lambda _: found(violations), (planted,), lambda: missing)


def test_a_gate_without_violations_whose_control_is_found_passes() -> None:
    assert row_of(gate(0, 1), SHORT, Ledger())["passed"] is True


def test_a_gate_whose_control_is_not_found_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert row_of(gate(0, 0), SHORT, Ledger())["passed"] is False
    assert "NOT FOUND" in capsys.readouterr().out


def test_a_gate_with_a_violation_fails() -> None:
    assert row_of(gate(1, 1), SHORT, Ledger())["passed"] is False


def test_a_gate_that_is_left_out_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    row = row_of(gate(1, 0, "no such tool"), SHORT, Ledger())

    assert row["left out"] == "no such tool"
    assert "left out: no such tool" in capsys.readouterr().out


def sent_twice(texts: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Two messages of a store that was set back in between."""
    alice, _, store, _ = pair()
    # The turn of the ratchet draws a new key; after it, keys follow from what is stored.
    alice.encrypt("bob", b"")
    earlier = read_rows(store)
    first = e2ee.Account.open(store).encrypt("bob", texts[0])
    put_rows(store, earlier)
    second = e2ee.Account.open(store).encrypt("bob", texts[1])
    return first.to_bytes(), second.to_bytes()


def test_the_ledger_finds_a_key_that_was_used_for_two_messages() -> None:
    ledger = Ledger()

    used = [ledger.note(each) for each in sent_twice((BLOCK + b"one", BLOCK + b"two"))]

    assert used == [False, True]
    assert (ledger.keys, ledger.twice) == (1, 1)


def test_the_witness_of_a_key_does_not_depend_on_the_header() -> None:
    first, second = sent_twice((BLOCK + b"one", BLOCK + b"two"))
    ledger = Ledger()
    ledger.note(first)
    ledger.entries = {
        name: digest for name, digest in ledger.entries.items() if name != place(first)
    }

    assert ledger.note(second)


def test_the_ledger_takes_the_same_envelope_twice_for_one() -> None:
    ledger, (first, _) = Ledger(), sent_twice((BLOCK, BLOCK))

    assert [ledger.note(first), ledger.note(first)] == [False, False]
    assert (ledger.keys, ledger.twice) == (1, 0)


def test_ledgers_of_two_gates_are_compared() -> None:
    ledger, other = Ledger(), Ledger()
    first, second = sent_twice((BLOCK + b"one", BLOCK + b"two"))
    ledger.note(first)
    other.note(second)

    ledger.absorb(other)

    assert ledger.twice > 0
