# SPDX-License-Identifier: MIT OR Apache-2.0
"""Two processes with four threads each on one store: nothing lost or doubled, no key twice (P8)."""

import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import e2ee
from tests.hygiene.tree import ROOT
from tests.properties import wire
from tests.stores.kinds import DURABLE, introduced, kind_name, place_in, store_of
from tests.stores.protocols import PROTOCOLS, peer_of
from tests.stores.writer import INCOMING, MESSAGES, PROCESSES, THREADS


@dataclass(slots=True)
class Outcome:
    """What all threads reported, and the account that their messages go to."""

    bob: e2ee.Account
    incoming: list[str]
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)


@pytest.fixture(
    scope="module",
    params=[(kind, protocol) for protocol in PROTOCOLS for kind in DURABLE],
    ids=[f"{kind_name(kind)}-{each.name}" for each in PROTOCOLS for kind in DURABLE],
)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("writers")
    kind, protocol = request.param
    place_in(kind, folder)
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    with closing(store_of(folder, "alice")) as store:
        alice = introduced(store, bob)
    outcome = Outcome(bob, [f"from bob {number}" for number in range(INCOMING)])
    envelopes = [bob.encrypt(alice.address, text.encode()).to_bytes() for text in outcome.incoming]
    (folder / "incoming").write_text("\n".join(each.hex() for each in envelopes))
    run_all(folder)
    for report in sorted(folder.glob("report-*.json")):
        found = json.loads(report.read_text(encoding="ascii"))
        outcome.sent += [(text, bytes.fromhex(envelope)) for text, envelope in found["sent"]]
        outcome.opened += found["opened"]
    return outcome


def run_all(folder: Path) -> None:
    """Runs the processes side by side to their ends."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.stores.writer", str(folder), str(number)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    for process in processes:
        _, complaints = process.communicate(timeout=120)
        assert (process.returncode, complaints.decode()) == (0, "")


@pytest.mark.slow
def test_no_message_is_lost_or_doubled_on_its_way_out(outcome: Outcome) -> None:
    expected = {text for text, _ in outcome.sent}
    assert len(outcome.sent) == len(expected) == PROCESSES * THREADS * MESSAGES

    bob, alice = outcome.bob, peer_of(outcome.bob, "alice")
    arrived = [bob.decrypt(alice, envelope).plaintext for _, envelope in outcome.sent]

    assert Counter(arrived) == Counter(text.encode() for text in expected)


@pytest.mark.slow
def test_no_message_is_lost_or_doubled_on_its_way_in(outcome: Outcome) -> None:
    assert Counter(outcome.opened) == Counter(outcome.incoming)


@pytest.mark.slow
def test_no_key_is_used_twice(outcome: Outcome) -> None:
    headers = [wire.header(envelope) for _, envelope in outcome.sent]

    uses = Counter((header.ratchet_key, header.index) for header in headers)

    assert [use for use, times in uses.items() if times > 1] == []
