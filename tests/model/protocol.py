# SPDX-License-Identifier: MIT OR Apache-2.0
"""The commit protocol: what a call reads, writes and releases (docs/storage.md, "The model").

`begin` reads and makes a draft; `commit` writes it by compare-and-set; `confirm` tells the anchor;
`release` hands one result out. A fault of the scenario changes exactly one of these rules.
"""

from collections.abc import Iterator

from tests.model import state
from tests.model.scenario import Fault, Scenario
from tests.model.state import Call, Draft, Key, Packet, Result, Rows, Session, Worker, World

SPENDING = {state.ENCRYPT, state.QUEUE, state.POST}
#: Marks the second half of a call that a fault has cut in two.
REST = ("rest",)


def begin(world: World, place: int, calls: tuple[Call, ...], scenario: Scenario) -> World | None:
    """The world with these calls in one open transaction; `None` if sending is refused."""
    worker, rows = world.workers[place], world.rows(place)
    if scenario.anchor and spends(calls, scenario):
        anchor = compared(world.anchor, rows, scenario)
        if anchor is None:
            return None
        world = world._replace(anchor=anchor)
    session = known_session(worker, rows, scenario)
    draft, results = Draft((rows.revision, session)), list[Result]()
    for call in calls:
        draft, session, made = stepped(call, (draft, session), rows, scenario)
        results += made
    if session != draft.base[1]:
        draft = draft._replace(session=session)
    tokens = (rows.token, (rows.branch, rows.token[1] + 1)) if draft.spends else None
    writes = draft._replace(base=Draft().base) != Draft()
    begun = Worker(
        state.STEPPED if writes else state.CONFIRMED,
        worker.database,
        worker.cache,
        calls,
        draft if writes else None,
        tuple(results),
        state.OPEN if writes else state.DURABLE,
        tokens,
    )
    return world.with_worker(place, settled(begun))


def spends(calls: tuple[Call, ...], scenario: Scenario) -> bool:
    """Whether calls use message keys, or let bytes leave that did."""
    replying = {message for message, _ in scenario.replies}
    return any(call.kind in SPENDING or call.message in replying for call in calls)


def compared(anchor: state.Token, rows: Rows, scenario: Scenario) -> state.Token | None:
    """The anchor as it must be to send from these rows, or `None` if they are of another past.

    One commit may be ahead of the anchor: whoever made it died before it was told.
    """
    if scenario.has(Fault.ANCHOR_NOT_COMPARED):
        return anchor
    return rows.token if anchor in {rows.token, rows.before} else None


def known_session(worker: Worker, rows: Rows, scenario: Scenario) -> Session:
    """The session to step: the kept one only if it is the one that is stored."""
    if worker.cache is None:
        return rows.session
    stamp, session = worker.cache
    same = stamp == rows.stamp
    if scenario.has(Fault.CACHE_BY_REVISION):
        same = stamp[1] == rows.stamp[1]
    return session if same or scenario.has(Fault.CACHE_UNREAD) else rows.session


def stepped(
    call: Call, so_far: tuple[Draft, Session], rows: Rows, scenario: Scenario
) -> tuple[Draft, Session, list[Result]]:
    """The draft, the session and the results after one call."""
    draft, session = so_far
    if call.kind == state.SENT:
        gone = frozenset(packet for packet in rows.outbox if packet[0] in call.texts)
        return draft._replace(sent=draft.sent | gone), session, []
    if call.kind == state.POST:
        return posted(call, so_far, rows, scenario)
    if call.kind == state.ENCRYPT:
        packets, session = spent(session, call.texts)
        results = [Result(state.POST, text, key) for text, key in packets]
        return draft._replace(spends=True), session, results
    if call.kind == state.QUEUE:
        return queued(call.texts, so_far, scenario)
    if call.kind == state.HANDLE:
        return handled(call, so_far, scenario)
    return opened(call, so_far, rows, scenario)


def spent(session: Session, texts: tuple[str, ...]) -> tuple[list[Packet], Session]:
    """Texts under the next keys, and the session without those keys."""
    keys: list[Key] = [(session.number, session.position + each) for each in range(len(texts))]
    return list(zip(texts, keys, strict=True)), session._replace(
        position=session.position + len(texts)
    )


def queued(
    texts: tuple[str, ...], so_far: tuple[Draft, Session], scenario: Scenario
) -> tuple[Draft, Session, list[Result]]:
    """The outbox rows, in one transaction with the application's."""
    draft, session = so_far
    rows = tuple(f"composed {text}" for text in texts)
    if scenario.has(Fault.OUTBOX_WITHOUT_BYTES):
        packets: list[Packet] = [(text, (-1, -1)) for text in texts]
    else:
        packets, session = spent(session, texts)
    early = scenario.has(Fault.QUEUE_RELEASES)
    draft = draft._replace(
        outbox=draft.outbox | frozenset(packets),
        application=(*draft.application, *rows),
        spends=True,
    )
    return draft, session, [Result(state.POST, *packet) for packet in packets if early]


def posted(
    call: Call, so_far: tuple[Draft, Session], rows: Rows, scenario: Scenario
) -> tuple[Draft, Session, list[Result]]:
    """The bytes of an outbox row; nothing is written."""
    draft, session = so_far
    packets = [packet for packet in sorted(rows.outbox) if packet[0] in call.texts]
    if scenario.has(Fault.OUTBOX_WITHOUT_BYTES):
        packets, session = spent(session, call.texts)
        draft = draft._replace(spends=True)
    if scenario.has(Fault.SENT_BEFORE_TAKEN):
        draft = draft._replace(sent=frozenset(packets))
    return draft, session, [Result(state.POST, *packet) for packet in packets]


def opened(
    call: Call, so_far: tuple[Draft, Session], rows: Rows, scenario: Scenario
) -> tuple[Draft, Session, list[Result]]:
    """A message: the ratchet's step, the ledger and the inbox, or what is known of it already."""
    draft, session = so_far
    name, short = call.message, call.kind == state.DECRYPT
    acknowledged = Result(state.ACKNOWLEDGE, name)
    ledger_first = scenario.has(Fault.LEDGER_FIRST) and not short and call.texts != REST
    if ledger_first and name not in rows.ledger:
        return draft._replace(ledger=frozenset({name})), session, []
    if name in session.opened or ledger_first:
        # A used key that the ledger does not know is a forgery, which nobody acknowledges.
        entered = name in rows.ledger or name in draft.ledger
        return draft, session, [acknowledged] if entered or short else []
    session = session._replace(opened=session.opened | {name})
    if short:
        return draft, session, [Result(state.SHOW, name), acknowledged]
    late = scenario.has(Fault.LEDGER_LAST) or scenario.has(Fault.LEDGER_FIRST)
    draft = draft._replace(
        ledger=draft.ledger if late else draft.ledger | {name},
        inbox=draft.inbox if scenario.has(Fault.NO_INBOX) else draft.inbox | {name},
    )
    return draft, session, [acknowledged]


def handled(
    call: Call, so_far: tuple[Draft, Session], scenario: Scenario
) -> tuple[Draft, Session, list[Result]]:
    """The application's row, the end of the inbox row, and a reply if there is one."""
    draft, session = so_far
    name = call.message
    row: tuple[str, ...] = (f"got {name}",)
    if scenario.has(Fault.HANDLED_AFTER_THE_ROW) and call.texts != REST:
        return draft._replace(application=row), session, []
    if scenario.has(Fault.HANDLED_AFTER_THE_ROW) or scenario.has(Fault.HANDLED_BEFORE_THE_ROW):
        row = ()
    draft = draft._replace(
        taken=draft.taken | {name},
        application=(*draft.application, *row),
    )
    texts = tuple(text for message, text in scenario.replies if message == name)
    return queued(texts, (draft, session), scenario) if texts else (draft, session, [])


def conflicts(draft: Draft, rows: Rows, scenario: Scenario) -> bool:
    """Whether a row is not as the draft says that it must be found."""
    if scenario.has(Fault.IGNORES_REVISIONS):
        return False
    moved = draft.session is not None and draft.base[0] != rows.revision
    taken = draft.taken if not scenario.has(Fault.HANDLED_TWICE) else frozenset[str]()
    there = taken <= rows.inbox and draft.sent <= rows.outbox
    return moved or not there or bool(draft.ledger & rows.ledger)


def written(draft: Draft, rows: Rows) -> Rows:
    """The rows after a commit."""
    moved = draft.session is not None
    revision = rows.revision + moved
    return rows._replace(
        revision=revision,
        stamp=(rows.branch, revision) if moved else rows.stamp,
        session=draft.session if draft.session is not None else rows.session,
        ledger=rows.ledger | draft.ledger,
        inbox=(rows.inbox | draft.inbox) - draft.taken,
        outbox=(rows.outbox | draft.outbox) - draft.sent,
        application=tuple(sorted((*rows.application, *draft.application))),
        token=(rows.branch, rows.token[1] + 1) if draft.spends else rows.token,
        before=rows.token if draft.spends else rows.before,
    )


def commits(world: World, place: int, scenario: Scenario) -> Iterator[tuple[str, World]]:
    """The outcomes of a worker's commit."""
    worker, rows = world.workers[place], world.rows(place)
    draft = worker.draft or Draft()
    if conflicts(draft, rows, scenario):
        if scenario.has(Fault.RETRIES_THE_OLD_STEP) and draft.session is not None:
            again = draft._replace(base=(rows.revision, draft.base[1]))
            yield "retried", world.with_worker(place, worker._replace(draft=again))
        else:
            yield "conflict", world.with_worker(place, state.emptied(worker))
        return
    if draft.session is not None and draft.base[1] != rows.session:
        world = world._replace(wrong=world.wrong | {state.STALE})
    after = written(draft, rows)
    if scenario.caching:
        worker = worker._replace(cache=(after.stamp, after.session))
    confirmed = not scenario.anchor or worker.tokens is None or scenario.has(Fault.ANCHOR_LATE)
    done = worker._replace(
        phase=state.CONFIRMED if confirmed else state.COMMITTED,
        draft=None,
        outcome=state.DURABLE,
    )
    yield "done", world.with_rows(place, after).with_worker(place, settled(done))
    if world.budget.unknown:
        world = world.spent("unknown")
        lost = state.emptied(worker)
        if scenario.has(Fault.RELEASES_ON_UNKNOWN):
            lost = settled(done._replace(phase=state.CONFIRMED, outcome=state.UNKNOWN))
        yield "unknown, kept", world.with_rows(place, after).with_worker(place, lost)
        yield "unknown, undone", world.with_worker(place, lost)


def confirmed(world: World, place: int, scenario: Scenario) -> World:
    """The world after the anchor was told of a commit; if it holds another, nothing leaves."""
    worker = world.workers[place]
    before, after = worker.tokens or (world.anchor, world.anchor)
    if world.anchor in {before, after} or scenario.has(Fault.ANCHOR_OVERWRITTEN):
        known = settled(worker._replace(phase=state.CONFIRMED))
        return world._replace(anchor=after).with_worker(place, known)
    return world.with_worker(place, state.emptied(worker))


def settled(worker: Worker) -> Worker:
    """A worker that has nothing left to hand out is done with its transaction."""
    return worker if worker.results or worker.phase != state.CONFIRMED else state.rested(worker)


def healed(world: World, place: int, scenario: Scenario) -> World:
    """The world after a rollback was seen and said: a new session, an outbox to be queued again."""
    rows = world.rows(place)
    session = rows.session._replace(number=world.fresh, position=0)
    given_up = {f"composed {text}" for text, _ in rows.outbox}
    kept = rows.outbox if scenario.has(Fault.HEAL_KEEPS_OUTBOX) else frozenset[Packet]()
    after = rows._replace(
        revision=rows.revision + 1,
        stamp=(rows.branch, rows.revision + 1),
        session=rows.session if scenario.has(Fault.HEAL_KEEPS_SESSION) else session,
        outbox=kept,
        application=tuple(row for row in rows.application if kept or row not in given_up),
        token=(rows.branch, rows.token[1] + 1),
        before=rows.token,
    )
    world = world.with_rows(place, after)._replace(anchor=after.token, fresh=world.fresh + 1)
    return world.spent("heal")
