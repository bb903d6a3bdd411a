# SPDX-License-Identifier: MIT OR Apache-2.0
"""What happens to a bot of mautrix until it is moved, and then.

The plaintexts are as short as can be: what the program would put into them is not stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from e2ee import DuplicateMessageError
from tests.interop.matrix.story import PEERS, ROOMS, Story

if TYPE_CHECKING:
    from pathlib import Path

    from tests.interop.matrix.moved import Moved
    from tests.interop.matrix.process import Peer
    from tests.interop.matrix.store_mautrix import MautrixStores

PICKLE_KEY: Final = "mautrix.bridge.e2ee"
#: The first version of the tables that knows more than two words for a device, and can say that a
#: room key was deleted.
GRADED: Final = 10
#: What the bot's user decided about each in the program's words, and what that is in ours.
DECISIONS: Final = {
    "alice": ("VERIFIED", "verified"),
    "carol": ("CROSS_SIGNED_TOFU", "unset"),
    "dave": ("UNVERIFIED", "unset"),
    "eve": ("BLACKLISTED", "blacklisted"),
}
EARLY_DECISIONS: Final = DECISIONS | {
    "carol": ("IGNORED", "ignored"),
    "dave": ("UNSET", "unset"),
}


def until_the_move(peer: Peer, folder: Path, version: int) -> tuple[Story, Path]:
    """Runs the bot and the others; the bot's file, in which another bot is, too."""
    mautrix = cast("MautrixStores", peer)
    story = Story("mautrix", version, PICKLE_KEY)
    file = folder / "bot.db"
    story.people["bot"] = mautrix.open("bot", str(file), PICKLE_KEY)
    for name in PEERS:
        story.people[name] = mautrix.open(name, str(folder / f"{name}.db"), PICKLE_KEY)
    keys = {name: mautrix.upload(name) for name in story.people}
    bot, alice, carol, dave = (story.people[name]["curve25519"] for name in ("bot", *PEERS[:3]))
    sessions = {alice: [mautrix.start("alice", bot, keys["bot"][0])]}
    for text in ("hello", "hello again"):
        assert mautrix.receive("bot", alice, *mautrix.encrypt("alice", bot, text, None)) == text
        assert mautrix.receive("alice", bot, *mautrix.encrypt("bot", alice, text, None)) == text
    # The bot has written to Carol, who has not answered.
    sessions[carol] = [mautrix.start("bot", carol, keys["carol"][0])]
    story.before["to carol"] = mautrix.encrypt("bot", carol, "waiting", None)
    # Dave has begun two sessions; the bot heard of the first one last, and wrote on it.
    sessions[dave] = [mautrix.start("dave", bot, keys["bot"][place]) for place in (1, 2)]
    for session_id in reversed(sessions[dave]):
        message = mautrix.encrypt("dave", bot, session_id, session_id)
        assert mautrix.receive("bot", dave, *message) == session_id
    mautrix.start("eve", bot, keys["bot"][3])
    story.expected = {"sessions": sessions, "sync_token": "token", "encrypted_rooms": []}
    rooms(mautrix, story, version)
    people(mautrix, story, version)
    mautrix.remember("bot", "token")
    story.people["second"] = mautrix.open("second", str(file), PICKLE_KEY)
    story.expected["second"] = [ROOMS[3], mautrix.outbound("second", ROOMS[3])[0]]
    story.before["olm"] = mautrix.encrypt("alice", bot, "before the move", None)
    mautrix.stop(str(file))
    return story, file


def rooms(mautrix: MautrixStores, story: Story, version: int) -> None:
    """Alice's room and the bot's; a key that was forwarded, and one that is gone."""
    bot, alice = story.people["bot"], story.people["alice"]
    theirs, key = mautrix.outbound("alice", ROOMS[0])
    said = {"signing_key": alice["ed25519"], "sender_key": alice["curve25519"], "chain": []}
    mautrix.inbound("bot", key, {"room": ROOMS[0], **said}, exported=False)
    message = mautrix.write("alice", ROOMS[0], "hello")
    place = [ROOMS[0], alice["curve25519"], theirs]
    assert mautrix.read("bot", place, message, "$hello") == "hello"
    story.before["opened"] = [theirs, message]
    story.before["room"] = [theirs, mautrix.write("alice", ROOMS[0], "before the move")]
    ours, key = mautrix.outbound("bot", ROOMS[1])
    own = {"signing_key": bot["ed25519"], "sender_key": bot["curve25519"], "chain": []}
    mautrix.inbound("alice", key, {"room": ROOMS[1], **own}, exported=False)
    message = mautrix.write("bot", ROOMS[1], "hello")
    place = [ROOMS[1], bot["curve25519"], ours]
    assert mautrix.read("alice", place, message, "$hello") == "hello"
    forwarded, _ = mautrix.outbound("alice", ROOMS[3])
    messages = [mautrix.write("alice", ROOMS[3], f"forwarded {each}") for each in range(3)]
    exported = mautrix.export("alice", [ROOMS[3], alice["curve25519"], forwarded], 1)
    chain = [story.people["dave"]["curve25519"], story.people["carol"]["curve25519"]]
    mautrix.inbound("bot", exported, {"room": ROOMS[3], **said, "chain": chain}, exported=True)
    story.before["forwarded"] = [forwarded, messages]
    received: list[Any] = [
        [ROOMS[0], theirs, alice["curve25519"], alice["ed25519"], 0, []],
        [ROOMS[1], ours, bot["curve25519"], bot["ed25519"], 0, []],
        [ROOMS[3], forwarded, alice["curve25519"], alice["ed25519"], 1, chain],
    ]
    story.expected |= {"received": received, "sent": [[ROOMS[1], ours]], "redacted": None}
    if version >= GRADED:
        gone, key = mautrix.outbound("alice", ROOMS[2])
        mautrix.inbound("bot", key, {"room": ROOMS[2], **said}, exported=False)
        mautrix.redact("bot", ROOMS[2], gone)
        story.expected["redacted"] = [ROOMS[2], gone]


def people(mautrix: MautrixStores, story: Story, version: int) -> None:
    """What the bot knows of the others, and what its user decided."""
    decisions = DECISIONS if version >= GRADED else EARLY_DECISIONS
    devices, keys = [], []
    for name, (theirs, ours) in decisions.items():
        ids = story.people[name]
        pair = [ids["curve25519"], ids["ed25519"]]
        mautrix.introduce("bot", ids["user"], ids["device"], pair, theirs)
        devices.append([ids["user"], ids["device"], *pair, ours])
    if version >= GRADED:
        user, key = story.people["alice"]["user"], story.people["carol"]["ed25519"]
        mautrix.cross_sign("bot", user, "master", key)
        keys.append([user, "master", key])
    story.expected |= {"devices": devices, "cross_signing_keys": keys}


def after_the_move(peer: Peer, story: Story) -> None:
    """What the others write to the bot then."""
    mautrix, bot = cast("MautrixStores", peer), story.people["bot"]["curve25519"]
    assert mautrix.receive("carol", bot, *story.before["to carol"]) == "waiting"
    for name in PEERS:
        story.after[name] = mautrix.encrypt(name, bot, f"{name} after the move", None)
    story.after["room"] = mautrix.write("alice", ROOMS[0], "after the move")


def go_on(peer: Peer, story: Story, moved: Moved) -> int:
    """The bot goes on here, with the others as they are; how many messages were opened."""
    mautrix = cast("MautrixStores", peer)
    bot, alice = story.people["bot"]["curve25519"], story.people["alice"]["curve25519"]
    read = read_recorded(story, moved)
    for name in ("alice", "carol", "dave"):
        theirs = story.people[name]["curve25519"]
        assert mautrix.receive(name, bot, *moved.encrypt(theirs, "ours")) == "ours"
        assert moved.receive(theirs, *mautrix.encrypt(name, bot, "theirs", None)) == "theirs"
        read += 2
    [[room, session_id]] = story.expected["sent"]
    message = moved.write(room, "ours")
    assert mautrix.read("alice", [room, bot, session_id], message, "$ours") == "ours"
    session_id, key = moved.make_room_key(ROOMS[2])
    said = {"room": ROOMS[2], "sender_key": bot, "chain": []}
    said["signing_key"] = story.people["bot"]["ed25519"]
    mautrix.inbound("alice", key, said, exported=False)
    message = moved.write(ROOMS[2], "ours")
    assert mautrix.read("alice", [ROOMS[2], bot, session_id], message, "$ours2") == "ours"
    session_id, key = mautrix.outbound("alice", ROOMS[1])
    moved.take(key)
    message = mautrix.write("alice", ROOMS[1], alice)
    assert moved.read(session_id, message, "$theirs") == alice
    return read + 3


def read_recorded(story: Story, moved: Moved) -> int:
    """Opens what was under way, and what was written after the move; how many messages."""
    alice = story.people["alice"]["curve25519"]
    assert moved.receive(alice, *story.before["olm"]) == "before the move"
    session_id, message = story.before["room"]
    assert moved.read(session_id, message, "$before") == "before the move"
    assert moved.read(session_id, story.after["room"], "$after") == "after the move"
    session_id, message = story.before["opened"]
    assert moved.read(session_id, message, "$hello") == "hello"
    with pytest.raises(DuplicateMessageError):
        moved.read(session_id, message, "$another")
    session_id, messages = story.before["forwarded"]
    for number, message in list(enumerate(messages))[1:]:
        assert moved.read(session_id, message, f"$f{number}") == f"forwarded {number}"
    for name in PEERS:
        theirs = story.people[name]["curve25519"]
        assert moved.receive(theirs, *story.after[name]) == f"{name} after the move"
    return 6 + len(PEERS)
