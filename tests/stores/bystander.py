# SPDX-License-Identifier: MIT OR Apache-2.0
"""A process that has Alice's store open while another one changes its key.

Run as `python -m tests.stores.bystander FOLDER NAME`. It sends to Bob and opens what he sent, and
says `ready` when it has begun; what leaves it stands in a journal. When it is refused, it writes
down how, and ends.
"""

import sys
from contextlib import suppress
from pathlib import Path

import e2ee
from tests.stores.journal import Journal
from tests.stores.kinds import store_of
from tests.stores.protocols import peer_of


def main() -> None:
    """Goes on until it is refused."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    sent, opened = Journal(folder / f"sent-{name}"), Journal(folder / f"opened-{name}")
    incoming = [bytes.fromhex(line) for line in (folder / "incoming").read_text().split()]
    store = store_of(folder, "alice", 30)
    account = e2ee.Account.open(store)
    bob = peer_of(account)
    try:
        for number in range(sys.maxsize):
            sent.add(
                account.encrypt(peer_of(account), f"{name} {number}".encode()).to_bytes().hex()
            )
            if incoming:
                with suppress(e2ee.DuplicateMessageError):
                    opened.add(account.decrypt(bob, incoming.pop(0)).plaintext.hex())
            if number == 1:
                sys.stdout.write("ready\n")
                sys.stdout.flush()
    except e2ee.E2EEError as refusal:
        (folder / f"refused-{name}").write_text(f"{type(refusal).__name__}: {refusal}")
    store.close()


if __name__ == "__main__":
    main()
