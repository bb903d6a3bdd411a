# SPDX-License-Identifier: MIT OR Apache-2.0
"""Four processes with eight workers each on one account in a database (P8 in docs/threats.md).

Meanwhile connections are ended and processes killed, at moments that chance chooses. Nothing is
lost or doubled, no key is used twice, and no two workers wait for each other. Five seconds in the
normal run, sixty with the profile `assurance`. Planted faults must be found.
"""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import pytest

import e2ee
from tests.hygiene.tree import ROOT
from tests.properties import wire
from tests.stores.fleet import PEERS, PROCESSES
from tests.stores.kinds import CONNINFO, KEY, store_of
from tests.stores.protocols import Protocol, speak, spoken_in
from tests.stores.server import Server, server

SECONDS, ASSURANCE_SECONDS, CONTROL_SECONDS = 5.0, 60.0, 2.0
#: Messages of each peer to Alice; more than are received in the time.
INCOMING, ASSURANCE_INCOMING = 60, 600
#: Seconds between two ends of a connection, and between two kills, on average.
CUT_EVERY, KILL_EVERY = 0.05, 1.5
PATIENCE = 120
#: So many messages of all peers come in any order.
LATE = 1_000


@final
@dataclass(slots=True)
class Fleet:
    """The processes, where they work, and what they have reported in the end."""

    folder: Path
    running: Server
    database: str
    fault: str = "none"
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    cuts: int = 0
    kills: int = 0
    reports: list[list[str]] = field(default_factory=list)

    def start(self, number: int) -> subprocess.Popen[bytes]:
        """Starts a process."""
        command = [sys.executable, "-m", "tests.stores.fleet"]
        return subprocess.Popen([*command, str(self.folder), str(number), self.fault], cwd=ROOT)

    def work(self, seconds: float, chance: random.Random, *, disturbed: bool) -> None:
        """Lets all processes work, while connections and processes end."""
        self.processes = [self.start(number) for number in range(PROCESSES)]
        started = time.monotonic()
        while not self.has_begun():
            assert time.monotonic() < started + PATIENCE, "the processes do nothing"
            time.sleep(0.02)
        end = time.monotonic() + seconds
        next_kill = time.monotonic() + KILL_EVERY
        while time.monotonic() < end:
            time.sleep(chance.uniform(0, 2 * CUT_EVERY))
            if disturbed:
                self.cut(chance)
            if disturbed and time.monotonic() > next_kill:
                self.kill(chance.randrange(PROCESSES))
                next_kill = time.monotonic() + chance.uniform(0, 2 * KILL_EVERY)
        (self.folder / "stop").touch()
        for process in self.processes:
            assert process.wait(PATIENCE) == 0
        for path in self.folder.glob("report-*"):
            whole = path.read_bytes()
            lines = whole[: whole.rfind(b"\n") + 1].splitlines()
            self.reports += [json.loads(line) for line in lines]

    def has_begun(self) -> bool:
        """Whether every process has done something."""
        numbers = {path.name.split("-")[1] for path in self.folder.glob("report-*")}
        return len(numbers) == PROCESSES

    def cut(self, chance: random.Random) -> None:
        """Ends the connection of somebody."""
        pids = self.running.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s", self.database
        )
        if pids:
            self.running.execute("SELECT pg_terminate_backend(%s)", chance.choice(pids)[0])
            self.cuts += 1

    def kill(self, number: int) -> None:
        """Kills a process, and starts another one in its place."""
        self.processes[number].kill()
        self.processes[number].wait()
        self.processes[number] = self.start(number)
        self.kills += 1

    def told(self, what: str) -> list[list[str]]:
        """What the workers reported of one kind."""
        return [words for kind, *words in self.reports if kind == what]


@final
@dataclass(slots=True)
class Verdict:
    """What must be nothing at all; `done` says how much was tried."""

    done: dict[str, int]
    lost: list[str]
    doubled: list[str]
    keys_twice: list[object]
    deadlocks: int
    complaints: list[str]

    def holds(self) -> bool:
        """Whether everything is as promised."""
        faults = (self.lost, self.doubled, self.keys_twice, self.deadlocks, self.complaints)
        return not any(faults)


def prepared(
    folder: Path, protocol: Protocol, incoming: int
) -> tuple[Fleet, dict[str, e2ee.Account]]:
    """Alice's account in a database of its own, and peers who have written to her."""
    running = server()
    database = running.new_database()
    (folder / CONNINFO).write_text(running.to(database))
    speak(folder, protocol)
    peers = {name: protocol.created(e2ee.MemoryStore(key=KEY), name) for name in PEERS}
    letters = []
    with closing(store_of(folder, "alice")) as store:
        alice = protocol.created(store, "alice")
        for name, peer in peers.items():
            alice.connect(peer.address, peer.bundle())
            peer.decrypt(alice.address, alice.encrypt(peer.address, b"Hello."))
            alice.decrypt(peer.address, peer.encrypt(alice.address, b"Hello."))
            for number in range(incoming):
                envelope = peer.encrypt(alice.address, f"{name} {number}".encode())
                letters.append(json.dumps([name, envelope.to_bytes().hex()]))
    (folder / "incoming").write_text("\n".join(letters))
    return Fleet(folder, running, database), peers


def carried(sent: list[tuple[str, str, bytes]]) -> list[tuple[str, str, bytes]]:
    """What was sent, as a carrier brings it that repeats nothing and is late by far.

    The reports are read process by process. On a quick machine that alone would bring messages
    later than a recipient keeps keys for (2,000 in a chain), so they are put into the order of
    their keys, and then mixed by the thousand.
    """

    def place(message: tuple[str, str, bytes]) -> tuple[int, int, int]:
        header = wire.header(message[2])
        return header.pq_epoch, header.pq_index, header.index

    ordered, chance = sorted(sent, key=place), random.Random(2)  # noqa: S311 - an order
    blocks = [ordered[at : at + LATE] for at in range(0, len(ordered), LATE)]
    for block in blocks:
        chance.shuffle(block)
    return [message for block in blocks for message in block]


def judged(fleet: Fleet, peers: dict[str, e2ee.Account]) -> Verdict:
    """What has become of every message."""
    sent = carried(
        [(peer, text, bytes.fromhex(envelope)) for peer, text, envelope in fleet.told("sent")]
    )
    lost, doubled = [], []
    alice = spoken_in(fleet.folder).address("alice")
    for peer, text, envelope in sent:
        try:
            if peers[peer].decrypt(alice, envelope).plaintext != text.encode():
                lost.append(text)
        except e2ee.E2EEError as refusal:
            lost.append(f"{text}: {type(refusal).__name__}")
    keys = Counter(
        (peer, header.ratchet_key, header.index)
        for peer, _, envelope in sent
        for header in [wire.header(envelope)]
    )
    shown = fleet.told("shown")
    places: dict[str, set[str]] = {}
    for _, text, place in shown:
        places.setdefault(text, set()).add(place)
    doubled += [text for text, found in places.items() if len(found) > 1]
    doubled += [text for text, times in Counter(text for _, text, _ in sent).items() if times > 1]
    lost += unread(fleet, set(places))
    deadlocks = fleet.running.execute(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = %s", fleet.database
    )
    done = {what: len(fleet.told(what)) for what in ("sent", "shown", "unknown", "passing")}
    return Verdict(
        done | {"cuts": fleet.cuts, "kills": fleet.kills},
        lost,
        doubled,
        [key for key, times in keys.items() if times > 1],
        deadlocks[0][0],
        [text for (text,) in fleet.told("complaint")],
    )


def unread(fleet: Fleet, shown: set[str]) -> list[str]:
    """The incoming messages that were never shown, and cannot be had now either."""
    lost = []
    with closing(store_of(fleet.folder, "alice", PATIENCE)) as store:
        alice, protocol = e2ee.Account.open(store), spoken_in(fleet.folder)
        for line in (fleet.folder / "incoming").read_text().splitlines():
            sender, envelope = json.loads(line)
            try:
                with alice.receive(protocol.address(sender), bytes.fromhex(envelope)) as message:
                    shown.add(message.plaintext.decode())
            except e2ee.E2EEError as refusal:
                if getattr(refusal, "delivered", False) is not True:
                    lost.append(type(refusal).__name__)
        lost += [f"waits: {message.plaintext!r}" for message in alice.inbox()]
        incoming = (fleet.folder / "incoming").read_text().count("\n") + 1
    return lost + ["never shown"] * (incoming - len(shown))


@pytest.mark.slow
def test_a_fleet_loses_doubles_and_repeats_nothing(
    tmp_path: Path, protocol: Protocol, pytestconfig: pytest.Config
) -> None:
    assured = pytestconfig.getoption("--hypothesis-profile") == "assurance"
    fleet, peers = prepared(tmp_path, protocol, ASSURANCE_INCOMING if assured else INCOMING)

    fleet.work(
        ASSURANCE_SECONDS if assured else SECONDS,
        random.Random(1),  # noqa: S311 - chooses moments, no secrets
        disturbed=True,
    )
    verdict = judged(fleet, peers)

    sys.stdout.write(f"\nfleet: {verdict.done}\n")
    assert verdict.holds(), verdict
    assert min(verdict.done[what] for what in ("sent", "shown", "cuts")) > 20
    assert verdict.done["kills"] > 0
    assert verdict.done["passing"] + verdict.done["unknown"] > 0


@pytest.mark.slow
def test_without_locks_the_revisions_still_hold(tmp_path: Path, protocol: Protocol) -> None:
    fleet, peers = prepared(tmp_path, protocol, INCOMING)
    fleet.fault = "no locks"

    fleet.work(CONTROL_SECONDS, random.Random(2), disturbed=False)  # noqa: S311 - as above
    verdict = judged(fleet, peers)

    assert (verdict.lost, verdict.doubled, verdict.keys_twice) == ([], [], [])


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["no locks and no revisions", "no commit"])
def test_a_planted_fault_is_found(tmp_path: Path, protocol: Protocol, fault: str) -> None:
    fleet, peers = prepared(tmp_path, protocol, INCOMING)
    fleet.fault = fault

    fleet.work(CONTROL_SECONDS, random.Random(3), disturbed=False)  # noqa: S311 - as above
    verdict = judged(fleet, peers)

    assert not verdict.holds()
    assert verdict.keys_twice
