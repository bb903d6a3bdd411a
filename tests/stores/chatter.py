# SPDX-License-Identifier: MIT OR Apache-2.0
"""One of several processes that use Alice's secret chat at the same time, with several threads.

Run as `python -m tests.stores.chatter FOLDER NUMBER`. Each thread sends its messages to Bob, and
tries to take in everything that Bob sent to Alice; what left it writes into a file of its own.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import e2ee
from e2ee import mtproto
from tests.api.secret_chat_pair import text
from tests.stores.kinds import store_of

if TYPE_CHECKING:
    from collections.abc import Iterable

PROCESSES, THREADS, MESSAGES, INCOMING = 2, 3, 12, 16
#: Seconds to wait for the others; each transaction is on disk before the next one begins.
TIMEOUT = 60.0


def taken_in(chat: mtproto.SecretChat, data: bytes) -> Iterable[mtproto.OutgoingMessage]:
    """Takes in a message of Bob's, unless another thread or process was quicker."""
    try:
        return chat.receive(data).outgoing
    except e2ee.IgnoredMessageError:
        return ()


def work(chat: mtproto.SecretChat, incoming: list[bytes], number: int, report: Path) -> None:
    """What one thread does; each begins with another of Bob's messages."""
    sent: list[mtproto.OutgoingMessage] = []
    for place in range(max(MESSAGES, len(incoming))):
        if place < MESSAGES:
            sent += chat.encrypt(text(number * MESSAGES + place))
        if place < len(incoming):
            sent += taken_in(chat, incoming[(number + place) % len(incoming)])
    rows = [[message.number, message.data.hex()] for message in sent]
    report.write_text(json.dumps(rows), encoding="ascii")


def run(chats: list[mtproto.SecretChats], folder: Path, first: int) -> None:
    """Lets one thread work with each of these."""
    incoming = [bytes.fromhex(line) for line in (folder / "incoming").read_text().split()]
    threads = [
        threading.Thread(
            target=work,
            args=(each.chats()[0], incoming, number, folder / f"report-{number}.json"),
        )
        for number, each in enumerate(chats, first)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Opens the store once, and lets all threads share the chats."""
    folder, number = Path(sys.argv[1]), int(sys.argv[2])
    store = store_of(folder, "alice", TIMEOUT)
    run([mtproto.SecretChats.open(store)] * THREADS, folder, number * THREADS)
    store.close()


if __name__ == "__main__":
    main()
