# SPDX-License-Identifier: MIT OR Apache-2.0
"""The process of one account: it reads commands, and answers with what happened.

It may be killed at any moment. Everything that must survive is in its store and its journal.
"""

import contextlib
import faulthandler
import hashlib
import json
import os
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import IO, Final, final

from e2ee import Account, Address, E2EEError, Message, SQLiteStore
from e2ee.demo.frames import Frame
from e2ee.demo.items import Acknowledgement, Content, Item, Stream, decode
from e2ee.demo.journal import Journal
from e2ee.demo.outgoing import Outgoing
from e2ee.demo.plan import CHUNK_LEN


@final
class Party:
    """An account, and the application around it."""

    __slots__ = (
        "_account",
        "_arrived",
        "_file",
        "_has_news",
        "_journal",
        "_outgoing",
        "_output",
        "_peer",
        "_recent",
    )

    def __init__(self, opening: Frame, output: IO[bytes]) -> None:
        user, folder = opening.text("user"), Path(opening.text("folder"))
        self._peer = opening.text("peer")
        self._output = output
        store = SQLiteStore(folder / f"{user}.db", key=opening.payload)
        is_new = opening.number("new") == 1
        self._account = Account.create(store, user) if is_new else Account.open(store)
        self._journal = Journal(folder / f"{user}.journal")
        self._arrived = self._journal.arrived()
        self._outgoing = Outgoing(user, self._journal.acknowledged())
        #: Named in each acknowledgement, because acknowledgements get lost, too.
        self._recent: deque[Item] = deque(maxlen=RECENT)
        self._has_news = False
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._file = os.open(folder / f"{user}.received", flags, 0o600)

    def take_up_inbox(self) -> int:
        """Handles what waits since before a crash."""
        waiting = self._account.inbox()
        for message in waiting:
            self._handle(message)
            self._account.handled(message)
        return len(waiting)

    def bundle(self, _: Frame) -> Frame:
        """Makes a bundle."""
        return Frame("bundle", payload=self._account.bundle().to_bytes())

    def connect(self, command: Frame) -> Frame:
        """Starts a session from a bundle."""
        self._account.connect(self._peer, command.payload)
        return Frame("connected")

    def owe(self, command: Frame) -> Frame:
        """Learns how many texts or chunks to send in all."""
        if "file" in command.values:
            self._outgoing.take_file(Path(command.text("file")))
        self._outgoing.owe(Stream(command.number("stream")), command.number("count"))
        return Frame("owing")

    def deliver(self, command: Frame) -> Frame:
        """Opens an envelope."""
        sender = command.text("sender") if "sender" in command.values else self._peer
        started = time.perf_counter_ns()
        with self._account.receive(sender, command.payload) as message:
            opened = time.perf_counter_ns()
            again = self._handle(message)
            handled = time.perf_counter_ns()
        nanoseconds = opened - started + time.perf_counter_ns() - handled
        values: dict[str, str | int] = {
            "nanoseconds": nanoseconds,
            "digest": hashlib.sha256(message.plaintext).hexdigest(),
            "again": int(again),
        }
        return Frame("opened", values)

    def send(self, command: Frame) -> Frame:
        """Encrypts what is owed, and an acknowledgement if something arrived."""
        if self._account.contacts():
            for content in self._outgoing.next_turn(command.number("limit")):
                self._encrypt(content.item.stream.name.lower(), content.encode()).write(
                    self._output
                )
            if self._has_news:
                plaintext = Acknowledgement(frozenset(self._recent)).encode()
                self._has_news = False
                self._encrypt("acknowledgement", plaintext).write(self._output)
        return Frame("sent", {"owed": self._outgoing.owed(), "arrived": len(self._arrived)})

    def status(self, _: Frame) -> Frame:
        """Says where the account stands, from the disk."""
        epochs = [contact.pq_epoch or 0 for contact in self._account.contacts()]
        known: dict[str, list[tuple[int, int]]] = {
            "arrived": _packed(self._journal.arrived()),
            "acknowledged": _packed(self._outgoing.acknowledged()),
        }
        values: dict[str, str | int] = {
            "epoch": max(epochs, default=0),
            "owed": self._outgoing.owed(),
            "waiting": len(self._account.inbox()),
        }
        return Frame("status", values, json.dumps(known).encode())

    def _encrypt(self, what: str, plaintext: bytes) -> Frame:
        started = time.perf_counter_ns()
        envelope = self._account.encrypt(self._peer, plaintext).to_bytes()
        nanoseconds = time.perf_counter_ns() - started
        digest = hashlib.sha256(plaintext).hexdigest()
        values: dict[str, str | int] = {
            "what": what,
            "plaintext": len(plaintext),
            "digest": digest,
            "nanoseconds": nanoseconds,
        }
        return Frame("envelope", values, envelope)

    def _handle(self, message: Message) -> bool:
        """Does what a message asks for, durably; true if it was done before."""
        if message.sender != Address(self._peer):
            raise ValueError(message.sender)
        match decode(message.plaintext):
            case Acknowledgement(items):
                if news := self._outgoing.confirm(items):
                    self._journal.add_acknowledged(news)
                return not news
            case Content(item, body):
                return not self._take(item, body)

    def _take(self, item: Item, body: bytes) -> bool:
        self._recent.append(item)
        self._has_news = True
        if item in self._arrived:
            return False
        if item.stream is Stream.CHUNK:
            os.lseek(self._file, item.index * CHUNK_LEN, os.SEEK_SET)
            _write_all(self._file, body)
            os.fsync(self._file)
        is_new = self._journal.add_arrived(item)
        self._arrived.add(item)
        return is_new


def serve(source: IO[bytes], output: IO[bytes]) -> None:
    """Answers commands until there are no more, or none comes for too long."""
    faulthandler.dump_traceback_later(LONGEST_SILENCE_SECONDS, exit=True)
    opening = Frame.read(source)
    if opening is None:
        return
    party = Party(opening, output)
    Frame("ready", {"waiting": party.take_up_inbox()}).write(output)
    answers = {
        "bundle": party.bundle,
        "connect": party.connect,
        "owe": party.owe,
        "deliver": party.deliver,
        "send": party.send,
        "status": party.status,
    }
    while (command := Frame.read(source)) is not None:
        faulthandler.dump_traceback_later(LONGEST_SILENCE_SECONDS, exit=True)
        try:
            answer = answers[command.verb](command)
        except E2EEError as error:
            answer = Frame("refused", {"error": type(error).__name__})
        answer.write(output)


def _packed(items: set[Item]) -> list[tuple[int, int]]:
    return [(int(item.stream), item.index) for item in sorted(items)]


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


#: Items that an acknowledgement names: those of the last few turns.
RECENT: Final = 128
#: A process that stands still for so long ends and says where, so that the demo ends, too.
LONGEST_SILENCE_SECONDS: Final = 120
USAGE: Final = "this is a part of 'e2ee demo', which starts it"

if __name__ == "__main__":
    if sys.stdin.isatty():
        sys.exit(USAGE)
    # The demo that started this process decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
