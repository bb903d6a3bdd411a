# SPDX-License-Identifier: MIT OR Apache-2.0
"""A key gives way to the next while processes die at every point (mtproto_secret_chats.md §6).

A process dies before a step is durable, or after that and before its bytes leave; it comes back
with what its store holds, and with what the server may not have.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import pytest

from tests.properties.secret_chat_world import Crash, SecretChatWorld, other

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.properties.secret_chat_model import Letter

    #: How each call of an exchange ends.
    Plan = tuple[Crash | None, ...]

ENDINGS = (None, Crash.BEFORE, Crash.AFTER)
#: The request, and what is taken in after it: request, answer, commit, and a message under the key.
ONE_SIDE = 5
#: The same with a request of the other end.
BOTH_SIDES = 7


class Exchange:
    """An exchange of keys in which every call can end before its time; then it is made again."""

    def __init__(self, plan: Plan, *, others_restart: bool = False) -> None:
        self.world = SecretChatWorld()
        self.world.calm()
        for name in self.world.ends:
            self.world.post_all(name)
        self.before = self.world.fingerprint()
        self.left = list(plan)
        self.others_restart = others_restart

    def run(self, *who: str) -> None:
        """These ask for the next key; then all that is on its way comes."""
        for name in who:
            self.asks(name)
        mail = self.world.mail
        while any(mail.values()):
            for name, letters in mail.items():
                while letters:
                    self.comes(name, letters.pop(0))

    def asks(self, name: str) -> None:
        """One of the two asks for the next key, again if its step is lost."""
        crash = self.left.pop(0)
        result = self.world.attempt(name, crash, self.world.ends[name].chat.change_key)
        self.world.finish(name, result)
        if crash is Crash.BEFORE:
            self.world.finish(name, self.world.ends[name].chat.change_key())
        self.passed(name)

    def comes(self, name: str, letter: Letter) -> None:
        """A message comes, again if its step is lost."""
        if letter.number in self.world.ends[name].got:
            self.world.bring(letter)
            return
        crash = self.left.pop(0)
        self.world.bring(letter, crash)
        if crash is Crash.BEFORE:
            self.world.bring(letter)
        self.passed(name)

    def passed(self, name: str) -> None:
        """The server has what has left."""
        self.world.post_all(name)
        if self.others_restart:
            self.world.restart(other(name))

    def check(self) -> None:
        """Both ends have one other key, and messages are opened in both directions."""
        assert self.left == [], "the exchange had fewer steps"
        assert self.world.fingerprint() != self.before
        self.world.talk("bob")
        assert [len(end.keys) for end in self.world.ends.values()] == [2, 2]


def at_most_two(steps: int) -> Iterator[Plan]:
    """All plans of so many steps in which at most two end before their time."""
    for places in combinations(range(steps), 2):
        for endings in product(ENDINGS, repeat=2):
            plan: list[Crash | None] = [None] * steps
            for place, ending in zip(places, endings, strict=True):
                plan[place] = ending
            yield tuple(plan)


def named(plan: Plan) -> str:
    """How a test of a plan is called."""
    return "-".join("lives" if ending is None else ending.name.lower() for ending in plan)


@pytest.mark.parametrize("plan", list(product(ENDINGS, repeat=ONE_SIDE)), ids=named)
def test_a_key_changes_wherever_processes_die(plan: Plan) -> None:
    exchange = Exchange(plan)

    exchange.run("alice")

    exchange.check()


@pytest.mark.parametrize("plan", list(dict.fromkeys(at_most_two(ONE_SIDE))), ids=named)
def test_a_key_changes_for_the_one_who_was_asked_while_the_other_process_dies_too(
    plan: Plan,
) -> None:
    exchange = Exchange(plan, others_restart=True)

    exchange.run("bob")

    exchange.check()


@pytest.mark.parametrize("plan", list(dict.fromkeys(at_most_two(BOTH_SIDES))), ids=named)
def test_a_key_changes_once_if_both_ask_at_once_wherever_processes_die(plan: Plan) -> None:
    exchange = Exchange(plan)

    exchange.run("alice", "bob")

    exchange.check()
