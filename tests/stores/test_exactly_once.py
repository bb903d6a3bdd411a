# SPDX-License-Identifier: MIT OR Apache-2.0
"""An application beside its account, killed at any time: each message one row and one reply (P8).

Three processes work on one file or database, die, and are killed; connections to the database are
cut. Some dozen deaths in the normal run, thousands with the profile `assurance`. Planted faults
must be found.
"""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import pytest

import e2ee
from tests.hygiene.tree import ROOT
from tests.properties import wire
from tests.stores.exactly_once import (
    ENCRYPTED_AGAIN,
    HANDLED_LATER,
    NONE,
    REMOVED_EARLY,
    Worker,
    reply_to,
)
from tests.stores.kinds import CONNINFO, kind_name
from tests.stores.lent import (
    LENDING,
    Application,
    Desk,
    application_of,
    beside_a_database,
    beside_a_file,
    desk_with,
)
from tests.stores.protocols import OLM, SIGNAL, Protocol, peer_of
from tests.stores.server import server

PROCESSES = 3
DEATHS, ASSURANCE_DEATHS = 30, 3_000
#: In so many a planted fault must show.
OFFICES = 4
MESSAGES, ASSURANCE_MESSAGES = 60, 600
#: Seconds between two cuts, on average.
CUT_EVERY = 0.3
PATIENCE = 60
#: What the carrier loses at least.
LOST = 5


@final
@dataclass(slots=True)
class Office:
    """The processes, where they work, and what is known of them."""

    folder: Path
    desk: Desk
    messages: list[str]
    database: str | None
    fault: str
    done: Counter[str] = field(default_factory=Counter)

    def work(self, deaths: int, chance: random.Random) -> None:
        """Lets processes work until so many have died; then everything is delivered."""
        command = [sys.executable, "-m", "tests.stores.exactly_once", str(self.folder)]
        processes = [
            subprocess.Popen([*command, str(number), self.fault], cwd=ROOT)
            for number in range(PROCESSES)
        ]
        latest = time.monotonic() + PATIENCE + deaths
        while not self._is_enough(deaths):
            assert time.monotonic() < latest, "it takes too long"
            time.sleep(chance.uniform(0, 2 * CUT_EVERY))
            assert all(process.poll() is None for process in processes)
            if self.database is not None:
                self._cut(chance)
        (self.folder / "stop").touch()
        for process in processes:
            assert process.wait(PATIENCE) == 0
        with closing(Worker(self.folder, "last", self.fault, calm=True)) as last:
            last.finish()

    def _is_enough(self, deaths: int) -> bool:
        """Whether so many have died, and the carrier has lost something too."""
        seen = Counter(what for what, *_ in self.reports())
        return seen["death"] >= deaths and seen["lost"] > LOST

    def _cut(self, chance: random.Random) -> None:
        """Ends the connection of somebody."""
        running = server()
        pids = running.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", self.database)
        if pids:
            running.execute("SELECT pg_terminate_backend(%s)", chance.choice(pids)[0])
            self.done["cut"] += 1

    def reports(self) -> Iterator[list[str]]:
        """What the processes told; a line that was cut off never was."""
        for path in sorted(self.folder.glob("report-*")):
            whole = path.read_bytes()
            for line in whole[: whole.rfind(b"\n") + 1].splitlines():
                yield json.loads(line)


@final
@dataclass(slots=True)
class Verdict:
    """What must be nothing at all; `done` says how much was tried."""

    done: Counter[str]
    rows_not_one: dict[str, int] = field(default_factory=dict)
    replies_not_one: dict[str, int] = field(default_factory=dict)
    other_bytes: list[str] = field(default_factory=list)
    keys_twice: int = 0
    complaints: list[str] = field(default_factory=list)

    def holds(self) -> bool:
        """Whether everything is as promised."""
        once = not self.rows_not_one and not self.replies_not_one
        return once and not self.other_bytes and not self.keys_twice and not self.complaints


def opened_office(
    folder: Path,
    lending: Callable[[Path], Application],
    messages: int,
    *,
    fault: str = NONE,
    protocol: Protocol = SIGNAL,
) -> Office:
    """Alice's account beside the application, and messages of Bob's that are under way to her."""
    database = None
    if lending is beside_a_database:
        running = server()
        database = running.new_database()
        (folder / CONNINFO).write_text(running.to(database))
    with closing(application_of(folder)) as application:
        desk = desk_with(application, protocol)
        application.execute("CREATE TABLE reply (text TEXT)")
    texts = [f"message {number}" for number in range(messages)]
    envelopes = [
        desk.bob.encrypt(desk.alice.address, text.encode()).to_bytes().hex() for text in texts
    ]
    (folder / "incoming").write_text("\n".join(envelopes))
    return Office(folder, desk, texts, database, fault)


def judged(office: Office, chance: random.Random) -> Verdict:
    """What has become of every message."""
    verdict = Verdict(office.done)
    with closing(application_of(office.folder)) as application:
        verdict.rows_not_one = not_one(Counter(application.texts()), Counter(office.messages))
    left: dict[str, set[bytes]] = {}
    arriving = []
    for what, *words in office.reports():
        verdict.done[what] += 1
        if what == "complaint":
            verdict.complaints += words
        if what in {"taken", "lost"}:
            name, envelope = words[0], bytes.fromhex(words[1])
            left.setdefault(name, set()).add(envelope)
            # A carrier repeats, and what seemed to be lost may come late.
            arriving += [envelope] * chance.choice((1, 2) if what == "taken" else (0, 1))
    verdict.other_bytes = [name for name, found in left.items() if len(found) > 1]
    envelopes = set[bytes]().union(*left.values())
    headers = {(each.ratchet_key, each.index) for each in map(wire.header, envelopes)}
    verdict.keys_twice = len(envelopes) - len(headers)
    chance.shuffle(arriving)
    replies = Counter(arrived(office.desk.bob, arriving, verdict.done))
    wanted = Counter(map(reply_to, office.messages))
    verdict.replies_not_one = not_one(replies, wanted)
    return verdict


def not_one(found: Counter[str], wanted: Counter[str]) -> dict[str, int]:
    """What is there more or less than once."""
    return {text: found[text] for text in found | wanted if found[text] != 1}


def arrived(bob: e2ee.Account, envelopes: list[bytes], done: Counter[str]) -> Iterator[str]:
    """What Bob is shown; his ledger knows what comes again."""
    for envelope in envelopes:
        try:
            with bob.receive(peer_of(bob, "alice"), envelope) as message:
                yield message.plaintext.decode()
        except e2ee.DuplicateMessageError as duplicate:
            done["repeated" if duplicate.delivered else "forged"] += 1


@pytest.mark.slow
@pytest.mark.parametrize("lending", LENDING, ids=kind_name)
def test_each_message_has_one_row_and_one_reply_whenever_processes_die(
    tmp_path: Path,
    lending: Callable[[Path], Application],
    protocol: Protocol,
    pytestconfig: pytest.Config,
) -> None:
    assured = pytestconfig.getoption("--hypothesis-profile") == "assurance"
    messages = ASSURANCE_MESSAGES if assured else MESSAGES
    chance = random.Random(1)  # noqa: S311 - chooses moments, no secrets
    office = opened_office(tmp_path, lending, messages, protocol=protocol)

    office.work(ASSURANCE_DEATHS if assured else DEATHS, chance)
    verdict = judged(office, chance)

    sys.stdout.write(f"\nexactly once, {kind_name(lending)}: {dict(verdict.done)}\n")
    assert verdict.holds(), verdict
    assert verdict.done["forged"] == 0
    assert verdict.done["repeated"] > LOST
    assert office.database is None or verdict.done["cut"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lending", "protocol", "fault"),
    [
        (beside_a_file, SIGNAL, HANDLED_LATER),
        (beside_a_file, SIGNAL, REMOVED_EARLY),
        (beside_a_file, SIGNAL, ENCRYPTED_AGAIN),
        (beside_a_database, SIGNAL, HANDLED_LATER),
        (beside_a_file, OLM, HANDLED_LATER),
        (beside_a_file, OLM, ENCRYPTED_AGAIN),
    ],
)
def test_a_fault_of_the_application_is_found(
    tmp_path: Path, lending: Callable[[Path], Application], protocol: Protocol, fault: str
) -> None:
    chance = random.Random(2)  # noqa: S311 - as above

    # On a busy machine no process may die where it shows in one of them.
    for number in range(OFFICES):
        folder = tmp_path / str(number)
        folder.mkdir()
        office = opened_office(folder, lending, MESSAGES, fault=fault, protocol=protocol)
        office.work(DEATHS, chance)
        verdict = judged(office, chance)
        assert verdict.keys_twice == 0
        if verdict.rows_not_one if fault == HANDLED_LATER else verdict.replies_not_one:
            return

    pytest.fail("the fault was not found")
