# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bots that matrix-nio and mautrix run are moved to `e2ee` and go on, with the others as they were.

    python -m tests.interop.matrix_stores [--rounds N] [--optional] [--write FOLDER]

Each program runs in a process of its own and makes the stores itself: of now, over vodozemac or
libolm, and of earlier versions. `--write` records one round of each for `tests/vectors/olm/stores`:
then nothing is moved, and the others write what the tests open.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from e2ee import matrix_stores, olm
from tests.interop.matrix import story_mautrix, story_nio
from tests.interop.matrix.moved import Moved
from tests.interop.matrix.process import Peer
from tests.interop.matrix.story import PEERS
from tests.interop.matrix_tests import (
    EARLIER_MAUTRIX,
    EARLIER_NIO,
    MAUTRIX,
    NIO,
    AbsentError,
    Source,
    prepare,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


@dataclass(frozen=True, slots=True)
class Program:
    """A version of a program, the version of its tables, and what happens to its bot."""

    source: Source
    peer: str
    tables: int
    happens: ModuleType

    @property
    def name(self) -> str:
        """How it is called."""
        return f"{self.source.name.replace('_', '-')} {self.source.version}"

    def begun(self, python: Path) -> Peer:
        """It runs."""
        folder = self.source.folder / self.source.modules
        return Peer(python, self.peer, "matrix.store_peer", (folder,))


PROGRAMS: Final = (
    Program(NIO, "nio", 2, story_nio),
    Program(EARLIER_NIO, "nio", 1, story_nio),
    Program(MAUTRIX, "mautrix", 10, story_mautrix),
    Program(EARLIER_MAUTRIX, "mautrix", 3, story_mautrix),
)


def move(program: Program, python: Path) -> tuple[int, int]:
    """Moves a bot and lets it go on; how many records there were, and how many messages opened."""
    peer = program.begun(python)
    try:
        with tempfile.TemporaryDirectory() as folder:
            story, path = program.happens.until_the_move(peer, Path(folder), program.tables)
            before = {each.name: each.read_bytes() for each in Path(folder).iterdir()}
            key = olm.StateKey(secrets.token_bytes(32))
            arguments = {"pickle_key": story.pickle_key}
            report = matrix_stores.import_store(path, key, **arguments, dry_run=True).report
            found = matrix_stores.import_store(path, key, **arguments)
            assert report == found.report
            assert report.counts["refused"] == (story.expected.get("redacted") is not None)
            assert before == {each.name: each.read_bytes() for each in Path(folder).iterdir()}
            program.happens.after_the_move(peer, story)
            moved = Moved(found.devices[0], key)
            moved.save()
            return len(report.rows), program.happens.go_on(peer, story, moved)
    finally:
        peer.close()


def write(program: Program, python: Path, target: Path) -> None:
    """Records the rows of a bot's store, and of those of the others as they are after the move."""
    peer = program.begun(python)
    try:
        with tempfile.TemporaryDirectory() as folder:
            story, _ = program.happens.until_the_move(peer, Path(folder), program.tables)
            stores = {"bot": peer.dump("bot")}
            program.happens.after_the_move(peer, story)
            stores |= {name: peer.dump(name) for name in PEERS}
            lists = {
                each.suffix.removeprefix("."): each.read_text(encoding="utf-8")
                for each in Path(folder).glob("*_devices")
            }
    finally:
        peer.close()
    known = {"source": f"{program.name}, run by tests/interop/matrix_stores.py"}
    text = json.dumps(known | asdict(story) | {"alice's lists": lists, "stores": stores}, indent=1)
    target.mkdir(parents=True, exist_ok=True)
    file = target / f"{program.name.replace(' ', '-')}.json"
    file.write_text(f"{text}\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 0 if every bot went on."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.matrix_stores")
    parser.add_argument("--rounds", type=int, default=3, help="of each program")
    parser.add_argument("--optional", action="store_true", help="no failure without a package")
    parser.add_argument("--write", type=Path, help="record a round of each into this folder")
    asked = parser.parse_args(arguments)
    try:
        python = prepare(optional=asked.optional)
    except AbsentError as reason:
        print(f"moves from programs of Matrix: left out: {reason}")
        return 0 if asked.optional else 1
    for program in PROGRAMS:
        if asked.write is not None:
            write(program, python, asked.write)
            continue
        started = time.monotonic()
        rounds = [move(program, python) for _ in range(asked.rounds)]
        records, messages = (sum(column) for column in zip(*rounds, strict=True))
        seconds = time.monotonic() - started
        print(
            f"{program.name}, tables of version {program.tables}: {len(rounds)} bots moved with"
            f" {records} records, then {messages} messages opened, 0 failures, {seconds:.0f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
