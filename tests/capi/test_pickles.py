# SPDX-License-Identifier: MIT OR Apache-2.0
"""Pickles that C and Python write are read by the other, and what was written is stale."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import e2ee
from e2ee import olm as python_olm
from tests.capi import olm as c_olm
from tests.capi import pickles as c_pickles
from tests.capi.objects import ffi, lib

if TYPE_CHECKING:
    from collections.abc import Mapping

STATE_KEY, PICKLE_KEY = bytes(range(32)), bytes(range(32, 64))
FAMILY = pytest.mark.parametrize("family", ["libolm", "vodozemac"])
CORNERS = pytest.mark.parametrize(
    ("writer", "reader"), [("python", "c"), ("c", "python"), ("c", "c")]
)
SESSION, GROUP = ("head", "chains", "skipped"), ("head", "events")


class Side(NamedTuple):
    """One of the two: its classes, and its pickles."""

    olm: Any
    all_pickles: Any

    def pickles(self, family: str, key: bytes = PICKLE_KEY) -> Any:
        """The pickles of this family."""
        return getattr(self.all_pickles, family)(key)

    @property
    def key(self) -> Any:
        """A state key, the same at both."""
        return self.olm.StateKey(STATE_KEY)


SIDES: Mapping[str, Side] = {
    "python": Side(python_olm, python_olm.Pickles),
    "c": Side(c_olm, c_pickles.Pickles),
}
C = SIDES["c"]


def people(side: Side) -> tuple[Any, Any, Any, Any]:
    """Two accounts and their sessions, after one message."""
    alice, bob = side.olm.Account.generate(), side.olm.Account.generate()
    bob.generate_one_time_keys(1)
    [one_time_key] = bob.one_time_keys.values()
    sending = side.olm.Session.initiate(
        side.key, alice, identity_key=bob.identity_key, one_time_key=one_time_key
    )
    first = sending.encrypt(b"first").release()
    receiving, step = side.olm.Session.accept(side.key, bob, alice.identity_key, first)
    step.release()
    return alice, bob, sending, receiving


def room(side: Side) -> tuple[Any, Any]:
    """A ratchet for a room, and what a member has of it."""
    own = side.olm.OutboundGroupSession.create(side.key)
    received, step = side.olm.InboundGroupSession.accept(side.key, own.session_key())
    step.release()
    return own, received


@FAMILY
@CORNERS
def test_an_account_moves(family: str, writer: str, reader: str) -> None:
    there, here = SIDES[writer], SIDES[reader]
    account = there.olm.Account.generate()
    account.generate_one_time_keys(3)
    account.generate_fallback_key()

    written = there.pickles(family).write_account(account)
    read = here.pickles(family).read_account(written)

    assert account.identity_key == read.identity_key
    assert account.signing_key == read.signing_key
    assert account.one_time_keys == read.one_time_keys
    assert account.fallback_key == read.fallback_key
    assert written == here.pickles(family).write_account(read)


@FAMILY
@CORNERS
def test_sessions_move_in_both_roles(family: str, writer: str, reader: str) -> None:
    there, here = SIDES[writer], SIDES[reader]
    alice, bob, sending, receiving = people(there)
    from_there, to_here = there.pickles(family), here.pickles(family)
    accounts = [to_here.read_account(from_there.write_account(each)) for each in (alice, bob)]

    moved = to_here.read_session(
        here.key, accounts[0], bob.identity_key, from_there.write_session(sending)
    )
    other = to_here.read_session(
        here.key, accounts[1], alice.identity_key, from_there.write_session(receiving)
    )

    assert sending.session_id == moved.session_id == other.session_id
    step = other.encrypt(b"back")
    assert set(SESSION) == set(step.writes)
    assert moved.decrypt(1, step.release()).release() == b"back"
    assert other.decrypt(1, moved.encrypt(b"there").release()).release() == b"there"


@FAMILY
@CORNERS
def test_group_sessions_move(family: str, writer: str, reader: str) -> None:
    there, here = SIDES[writer], SIDES[reader]
    own, received = room(there)
    from_there, to_here = there.pickles(family), here.pickles(family)
    first = own.encrypt(b"first").release()

    other = to_here.read_inbound(here.key, from_there.write_inbound(received))
    moved = to_here.read_outbound(here.key, from_there.write_outbound(own))

    assert (moved.message_index, other.is_signed) == (1, True)
    assert other.decrypt(first, "$first").release() == (0, b"first")
    second = moved.encrypt(b"second").release()
    assert received.decrypt(second, "$second").release() == (1, b"second")


@FAMILY
@CORNERS
def test_what_was_read_is_saved_for_both(family: str, writer: str, reader: str) -> None:
    there, here = SIDES[writer], SIDES[reader]
    _, bob, sending, receiving = people(there)
    own, received = room(there)
    pickles, sender = there.pickles(family), receiving.their_identity_key
    session = pickles.read_session(there.key, bob, sender, pickles.write_session(receiving))
    others = pickles.read_inbound(there.key, pickles.write_inbound(received))
    own = pickles.read_outbound(there.key, pickles.write_outbound(own))

    steps = [session.save(), others.save(), own.save()]
    rows = [step.writes for step in steps]
    results = [step.release() for step in steps]

    assert results == [b"", b"", b""]
    loaded = here.olm.Session.load(here.key, (session.name, [rows[0][part] for part in SESSION]))
    assert sending.decrypt(1, loaded.encrypt(b"back").release()).release() == b"back"
    id_ = own.session_id
    others = here.olm.InboundGroupSession.load(here.key, id_, [rows[1][part] for part in GROUP])
    own = here.olm.OutboundGroupSession.load(here.key, id_, rows[2]["sending"])
    assert others.decrypt(own.encrypt(b"text").release(), None).release() == (0, b"text")


@FAMILY
def test_saving_is_a_step_like_others(family: str) -> None:
    alice, bob, sending, _ = people(C)
    own, received = room(C)
    pickles = C.pickles(family)
    session = pickles.read_session(C.key, alice, bob.identity_key, pickles.write_session(sending))

    for each in (session, own, received):
        open_step = each.save()
        with pytest.raises(e2ee.StaleSessionError):
            each.save()
        open_step.release()
        dropped = each.save()
        assert max(revision for revision, _ in dropped.writes.values()) > 1
        del dropped
        with pytest.raises(e2ee.StaleSessionError):
            each.save()


def sizes(write: Any, pickles: Any, state: Any) -> list[tuple[int, int]]:
    """What is said to a null buffer, and to buffers that are too short: status and length."""
    length, found = ffi.new("size_t *"), []
    given = [(ffi.NULL, 0), (ffi.NULL, 1 << 20)]
    given += [(ffi.new("uint8_t[]", 64), room) for room in (0, 1, 64)]
    for buffer, room in given:
        status = write(pickles.pointer, state.pointer, buffer, room, length)
        found.append((status, length[0]))
    return found


@FAMILY
def test_asking_for_the_length_leaves_a_session_as_it_was(family: str) -> None:
    _, _, sending, receiving = people(C)
    own, received = room(C)
    pickles = C.pickles(family)

    asked = sizes(lib.e2ee_olm_pickles_write_session, pickles, sending)
    of_group = sizes(lib.e2ee_olm_pickles_write_outbound, pickles, own)

    message = sending.encrypt(b"still ours").release()
    assert receiving.decrypt(0, message).release() == b"still ours"
    assert received.decrypt(own.encrypt(b"text").release(), None).release() == (0, b"text")
    assert len(set(asked)) == len(set(of_group)) == 1
    assert lib.E2EE_BUFFER_TOO_SMALL == asked[0][0] == of_group[0][0]
    assert asked[0][1] > 64
    # A pickle of vodozemac has its bytes as decimal numbers: its length changes with each step.
    after = sizes(lib.e2ee_olm_pickles_write_outbound, pickles, own)
    assert len(pickles.write_outbound(own)) == after[0][1]


@FAMILY
def test_what_was_written_is_stale(family: str) -> None:
    _, _, sending, receiving = people(C)
    own, received = room(C)
    pickles = C.pickles(family)
    open_step = receiving.encrypt(b"open")

    pickles.write_session(sending)
    pickles.write_outbound(own)

    with pytest.raises(e2ee.StaleSessionError):
        sending.encrypt(b"next")
    with pytest.raises(e2ee.StaleSessionError):
        own.encrypt(b"next")
    with pytest.raises(e2ee.StaleSessionError):
        pickles.write_session(sending)
    with pytest.raises(e2ee.StaleSessionError):
        pickles.write_outbound(own)
    with pytest.raises(e2ee.StaleSessionError):
        pickles.write_session(receiving)
    open_step.release()
    pickles.write_session(receiving)
    assert pickles.write_inbound(received) == pickles.write_inbound(received)


@FAMILY
@CORNERS
def test_another_key_is_found_by_both(family: str, writer: str, reader: str) -> None:
    there, here = SIDES[writer], SIDES[reader]
    alice, bob, sending, _ = people(there)
    own, received = room(there)
    pickles, other = there.pickles(family), here.pickles(family, bytes(32))
    account = here.olm.Account.generate()
    texts = (pickles.write_account(alice), pickles.write_session(sending))
    groups = (pickles.write_outbound(own), pickles.write_inbound(received))

    with pytest.raises(e2ee.AuthenticationError):
        other.read_account(texts[0])
    with pytest.raises(e2ee.AuthenticationError):
        other.read_session(here.key, account, bob.identity_key, texts[1])
    with pytest.raises(e2ee.AuthenticationError):
        other.read_outbound(here.key, groups[0])
    with pytest.raises(e2ee.AuthenticationError):
        other.read_inbound(here.key, groups[1])


@FAMILY
def test_what_is_no_pickle_is_refused(family: str) -> None:
    pickles = C.pickles(family)
    written = pickles.write_account(C.olm.Account.generate())
    altered = ("B" if written[0] == "A" else "A") + written[1:]

    with pytest.raises(e2ee.AuthenticationError):
        pickles.read_account(altered)
    for text in ("", "no pickle!", "AAAA"):
        with pytest.raises(e2ee.MalformedMessageError):
            pickles.read_account(text)
    with pytest.raises((e2ee.MalformedMessageError, e2ee.UnsupportedVersionError)):
        pickles.read_outbound(C.key, written)


@FAMILY
def test_a_session_of_other_people_is_refused(family: str) -> None:
    _, _, sending, _ = people(C)
    stranger, pickles = C.olm.Account.generate(), C.pickles(family)
    written = pickles.write_session(sending)

    for theirs in (stranger.identity_key, b"short"):
        with pytest.raises(e2ee.InvalidKeyError):
            pickles.read_session(C.key, stranger, theirs, written)


@FAMILY
def test_what_was_opened_elsewhere_is_of_one_event(family: str) -> None:
    own, received = room(C)
    messages = [own.encrypt(b"text").release() for _ in range(2)]
    pickles = C.pickles(family)
    written = pickles.write_inbound(received)

    read = pickles.read_inbound(C.key, written, opened=[(0, "$first"), (0, "$first")])

    with pytest.raises(e2ee.DuplicateMessageError):
        read.decrypt(messages[0], "$another")
    assert read.decrypt(messages[0], "$first").release() == (0, b"text")
    assert read.decrypt(messages[1], "$another").release() == (1, b"text")
    with pytest.raises(e2ee.DuplicateMessageError):
        pickles.read_inbound(C.key, written, opened=[(0, "$first"), (0, "$another")])
    with pytest.raises(e2ee.SessionExhaustedError):
        pickles.read_inbound(C.key, written, opened=[(index, "") for index in range(65_537)])


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_vodozemac_has_32_bytes(length: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        c_pickles.Pickles.vodozemac(bytes(length))


def test_a_key_of_libolm_may_be_empty() -> None:
    account = C.olm.Account.generate()
    written = C.pickles("libolm", b"").write_account(account)

    read = python_olm.Pickles.libolm(b"").read_account(written)

    assert account.identity_key == read.identity_key


def test_pickles_serve_a_child_of_a_fork() -> None:
    pickles = C.pickles("libolm")
    written = pickles.write_account(C.olm.Account.generate())

    child = os.fork()
    if child == 0:
        status = 1
        try:
            account = pickles.read_account(written)
            status = int(written != pickles.write_account(account))
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)

    assert status == 0
