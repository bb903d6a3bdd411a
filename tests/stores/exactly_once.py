# SPDX-License-Identifier: MIT OR Apache-2.0
"""One of several processes of an application that answers messages, each exactly once.

Run as `python -m tests.stores.exactly_once FOLDER NUMBER FAULT`. It receives what Bob has written,
makes a row of its own and a reply of each message, and posts the replies to a carrier that loses
and repeats. The work is done by a child, which is killed after a while or dies by chance between
any two of its steps; then the next one goes on, until a file `stop` is there.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final, final

import psycopg

import e2ee
from tests.stores.lent import Application, application_of
from tests.stores.protocols import peer_of

#: The longest life of a child, in seconds.
LIFE: Final = 0.8
#: How likely a child dies between two steps, and a carrier loses what it is given.
DEATH, LOSS = 0.02, 0.2
#: What the carrier loses before all else: by chance it could take everything, and nothing would be
#: left to lose.
LOST_FIRST: Final = 10
AT_ONCE: Final = 4
#: What a process lives with: it connects again.
PASSING: Final = (
    e2ee.StoreUnavailableError,
    e2ee.StoreBusyError,
    e2ee.StoreConflictError,
    psycopg.Error,
    sqlite3.OperationalError,
)
NONE: Final = "none"
HANDLED_LATER: Final = "handled in a later transaction"
REMOVED_EARLY: Final = "removed from the outbox before it is posted"
ENCRYPTED_AGAIN: Final = "encrypted again instead of posted again"


class UndoneError(Exception):
    """The application changes its mind."""


def reply_to(text: str) -> str:
    """What is answered to a message."""
    return f"re: {text}"


@final
class Worker:
    """The application's code, perhaps with a fault; a calm one does not die, and loses nothing."""

    def __init__(self, folder: Path, number: str, fault: str, *, calm: bool = False) -> None:
        self._calm = calm
        self._chance = random.Random()  # noqa: S311 - chooses moments, no secrets
        self._fault = fault
        self._folder = folder
        self._incoming = [
            bytes.fromhex(line) for line in (folder / "incoming").read_text().splitlines()
        ]
        # One write for each line: it is there whole, or not at all.
        self._report = (folder / f"report-{number}").open("ab", buffering=0)

    def close(self) -> None:
        """Closes the report."""
        self._report.close()

    def work(self) -> None:
        """Works until it is told to stop."""
        while not (self._folder / "stop").exists():
            try:
                with closing(application_of(self._folder)) as application:
                    account = e2ee.Account.open(application.store())
                    self.tell("begun")
                    while not (self._folder / "stop").exists():
                        self.step(application, account)
            except PASSING as error:
                self.tell("passing", type(error).__name__)
                time.sleep(0.01)
            except Exception as error:
                self.tell("complaint", f"{type(error).__name__}: {error}")
                raise

    def step(self, application: Application, account: e2ee.Account) -> None:
        """One of the things that the application does."""
        self._chance.choice((self._receive, self._handle_waiting, self._post))(application, account)

    def finish(self) -> None:
        """Everything is delivered once more, handled and posted."""
        with closing(application_of(self._folder)) as application:
            account = e2ee.Account.open(application.store())
            for envelope in self._incoming:
                self._receive(application, account, envelope)
            while account.inbox():
                self._handle_waiting(application, account)
            while account.outbox() or self._texts_to_send(application):
                self._post(application, account)

    def _receive(
        self, application: Application, account: e2ee.Account, envelope: bytes | None = None
    ) -> None:
        """A message comes, for the first time or again."""
        try:
            with account.receive(
                peer_of(account), envelope or self._chance.choice(self._incoming)
            ) as message:
                self._die_perhaps()
                # With this fault it stays in the inbox, and is handled below.
                self._change_mind_perhaps(surely=self._fault == HANDLED_LATER)
                self._answer(application, account, message)
                self._change_mind_perhaps()
        except UndoneError:
            pass
        except e2ee.DuplicateMessageError as duplicate:
            if not duplicate.delivered:
                raise

    def _handle_waiting(self, application: Application, account: e2ee.Account) -> None:
        """Messages in the inbox, in transactions of the application's."""
        for message in account.inbox()[:AT_ONCE]:
            application.execute("BEGIN")
            try:
                self._answer(application, account, message)
                if self._fault == HANDLED_LATER:
                    application.execute("COMMIT")
                    self._die_perhaps()
                    account.handled(message)
                else:
                    account.handled(message)
                    self._change_mind_perhaps()
                    self._die_perhaps()
                    application.execute("COMMIT")
            except (UndoneError, e2ee.DuplicateMessageError):
                if application.in_transaction():
                    application.execute("ROLLBACK")

    def _answer(
        self, application: Application, account: e2ee.Account, message: e2ee.Message
    ) -> None:
        """The application's row and the reply."""
        text = message.plaintext.decode()
        application.write(text)
        self._die_perhaps()
        if self._fault == ENCRYPTED_AGAIN:
            application.execute(f"INSERT INTO reply VALUES ('{reply_to(text)}')")
        else:
            account.queue(peer_of(account), reply_to(text).encode())
        self._die_perhaps()

    def _post(self, application: Application, account: e2ee.Account) -> None:
        """What is in the outbox goes to the carrier, and out of the outbox if it was taken."""
        for text in self._texts_to_send(application)[:AT_ONCE]:
            if not self._carry(text, account.encrypt(peer_of(account), text.encode())):
                continue
            self._die_perhaps()
            application.execute(f"DELETE FROM reply WHERE text = '{text}'")
        for outgoing in account.outbox(limit=AT_ONCE):
            self._die_perhaps()
            if self._fault == REMOVED_EARLY:
                account.sent(outgoing)
                self._die_perhaps()
            if self._carry(outgoing.id, outgoing.envelope):
                self._die_perhaps()
                account.sent(outgoing)

    def _texts_to_send(self, application: Application) -> list[str]:
        """With a fault, the application keeps the texts itself."""
        if self._fault != ENCRYPTED_AGAIN:
            return []
        return application.texts("reply")

    def _carry(self, name: str, envelope: e2ee.Envelope) -> bool:
        """The carrier takes bytes, and says so; or loses them, and says nothing."""
        taken = self._calm or not self._is_lost()
        self.tell("taken" if taken else "lost", name, envelope.to_bytes().hex())
        return taken

    def _is_lost(self) -> bool:
        with (self._folder / "lost").open("ab", buffering=0) as lost:
            if lost.tell() >= LOST_FIRST:
                return self._chance.random() < LOSS
            lost.write(b"1")
            return True

    def tell(self, *words: str) -> None:
        """Adds a line to the report."""
        self._report.write(json.dumps(words).encode() + b"\n")

    def _change_mind_perhaps(self, *, surely: bool = False) -> None:
        if surely or (not self._calm and self._chance.random() < LOSS):
            raise UndoneError

    def _die_perhaps(self) -> None:
        if not self._calm and self._chance.random() < DEATH:
            os.kill(os.getpid(), signal.SIGKILL)


def live_and_die(folder: Path, number: str, fault: str) -> bool:
    """One life of a child, which begins with what is on the disk; whether it died."""
    child = os.fork()
    if child == 0:
        try:
            Worker(folder, number, fault).work()
        finally:
            os._exit(0)
    end = time.monotonic() + random.uniform(0, LIFE)  # noqa: S311 - a moment, no secret
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > end and not (folder / "stop").exists():
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)
    return not (folder / "stop").exists()


def main() -> None:
    """One child after the other."""
    folder, number, fault = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    report = Worker(folder, number, fault)
    while not (folder / "stop").exists():
        if live_and_die(folder, number, fault):
            report.tell("death")


if __name__ == "__main__":
    main()
