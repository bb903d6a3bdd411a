# SPDX-License-Identifier: MIT OR Apache-2.0
"""What happens to a bot of matrix-nio until it is moved, and then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tests.interop.matrix.moved import MEGOLM
from tests.interop.matrix.story import PEERS, ROOMS, Story

if TYPE_CHECKING:
    from tests.interop.matrix.moved import Moved
    from tests.interop.matrix.process import Peer
    from tests.interop.matrix.store_nio import NioStores

PICKLE_KEY = "DEFAULT_KEY"
#: What the bot's user decides about each.
DECISIONS = {"alice": "verify", "carol": "ignore", "dave": "none", "eve": "blacklist"}


def until_the_move(peer: Peer, folder: Path, version: int) -> tuple[Story, Path]:
    """Runs the bot and the others; the bot's file, which nobody has open any more."""
    nio = cast("NioStores", peer)
    story = Story("matrix-nio", version, PICKLE_KEY)
    keys = begin(nio, folder, story)
    bot = story.people["bot"]
    one_time_keys = keys["bot"]["one_time_keys"]
    talk_with_alice(nio, story, one_time_keys)
    # The bot has written to Carol, who has not answered.
    claim(nio, "bot", story.people["carol"], keys["carol"]["one_time_keys"], 0)
    carol = story.people["carol"]
    story.before["to carol"] = nio.share("bot", ROOMS[2], carol["user"], carol["device"])
    # Dave has begun two sessions; the bot heard of the first one last.
    first = [start(nio, "dave", bot, one_time_keys, place) for place in (1, 2)]
    for content in reversed(first):
        assert nio.receive("bot", story.people["dave"]["user"], content) == "DummyEvent"
    claim(nio, "eve", bot, one_time_keys, 3)
    keep_forwarded(nio, story)
    nio.remember("bot", list(ROOMS[:2]), "token")
    nio.forget_device("bot", story.people["eve"]["user"], story.people["eve"]["device"])
    story.before["olm"] = nio.write_to("alice", bot["user"], bot["device"])
    story.before["room"] = nio.write("alice", ROOMS[0], "before the move", "$before")
    story.expected = nio.listing("bot")
    path = Path(nio.path("bot"))
    if version == 1:
        nio.back_to_version_1("bot")
    return story, path


def begin(nio: NioStores, folder: Path, story: Story) -> dict[str, Any]:
    """Everybody has a store and knows the bot, and the bot everybody; what they uploaded."""
    for name in ("bot", *PEERS):
        kind = "default" if name == "alice" else "sqlite"
        story.people[name] = nio.open(name, str(folder), kind, PICKLE_KEY)
    keys = {name: nio.upload(name) for name in story.people}
    for name, ids in list(story.people.items())[1:]:
        bot = story.people["bot"]
        nio.introduce("bot", ids["user"], ids["device"], keys[name]["device_keys"], DECISIONS[name])
        nio.introduce(name, bot["user"], bot["device"], keys["bot"]["device_keys"], "verify")
    return keys


def claim(nio: NioStores, name: str, other: dict[str, str], keys: Any, place: int) -> None:  # noqa: ANN401
    """Somebody begins a session with one of the other's keys."""
    nio.claim(name, other["user"], other["device"], keys, place)


def start(nio: NioStores, name: str, other: dict[str, str], keys: Any, place: int) -> Any:  # noqa: ANN401
    """The first message of a new session."""
    claim(nio, name, other, keys, place)
    return nio.write_to(name, other["user"], other["device"])


def talk_with_alice(nio: NioStores, story: Story, one_time_keys: Any) -> None:  # noqa: ANN401
    """Both have heard of each other, and of a room of each."""
    bot, alice = story.people["bot"], story.people["alice"]
    claim(nio, "alice", bot, one_time_keys, 0)
    shared = nio.share("alice", ROOMS[0], bot["user"], bot["device"])
    assert nio.receive("bot", alice["user"], shared) == "RoomKeyEvent"
    story.before["opened"] = nio.write("alice", ROOMS[0], "hello", "$hello")
    assert nio.read("bot", story.before["opened"]) == "hello"
    shared = nio.share("bot", ROOMS[1], alice["user"], alice["device"])
    assert nio.receive("alice", bot["user"], shared) == "RoomKeyEvent"
    assert nio.read("alice", nio.write("bot", ROOMS[1], "hello", "$hello")) == "hello"
    for writer, reader in ((alice, bot), (bot, alice)):
        names = [
            next(n for n, ids in story.people.items() if ids is who) for who in (writer, reader)
        ]
        content = nio.write_to(names[0], reader["user"], reader["device"])
        assert nio.receive(names[1], writer["user"], content) == "DummyEvent"


def keep_forwarded(nio: NioStores, story: Story) -> None:
    """The bot has a key of Alice's from others, and not from its beginning."""
    bot, alice = story.people["bot"], story.people["alice"]
    nio.share("alice", ROOMS[3], bot["user"], bot["device"])  # it is lost
    events = [nio.write("alice", ROOMS[3], f"forwarded {each}", f"$f{each}") for each in range(3)]
    session_id = events[0]["content"]["session_id"]
    key = nio.export("alice", ROOMS[3], alice["curve25519"], session_id, 1)
    chain = [story.people["dave"]["curve25519"], story.people["carol"]["curve25519"]]
    said = {"signing_key": alice["ed25519"], "sender_key": alice["curve25519"]}
    nio.keep_forwarded("bot", key, {"room": ROOMS[3], "chain": chain, **said})
    story.before["forwarded"] = events


def after_the_move(peer: Peer, story: Story) -> None:
    """What the others write to the bot then."""
    nio = cast("NioStores", peer)
    bot = story.people["bot"]
    assert nio.receive("carol", bot["user"], story.before["to carol"]) == "RoomKeyEvent"
    for name in PEERS:
        story.after[name] = nio.write_to(name, bot["user"], bot["device"])
    story.after["room"] = nio.write("alice", ROOMS[0], "after the move", "$after")


def go_on(peer: Peer, story: Story, moved: Moved) -> int:
    """The bot goes on here, with the others as they are; how many messages were opened."""
    nio = cast("NioStores", peer)
    bot, alice = story.people["bot"], story.people["alice"]
    read = read_recorded(story, moved)
    for name in ("alice", "dave", "carol"):
        ids = story.people[name]
        # Carol's first answer comes before ours, Dave's session is the one that he used last.
        content = moved.content_to(ids, "m.dummy", {})
        assert nio.receive(name, bot["user"], content) == "DummyEvent", name
        content = nio.write_to(name, bot["user"], bot["device"])
        assert moved.opened(content)["type"] == "m.dummy"
        read += 2
    session_id, key = moved.make_room_key(ROOMS[1])
    content = {
        "algorithm": MEGOLM,
        "room_id": ROOMS[1],
        "session_id": session_id,
        "session_key": key,
    }
    shared = moved.content_to(alice, "m.room_key", content)
    assert nio.receive("alice", bot["user"], shared) == "RoomKeyEvent"
    assert nio.read("alice", moved.room_event(ROOMS[1], "ours")) == "ours"
    shared = nio.share("alice", ROOMS[2], bot["user"], bot["device"])
    moved.take(moved.opened(shared)["content"]["session_key"])
    event = nio.write("alice", ROOMS[2], "theirs", "$theirs")
    assert moved.room_body(event) == "theirs"
    return read + 4


def read_recorded(story: Story, moved: Moved) -> int:
    """Opens what was under way, and what was written after the move; how many messages."""
    assert moved.opened(story.before["olm"])["type"] == "m.dummy"
    assert moved.room_body(story.before["room"]) == "before the move"
    assert moved.room_body(story.before["opened"]) == "hello"
    for number, event in list(enumerate(story.before["forwarded"]))[1:]:
        assert moved.room_body(event) == f"forwarded {number}"
    for name in PEERS:
        assert moved.opened(story.after[name])["sender"] == story.people[name]["user"]
    assert moved.room_body(story.after["room"]) == "after the move"
    return 6 + len(PEERS)
