# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a real run of a party asked of its medium, in order, and what it promised meanwhile.

A child runs under strace, which logs every write with its bytes. After each commit the child
writes a mark with a digest of the rows: from then on results may leave. The digest is taken by the
transaction itself before it ends, so it does not depend on the log.
"""

import os
import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, final

from e2ee.store import Store, StoreSecret, Transaction
from tests.assurance.children import Child
from tests.assurance.party import Party
from tests.assurance.planted import connection, real

TRACED: Final = "write,pwrite64,fsync,fdatasync,ftruncate,unlink,unlinkat,open,openat,rename"
#: Pages after which the log is copied into the file: few, so that it happens often.
CHECKPOINT_EVERY: Final = 14
LINE: Final = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
TEXT: Final = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
PLACE: Final = re.compile(r"^(\d+)<([^>]*)>")


class Event(NamedTuple):
    """Something that happened to a file: `write` at a place, `truncate` to it, `sync` and so on."""

    what: str
    file: str
    place: int = 0
    written: bytes = b""


class Kind(NamedTuple):
    """How the store of a recording behaves: its `synchronous`, and when it makes its mark."""

    synchronous: str = "FULL"
    early: bool = False


@final
class MarkedStore:
    """A store that makes a mark when a transaction is durable, as it says."""

    def __init__(self, inner: Store, mark: Callable[[str], object], *, early: bool = False) -> None:
        self._inner, self._mark, self._early = inner, mark, early

    @property
    def secret(self) -> StoreSecret:
        """That of the store inside."""
        return self._inner.secret

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction with a mark behind it; with the fault, in front of its commit."""
        with self._inner.transaction() as transaction:
            yield transaction
            digest = digest_of(rows_of(transaction))
            if self._early:
                self._mark(digest)
        if not self._early:
            self._mark(digest)

    def close(self) -> None:
        """Closes the store inside."""
        self._inner.close()


def rows_of(transaction: Transaction) -> Iterator[tuple[str, int, bytes]]:
    """All rows, in the order of names."""
    for name, _ in transaction.list(""):
        row = transaction.get(name)
        if row is not None:
            yield name, *row


def digest_of(rows: Iterable[tuple[str, int, bytes]]) -> str:
    """A digest of rows."""
    digest = sha256()
    for name, revision, sealed in rows:
        digest.update(b"%d %d %d %b" % (len(name), revision, len(sealed), name.encode()))
        digest.update(sealed)
    return digest.hexdigest()


def script(folder: Path, kind: Kind, operations: int, lives: int) -> Callable[[], None]:
    """What the child does: it opens, works and closes, several times."""

    def work() -> None:
        marks = os.open(folder / "marks", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

        def opens(where: Path, name: str) -> Store:
            store = real(where, name)
            connection(store).execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_EVERY}")
            connection(store).execute(f"PRAGMA synchronous = {kind.synchronous}")

            def mark(digest: str) -> None:
                os.write(marks, f"{name} {digest}\n".encode())

            return MarkedStore(store, mark, early=kind.early)

        for life in range(lives):
            party = Party(folder, opens)
            party.recover()
            chance = random.Random(life)  # noqa: S311 - chooses operations, no secrets
            for _ in range(operations):
                party.act(chance)
            party.close()

    return work


def recorded(folder: Path, kind: Kind, operations: int, lives: int) -> list[Event]:
    """The events of a run in an empty folder."""
    log = folder.with_suffix(".log")
    child = Child(script(folder, kind, operations, lives))
    child.trace("-y", "-xx", "-s", "1000000", "-o", str(log), "-e", f"trace={TRACED}")
    child.go()
    if child.wait() != 0:
        raise AssertionError("a child failed whom nobody disturbed")
    with log.open(encoding="ascii") as lines:
        return [event for line in lines for event in events_of(line)]


def events_of(line: str) -> Iterator[Event]:
    """What a line of strace's log says; failed calls changed nothing."""
    match = LINE.match(line)
    if match is None or int(match.group(3)) < 0:
        return
    name, arguments, result = match.group(1), match.group(2), int(match.group(3))
    texts = [bytes.fromhex(text.replace("\\x", "")) for text, _ in TEXT.findall(arguments)]
    if name in {"open", "openat"}:
        if "O_CREAT" in arguments:
            yield Event("create", Path(os.fsdecode(texts[-1])).name)
    elif name in {"unlink", "unlinkat"}:
        yield Event("unlink", Path(os.fsdecode(texts[-1])).name)
    else:
        yield from _event_of_descriptor(name, arguments, result, texts)


def _event_of_descriptor(
    name: str, arguments: str, result: int, texts: list[bytes]
) -> Iterator[Event]:
    match = PLACE.match(arguments)
    assert match is not None, arguments[:80]
    file = Path(os.fsdecode(_unescaped(match.group(2)))).name
    if name in {"fsync", "fdatasync"}:
        yield Event("sync", file)
    elif name == "ftruncate":
        yield Event("truncate", file, int(arguments.rsplit(", ", 1)[1]))
    elif name == "write":
        yield Event("append", file, 0, texts[0])
    elif name == "pwrite64":
        assert result == len(texts[0]), "a short write"
        yield Event("write", file, int(arguments.rsplit(", ", 1)[1]), texts[0])
    else:
        raise AssertionError(name)


def _unescaped(text: str) -> bytes:
    if "\\x" in text:
        return bytes.fromhex(text.replace("\\x", ""))
    return text.encode()
