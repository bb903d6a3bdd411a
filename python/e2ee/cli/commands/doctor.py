# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee doctor`: what is wrong with a store, said so that it can be shown to everyone."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from e2ee.cli import options
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.help import examples
from e2ee.cli.opening import Opening, opens_store
from e2ee.cli.screen import harmless
from e2ee.cli.writing import write_json
from e2ee.store import (
    Examination,
    Finding,
    OneTimeKeyState,
    PeerState,
    PreKeyState,
    SessionState,
)


@click.command(
    short_help="Look for what is wrong with the store.",
    epilog=examples("e2ee doctor", "e2ee doctor --json > report.json"),
)
@click.option("--names", is_flag=True, help="Show names: the result is then for you alone.")
@opens_store
@options.as_json
def doctor(opening: Opening, *, names: bool, as_json: bool) -> None:
    """Looks at every record of the store or backup, and says what is wrong and what helps.

    Nothing is changed. The result holds no key and no text, and peers have numbers instead of
    names: it can be shown to whoever is to help.
    """
    seen = opening.examination(names=names)
    if as_json:
        write_json(_plain({"sound": seen.is_sound, **asdict(seen)}))
    else:
        console = Console(highlight=False)
        for part in _shown(seen):
            console.print(part)
    if any(finding.code == WRONG_KEY for finding in seen.findings):
        raise CommandError("the passphrase is wrong", Exit.NO_ACCESS)
    if not seen.is_sound:
        raise CommandError("the store needs attention: see above", Exit.FINDINGS)


def _shown(seen: Examination) -> Iterator[Table | Text]:
    """The parts of the report, for a person."""
    yield _records(seen)
    if seen.peers:
        yield _sessions(seen.peers)
    if seen.groups:
        yield _groups(seen)
    if seen.prekeys is not None:
        yield _prekeys(seen.prekeys)
    if seen.one_time_keys is not None:
        yield _one_time_keys(seen.one_time_keys)
    if seen.chats:
        yield _chats(seen)
    if seen.inbox:
        waiting = f"Inbox: {seen.inbox} waiting, the oldest for {_age(seen.inbox_age)}.\n"
        yield Text(waiting)
    for line in seen.file:
        yield Text(f"SQLite: {line}")
    for finding in seen.findings:
        yield _finding(finding)
    yield Text("Nothing is wrong." if not seen.findings else f"{len(seen.findings)} findings.")


def _records(seen: Examination) -> Table:
    title = "Records of the backup" if seen.backup else "Records"
    table = _table(title, "kind", "number", "bytes", "middle", "largest", "format")
    for kind in seen.records:
        sizes = (kind.number, kind.bytes, kind.median, kind.largest)
        versions = ", ".join(map(str, kind.versions)) or "-"
        table.add_row(kind.kind, *map(str, sizes), versions)
    return table


def _sessions(peers: tuple[PeerState, ...]) -> Table:
    columns = "peer", "verified", "sends", "session", "state", "sent", "received", "late", "pq"
    table = _table("Sessions", *columns)
    for peer in peers:
        verified = "yes" if peer.verified else "no"
        cells = [harmless(peer.label), verified, peer.sending]
        for session in peer.sessions:
            table.add_row(*map(Text, [*cells, *_session(session)]))
            cells = ["", "", ""]
        if not peer.sessions:
            table.add_row(*map(Text, cells))
    return table


def _session(session: SessionState) -> list[str]:
    if session.phase is None:
        return [session.place, "does not open"]
    state = f"waiting {_age(session.waiting)}" if session.waiting is not None else session.phase
    if not session.trusted:
        state = f"{state}, other identity"
    positions = [_number(session.sent), _number(session.received), _number(session.late)]
    pq = "-" if session.pq_epoch is None else f"{session.pq_epoch}:{session.pq_messages}"
    return [session.place, state, *positions, pq]


def _groups(seen: Examination) -> Table:
    table = _table("Groups", "group", "members", "pending", "sent", "senders")
    for group in seen.groups:
        senders = sum(sender.heard for sender in group.senders)
        numbers = (group.members, len(group.pending), group.sent, senders)
        table.add_row(Text(harmless(group.label)), *map(_number, numbers))
    return table


def _prekeys(keys: PreKeyState) -> Table:
    table = _table("Prekeys", "kind", "age", "replaced", "sessions", "given away", "at a server")
    table.add_row("signed", _age(keys.signed_age), str(keys.signed_replaced))
    last_resort = (keys.last_resort_replaced, keys.last_resort_uses)
    table.add_row("last resort", _age(keys.last_resort_age), *map(str, last_resort))
    one_time = (keys.one_time_reserved, keys.one_time_offered)
    table.add_row("one-time", "", "", "", *map(str, one_time))
    kyber = (keys.kyber_reserved, keys.kyber_offered)
    table.add_row("one-time Kyber", "", "", "", *map(str, kyber))
    return table


def _one_time_keys(keys: OneTimeKeyState) -> Table:
    table = _table("Keys", "kind", "kept", "unpublished")
    table.add_row("one-time", str(keys.one_time), str(keys.unpublished))
    table.add_row("fallback", str(keys.fallback))
    return table


def _chats(seen: Examination) -> Table:
    columns = "chat", "state", "sent", "acknowledged", "received", "waiting"
    table = _table("Secret chats", *columns)
    for chat in seen.chats:
        state = {None: "does not open", False: "offered", True: "agreed"}[chat.agreed]
        numbers = (chat.sent, chat.acknowledged, chat.received, chat.waiting)
        table.add_row(Text(harmless(chat.label)), state, *map(_number, numbers))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _finding(finding: Finding) -> Text:
    subject = harmless(finding.subject)
    text = f"{finding.severity}: {subject}: {finding.meaning} ({finding.code}).\n  {finding.advice}"
    return Text(text)


def _age(age: timedelta | None) -> str:
    """An age as a person says it: whole days, or hours."""
    if age is None:
        return "unknown"
    if age.days:
        return f"{age.days} d"
    return f"{age.seconds // 3_600} h"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _plain(value: object) -> object:
    """A value as JSON has it; ages in seconds."""
    match value:
        case timedelta():
            return int(value.total_seconds())
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


#: The code of the one finding that is the caller's.
WRONG_KEY: Final = "wrong-key"
