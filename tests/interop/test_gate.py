# SPDX-License-Identifier: MIT OR Apache-2.0
"""A difference between the two implementations does not pass: each kind of it is planted here."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, cast, final

import pytest

from tests.interop import protobuf, run
from tests.interop.figures import Figures
from tests.interop.parties import PREKEY, Ours, Refusal, Who, Wire
from tests.interop.scenarios import SCENARIOS, Scenario
from tests.interop.scenarios.line import STORM, Line
from tests.interop.world import DifferenceError, World

if TYPE_CHECKING:
    from tests.interop.node import Node

Changed = Callable[[bytes | Refusal], bytes | Refusal]


@final
class Faulty:
    """A device of ours, said to be theirs, that opens messages with a fault."""

    def __init__(self, inner: Ours, fault: Changed) -> None:
        self.who = inner.who
        self.ours = False
        self.identity_key = inner.identity_key
        self._inner = inner
        self._fault = fault

    def bundle(self, *, reusable: bool) -> bytes:
        """Keys for a session with this device."""
        return self._inner.bundle(reusable=reusable)

    def connect(self, peer: Who, bundle: bytes) -> None:
        """Starts a session."""
        self._inner.connect(peer, bundle)

    def encrypt(self, peer: Who, plaintexts: list[bytes]) -> list[Wire]:
        """The messages."""
        return self._inner.encrypt(peer, plaintexts)

    def decrypt(self, sender: Who, messages: list[Wire]) -> list[bytes | Refusal]:
        """What is in the messages, with the fault."""
        return [self._fault(each) for each in self._inner.decrypt(sender, messages)]

    def trust(self, peer: Who, bundle: bytes) -> None:
        """Accepts a peer's new identity."""
        self._inner.trust(peer, bundle)


def honest(result: bytes | Refusal) -> bytes | Refusal:
    return result


def cut_short(result: bytes | Refusal) -> bytes | Refusal:
    return result[:-1] if isinstance(result, bytes) else result


def unable(_: bytes | Refusal) -> bytes | Refusal:
    return Refusal("refused", "no")


def forgetful(result: bytes | Refusal) -> bytes | Refusal:
    return b"" if isinstance(result, Refusal) else result


def wrong_reason(result: bytes | Refusal) -> bytes | Refusal:
    return Refusal("refused", "no") if isinstance(result, Refusal) else result


def new_world(figures: Figures) -> World:
    return World(cast("Node", None), Random("gate"), figures, 20)


def talk(fault: Changed) -> Figures:
    """A conversation with a device that has this fault."""
    figures = Figures()
    world = new_world(figures)
    first, second = Ours(Who.of_name("alice")), Faulty(Ours(Who.of_name("bob")), fault)
    world.connect(first, second)
    line = Line(world, STORM)
    while figures.messages < 200:
        line.burst(first, second, 5)
    line.settle()
    return figures


def test_what_is_right_passes() -> None:
    figures = talk(honest)

    assert figures.messages >= 200
    assert figures.refused["duplicate"] > 0


@pytest.mark.parametrize("fault", [cut_short, unable, forgetful, wrong_reason])
def test_a_fault_does_not_pass(fault: Changed) -> None:
    with pytest.raises(DifferenceError):
        talk(fault)


@pytest.mark.parametrize("number", [1, 3, 5, 6, 7, 8])
def test_a_repeated_first_message_with_another_outer_field_does_not_pass(number: int) -> None:
    alice, bob = Ours(Who.of_name("alice")), Faulty(Ours(Who.of_name("bob")), honest)
    alice.connect(bob.who, bob.bundle(reusable=False))
    sent = alice.encrypt(bob.who, [b"one", b"two"])
    found = protobuf.values(sent[1].body[1:])
    value = found[number]
    found[number] = value + 1 if isinstance(value, int) else value + b"\0"
    changed = Wire(PREKEY, sent[1].body[:1] + protobuf.write(sorted(found.items())))
    alice.encrypt = lambda *_: [sent[0], changed]  # type: ignore[method-assign]

    with pytest.raises(DifferenceError):
        new_world(Figures()).send(alice, bob, 2)


def test_a_failure_is_noted_with_its_number_and_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(world: World) -> None:
        world.note("something was sent")
        world.expect(holds=False, what="it arrives")

    monkeypatch.setitem(SCENARIOS, "planted", Scenario(play, 1, (), ()))
    this = run.Run(5, ["planted"], 20)

    this.play(cast("Node", None), 7)

    assert this.failures == ["conversation 7, planted"]
    shown = capsys.readouterr().out
    assert "something was sent\nTraceback" in shown
    assert "again: --seed 5 --only 7 --size 20 --kinds planted" in shown
