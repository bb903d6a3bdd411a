# SPDX-License-Identifier: MIT OR Apache-2.0
"""The doctor finds what is wrong with a store of secret chats, and changes nothing."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

import e2ee
from e2ee.store import Examination, SecretChatState, Store, examine, examine_file
from tests.api.anchored import Register
from tests.api.secret_chat_pair import begin, text
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.kinds import KEY, KINDS, kind_name
from tests.stores.secret_chats import State, make_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.properties.world import Rows

#: How names begin, for one row of each kind.
EVERY: Final = (
    "identity",
    "index",
    "prekeys",
    "chat/",
    "chat-state/",
    "chat-sent/",
    "chat-waiting/",
    "inbox/",
)


@pytest.fixture(scope="module")
def state() -> State:
    return make_state()


def seen(rows: Rows) -> Examination:
    """What the doctor sees of these rows."""
    return examine(copy_of(rows, KEY))


def codes(report: Examination) -> list[str]:
    """The codes of what was found."""
    return [finding.code for finding in report.findings]


def named(state: State, begins: str) -> str:
    """A row of this kind, of the chat with Bob."""
    if begins == "chat/":
        return f"chat/{state.chat_id}"
    return next(name for name in state.rows if name.startswith(begins))


def without(state: State, name: str) -> Rows:
    """All rows but one."""
    return {other: row for other, row in state.rows.items() if other != name}


def damaged(row: tuple[int, bytes]) -> tuple[int, bytes]:
    """The row with its last bit flipped."""
    revision, sealed = row
    return revision, sealed[:-1] + bytes([sealed[-1] ^ 1])


def settled(report: Examination) -> SecretChatState:
    """The chat that is not offered only."""
    (found,) = (chat for chat in report.chats if chat.agreed is not False)
    return found


def test_a_sound_store_has_no_finding(state: State) -> None:
    report = seen(state.rows)

    assert report.findings == ()
    assert report.is_sound
    assert {each.kind: (each.number, each.versions) for each in report.records} == {
        "store record": (1, ()),
        "identity": (1, (64,)),
        "root record": (1, (1,)),
        "prekeys": (1, (1,)),
        "chat": (2, (1,)),
        "state of a chat": (1, (1,)),
        "sent message of a chat": (len(sent(state)), (1,)),
        "early message of a chat": (1, (1,)),
        "waiting message": (1, versions_of_inbox(report)),
    }


def sent(state: State) -> list[str]:
    """The rows of messages that are not acknowledged."""
    return [name for name in state.rows if name.startswith("chat-sent/")]


def versions_of_inbox(report: Examination) -> tuple[int, ...]:
    """The format of the messages that wait to be handled, which all protocols have in common."""
    (found,) = (each for each in report.records if each.kind == "waiting message")
    assert len(found.versions) == 1
    return found.versions


def test_chats_are_explained(state: State) -> None:
    report = seen(state.rows)

    assert {chat.label for chat in report.chats} == {"chat 1", "chat 2"}
    (offered,) = (chat for chat in report.chats if chat.agreed is False)
    assert (offered.sent, offered.waiting) == (None, None)
    chat = settled(report)
    assert chat.agreed
    assert chat.sent is not None
    assert chat.acknowledged is not None
    assert chat.sent - chat.acknowledged == len(sent(state))
    assert (chat.received, chat.waiting) == (2, 1)
    assert report.inbox == 1
    assert (report.peers, report.groups, report.prekeys) == ((), (), None)


@pytest.mark.parametrize("begins", EVERY)
def test_a_damaged_record_is_found_and_nothing_else_is_blamed(state: State, begins: str) -> None:
    name = named(state, begins)

    report = seen(state.rows | {name: damaged(state.rows[name])})

    assert codes(report) == ["does-not-open"]


@pytest.mark.parametrize("begins", sorted(set(EVERY) - {"chat/", "inbox/"}))
def test_a_record_that_is_gone_is_found(state: State, begins: str) -> None:
    assert codes(seen(without(state, named(state, begins)))) == ["missing"]


def test_the_numbers_of_a_chat_without_a_state_are_not_known(state: State) -> None:
    report = seen(without(state, named(state, "chat-state/")))

    chat = settled(report)
    assert (chat.agreed, chat.sent, chat.received) == (True, None, None)
    assert report.findings[0].subject == f"state of {chat.label}"


def test_a_chat_that_is_gone_leaves_what_nobody_vouches_for(state: State) -> None:
    report = seen(without(state, named(state, "chat/")))

    orphans = 2 + len(sent(state))
    assert sorted(codes(report)) == ["members", *["orphan"] * orphans]


def test_a_state_without_a_chat_is_found(state: State) -> None:
    stray = f"chat-state/{state.offer.chat_id}"

    report = seen(state.rows | {stray: state.rows[f"chat-state/{state.chat_id}"]})

    assert codes(report) == ["orphan"]


def test_messages_that_belong_to_no_chat_are_found() -> None:
    store = e2ee.MemoryStore(key=KEY)
    pair = begin(store)
    leaving = pair.alice.encrypt(text(1))
    older = read_rows(store)
    pair.settle(leaving)
    pair.settle(from_bob=pair.bob.encrypt(text(2)))
    now = read_rows(store)
    acknowledged = {
        name: row
        for name, row in older.items()
        if name.startswith("chat-sent/") and name not in now
    }
    assert acknowledged

    report = seen(now | acknowledged)

    assert codes(report) == ["orphan"] * len(acknowledged)
    assert not report.is_sound


def test_a_message_in_the_place_of_another_is_found(state: State) -> None:
    first, *_ = rows = sent(state)
    swapped = f"{first[:-1]}f"

    report = seen(without(state, first) | {swapped: state.rows[first]})

    assert sorted(codes(report)) == ["missing", "orphan"]
    assert len(rows) >= 1


def test_a_record_that_no_store_of_chats_has_is_found(state: State) -> None:
    report = seen(state.rows | {"room/!a:example.org": (1, b"stripes")})

    assert codes(report) == ["unknown-name"]


def test_a_store_that_was_set_back_is_found_with_its_anchor() -> None:
    register = Register()
    store = e2ee.MemoryStore(key=KEY, anchor=register)
    pair = begin(store)
    older = read_rows(store)
    pair.alice.encrypt(text(1))
    put_rows(store, older)

    assert codes(examine(store)) == ["off-anchor"]


def test_names_are_shown_only_if_asked_for(state: State) -> None:
    store = copy_of(state.rows, KEY)
    names = ("bob", "carol", str(state.chat_id), str(state.offer.chat_id))

    hidden, shown = repr(examine(store)), repr(examine(store, names=True))

    assert [name for name in names if name in hidden] == []
    assert [name for name in names if name not in shown] == []


def test_names_of_a_damaged_store_are_hidden_too(state: State) -> None:
    rows = {
        name: damaged(row) if name.startswith("chat-") else row for name, row in state.rows.items()
    }

    report = repr(seen(rows))

    assert [name for name in ("bob", "carol", str(state.chat_id)) if name in report] == []


@pytest.mark.parametrize("begins", KINDS, ids=kind_name)
def test_every_store_can_be_examined(
    state: State, begins: Callable[[Path], Store], tmp_path: Path
) -> None:
    with closing(begins(tmp_path)) as store:
        put_rows(store, state.rows)

        report = examine(store)

        assert report == seen(state.rows)
        assert read_rows(store) == state.rows


def test_a_file_can_be_examined_and_a_wrong_key_is_a_finding(state: State, tmp_path: Path) -> None:
    path = tmp_path / "chats.db"
    with e2ee.SQLiteStore(path, key=KEY) as store:
        put_rows(store, state.rows)

    closed = examine_file(path, key=bytes(32))

    assert examine_file(path, key=KEY) == seen(state.rows)
    assert codes(closed) == ["wrong-key"]
    assert {each.kind for each in closed.records} >= {"chat", "state of a chat"}
