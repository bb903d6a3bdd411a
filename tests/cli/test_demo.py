# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee demo` in a short form, from outside."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from e2ee.demo.plan import CHUNK_LEN, LEAST_EPOCH
from tests.cli.people import PROGRAM, run

Found = dict[str, Any]


def demo(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [*PROGRAM, "demo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


@pytest.fixture(scope="module")
def found() -> Found:
    """What a short run over a bad carrier reports."""
    rates = ["--loss", "0.15", "--duplicate", "0.15", "--corrupt", "0.15", "--reorder", "0.3"]
    result = demo("--messages", "200", "--file-size", "1MiB", "--json", *rates)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    report: Found = json.loads(result.stdout)
    return report


def test_every_message_is_accounted_for(found: Found) -> None:
    for tally in [*found["messages"].values(), *found["chunks"].values()]:
        assert tally["sent"] == tally["delivered"]
        assert tally["owed"] == 0
    assert found["messages"]["alice"]["sent"] > 200
    assert found["messages"]["bob"]["sent"] > 200
    assert found["failures"] == []


def test_every_copy_is_accounted_for(found: Found) -> None:
    copies = found["copies"]
    refused = sum(sum(errors.values()) for errors in copies["refused"].values())

    assert copies["handed_over"] == copies["opened"] + refused + copies["cut_off_by_a_kill"]
    assert copies["unaccounted"] == found["envelopes"]["unaccounted"] == 0


def test_the_carrier_did_everything_it_can(found: Found) -> None:
    assert all(count > 0 for count in found["envelopes"]["carrier"].values())
    assert {"repeated", "bits flipped", "cut off", "extended"} == set(found["copies"]["refused"])


def test_nothing_was_lost_and_no_key_used_twice(found: Found) -> None:
    assert (found["state_lost"], found["keys_used_twice"]) == (0, 0)


def test_the_file_arrived_whole(found: Found) -> None:
    assert found["file"]["sha256_sent"] == found["file"]["sha256_received"]
    assert found["file"]["chunks"] == found["chunks"]["alice"]["sent"] == -(-(1 << 20) // CHUNK_LEN)


def test_processes_were_killed_and_lost_nothing(found: Found) -> None:
    assert {"alice", "bob"} == {kill["user"] for kill in found["kills"]}
    assert sum(kill["acknowledged"] for kill in found["kills"]) > 0
    assert [0] * len(found["kills"]) == [kill["missing"] for kill in found["kills"]]


def test_the_post_quantum_ratchet_turned(found: Found) -> None:
    assert min(found["pq_epoch"].values()) >= LEAST_EPOCH


def test_every_attack_was_refused(found: Found) -> None:
    assert len(found["attacks"]) == 10
    for tried in found["attacks"]:
        assert tried["tries"] == sum(tried["refused"].values()) > 0


def test_cost_is_measured(found: Found) -> None:
    assert found["overhead_bytes"]["text"] > 0
    for way in ("encrypt", "decrypt"):
        assert found["microseconds"][way]["text"] > 0
        assert found["microseconds"][way]["chunk"] > 0


def test_a_file_of_ones_own_is_sent_and_a_person_sees_how(tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_bytes(b"Dear Bob,\n" * 9_999)
    digest = hashlib.sha256(letter.read_bytes()).hexdigest()

    result = demo("--messages", "20", "--file", letter, "--seed", "7")

    assert result.returncode == 0, result.stderr
    shown = result.stdout
    assert shown.count(digest) == 2
    for part in ("SIGKILL to", "what the carrier saw", "every bit flipped", "state lost"):
        assert part in shown
    assert "nothing was lost" in shown


@pytest.mark.parametrize("size", ["64 MB", "-1", "1.5MiB", "MiB"])
def test_a_size_must_be_a_size(size: str) -> None:
    result = run("demo", "--file-size", size)

    assert result.exit_code == 2
    assert "a number, with B, KiB, MiB or GiB behind it" in result.stderr
