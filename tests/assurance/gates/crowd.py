# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gate: four processes with sixteen threads each work on one file, with several peers.

Each thread sends to peers that it chooses by chance, and tries to receive everything that the
peers have sent, which all others try too. A watchdog ends what stands still.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, final

import e2ee
from tests.assurance import planted
from tests.assurance.children import Child, workshop
from tests.assurance.gate import Control, Gate, Profile, Result, until_found
from tests.assurance.ledger import BLOCK, Ledger
from tests.assurance.party import OpensStores
from tests.properties import wire
from tests.stores.fleet import PEERS, TIMEOUT, Worker
from tests.stores.kinds import store_of
from tests.stores.protocols import Protocol, speak

PROCESSES, THREADS, CONTROL_THREADS = 4, 16, 4
SECONDS, SHORT_SECONDS, CONTROL_SECONDS = 60, 3, 2
#: Messages of each peer; all of them may be late at once.
INCOMING, SHORT_INCOMING = 1_500, 60
#: Seconds without anything new in any report.
STILL: Final = 30
LOST, DOUBLED, TWICE = "messages lost", "messages doubled", "message keys used twice"
STANDSTILL, COMPLAINTS = "deadlocks", "errors that nobody may meet"


@final
@dataclass(slots=True)
class Crowd:
    """The folder that all work in, the peers, and what was found."""

    folder: Path
    protocol: Protocol
    peers: dict[str, e2ee.Account] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    counts: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(
        default_factory=lambda: Counter(
            dict.fromkeys((LOST, DOUBLED, TWICE, STANDSTILL, COMPLAINTS), 0)
        )
    )
    complaints: list[str] = field(default_factory=list)

    def prepare(self, incoming: int) -> None:
        """Alice, whom all peers have written to."""
        speak(self.folder, self.protocol)
        letters = []
        with closing(store_of(self.folder, "alice")) as store:
            alice = self.protocol.created(store, "alice")
            for name in PEERS:
                peer = self.peers[name] = self.protocol.created(e2ee.MemoryStore(), name)
                alice.connect(peer.address, peer.bundle())
                peer.decrypt(alice.address, alice.encrypt(peer.address, BLOCK))
                alice.decrypt(peer.address, peer.encrypt(alice.address, BLOCK))
                for number in range(incoming):
                    text = BLOCK + f"{name} {number}".encode()
                    envelope = peer.encrypt(alice.address, text).to_bytes()
                    self.ledger.note(envelope)
                    letters.append(json.dumps([name, envelope.hex()]))
        (self.folder / "incoming").write_text("\n".join(letters))

    def work(self, seconds: int, threads: int, opens: OpensStores) -> None:
        """Lets all processes work for so long."""
        children = [Child(self.life(number, threads, opens)) for number in range(PROCESSES)]
        for child in children:
            child.go()
        end, size, moved = time.monotonic() + seconds, -1, time.monotonic()
        waiting = list(children)
        while waiting:
            time.sleep(0.05)
            now = time.monotonic()
            if now > end:
                (self.folder / "stop").touch()
            waiting = [child for child in waiting if not child.has_ended()]
            grown = sum(path.stat().st_size for path in self.folder.glob("report-*"))
            if grown != size:
                size, moved = grown, now
            elif now > moved + STILL:
                self.found[STANDSTILL] += 1
                for child in waiting:
                    child.kill()
                    child.wait()
                break

    def life(self, number: int, threads: int, opens: OpensStores) -> Callable[[], None]:
        """What one process does."""

        def live() -> None:
            with closing(opens(self.folder, "alice")) as store:
                account = e2ee.Account.open(store)
                workers = [
                    threading.Thread(target=Worker(account, self.folder, f"{number}-{at}").run)
                    for at in range(threads)
                ]
                for worker in workers:
                    worker.start()
                for worker in workers:
                    worker.join()

        return live

    def judge(self) -> None:
        """What has become of every message."""
        reports = [
            json.loads(line)
            for path in self.folder.glob("report-*")
            for line in path.read_bytes().splitlines()
        ]
        told = {
            what: [words for kind, *words in reports if kind == what]
            for what in ("sent", "shown", "passing", "complaint")
        }
        self.counts.update({what: len(lines) for what, lines in told.items()})
        self.complaints = [text for (text,) in told["complaint"][:3]]
        self.found[COMPLAINTS] += len(told["complaint"])
        self.arrive([(peer, text, bytes.fromhex(made)) for peer, text, made in told["sent"]])
        places: dict[str, set[str]] = {}
        for _, text, place in told["shown"]:
            places.setdefault(text, set()).add(place)
        self.found[DOUBLED] += sum(len(found) > 1 for found in places.values())
        self.read_on(set(places))

    def arrive(self, sent: list[tuple[str, str, bytes]]) -> None:
        """The peers read what was sent, in the order of its chains."""
        alice = self.protocol.address("alice")
        self.found[TWICE] += self.ledger.note_all(envelope for _, _, envelope in sent)
        for peer, text, envelope in sorted(sent, key=lambda each: wire.header(each[2]).index):
            try:
                arrived = self.peers[peer].decrypt(alice, envelope).plaintext
                self.found[LOST] += arrived != text.encode()
            except e2ee.E2EEError:
                self.found[LOST] += 1
        self.found[DOUBLED] += len(sent) - len({text for _, text, _ in sent})

    def read_on(self, shown: set[str]) -> None:
        """Alice reads what nobody had come to; then all must have been shown, and nothing waits."""
        lines = (self.folder / "incoming").read_text().splitlines()
        with closing(store_of(self.folder, "alice", TIMEOUT)) as store:
            alice = e2ee.Account.open(store)
            for sender, envelope in map(json.loads, lines):
                try:
                    peer = self.protocol.address(sender)
                    with alice.receive(peer, bytes.fromhex(envelope)) as message:
                        shown.add(message.plaintext.decode())
                except e2ee.E2EEError as refusal:
                    self.found[LOST] += getattr(refusal, "delivered", False) is not True
            self.found[LOST] += len(alice.inbox())
        self.found[LOST] += len(lines) - len(shown)


class Scale(NamedTuple):
    """How long a crowd works, with how many threads in each process, and messages of each peer."""

    seconds: int
    threads: int
    incoming: int


def run(profile: Profile) -> Result:
    """Lets the crowd work."""
    scale = Scale(
        profile.choose(short=SHORT_SECONDS, full=SECONDS),
        THREADS,
        profile.choose(short=SHORT_INCOMING, full=INCOMING),
    )
    return worked(profile, scale, lambda where, name: store_of(where, name, TIMEOUT))


def controlled(opens: OpensStores) -> Callable[[Profile], Result]:
    """The gate over a store with a planted fault."""
    scale = Scale(CONTROL_SECONDS, CONTROL_THREADS, SHORT_INCOMING)
    return until_found(lambda profile: worked(profile, scale, opens))


def worked(profile: Profile, scale: Scale, opens: OpensStores) -> Result:
    """Lets a crowd work for so long, and looks."""
    with workshop() as folder:
        crowd = Crowd(folder, profile.protocol)
        crowd.prepare(scale.incoming)
        crowd.work(scale.seconds, scale.threads, opens)
        try:
            crowd.judge()
        except e2ee.E2EEError as refusal:
            crowd.found[COMPLAINTS] += 1
            crowd.complaints.append(repr(refusal))
    counts = {
        "processes": PROCESSES,
        "threads in each": scale.threads,
        "seconds": scale.seconds,
        "messages sent": crowd.counts["sent"],
        "messages shown": crowd.counts["shown"],
        "calls that were repeated": crowd.counts["passing"],
    }
    return Result(counts, crowd.found, tuple(crowd.complaints), crowd.ledger)


GATE: Final = Gate(
    "crowd",
    "threads and processes work on one file at the same time",
    run,
    (
        Control("a store without locks and revisions", controlled(planted.blind)),
        Control("a store that loses a transaction now and then", controlled(planted.forgetful)),
        Control(
            "a store that compares no rows with sessions at rest", controlled(planted.trusting)
        ),
    ),
    alone=True,
)
