# SPDX-License-Identifier: MIT OR Apache-2.0
"""The example examples/telegram/secret_chat.py, run with itself over a server without a network.

    python -m tests.interop.telegram_example [--rounds N] [--seed N] [--optional]

Telethon (MIT) is fetched into an ignored folder if it is not installed. `--optional` prints why if
it cannot be had, instead of failing.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import json
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import e2ee

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from examples.telegram.secret_chat import Talk
    from tests.interop.telegram_stub import Client, Server

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".telegram" / "example"
GROUP: Final = "telegram"
VECTORS: Final = ROOT / "tests" / "vectors" / "mtproto" / "secret_chat.json"
KEY: Final = bytes(range(32))
ALICE, BOB = 1 << 33, 2
#: More than a key lasts.
LONG: Final = 130


class AbsentError(Exception):
    """Telethon cannot be had here: the text says why."""


def prepare() -> None:
    """Makes `telethon` known to this process."""
    if importlib.util.find_spec("telethon") is not None:
        return
    if not (FOLDER / "telethon").is_dir():
        # One package that Telethon needs is published as source only.
        binary = ["--only-binary=:all:", "--no-binary=pyaes"]
        command = [sys.executable, "-m", "pip", "install", "--quiet", *binary]
        try:
            subprocess.run(
                [*command, "--target", str(FOLDER), "--group", GROUP],
                check=True,
                cwd=ROOT,
                timeout=300,
                capture_output=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise AbsentError("telethon cannot be installed") from error
    sys.path.insert(0, str(FOLDER))


@dataclass
class Person:
    """Somebody who runs the example, and starts it anew now and then."""

    user: int
    folder: Path
    server: Server
    #: All that was shown.
    screen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing runs yet."""
        self.talk: Talk
        self.client: Client

    async def start(self) -> None:
        """Starts the program."""
        stub = importlib.import_module("tests.interop.telegram_stub")
        example = importlib.import_module("examples.telegram.secret_chat")
        self.folder.mkdir(exist_ok=True)
        self._store = e2ee.SQLiteStore(self.folder / "chats.db", key=KEY)
        self._hashes = example.AccessHashes(self.folder / "access.db")
        self._chats = await example.open_chats(self._store, "me")
        self.client = stub.Client(self.server, self.user)
        self.talk = example.Talk(self.client, self._chats, self._hashes, self.screen.append)
        await self.talk.resume()

    async def stop(self) -> None:
        """Ends it, as it ends when its process does."""
        await self._chats.close()
        self._hashes.close()
        self._store.close()

    async def restart(self) -> None:
        """Ends it, and starts it again."""
        await self.stop()
        await self.start()

    def read(self, sender: int) -> list[str]:
        """The texts of somebody that were shown."""
        shown = (re.fullmatch(rf"\[-?\d+\] {sender}: (.*)", line) for line in self.screen)
        return [match[1] for match in shown if match]

    def picture(self) -> str:
        """The picture that was shown."""
        (shown,) = (line for line in self.screen if "compare this" in line)
        return shown.partition("\n")[2]

    def ended(self) -> list[str]:
        """Why chats were ended."""
        return [line.partition("ended: ")[2] for line in self.screen if "ended: " in line]


@dataclass
class World:
    """Alice, Bob and the server between them."""

    server: Server
    alice: Person
    bob: Person
    choose: random.Random

    async def deliver(self) -> None:
        """All that can happen without anybody does."""
        await self.server.deliver(self.alice.client, self.bob.client)

    async def begin(self) -> None:
        """Alice asks Bob for a chat, and both send what comes first."""
        await self.alice.talk.begin(BOB)
        await self.deliver()

    async def say(self, person: Person, text: str) -> None:
        """Somebody says something; what the line loses is sent later."""
        try:
            await person.talk.say(text)
        except ConnectionError:
            self.server.faults.requests = None


async def conversation(world: World) -> int:
    """Both see one picture and read each other's texts, across a change of the key."""
    await world.begin()
    assert world.alice.picture() == world.bob.picture()
    for number in range(LONG):
        await world.say(world.alice, f"{number}")
        await world.say(world.bob, f"\x1b[31m{number}\n")
        await world.deliver()
    assert world.bob.read(ALICE) == [f"{number}" for number in range(LONG)]
    assert world.alice.read(BOB) == [f"\ufffd[31m{number}\ufffd" for number in range(LONG)]
    assert world.server.acknowledged.keys() == {ALICE, BOB}
    await world.alice.talk.end()
    await world.deliver()
    assert (world.alice.ended(), world.bob.ended()) == (
        ["you have ended it"],
        ["the other end has ended it"],
    )
    return 2 * LONG


async def monologue(world: World) -> int:
    """The key changes though one of them says nothing: what a message makes leave, leaves."""
    await world.begin()
    for number in range(LONG):
        await world.say(world.alice, f"{number}")
        await world.deliver()
    assert world.bob.read(ALICE) == [f"{number}" for number in range(LONG)]
    # Both have said which layer they speak, and have asked at the same time; then came an answer, a
    # commit, and a sign of life under the new key.
    assert world.server.counts["SendEncryptedServiceRequest"] == 2 + 2 + 3
    return LONG


async def lost_request(world: World) -> int:
    """A request to send again that is lost is made again at the next start."""
    await world.begin()
    world.server.faults.lost = 1.0
    await world.say(world.alice, "1")
    world.server.faults.lost = 0.0
    await world.say(world.alice, "2")
    world.server.faults.lost = 1.0
    await world.deliver()
    world.server.faults.lost = 0.0
    assert world.bob.read(ALICE) == []
    await world.bob.restart()
    await world.deliver()
    assert world.bob.read(ALICE) == ["1", "2"]
    return 2


async def bad_line(world: World) -> int:
    """Messages get lost, come twice and out of turn, requests fail, and programs end."""
    await world.begin()
    faults, choose = world.server.faults, world.choose
    faults.lost, faults.twice, faults.late = 0.1, 0.1, 0.2
    said: dict[int, list[str]] = {ALICE: [], BOB: []}
    for number in range(LONG):
        person = choose.choice([world.alice, world.bob])
        faults.requests = choose.choice([0, 1, 2]) if choose.random() < 0.1 else None
        said[person.user].append(f"{number}")
        await world.say(person, f"{number}")
        faults.requests = None
        if choose.random() < 0.5:
            await world.deliver()
        if choose.random() < 0.1:
            await choose.choice([world.alice, world.bob]).restart()
    faults.lost = faults.twice = faults.late = 0.0
    await settle(world, said)
    assert world.bob.read(ALICE) == said[ALICE]
    assert world.alice.read(BOB) == said[BOB]
    assert world.alice.ended() == world.bob.ended() == []
    return LONG


async def settle(world: World, said: dict[int, list[str]]) -> None:
    """A last text each way shows what is missing; a new start asks for it."""
    for person in (world.alice, world.bob):
        said[person.user].append("Goodbye.")
        await world.say(person, "Goodbye.")
        await world.deliver()
    for _ in range(3):
        for person in (world.alice, world.bob):
            await person.restart()
            await world.deliver()


async def altered(world: World) -> int:
    """A message that was altered ends the chat at both ends, and is not shown."""
    await world.begin()
    world.server.faults.altered = True
    await world.say(world.alice, "Meet me at noon.")
    await world.deliver()
    assert world.bob.read(ALICE) == []
    assert world.bob.ended() == ["a message was altered or out of place"]
    assert world.alice.ended() == ["the other end has ended it"]
    await world.say(world.alice, "Hello?")
    assert world.alice.screen[-1] == "there is no chat yet"
    return 1


async def ended_early(world: World) -> int:
    """A chat that the server never agreed to is given up at the next start, at both ends."""
    world.server.faults.requests = 1
    failed = False
    try:
        await world.alice.talk.begin(BOB)
    except ConnectionError:
        failed = True
    assert failed
    world.server.faults.requests = None
    await world.alice.restart()
    assert world.alice.ended() == ["the program ended before it was agreed on"]
    await world.begin()
    await world.say(world.alice, "Now.")
    await world.deliver()
    assert world.bob.read(ALICE) == ["Now."]
    return 1


async def hostile_server(world: World) -> int:
    """A group that is not safe is refused before anything leaves."""
    g, p = world.server.group
    world.server.group = (g, (int.from_bytes(p, "big") - 2).to_bytes(256, "big"))
    refused = False
    try:
        await world.alice.talk.begin(BOB)
    except e2ee.InvalidKeyError:
        refused = True
    assert refused
    assert "RequestEncryptionRequest" not in world.server.counts
    return 0


SCENES: Final[list[Callable[[World], Awaitable[int]]]] = [
    conversation,
    monologue,
    lost_request,
    bad_line,
    altered,
    ended_early,
    hostile_server,
]


async def play(scene: Callable[[World], Awaitable[int]], seed: int) -> int:
    """Plays a scene in a world of its own; how many texts were said."""
    stub: Any = importlib.import_module("tests.interop.telegram_stub")
    dh = json.loads(VECTORS.read_text(encoding="utf-8"))["dh"]
    choose = random.Random(seed)
    server = stub.Server(dh["g"], bytes.fromhex(dh["p"]), choose)
    with tempfile.TemporaryDirectory() as folder:
        alice = Person(ALICE, Path(folder) / "alice", server)
        bob = Person(BOB, Path(folder) / "bob", server)
        await alice.start()
        await bob.start()
        try:
            return await scene(World(server, alice, bob, choose))
        finally:
            await alice.stop()
            await bob.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 0 if every scene ends as it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.telegram_example")
    parser.add_argument("--rounds", type=int, default=1, help="of each scene")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--optional", action="store_true", help="no failure without Telethon")
    asked = parser.parse_args(arguments)
    try:
        prepare()
    except AbsentError as reason:
        print(f"the example for Telegram: left out: {reason}")
        return 0 if asked.optional else 1
    first = random.SystemRandom().randrange(1 << 32) if asked.seed is None else asked.seed
    version = importlib.import_module("telethon").__version__
    print(f"the example for Telegram with the types of telethon {version}, seed {first}")
    for scene in SCENES:
        texts = sum(asyncio.run(play(scene, first + turn)) for turn in range(asked.rounds))
        print(f"  {scene.__name__}: {asked.rounds} played, {texts} texts", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
