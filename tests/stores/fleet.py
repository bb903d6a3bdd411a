# SPDX-License-Identifier: MIT OR Apache-2.0
"""One of several processes that serve Alice's account in a database, each with several workers.

Run as `python -m tests.stores.fleet FOLDER NUMBER FAULT`. Each worker sends to peers whom it
chooses by chance, and receives what the peers have sent; what leaves and what is shown it writes
into a file of its own. It never ends by itself: it is told to by a file `stop`, or killed.
"""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import e2ee
from e2ee.store import Store, _postgres_commit
from e2ee.store._postgres_locks import Locks
from e2ee.store._postgres_transaction import Statements
from tests.assurance.ledger import BLOCK
from tests.stores.kinds import store_of
from tests.stores.protocols import spoken_in

PROCESSES, WORKERS = 4, 8
PEERS = ("bob", "carol", "dave", "erin")
#: Seconds to wait for the others.
TIMEOUT = 60.0
#: What a worker lives with: it tries again.
PASSING = (e2ee.StoreUnavailableError, e2ee.StoreBusyError)


@final
class Report:
    """A file with a line for each thing that a worker saw; a line that was cut off never was."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def add(self, what: str, *words: str) -> None:
        """Adds a line, in one piece."""
        self._file.write(json.dumps([what, *words]).encode() + b"\n")


@final
class Worker:
    """One thread: its own chance, its own report, and the account that all of them share."""

    def __init__(self, account: e2ee.Account, folder: Path, name: str) -> None:
        self._account = account
        self._protocol = spoken_in(folder)
        self._chance = random.Random(name)  # noqa: S311 - chooses whom to write to, no secrets
        self._folder = folder
        self._name = name
        self._report = Report(folder / f"report-{name}")
        self._sent = 0

    def run(self) -> None:
        """Works until it is told to stop; what must not happen is reported, and ends it."""
        incoming = [json.loads(line) for line in (self._folder / "incoming").open()]
        self._chance.shuffle(incoming)
        while not (self._folder / "stop").exists():
            sender, envelope = incoming.pop() if incoming else ("", "")
            acts: list[Callable[[], None]] = [self._send]
            if sender:
                acts.append(lambda s=sender, e=envelope: self._receive(s, bytes.fromhex(e)))  # type: ignore[misc]
            for act in acts:
                try:
                    self._until_done(act)
                except Exception as error:  # noqa: BLE001 - reported, whatever it is
                    self._report.add("complaint", f"{type(error).__name__}: {error}")
                    return

    def _until_done(self, act: Callable[[], None]) -> None:
        while True:
            try:
                return act()
            except e2ee.StoreOutcomeUnknownError:
                self._report.add("unknown")
            except PASSING:
                self._report.add("passing")
            time.sleep(0.002)

    def _send(self) -> None:
        peer, self._sent = self._chance.choice(PEERS), self._sent + 1
        text = f"{BLOCK.decode()}{self._name} {os.getpid()} {self._sent}"
        envelope = self._account.encrypt(self._protocol.address(peer), text.encode())
        self._report.add("sent", peer, text, envelope.to_bytes().hex())

    def _receive(self, sender: str, envelope: bytes) -> None:
        try:
            with self._account.receive(self._protocol.address(sender), envelope) as message:
                text, place = message.plaintext.decode(), message.inbox_id or ""
                self._report.add("shown", sender, text, place)
        except e2ee.DuplicateMessageError as duplicate:
            if not duplicate.delivered:
                raise


def without_locks() -> None:
    """A planted fault: nobody waits for anybody."""
    begin = Locks.beside

    def beside(locks: Locks, own: str) -> bytes:
        return begin(locks, own).replace(b"SELECT pg_advisory_xact_lock(", b"SELECT abs(")

    Locks.beside = beside  # type: ignore[method-assign, assignment]


def without_revisions() -> None:
    """A planted fault: whatever revision is found is overwritten."""
    make = Statements.__init__

    def made(statements: Statements, *words: str) -> None:
        make(statements, *words)
        statements.update = statements.update.replace(b"revision = %s", b"%s > 0").replace(
            b"SET %s > 0", b"SET revision = %s"
        )

    Statements.__init__ = made  # type: ignore[method-assign, assignment]


def without_waiting() -> None:
    """A planted fault: the result leaves although the commit failed."""
    commit: Any = _postgres_commit.commit

    def hopeful(link: Any) -> None:  # noqa: ANN401 - passed through
        if random.random() < 0.05:  # noqa: S311 - now and then
            link.execute("ROLLBACK")
        else:
            commit(link)

    _postgres_commit.commit = hopeful


FAULTS: dict[str, tuple[Callable[[], None], ...]] = {
    "none": (),
    "no locks": (without_locks,),
    "no locks and no revisions": (without_locks, without_revisions),
    "no commit": (without_waiting,),
}


def opened(folder: Path) -> tuple[Store, e2ee.Account]:
    """The account, as soon as a connection lives long enough."""
    while True:
        try:
            store = store_of(folder, "alice", TIMEOUT)
            return store, e2ee.Account.open(store)
        except PASSING:
            time.sleep(0.01)


def main() -> None:
    """Opens the account once, and lets all workers share it."""
    folder, number, fault = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    for plant in FAULTS[fault]:
        plant()
    store, account = opened(folder)
    names = [f"{number}-{worker}" for worker in range(WORKERS)]
    threads = [threading.Thread(target=Worker(account, folder, name).run) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()


if __name__ == "__main__":
    main()
