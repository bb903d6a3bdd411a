# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two ends of a secret chat, a carrier that does anything, and processes that die.

What was said is opened once, in its order, unaltered; no chat ends; no key is used after it was
replaced, or past its life once the carrier is calm; nothing that was altered is accepted.
"""

from __future__ import annotations

import functools
from collections import Counter

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

import e2ee
from e2ee import mtproto
from tests.properties import steps
from tests.properties.secret_chat_model import FINGERPRINT_LEN, Letter, Said, deletion
from tests.properties.secret_chat_world import Crash, SecretChatWorld, other
from tests.properties.world import read_rows

#: Shorter than any message: nobody's.
LEAST_LEN = 40
names = st.sampled_from(("alice", "bob"))
places = st.integers(0, 1 << 16)
#: More often none.
crashes = st.sampled_from((None, None, None, None, None, *Crash))


class SecretChatMachine(RuleBasedStateMachine):
    """Send, lose, reorder, repeat, alter, delete, ask again, change keys, die, come back.

    No rule has a precondition: what is on its way depends on numbers that the ends draw, and a run
    that is repeated has to choose the same rules. A rule that finds nothing to do is no step.
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = SecretChatWorld()

    # The applications.

    @rule(name=names, crash=crashes)
    def sends(self, name: str, crash: Crash | None) -> None:
        """A message, which is lost if its step is."""
        self.world.say(name, crash)
        steps.count("chats")

    @rule(name=names, count=st.integers(2, 20))
    def sends_a_burst(self, name: str, count: int) -> None:
        """Many messages."""
        for _ in range(count):
            self.world.say(name)
        steps.count("chats")

    @rule(who=st.sampled_from((("alice",), ("bob",), ("alice", "bob"))), crash=crashes)
    def changes_key(self, who: tuple[str, ...], crash: Crash | None) -> None:
        """One or both ask for the next key, unless an exchange is open."""
        for name in who:
            before = read_rows(self.world.ends[name].inner)
            try:
                result = self.world.attempt(name, crash, self.world.ends[name].chat.change_key)
            except e2ee.InvalidArgumentError:
                assert before == read_rows(self.world.ends[name].inner)
                continue
            self.world.finish(name, result)
        steps.count("chats")

    @rule(name=names, crash=crashes)
    def asks_again(self, name: str, crash: Crash | None) -> None:
        """One of the two asks for what is missing."""
        end = self.world.ends[name]
        was_missing = end.state().missing
        result = self.world.attempt(name, crash, end.chat.ask_again)
        assert isinstance(result, Crash) or bool(result) == was_missing
        self.world.finish(name, result)
        steps.count("chats")

    @rule(name=names, chosen=st.lists(places, min_size=1, max_size=3), crash=crashes)
    def deletes(self, name: str, chosen: list[int], crash: Crash | None) -> None:
        """Messages are deleted, those of the protocol itself too if somebody says so."""
        end = self.world.ends[name]
        numbers = sorted({place % len(end.wires) for place in chosen})
        said = Said(end.state().sent, b"", is_action=True)
        ids = [end.ids[number] for number in numbers]
        said.body = deletion(ids)
        result = self.world.attempt(name, crash, lambda: end.chat.delete_messages(ids))
        if result is Crash.AFTER or not isinstance(result, Crash):
            end.deletes(numbers)
            end.said.append(said)
        self.world.finish(name, result)
        steps.count("chats")

    @rule(name=names, place=places, crash=crashes)
    def handles(self, name: str, place: int, crash: Crash | None) -> None:
        """A message is taken out of the inbox, once; and all before it."""
        end = self.world.ends[name]
        count = place % (len(end.inbox) + 1)
        for message in list(end.inbox.values())[:count]:
            result = self.world.attempt(name, crash, functools.partial(end.chats.handled, message))
            if result is Crash.AFTER or not isinstance(result, Crash):
                del end.inbox[message.inbox_id]
                with pytest.raises(e2ee.DuplicateMessageError):
                    end.chats.handled(message)
        if crash in {Crash.BEFORE, Crash.AFTER}:
            self.world.restart(name)
        if count:
            steps.count("chats")

    @rule(name=names, count=st.integers(1, 10), crash=crashes)
    def posts(self, name: str, count: int, crash: Crash | None) -> None:
        """The chat is told that the carrier has messages."""
        end = self.world.ends[name]
        if end.to_post:
            steps.count("chats")
        for message in end.to_post[:count]:
            result = self.world.attempt(name, crash, functools.partial(end.chat.posted, message))
            if isinstance(result, Crash):
                self.world.finish(name, result)
                break
            end.to_post.remove(message)

    @rule(name=names)
    def restarts(self, name: str) -> None:
        """The program ends, and is started again."""
        self.world.restart(name)
        steps.count("chats")

    # The carrier.

    def pick(self, name: str, place: int) -> Letter:
        """A letter for one of the two, most often one of the next."""
        letters = self.world.mail[name]
        return letters.pop(place % len(letters) if place % 4 == 0 else 0)

    @rule(name=names, place=places, crash=crashes)
    def delivers(self, name: str, place: int, crash: Crash | None) -> None:
        """A message comes, in any order."""
        if self.world.mail[name]:
            self.world.bring(self.pick(name, place), crash)
            steps.count("chats")

    @rule(name=names, place=places)
    def drops(self, name: str, place: int) -> None:
        """A message is lost."""
        if self.world.mail[name]:
            self.pick(name, place)
            steps.count("chats")

    @rule(place=places)
    def repeats(self, place: int) -> None:
        """The carrier brings what it had before, or what it had dropped."""
        self.world.bring(self.world.letters[place % len(self.world.letters)])
        steps.count("chats")

    @rule(name=names)
    def delivers_all(self, name: str) -> None:
        """All that is on its way to one of the two comes."""
        letters = self.world.mail[name]
        if letters:
            steps.count("chats")
        while letters:
            self.world.bring(letters.pop(0))

    @rule(place=places, byte=places, bit=st.integers(0, 7), how=st.sampled_from(("flip", "cut")))
    def alters(self, place: int, byte: int, bit: int, how: str) -> None:
        """A message comes damaged: it ends the chat if its key is there, and is nobody's if not."""
        letter = self.world.letters[place % len(self.world.letters)]
        end = self.world.ends[other(letter.sender)]
        altered = bytearray(letter.wire)
        if how == "flip":
            altered[byte % len(altered)] ^= 1 << bit
        else:
            del altered[byte % len(altered) :]
        before = read_rows(end.inner)
        with pytest.raises((e2ee.FatalChatError, e2ee.IgnoredMessageError)) as refusal:
            end.chat.receive(bytes(altered))
        assert before == read_rows(end.inner)
        key = end.state().key_fingerprint.to_bytes(FINGERPRINT_LEN, "little", signed=True)
        if not altered.startswith(letter.wire[:FINGERPRINT_LEN]) or len(altered) < LEAST_LEN:
            assert refusal.type is e2ee.IgnoredMessageError
        elif altered.startswith(key):
            assert refusal.type is e2ee.FatalChatError
        steps.count("chat alterations")
        steps.count("chats")

    @rule(name=names, count=st.integers(1, 60))
    def talks(self, name: str, count: int) -> None:
        """The carrier is calm for a while, and no key is older than it may be."""
        self.world.calm()
        for number in range(count):
            self.world.say(name if number % 3 else other(name))
            self.world.settle()
            self.world.handle_all()
        self.world.check_at_rest()
        steps.count("chats")

    def teardown(self) -> None:
        """The carrier is calm at last: each end has all, and the chat goes on."""
        self.world.calm()
        self.world.talk("alice")


TestSecretChats = pytest.mark.slow(SecretChatMachine.TestCase)
TestSecretChats.settings = settings(max_examples=settings().max_examples * 3 // 5)


@pytest.mark.parametrize(
    ("chats", "keys", "verdict"),
    [(9_999, 500, True), (10_000, 500, False), (10_000, 499, True)],
)
def test_too_few_steps_of_chats_are_noticed(
    monkeypatch: pytest.MonkeyPatch, chats: int, keys: int, *, verdict: bool
) -> None:
    monkeypatch.setattr(steps, "executed", {"chats": chats, "chat keys": keys})
    monkeypatch.setattr(steps, "asked", {"chats": 10_000, "chat keys": 500})
    monkeypatch.setattr(steps, "finished", {steps.CHAT_MACHINE})

    assert steps.too_few() == verdict


def test_an_end_that_forgets_what_has_to_leave_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "executed", Counter())
    monkeypatch.setattr(mtproto.SecretChat, "unposted", lambda _: ())
    first = settings(max_examples=200, phases=[Phase.generate], database=None, print_blob=False)

    with pytest.raises((AssertionError, Flaky)):
        run_state_machine_as_test(SecretChatMachine, settings=first)
