# SPDX-License-Identifier: MIT OR Apache-2.0
"""One of several processes that use Alice's store at the same time, each with several threads.

Run as `python -m tests.stores.writer FOLDER NUMBER`. Each thread sends its messages to Bob, and
tries to open everything that Bob sent to Alice; both it writes into a file of its own.
"""

import json
import sys
import threading
from pathlib import Path

import e2ee
from tests.stores.kinds import store_of
from tests.stores.protocols import peer_of

PROCESSES, THREADS, MESSAGES, INCOMING = 2, 4, 25, 60
#: Seconds to wait for the others; each transaction is on disk before the next one begins.
TIMEOUT = 60.0


def repeated(account: e2ee.Account, envelope: bytes) -> bytes | None:
    """Opens an envelope of Bob's; `None` if another thread or process was quicker."""
    try:
        return account.decrypt(peer_of(account), envelope).plaintext
    except e2ee.DuplicateMessageError:
        return None


def work(account: e2ee.Account, incoming: list[bytes], name: str, report: Path) -> None:
    """What one thread does; each begins with another of Bob's messages."""
    start = sum(name.encode()) % len(incoming)
    sent, opened = [], []
    for number in range(max(MESSAGES, len(incoming))):
        if number < MESSAGES:
            text = f"{name} {number}"
            sent.append([text, account.encrypt(peer_of(account), text.encode()).to_bytes().hex()])
        if number < len(incoming):
            plaintext = repeated(account, incoming[(start + number) % len(incoming)])
            opened += [] if plaintext is None else [plaintext.decode()]
    report.write_text(json.dumps({"sent": sent, "opened": opened}), encoding="ascii")


def main() -> None:
    """Opens the file once, and lets all threads share the account."""
    folder, number = Path(sys.argv[1]), sys.argv[2]
    incoming = [bytes.fromhex(line) for line in (folder / "incoming").read_text().split()]
    store = store_of(folder, "alice", TIMEOUT)
    account = e2ee.Account.open(store)
    threads = [
        threading.Thread(
            target=work, args=(account, incoming, name, folder / f"report-{name}.json")
        )
        for name in (f"{number}-{thread}" for thread in range(THREADS))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()


if __name__ == "__main__":
    main()
