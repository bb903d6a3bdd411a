# SPDX-License-Identifier: MIT OR Apache-2.0
"""Random chats of `e2ee.mtproto.SecretChats` with the plugin `telethon-secret-chat` of Telethon.

    python -m tests.interop.telegram_talk [--conversations N] [--size N] [--seed N] [--optional]

The plugin (MIT) runs in a process and an environment of its own, over a client without a network.
Either side creates the chat; texts and service messages go both ways, come late, twice, or only
when they were asked for again; the plugin changes the key, and our program goes on from its store.
At the end a message each way is altered in every bit, and what either side accepts is counted. What
the plugin cannot do is shown too (`telegram/defects.py`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import e2ee
from e2ee import mtproto
from tests.interop.matrix.flips import accepted, flipped
from tests.interop.matrix.process import Peer
from tests.interop.matrix_tests import AbsentError
from tests.interop.telegram import defects, files
from tests.interop.telegram.environment import NAME, prepare
from tests.interop.telegram.talk import Talk, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VECTORS: Final = Path(__file__).resolve().parents[1] / "vectors" / "mtproto" / "secret_chat.json"
#: Above what either side takes for the life of a key.
_LONG: Final = 150
_WORDS: Final = "a text of sixty-four bytes, whose message is altered in every bit"
#: Of each of these, a run has to show some.
SHOWN: Final = (
    "chats that we created",
    "chats that they created",
    "same key picture",
    "texts to us",
    "texts to them",
    "service messages to us",
    "service messages to them",
    "message opened by us",
    "message opened by them",
    "late message waited for",
    "repeated message ignored",
    "sent again as it was",
    "key changed by them",
    "key changed by them after 100 messages",
    "stores opened again",
    "files to us",
    "files to them",
)


def short(world: World, size: int) -> None:
    """A chat that ends before a key does."""
    talk = begun(world)
    for _ in range(size):
        what = world.random.random()
        if what < 0.2:
            talk.say()
        elif what < 0.4:
            talk.hear()
        elif what < 0.6 and talk.to_them:
            talk.to_peer()
        elif what < 0.85 and talk.to_us:
            late(talk) if world.random.random() < 0.3 else talk.to_ours()
        elif what < 0.9:
            send_again(talk)
        elif what < 0.95:
            repeat(talk)
        else:
            talk.reopen()
    talk.settle()
    files.exchange(talk)
    talk.settle()
    talk.agree()


def changing(world: World, size: int) -> None:
    """A chat in which they change the key now and then, while nothing else is under way."""
    talk = begun(world)
    for _ in range(size):
        talk.say() if world.random.random() < 0.5 else talk.hear()
        talk.settle()
        if world.random.random() < 0.1:
            before = talk.state().key_fingerprint
            talk.arrive(world.peer.rekey())
            talk.settle()
            changed = before != talk.state().key_fingerprint
            world.expect(wanted=True, got=changed, what="key changed by them")
            talk.agree()
    talk.agree()


def long(world: World, _: int) -> None:
    """A chat that they go on with under another key, as they do after 100 messages."""
    talk = begun(world)
    first = talk.state().key_fingerprint
    for number in range(_LONG):
        talk.say() if number % 2 else talk.hear()
        talk.settle()
    changed = first != talk.state().key_fingerprint
    world.expect(wanted=True, got=changed, what="key changed by them after 100 messages")
    talk.agree()


def begun(world: World) -> Talk:
    """A chat in which both ends have said which layer they speak."""
    world.peer.new()
    talk = Talk.begin(world, originator=world.random.random() < 0.5)
    talk.settle()
    _, picture = world.peer.state()
    world.expect(talk.state().picture.to_bytes().hex(), picture, "same key picture")
    talk.agree()
    return talk


def late(talk: Talk) -> None:
    """A message overtakes those before it; what we then ask for, the plugin does not serve."""
    if len(talk.to_us) < 2:
        return
    place = talk.world.random.randrange(1, len(talk.to_us))
    data = talk.to_us[place]
    del talk.to_us[place]
    reception = talk.take(data)
    talk.world.expect((), reception.messages, "late message waited for")
    requests = [talk.to_them.pop() for _ in reception.outgoing]
    while talk.to_them:
        talk.to_peer()
    for request in reversed(requests):
        defects.expect_no_service(talk, request)


def send_again(talk: Talk) -> None:
    """They ask for all that has not come to them, and get just that."""
    if not talk.to_them:
        return
    while talk.to_us:
        talk.to_ours()
    waiting = [message.data for message in talk.to_them]
    bit = int(talk.originator)
    ends = [2 * talk.to_them[place].number + bit for place in (0, -1)]
    _, leaving = talk.world.peer.serve("resend", ends)
    reception = talk.chat.receive(bytes.fromhex(leaving[-1][1]))
    again = [message.data for message in reception.outgoing]
    talk.world.expect(waiting, again, "sent again as it was")


def repeat(talk: Talk) -> None:
    """A message comes to us twice."""
    if talk.to_us:
        data = talk.to_us[0]
        talk.to_ours()
        talk.world.refused(
            e2ee.IgnoredMessageError,
            lambda: talk.chat.receive(bytes.fromhex(data)),
            "repeated message ignored",
        )


def alter(world: World) -> tuple[int, int]:
    """A message each way, altered: how many we accept, and how many they do; what they do is shown.

    Every bit is flipped, and bytes are cut off or added at the end.
    """
    talk = begun(world)
    talk.say(_WORDS)
    talk.hear(_WORDS)
    (leaving,), (arriving,) = talk.to_them, [bytes.fromhex(data) for data in talk.to_us]
    bad_to_us, bad_to_them = altered(arriving), altered(leaving.data)
    ours = sum(accepted(taken_by(talk, bad)) for bad in bad_to_us)
    theirs, panicked = world.peer.taken([bad.hex() for bad in bad_to_them])
    talk.settle()
    talk.agree()
    print(f"  altered messages to us: {len(bad_to_us):,}, accepted {ours}")
    print(f"  altered messages to them: {len(bad_to_them):,}, accepted {theirs}", end="")
    print(f"; their AES panicked over {panicked}" if panicked else "")
    return ours, theirs


def altered(data: bytes) -> list[bytes]:
    """Every single bit flipped; some bytes less and more."""
    bits = [flipped(data, bit) for bit in range(len(data) * 8)]
    cut = [data[:-count] for count in (1, 15, 16, 17, 32)]
    return [*bits, *cut, *(data + bytes(count) for count in (1, 15, 16, 17, 32))]


def taken_by(talk: Talk, data: bytes) -> Callable[[], object]:
    """What gives it to us."""
    return lambda: talk.chat.receive(data)


def kind_of(number: int) -> Callable[[World, int], None]:
    """What the chat of this number is about."""
    return {3: changing, 7: changing, 9: long}.get(number % 10, short)


def run(python: Path, asked: argparse.Namespace) -> bool:
    """All chats; true if nothing failed."""
    recorded = json.loads(VECTORS.read_text(encoding="utf-8"))["dh"]
    group = mtproto.DhGroup.from_server(recorded["g"], bytes.fromhex(recorded["p"]))
    peer: Any = Peer(python, f"{recorded['g']}/{recorded['p']}", "telegram.peer")
    counts: Counter[str] = Counter()
    failures: list[str] = []
    started = time.monotonic()
    for number in range(asked.conversations) if asked.only is None else [asked.only]:
        world = World(Random(f"{asked.seed}/{number}"), peer, group, counts)
        try:
            kind_of(number)(world, asked.size)
        except Exception as error:  # noqa: BLE001 (printed, and counted as a failure)
            failures.append(f"{number}: {type(error).__name__}: {error}")
        counts["conversations"] += 1
        if len(failures) >= 10:
            break
    world = World(Random(asked.seed), peer, group, counts)
    print(f"{NAME}: {time.monotonic() - started:.0f} s, {len(failures)} failures")
    for what, count in sorted(counts.items()):
        print(f"  {what}: {count:,}")
    accepted_by_us, _ = alter(world)
    unshown = defects.show(world)
    peer.close()
    if asked.only is None:
        failures += [f"never: {what}" for what in SHOWN if not counts[what]]
    for failure in [*failures, *unshown]:
        print(f"FAILED: {failure}; again: --seed {asked.seed} --only {failure.split(':')[0]}")
    return not failures and not unshown and not peer.crashes and accepted_by_us == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; 0 if nothing failed, and we accepted nothing that was altered."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.telegram_talk")
    parser.add_argument("--conversations", type=int, default=300, help="so many chats")
    parser.add_argument("--size", type=int, default=60, help="steps of one of them")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="of choices")
    parser.add_argument("--only", type=int, help="the chat of this number alone")
    parser.add_argument("--optional", action="store_true", help="no failure without the plugin")
    asked = parser.parse_args(arguments)
    try:
        python = prepare(optional=asked.optional)
    except AbsentError as reason:
        print(f"secret chats with Telethon's plugin: left out: {reason}")
        return 0 if asked.optional else 1
    print(f"secret chats with Telethon's plugin: seed {asked.seed}", flush=True)
    return 0 if run(python, asked) else 1


if __name__ == "__main__":
    sys.exit(main())
