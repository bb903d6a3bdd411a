# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls that wait together share one commit, and each has its own outcome."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import e2ee
import e2ee.aio
from e2ee.aio import _turns
from e2ee.aio._together import Together
from e2ee.aio._turns import MAX_GROUP, TRIES, Call, Turns
from e2ee.store import Store
from tests.api import aio_checks as checks
from tests.api.aio_checks import CHECKS, TEXTS, Check, check_name, encrypts, holds
from tests.api.aio_world import run, world
from tests.api.watched import Fault
from tests.properties.world import read_rows
from tests.stores.kinds import KINDS, kind_name
from tests.stores.protocols import Protocol


@pytest.mark.parametrize("kind", KINDS, ids=kind_name)
@pytest.mark.parametrize("check", CHECKS, ids=check_name)
def test_it_holds(
    check: Check, kind: Callable[[Path], Store], protocol: Protocol, tmp_path: Path
) -> None:
    run(holds(check, kind(tmp_path), protocol))


# What somebody could get wrong, and the checks must find.


def hands_out_early(patch: pytest.MonkeyPatch) -> None:
    def early(turns: Turns, calls: list[Call], *, beside: bool) -> None:
        with turns.together.transaction(lone=beside and len(calls) == 1):
            for call in calls:
                call.make()
            _turns._deliver(calls)  # noqa: SLF001

    patch.setattr(Turns, "_make", early)


def mixes_results_up(patch: pytest.MonkeyPatch) -> None:
    def backwards(calls: Iterable[Call]) -> None:
        every = list(calls)
        for call, other in zip(every, reversed([each.result for each in every]), strict=True):
            call.result = other
            call.set_future()

    patch.setattr(_turns, "_set_futures", backwards)


def takes_the_last_first(patch: pytest.MonkeyPatch) -> None:
    taken = Turns._taken  # noqa: SLF001
    patch.setattr(Turns, "_taken", lambda turns: taken(turns)[::-1])


def commits_each_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_turns, "MAX_GROUP", 1)


def saves_nothing(patch: pytest.MonkeyPatch) -> None:
    write = Together.write

    def only_tried(doors: Together, *given: Any) -> object:  # noqa: ANN401 - passed through
        return doors.tried(partial(write, doors, *given))

    patch.setattr(Together, "write", only_tried)


def keeps_old_results(patch: pytest.MonkeyPatch) -> None:
    make = Call.make

    def as_before(call: Call) -> None:
        before = call.result
        make(call)
        call.result = call.result if before is None else before

    patch.setattr(Call, "make", as_before)


def keeps_half_a_call(patch: pytest.MonkeyPatch) -> None:
    def whole(turns: Turns, calls: list[Call], *, beside: bool) -> None:
        with turns.together.transaction(lone=beside and len(calls) == 1):
            for call in calls:
                call.make()

    patch.setattr(Turns, "_make", whole)


def lets_results_leave_anyway(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_turns, "_fail", lambda _calls, _error: None)


def one_refusal_refuses_all(patch: pytest.MonkeyPatch) -> None:
    def make(call: Call) -> None:
        call.error = None
        call.result = call.work()

    patch.setattr(Call, "make", make)


FAULTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Check]] = [
    (hands_out_early, checks.durable_first),
    (mixes_results_up, checks.order),
    (takes_the_last_first, checks.order),
    (commits_each_alone, checks.one_commit),
    (saves_nothing, checks.own_commits),
    (keeps_old_results, checks.made_anew),
    (keeps_half_a_call, checks.refused_late),
    (lets_results_leave_anyway, checks.unknown_is_silent),
    (one_refusal_refuses_all, checks.refused_alone),
]


@pytest.mark.parametrize(("fault", "check"), FAULTS, ids=check_name)
def test_a_planted_fault_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)

    with pytest.raises((AssertionError, e2ee.DecryptionError)):
        run(holds(check, e2ee.MemoryStore()))


@pytest.mark.parametrize("conflicts", range(1, TRIES + 2))
def test_conflicts_are_tried_three_times(conflicts: int) -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            rows = read_rows(at.store.inner)
            at.store.faults.extend([Fault.CONFLICT] * conflicts)
            envelopes = await at.together(*encrypts(at))
            if conflicts < TRIES:
                assert at.opens(envelopes) == TEXTS
            else:
                assert {type(each) for each in envelopes} == {e2ee.StoreConflictError}
                assert read_rows(at.store.inner) == rows

    run(main())


def test_a_call_builds_on_those_before_it_in_the_group() -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            carol = e2ee.Account.create(e2ee.MemoryStore(), "carol")
            before = at.store.commits
            _, envelope, name, waiting, _, lost = await at.together(
                at.alice.connect("carol", carol.bundle()),
                at.alice.encrypt("carol", b"Hello."),
                at.alice.queue("carol", b"later"),
                at.alice.outbox(),
                at.alice.forget("carol"),
                at.alice.encrypt("carol", b"x"),
            )
            assert at.store.commits == before + 1
            assert [each.id for each in waiting] == [name]
            assert isinstance(lost, e2ee.NoSessionError)
            texts = [carol.decrypt("alice", each) for each in (envelope, waiting[0].envelope)]
            assert [each.plaintext for each in texts] == [b"Hello.", b"later"]

    run(main())


def test_a_refusal_over_what_is_undone_is_not_told() -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            at.store.faults.append(Fault.FULL)
            outcomes = await at.together(
                at.alice.forget("bob"), at.alice.encrypt("bob", b"not lost")
            )
            assert {type(each) for each in outcomes} == {e2ee.StoreUnavailableError}
            assert at.opens([await at.alice.encrypt("bob", b"still here")]) == [b"still here"]

    run(main())


def test_a_late_refusal_over_what_is_undone_is_not_told() -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            carol = e2ee.Account.create(e2ee.MemoryStore(), "carol")
            await at.alice.connect("carol", carol.bundle())
            block = at.alice.receive("bob", at.bob.encrypt("alice", b"question"))

            async def opened() -> e2ee.Message:
                message = await block.__aenter__()
                await at.alice.queue("bob", b"reply")
                await at.alice.queue("carol", b"copy")
                return message

            # In a task of its own, so that this one is not inside the block.
            message = await asyncio.create_task(opened())
            at.store.faults.append(Fault.FULL)
            outcomes = await at.together(
                at.alice.forget("carol"), block.__aexit__(None, None, None)
            )
            assert {type(each) for each in outcomes} == {e2ee.StoreUnavailableError}
            assert await at.alice.inbox() == [message]

    run(main())


def test_tasks_that_call_again_and_again_share_commits() -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            before = at.store.commits
            made: list[e2ee.Envelope] = []

            async def talk() -> None:
                made.extend([await at.alice.encrypt("bob", b"x") for _ in range(5)])

            await asyncio.gather(*(talk() for _ in range(MAX_GROUP)))
            assert at.store.commits - before <= 10
            assert at.opens(made) == [b"x"] * (5 * MAX_GROUP)

    run(main())


@pytest.mark.parametrize("kind", KINDS, ids=kind_name)
def test_a_new_key_shares_no_commit_and_keeps_the_order(
    kind: Callable[[Path], Store], tmp_path: Path
) -> None:
    threads = []

    def key() -> bytes:
        threads.append(threading.current_thread().name)
        return bytes(32)

    async def main() -> None:
        async with world(kind(tmp_path)) as at:
            before = at.store.commits
            first, _, second = await at.together(
                at.alice.encrypt("bob", b"1"),
                at.alice.rekey(key=key),
                at.alice.encrypt("bob", b"2"),
            )
            assert at.store.commits == before + 3
            assert at.opens([first, second]) == [b"1", b"2"]
            with pytest.raises(e2ee.InvalidArgumentError):
                await at.alice.rekey(key=key)

    run(main())

    assert [name.startswith("e2ee") for name in threads] == [True, True]
    if kind.__name__ != "in_memory":
        with closing(kind(tmp_path, bytes(32))) as store:  # type: ignore[call-arg]
            assert e2ee.Account.open(store).user == "alice"


@pytest.mark.parametrize(
    ("raised", "comes"), [(StopIteration, RuntimeError), (ValueError, ValueError)]
)
def test_what_a_call_for_the_key_raises_comes_to_its_caller_alone(
    raised: type[Exception], comes: type[Exception]
) -> None:
    def key() -> bytes:
        raise raised

    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            first, wrong, second = await at.together(
                at.alice.encrypt("bob", b"1"),
                at.alice.rekey(key=key),
                at.alice.encrypt("bob", b"2"),
            )
            assert type(wrong) is comes
            assert at.opens([first, second]) == [b"1", b"2"]

    run(main())


def test_a_damaged_record_refuses_the_calls_that_it_is_about() -> None:
    async def main() -> None:
        async with world(e2ee.MemoryStore()) as at:
            carol = e2ee.Account.create(e2ee.MemoryStore(), "carol")
            await at.alice.connect("carol", carol.bundle())
            damage(at.store.inner, "session/carol/1/")
            first, lost, second = await at.together(
                at.alice.encrypt("bob", b"1"),
                at.alice.encrypt("carol", b"x"),
                at.alice.encrypt("bob", b"2"),
            )
            assert isinstance(lost, e2ee.StoreCorruptionError)
            assert at.opens([first, second]) == [b"1", b"2"]
            # The store has seen it: of what kept the thread busy, of all three, of the one alone.
            assert at.store.ended_by == [e2ee.StoreCorruptionError] * 3

    run(main())


def damage(store: Store, prefix: str) -> None:
    """Changes the last byte of the records whose names begin so."""
    with store.transaction() as transaction:
        for name, revision in transaction.list(prefix):
            _, sealed = transaction.get(name) or (0, b"")
            flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
            transaction.apply([(name, revision, revision, flipped)])
