# SPDX-License-Identifier: MIT OR Apache-2.0
"""Everything that can happen next in a state of the model: what workers do, and what befalls them.

An event is data (`tests.model.state.Event`): a path of them can be printed, kept and replayed.
"""

from collections.abc import Iterator
from itertools import combinations

from tests.model import protocol, state
from tests.model.scenario import Fault, Scenario
from tests.model.state import Call, Event, Rows, Worker, World

Successors = Iterator[tuple[Event, World]]


def first(scenario: Scenario) -> World:
    """The state in which a scenario begins."""
    workers = [Worker() for _ in range(scenario.workers)]
    if scenario.budget.clone or scenario.budget.fork:
        workers.append(Worker(state.DOWN))
    return World((Rows(),), tuple(workers), scenario.budget)


def successors(world: World, scenario: Scenario) -> Successors:
    """Each next event, and the state after it."""
    for place, worker in enumerate(world.workers):
        yield from of_phase(world, place, worker, scenario)
        if worker.phase != state.DOWN and world.budget.crash:
            down = world.spent("crash").with_worker(place, Worker(state.DOWN, worker.database))
            yield ("crash", place, (worker.phase,)), down
    yield from of_databases(world, scenario)


def of_phase(world: World, place: int, worker: Worker, scenario: Scenario) -> Successors:
    """What a worker can do, by the state of its transaction."""
    if worker.phase == state.DOWN:
        present = worker.database < len(world.databases) and place < scenario.workers
        if present and not excluded(world, place, scenario):
            yield ("open", place, ()), world.with_worker(place, state.emptied(worker))
    elif worker.phase == state.IDLE:
        yield from beginnings(world, place, scenario)
    elif worker.phase == state.STEPPED:
        for outcome, after in protocol.commits(world, place, scenario):
            yield ("commit", place, (outcome,)), after
        if world.budget.rollback:
            yield ("roll back", place, ()), rolled_back(world, place, scenario)
        early = scenario.has(Fault.RELEASES_BEFORE_COMMIT) or scenario.has(Fault.QUEUE_RELEASES)
        if early and worker.results:
            yield from releases(world, place, scenario)
    elif worker.phase == state.COMMITTED:
        after = protocol.confirmed(world, place, scenario)
        told = worker.tokens is not None and after.anchor == worker.tokens[1]
        yield ("confirm", place, ("known" if told else "refused",)), after
    else:
        yield from releases(world, place, scenario)
        if world.budget.cancel:
            yield ("cancel", place, ()), cancelled(world, place, scenario)


def beginnings(world: World, place: int, scenario: Scenario) -> Successors:
    """The transactions that a worker can open."""
    if excluded(world, place, scenario):
        return
    rows, here = world.rows(place), world.workers[place].database
    others = [each for each in world.workers if each.database == here]
    busy = {text for each in others for call in each.calls for text in call.texts}
    calls = list(wanted(world, rows, busy, scenario))
    groups: list[tuple[Call, ...]] = [(call,) for call in calls]
    if scenario.group:
        groups += combinations(calls, 2)
    for group in groups:
        begun = protocol.begin(world, place, group, scenario)
        if begun is not None:
            yield ("begin", place, tuple(map(named, group))), begun
    refused = scenario.anchor and protocol.compared(world.anchor, rows, scenario) is None
    if refused and world.budget.heal:
        healed = protocol.healed(world, place, scenario)
        yield ("heal", place, ()), healed.with_worker(place, state.emptied(world.workers[place]))


def excluded(world: World, place: int, scenario: Scenario) -> bool:
    """Whether another worker's transaction holds the database."""
    here = world.workers[place].database
    open_here = (each.database == here and each.phase == state.STEPPED for each in world.workers)
    return scenario.locked and any(open_here)


def wanted(world: World, rows: Rows, busy: set[str], scenario: Scenario) -> Iterator[Call]:
    """What the application asks for: what is not done yet, and what the carrier brings."""
    for texts in scenario.encrypts:
        if not (world.accepted.issuperset(texts) or busy.intersection(texts)):
            yield Call(state.ENCRYPT, texts)
    for text in scenario.queues:
        if f"composed {text}" not in rows.application and text not in busy:
            yield Call(state.QUEUE, (text,))
    for text in sorted({packet[0] for packet in rows.outbox} - busy):
        if text not in world.accepted or world.budget.duplicate:
            yield Call(state.POST, (text,))
        if text in world.accepted:
            yield Call(state.SENT, (text,))
    yield from incoming(world, rows, scenario)


def incoming(world: World, rows: Rows, scenario: Scenario) -> Iterator[Call]:
    """Messages under way, which a carrier may bring more than once, and those in the inbox."""
    for kind, names in ((state.RECEIVE, scenario.receives), (state.DECRYPT, scenario.decrypts)):
        for name in names:
            if name not in world.acknowledged or world.budget.duplicate:
                yield Call(kind, message=name)
            if scenario.has(Fault.LEDGER_FIRST) and name in rows.ledger - rows.session.opened:
                yield Call(kind, protocol.REST, name)
    for name in sorted(rows.inbox):
        yield Call(state.HANDLE, message=name)
        if scenario.has(Fault.HANDLED_AFTER_THE_ROW) and f"got {name}" in rows.application:
            yield Call(state.HANDLE, protocol.REST, name)


def named(call: Call) -> str:
    """A call in words."""
    return " ".join((call.kind, *call.texts, call.message)).strip()


def rolled_back(world: World, place: int, scenario: Scenario) -> World:
    """The caller's block has raised: the transaction never was."""
    worker = world.workers[place]
    after = state.rested(worker)
    if scenario.has(Fault.ROLLBACK_RELEASES):
        undone = worker._replace(phase=state.CONFIRMED, draft=None, outcome=state.UNDONE)
        after = protocol.settled(undone)
    return world.spent("rollback").with_worker(place, after)


def cancelled(world: World, place: int, scenario: Scenario) -> World:
    """Who waited for the next result has gone: the result is dropped, and nothing else."""
    worker = world.workers[place]
    dropped, *rest = worker.results
    worker = worker._replace(results=tuple(rest))
    world = world.spent("cancel")
    if scenario.has(Fault.CANCEL_REWINDS) and dropped.key is not None:
        rows = world.rows(place)
        back = rows.session._replace(position=rows.session.position - 1)
        world = world.with_rows(place, rows._replace(session=back))
    return world.with_worker(place, protocol.settled(worker))


def releases(world: World, place: int, scenario: Scenario) -> Successors:
    """The next result leaves; bytes may be lost on their way."""
    worker = world.workers[place]
    result, *rest = worker.results
    if worker.outcome != state.DURABLE:
        world = world._replace(wrong=world.wrong | {worker.outcome})
    world = world.with_worker(place, protocol.settled(worker._replace(results=tuple(rest))))
    event: Event = ("release", place, (result.kind, result.what))
    if result.kind == state.SHOW:
        yield event, world._replace(shown=tuple(sorted((*world.shown, result.what))))
    elif result.key is None:
        if scenario.has(Fault.LEDGER_LAST):
            rows = world.rows(place)
            world = world.with_rows(place, rows._replace(ledger=rows.ledger | {result.what}))
        if result.what in world.acknowledged and world.budget.duplicate:
            world = world.spent("duplicate")
        yield event, world._replace(acknowledged=world.acknowledged | {result.what})
    else:
        left = world._replace(posted=world.posted | {(result.what, result.key)})
        if result.what in world.accepted and world.budget.duplicate:
            left = left.spent("duplicate")
        yield event, left._replace(accepted=world.accepted | {result.what})
        if world.budget.lose:
            yield ("lose", place, (result.kind, result.what)), left.spent("lose")


def of_databases(world: World, scenario: Scenario) -> Successors:
    """What befalls the rows: copies of them that come back, or live on beside them."""
    budget = world.budget
    if budget.copy and world.copy != world.databases[0]:
        yield ("copy", -1, ()), world.spent("copy")._replace(copy=world.databases[0])
    if world.copy is not None:
        old = world.copy._replace(branch=world.fresh)
        moved = world._replace(fresh=world.fresh + 1)
        if budget.fail_over:
            yield ("fail over", -1, ()), failed_over(moved.spent("fail_over"), old)
        if budget.restore:
            down = tuple(Worker(state.DOWN) for _ in world.workers)
            put_back = moved.spent("restore")._replace(workers=down, copy=None)
            yield ("restore", -1, ()), put_back._replace(databases=(old,))
        if budget.clone:
            beside = moved.spent("clone")._replace(databases=(*world.databases, old), copy=None)
            clone = Worker(state.IDLE, len(world.databases))
            yield ("clone", -1, ()), beside.with_worker(scenario.workers, clone)
    if budget.fork:
        yield ("fork", -1, ()), forked(world.spent("fork"), scenario)


def failed_over(world: World, old: Rows) -> World:
    """A stale replica takes the place of the database; open transactions are cut."""
    workers = tuple(
        worker._replace(phase=state.IDLE, calls=(), draft=None, results=(), tokens=None)
        if worker.phase == state.STEPPED
        else worker
        for worker in world.workers
    )
    return world._replace(databases=(old, *world.databases[1:]), workers=workers, copy=None)


def forked(world: World, scenario: Scenario) -> World:
    """A child with a copy of memory, in which the store is too; it refuses to use it."""
    if not scenario.has(Fault.FORK_GOES_ON):
        return world
    child = world.workers[0]._replace(database=len(world.databases))
    copy = world.databases[0]._replace(branch=world.fresh)
    world = world._replace(databases=(*world.databases, copy), fresh=world.fresh + 1)
    return world.with_worker(scenario.workers, child)
