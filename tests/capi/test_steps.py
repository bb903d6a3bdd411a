# SPDX-License-Identifier: MIT OR Apache-2.0
"""What only C has: buffers of the caller's, handles of any kind, steps that are given up."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from e2ee import Address, DuplicateMessageError, InvalidArgumentError, StaleSessionError
from tests.capi import attachment, olm, pickles, signal
from tests.capi.objects import Handle, Records, StateKey, TooSmallError, check, ffi, lib

if TYPE_CHECKING:
    from collections.abc import Callable

ALICE, BOB = Address("alice"), Address("bob")
PREKEY = 3
GROUP = UUID(int=7)


class Pair:
    """Alice, and her session with Bob, who has not heard of it."""

    def __init__(self) -> None:
        self.key = StateKey(bytes(range(32)))
        self.alice, self.bob = signal.Device.generate("alice", 1), signal.Device.generate("bob", 1)
        self.bundle = self.bob.bundle()
        self.session = signal.Session.initiate(self.key, self.alice, BOB, self.bundle)


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.mark.parametrize("short", [0, 1, 100])
def test_a_short_buffer_says_the_length_and_the_result_waits(pair: Pair, short: int) -> None:
    step = pair.session.encrypt(b"text")

    with pytest.raises(TooSmallError) as refused:
        step.release_into(short)

    with pytest.raises(StaleSessionError):
        pair.session.encrypt(b"the step is still open")
    message = step.release_into(refused.value.needed)
    _, opening = signal.Session.accept(pair.key, pair.bob, ALICE, message)
    assert opening.release() == b"text"


def test_a_null_buffer_does_not_take_an_empty_result(pair: Pair) -> None:
    message = pair.session.encrypt(b"").release()
    _, step = signal.Session.accept(pair.key, pair.bob, ALICE, message)
    length = ffi.new("size_t *", 7)

    asked = lib.e2ee_step_release(step.pointer, ffi.NULL, 0, length)

    assert (asked, length[0]) == (lib.E2EE_BUFFER_TOO_SMALL, 0)
    assert step.release_into(0) == b""


def test_a_short_buffer_reserves_no_one_time_key(pair: Pair) -> None:
    before = pair.bob.seal(pair.key)[1]
    length, room = ffi.new("size_t *"), ffi.new("uint8_t[1835]")

    for _ in range(200):
        status = lib.e2ee_signal_device_bundle(pair.bob.pointer, 0, room, 1_835, length)
        assert (status, length[0]) == (lib.E2EE_BUFFER_TOO_SMALL, 1_836)

    assert len(before) == len(pair.bob.seal(pair.key)[1])
    assert len(pair.bob.bundle()) <= lib.E2EE_SIGNAL_BUNDLE_MAX_LEN


def test_a_step_that_is_given_up_leaves_its_session_stale(pair: Pair) -> None:
    step = pair.session.encrypt(b"lost")

    step.abandon()

    with pytest.raises(StaleSessionError):
        pair.session.encrypt(b"after it")
    with pytest.raises(StaleSessionError):
        step.release()
    with pytest.raises(StaleSessionError):
        step.abandon()


def test_a_step_that_is_freed_leaves_its_session_stale(pair: Pair) -> None:
    step = pair.session.encrypt(b"lost")

    del step

    with pytest.raises(StaleSessionError):
        pair.session.encrypt(b"after it")


def test_a_released_step_cannot_be_given_up(pair: Pair) -> None:
    step = pair.session.encrypt(b"sent")
    step.release()

    with pytest.raises(StaleSessionError):
        step.abandon()
    pair.session.encrypt(b"and on").release()


def test_a_session_that_is_freed_lives_on_in_its_step(pair: Pair) -> None:
    step = pair.session.encrypt(b"text")
    del pair.session

    message = step.release()

    _, opening = signal.Session.accept(pair.key, pair.bob, ALICE, message)
    assert opening.release() == b"text"


def test_each_of_many_results_is_given_once(pair: Pair) -> None:
    own = signal.SenderKey.create(pair.key, GROUP)
    others = signal.SenderKeys(pair.key, ALICE, GROUP)
    others.accept(own.distribution()).release()
    messages = [own.encrypt(text).release() for text in (b"one", b"two")]

    step = others.decrypt_many([*messages, messages[0]])
    one, two, again = step.release()

    assert (one, two) == (b"one", b"two")
    assert isinstance(again, DuplicateMessageError)
    with pytest.raises(StaleSessionError):
        step.release()
    others.decrypt(own.encrypt(b"three").release()).release()


def test_results_of_one_and_of_many_are_not_mixed_up(pair: Pair) -> None:
    one = pair.session.encrypt(b"text")
    length, outcome = ffi.new("size_t *"), ffi.new("e2ee_status *")

    with pytest.raises(InvalidArgumentError):
        check(lib.e2ee_step_release_at(one.pointer, 0, outcome, ffi.NULL, 0, length))

    many = signal.SenderKeys(pair.key, ALICE, GROUP).decrypt_many([])
    with pytest.raises(InvalidArgumentError):
        check(lib.e2ee_step_release(many.pointer, ffi.NULL, 0, length))


def made_by_everything() -> list[Handle]:
    """A handle of each kind."""
    pair = Pair()
    account, outbound = olm.Account.generate(), olm.OutboundGroupSession.create(pair.key)
    account.generate_one_time_keys(1)
    (one_time_key,) = account.one_time_keys.values()
    session = olm.Session.initiate(
        pair.key, account, identity_key=account.identity_key, one_time_key=one_time_key
    )
    inbound, _ = olm.InboundGroupSession.accept(pair.key, outbound.session_key())
    own, others = signal.SenderKey.create(pair.key, GROUP), signal.SenderKeys(pair.key, BOB, GROUP)
    step = pair.session.encrypt(b"text")
    encryptor, (blob, pointer) = attachment.Encryptor.begin(1), attachment.encrypted(b"text")
    verifier, verified = attachment.Verifier.of(pointer), attachment.Verifier.of(pointer)
    verified.update(blob)
    return [
        pair.key,
        pair.alice,
        pair.session,
        own,
        others,
        account,
        session,
        outbound,
        inbound,
        pickles.Pickles.libolm(b"any key"),
        step,
        encryptor,
        verifier,
        verified.finish(),
    ]


def uses() -> dict[str, Callable[[Any], int]]:
    """For each kind of handle, a call with it that is right otherwise."""
    place, length, value = ffi.new("void **"), ffi.new("size_t *"), ffi.new("uint64_t *")
    room, account = ffi.new("uint8_t[4096]"), olm.Account.generate()

    def filling(function: Any) -> Callable[[Any], int]:
        return lambda handle: int(function(handle, room, 4_096, length))

    return {
        "e2ee_state_key": lambda handle: int(
            lib.e2ee_olm_outbound_group_session_create(handle, ffi.cast("void *", place))
        ),
        "e2ee_signal_device": filling(lib.e2ee_signal_device_identity_key),
        "e2ee_signal_session": filling(lib.e2ee_signal_session_name),
        "e2ee_signal_sender_key": filling(lib.e2ee_signal_sender_key_distribution),
        "e2ee_signal_sender_keys": lambda handle: int(
            lib.e2ee_signal_sender_keys_decrypt_many(handle, ffi.NULL, 0, ffi.cast("void *", place))
        ),
        "e2ee_olm_account": filling(lib.e2ee_olm_account_signing_key),
        "e2ee_olm_session": filling(lib.e2ee_olm_session_session_id),
        "e2ee_olm_outbound_group_session": lambda handle: int(
            lib.e2ee_olm_outbound_group_session_message_index(handle, ffi.cast("void *", value))
        ),
        "e2ee_olm_inbound_group_session": lambda handle: int(
            lib.e2ee_olm_inbound_group_session_is_signed(handle, ffi.cast("void *", value))
        ),
        "e2ee_olm_pickles": lambda handle: int(
            lib.e2ee_olm_pickles_write_account(handle, account.pointer, room, 4_096, length)
        ),
        "e2ee_step": lambda handle: int(lib.e2ee_step_kind(handle, ffi.cast("void *", value))),
        "e2ee_signal_attachment_encryptor": filling(lib.e2ee_signal_attachment_encryptor_output),
        "e2ee_signal_attachment_verifier": lambda handle: int(
            lib.e2ee_signal_attachment_verifier_update(handle, ffi.NULL, 0)
        ),
        "e2ee_signal_attachment_segments": lambda handle: int(
            lib.e2ee_signal_attachment_segments_size(handle, ffi.cast("void *", value))
        ),
    }


def test_a_handle_serves_its_own_kind_only() -> None:
    handles, calls = made_by_everything(), uses()

    accepted = [
        (handle.ctype, wanted)
        for handle in handles
        for wanted, call in calls.items()
        if call(ffi.cast("void *", handle.pointer)) == lib.E2EE_OK
    ]

    assert [(handle.ctype, handle.ctype) for handle in handles] == accepted
    assert len(calls) == len(handles)


def test_null_is_free_already() -> None:
    assert lib.e2ee_free(ffi.NULL) == lib.E2EE_OK


def test_memory_that_is_no_handle_is_not_freed() -> None:
    memory = ffi.new("uint64_t[8]")

    assert lib.e2ee_free(memory) == lib.E2EE_INVALID_ARGUMENT


def test_records_of_other_names_are_refused(pair: Pair) -> None:
    revision, record = pair.alice.seal(pair.key)
    rows = [Records({name: (revision, record)}) for name in ("device", "other")]
    place = ffi.new("e2ee_signal_device **")

    right, wrong = (
        lib.e2ee_signal_device_load(pair.key.pointer, each.array, 1, place) for each in rows
    )
    none = lib.e2ee_signal_device_load(pair.key.pointer, ffi.NULL, 0, place)

    assert (right, wrong) == (lib.E2EE_OK, lib.E2EE_INVALID_ARGUMENT)
    assert none == lib.E2EE_STORE_CORRUPTION
    assert lib.e2ee_free(place[0]) == lib.E2EE_OK


def test_a_child_of_a_fork_refuses_what_its_parent_made(pair: Pair) -> None:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            pair.session.encrypt(b"twice")
        except StaleSessionError:
            status = 0
        finally:
            os._exit(status)

    _, status = os.waitpid(child, 0)

    assert status == 0
    pair.session.encrypt(b"once").release()


def test_threads_never_share_a_step(pair: Pair) -> None:
    messages: list[bytes] = []
    refused: list[StaleSessionError] = []

    def work() -> None:
        for _ in range(200):
            try:
                messages.append(pair.session.encrypt(b"from a thread").release())
            except StaleSessionError as error:
                refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(messages) + len(refused) == 800
    assert len(set(messages)) == len(messages)
    receiving, step = signal.Session.accept(pair.key, pair.bob, ALICE, messages[0])
    assert step.release() == b"from a thread"
    for message in messages[1:]:
        assert receiving.decrypt(PREKEY, message).release() == b"from a thread"
