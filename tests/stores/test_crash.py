# SPDX-License-Identifier: MIT OR Apache-2.0
"""Killed at any time, a process loses nothing that it acknowledged and uses no key twice (P8)."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from e2ee.store import Store
from tests.hygiene.tree import ROOT
from tests.properties import wire
from tests.stores.correspondent import Correspondence, text_of
from tests.stores.kinds import DURABLE, in_a_database, in_a_file, kind_name, place_in
from tests.stores.protocols import OLM, SIGNAL, Protocol, speak

#: Each starts with nothing, so that making and connecting is interrupted too: the kind of store,
#: the protocol, the seed, and the longest life in seconds, in which a process sends dozens of
#: messages.
CORRESPONDENCES = [
    *((in_a_file, SIGNAL, seed, 0.15) for seed in range(5)),
    *((in_a_database, SIGNAL, seed, 0.6) for seed in range(2)),
    *((in_a_file, OLM, seed, 0.15) for seed in range(3)),
    (in_a_database, OLM, 0, 0.6),
]
KILLS = 11


def live_and_die(folder: Path, seconds: float) -> None:
    """Starts the process, and kills it so many seconds after it began its work."""
    command = [sys.executable, "-m", "tests.stores.correspondent", str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        _, complaints = process.communicate()
    assert process.returncode == -signal.SIGKILL, complaints.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "protocol", "seed", "life"),
    CORRESPONDENCES,
    ids=[f"{kind_name(kind)}-{each.name}-{seed}" for kind, each, seed, _ in CORRESPONDENCES],
)
def test_what_was_acknowledged_survives_every_kill(
    tmp_path: Path, kind: Callable[..., Store], protocol: Protocol, seed: int, life: float
) -> None:
    place_in(kind, tmp_path)
    speak(tmp_path, protocol)
    chance = random.Random(seed)  # noqa: S311 - chooses moments, no secrets

    for kill in range(KILLS):
        # Short lives first: they end while files and sessions are made.
        longest = life * (kill + 1) / KILLS
        live_and_die(tmp_path, chance.uniform(0, longest))
    last = Correspondence(tmp_path)
    last.introduce()
    last.recover()

    sent, handled = last.sent.lines(), last.handled.lines()
    promised = [(sender, text_of(sender, int(number)).hex()) for sender, number, _ in sent]
    counts = Counter((sender, text) for sender, text in handled)
    keys = [wire.header(bytes.fromhex(envelope)) for _, _, envelope in sent]
    uses = Counter((sent[at][0], key.ratchet_key, key.index) for at, key in enumerate(keys))
    assert sent, "nothing was sent: the test shows nothing"
    assert set(promised) - set(counts) == set(), "lost"
    assert [use for use, times in uses.items() if times > 1] == [], "a key was used twice"
    # A kill between noting and handling shows one message again, which is what an inbox is for.
    assert sum(counts.values()) - len(counts) <= KILLS
    assert all(account.inbox() == [] for account in last.accounts.values())
    last.close()


@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_every_message_is_handled_by_the_last_process(
    tmp_path: Path, kind: Callable[..., Store], protocol: Protocol
) -> None:
    place_in(kind, tmp_path)
    speak(tmp_path, protocol)
    first = Correspondence(tmp_path)
    first.introduce()
    envelopes = [first.send("alice") for _ in range(3)]
    first.deliver("alice", envelopes[1])

    second = Correspondence(tmp_path)
    second.recover()

    assert Counter(text for _, text in second.handled.lines()) == Counter(
        text_of("alice", number).hex() for number in range(3)
    )
    first.close()
    second.close()
