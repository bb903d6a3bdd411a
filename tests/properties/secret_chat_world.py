# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two ends of a secret chat over stores, the carrier between them, and processes that die.

Every call is checked against the model.
"""

from __future__ import annotations

import functools
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

import pytest

import e2ee
from e2ee import mtproto
from tests.api.secret_chat_pair import group, text
from tests.properties import steps
from tests.properties.secret_chat_model import FINGERPRINT_LEN, HEADER_LEN, End, Letter, Said
from tests.properties.world import CrashError, Moment, Rows, put_rows, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_T = TypeVar("_T")

KEY = bytes(range(32))
#: Messages under a key before it changes, and those that an exchange of keys itself needs
#: (mtproto_secret_chats.md §6).
LIFE = 100
EXCHANGE = 8
#: Rounds in which everything must come to rest.
ROUNDS = 50


class Crash(Enum):
    """How a call ends before its time."""

    UNDONE = "the commit fails, and the program goes on"
    BEFORE = "the process dies before the commit"
    AFTER = "the process dies after the commit, before anything leaves"


MOMENTS = {
    Crash.UNDONE: Moment.BEFORE_COMMIT,
    Crash.BEFORE: Moment.BEFORE_COMMIT,
    Crash.AFTER: Moment.AFTER_COMMIT,
}


@functools.cache
def begun() -> tuple[dict[str, Rows], dict[str, tuple[mtproto.OutgoingMessage, ...]]]:
    """The stores of two ends that have just agreed on a key, and what is to leave."""
    stores = {name: e2ee.MemoryStore(key=KEY) for name in ("alice", "bob")}
    ours, theirs = (mtproto.SecretChats.create(store, name) for name, store in stores.items())
    offer = ours.offer("bob", group())
    answer = theirs.accept(offer.chat_id, "alice", offer.g_a, group())
    leaving = ours.confirm(offer.chat_id, answer.g_b, answer.key_fingerprint)
    rows = {name: read_rows(store) for name, store in stores.items()}
    return rows, {"alice": leaving, "bob": answer.outgoing}


def other(name: str) -> str:
    """The other of the two."""
    return "bob" if name == "alice" else "alice"


class SecretChatWorld:
    """Both ends, what is on its way to each, and all that ever was."""

    def __init__(self) -> None:
        rows, leaving = begun()
        self.ends: dict[str, End] = {}
        self.mail: dict[str, list[Letter]] = {"alice": [], "bob": []}
        self.letters: list[Letter] = []
        #: Of each key with a message key: whose message it is.
        self.headers: dict[bytes, tuple[str, int]] = {}
        self.texts = 0
        for name in ("alice", "bob"):
            self.ends[name] = End(e2ee.MemoryStore(key=KEY))
            put_rows(self.ends[name].inner, rows[name])
            self.ends[name].start()
            self.leave(name, leaving[name])

    def leave(self, name: str, outgoing: Iterable[mtproto.OutgoingMessage]) -> None:
        """Hands what leaves to the carrier."""
        for message in outgoing:
            self.ends[name].leaves(message)
            whose = (name, message.number)
            assert self.headers.setdefault(message.data[:HEADER_LEN], whose) == whose
            letter = Letter(name, message.number, message.data)
            self.mail[other(name)].append(letter)
            self.letters.append(letter)
            self.ends[name].to_post.append(message)

    def attempt(self, name: str, crash: Crash | None, act: Callable[[], _T]) -> _T | Crash:
        """Calls, and lets the call end before its time."""
        store = self.ends[name].store
        if crash is not None:
            store.die(MOMENTS[crash])
        try:
            return act()
        except CrashError:
            assert crash is not None
            steps.count("chat crashes")
            return crash
        finally:
            store.survived()

    def restart(self, name: str) -> None:
        """The store is opened again, and what the server may not have leaves."""
        end = self.ends[name]
        end.start()
        unposted = end.chat.unposted()
        self.leave(name, unposted)
        assert len(end.wires) == end.state().sent, "what was made before a crash did not leave"

    def post_all(self, name: str) -> None:
        """The chat is told that the carrier has all that has left."""
        end = self.ends[name]
        for message in end.to_post:
            end.chat.posted(message)
        end.to_post.clear()

    def fingerprint(self) -> int:
        """Of the key under which both ends send."""
        alice, bob = (end.state().key_fingerprint for end in self.ends.values())
        assert alice == bob, "both ends have other keys"
        return alice

    def talk(self, name: str) -> None:
        """A message of each of the two is opened by the other."""
        for speaker in (name, other(name)):
            self.say(speaker)
            self.settle()
        self.check_at_rest()

    def finish(
        self, name: str, result: tuple[mtproto.OutgoingMessage, ...] | mtproto.Reception | Crash
    ) -> None:
        """What a call has made leaves, or the process comes back."""
        if isinstance(result, mtproto.Reception):
            self.leave(name, result.outgoing)
        elif not isinstance(result, Crash):
            self.leave(name, result)
        elif result is not Crash.UNDONE:
            self.restart(name)

    def say(self, name: str, crash: Crash | None = None) -> None:
        """One message of the application."""
        end = self.ends[name]
        self.texts += 1
        said = Said(end.state().sent, text(self.texts))
        result = self.attempt(name, crash, lambda: end.chat.encrypt(said.body))
        if result is Crash.AFTER or not isinstance(result, Crash):
            end.said.append(said)
        self.finish(name, result)

    def bring(self, letter: Letter, crash: Crash | None = None) -> None:
        """A message comes, which is taken in unless it was before."""
        name = other(letter.sender)
        end = self.ends[name]
        if letter.number in end.got:
            with pytest.raises(e2ee.IgnoredMessageError):
                end.chat.receive(letter.wire)
            return
        result = self.attempt(name, crash, lambda: end.chat.receive(letter.wire))
        if result is Crash.AFTER or not isinstance(result, Crash):
            end.got.add(letter.number)
        fresh = self.collect(name)
        if isinstance(result, mtproto.Reception):
            assert [each.inbox_id for each in result.messages] == fresh
            changed = [each for each in result.changes if isinstance(each, mtproto.KeyChanged)]
            steps.executed["chat keys"] += len(changed)
        self.finish(name, result)

    def collect(self, name: str) -> list[str]:
        """Notes what is new in the inbox, from which nothing else has gone."""
        end, sender = self.ends[name], self.ends[other(name)]
        waiting = {each.inbox_id: each for each in end.chats.inbox()}
        assert end.inbox.keys() <= waiting.keys()
        fresh = [inbox_id for inbox_id in waiting if inbox_id not in end.inbox]
        for inbox_id in fresh:
            end.opens(waiting[inbox_id].body, sender)
        end.inbox = waiting
        return fresh

    def handle_all(self) -> None:
        """Both applications take all messages out of their inboxes."""
        for end in self.ends.values():
            for message in end.inbox.values():
                end.chats.handled(message)
            end.inbox.clear()

    def settle(self) -> None:
        """The carrier brings all that it has, and what follows."""
        while any(self.mail.values()):
            for letters in self.mail.values():
                while letters:
                    self.bring(letters.pop(0))

    def is_at_rest(self) -> bool:
        """Whether each end has all that the other one has made."""
        states = {name: end.state() for name, end in self.ends.items()}
        return all(
            states[name].received == states[other(name)].sent and not states[name].missing
            for name in states
        )

    def calm(self) -> None:
        """From here on nothing is lost: in some rounds, each end has all."""
        for _ in range(ROUNDS):
            self.settle()
            if self.is_at_rest():
                break
            for name, end in self.ends.items():
                self.leave(name, end.chat.ask_again())
                # What is behind the last message that came is noticed by the next one.
                self.say(name)
        assert self.is_at_rest(), "the chat is dead"
        self.check_at_rest()

    def check_at_rest(self) -> None:
        """All that was said is opened, and both ends have one key that is not too old."""
        alice, bob = self.ends["alice"], self.ends["bob"]
        assert (alice.opened, bob.opened) == (len(bob.said), len(alice.said))
        key = self.fingerprint().to_bytes(FINGERPRINT_LEN, "little", signed=True)
        assert sum(end.made.get(key, 0) for end in (alice, bob)) <= LIFE + EXCHANGE
