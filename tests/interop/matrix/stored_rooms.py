# SPDX-License-Identifier: MIT OR Apache-2.0
"""A room of two devices: ours is of an account in a store, theirs of one of the packages.

Each gives the other its keys in the events that Matrix has for it; messages are lost, come late and
come again, keys are replaced, and our account is opened again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, final

import e2ee
from e2ee._protocols import olm_of
from tests.interop.matrix.parties import ACCOUNT, INBOUND, OUTBOUND, SESSION, to_bytes, to_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.interop.matrix_talk import World

OURS: Final = e2ee.Address("@ours:example.org", "OURS")
THEIRS: Final = e2ee.Address("@theirs:example.org", "THEIRS")
ROOM: Final = "!room:example.org"
MEGOLM: Final = "m.megolm.v1.aes-sha2"


def stored_room(world: World) -> None:
    """A conversation in a room."""
    room = StoredRoom(world)
    for _ in range(world.size):
        what = world.random.random()
        if what < 0.3:
            room.write_ours()
        elif what < 0.6:
            room.write_theirs()
        elif what < 0.92:
            room.deliver_one()
        elif what < 0.95:
            room.replace_ours()
        elif what < 0.98:
            room.replace_theirs()
        else:
            room.reopen()
    while room.waiting:
        room.deliver_one()


@final
class StoredRoom:
    """Both ends, and what is on its way."""

    def __init__(self, world: World) -> None:
        self._world, self._theirs = world, world.theirs
        # What is in a message: python-olm encrypts texts.
        texts = world.package == "olm"
        self._in: Callable[[str], bytes] = str.encode if texts else to_bytes
        self._out: Callable[[bytes], str] = bytes.decode if texts else to_text
        self._store = e2ee.MemoryStore()
        self._account = e2ee.Account.create(
            self._store, OURS.user, device=OURS.device, protocol="olm"
        )
        self._peer, self._session = world.name(ACCOUNT), world.name(SESSION)
        self._peer_keys = self._theirs.account(self._peer)
        self._outbound = ("", "")
        #: Their sessions of our keys, by the ids.
        self._inbound: dict[str, str] = {}
        self.waiting: list[Callable[[], None]] = []
        self._begin()

    def _begin(self) -> None:
        """Either side starts the session of two with its key of the room."""
        if self._world.random.random() < 0.5:
            identity, signing = (to_bytes(each) for each in self._peer_keys)
            one_time = to_bytes(self._theirs.one_time_key(self._peer, fallback=False))
            core = olm_of(self._account._inner)  # noqa: SLF001 - nobody has signed their keys
            self._account._commits.write(  # noqa: SLF001 - as above
                lambda inside: core.connect(inside, THEIRS, identity, signing, one_time)
            )
            self._group = self._account.create_group([THEIRS], id=ROOM)
            ((_, invitation),) = self._group.invitations()
            body = str(invitation.to_matrix()["body"])
            ours = self._our_keys()
            self._accept(self._theirs.accept(self._session, self._peer, ours[0], body))
            self.replace_theirs()
        else:
            bundle = json.loads(self._account.bundle().to_bytes())
            (one_time,) = bundle["one_time_keys"].values()
            ours = self._our_keys()
            self._theirs.start(self._session, self._peer, ours[0], one_time["key"])
            self.replace_theirs()
            self._group = self._account.group(ROOM)
            self._group.add(THEIRS)

    def _our_keys(self) -> list[str]:
        keys = self._account.generate_keys().device_keys["keys"]
        assert isinstance(keys, dict)
        return [keys["curve25519:OURS"], keys["ed25519:OURS"]]

    def replace_theirs(self) -> None:
        """They make a new session, and give us its key."""
        name = self._world.name(OUTBOUND)
        self._outbound = (name, self._theirs.outbound(name))
        payload = {
            "type": "m.room_key",
            "content": {
                "algorithm": MEGOLM,
                "room_id": ROOM,
                "session_id": self._outbound[1],
                "session_key": self._theirs.session_key(name),
            },
            "sender": THEIRS.user,
            "keys": {"ed25519": self._peer_keys[1]},
            "recipient": OURS.user,
            "recipient_keys": {"ed25519": self._our_keys()[1]},
        }
        kind, body = self._theirs.encrypt(self._session, self._out(json.dumps(payload).encode()))
        envelope = e2ee.Envelope.from_matrix({"type": kind, "body": body})
        with self._account.receive(THEIRS, envelope) as message:
            self._world.expect(("invitation", ROOM), (message.content, message.group), "room key")

    def replace_ours(self) -> None:
        """We make a new session, whose key they get with the next message."""
        self._group.rotate()

    def _accept(self, plaintext: str) -> None:
        payload = json.loads(self._in(plaintext))
        content = payload["content"]
        expected = [OURS.user, THEIRS.user, self._peer_keys[1], MEGOLM, ROOM]
        got = [payload["sender"], payload["recipient"], payload["recipient_keys"]["ed25519"]]
        self._world.expect(expected, [*got, content["algorithm"], content["room_id"]], "room key")
        name = self._world.name(INBOUND)
        found = self._theirs.inbound(name, content["session_key"], exported=False)
        self._world.expect(content["session_id"], found, "room key")
        self._inbound[found] = name

    def write_ours(self) -> None:
        """We write, after everybody has our key."""
        for _, invitation in self._group.invitations():
            made = invitation.to_matrix()
            kind, body = int(made["type"]), str(made["body"])
            self._accept(self._theirs.decrypt(self._session, kind, body))
        text = self._world.text()
        event = self._group.encrypt(self._in(text)).to_matrix()
        name, ciphertext = self._inbound[str(event["session_id"])], str(event["ciphertext"])
        self._world.counts["messages"] += 1

        def read() -> None:
            opened = self._theirs.read(name, ciphertext)[0]
            self._world.expect(text, opened, "message of our stored room opened")

        self.waiting.append(read)

    def write_theirs(self) -> None:
        """They write."""
        text = self._world.text()
        name, session_id = self._outbound
        event = {
            "algorithm": MEGOLM,
            "session_id": session_id,
            "ciphertext": self._theirs.write(name, text),
        }
        envelope = e2ee.Envelope.from_matrix(event, room_id=ROOM)
        self._world.counts["messages"] += 1

        def read() -> None:
            with self._account.receive(THEIRS, envelope) as message:
                opened = (message.content, self._out(message.plaintext))
            self._world.expect(("group", text), opened, "message opened in our stored room")
            if self._world.random.random() < 0.1:
                self._world.refused(
                    lambda: self._account.decrypt(THEIRS, envelope), "replay refused"
                )

        self.waiting.append(read)

    def deliver_one(self) -> None:
        """A message arrives, in any order, or is lost."""
        if not self.waiting:
            return
        read = self.waiting.pop(self._world.random.randrange(len(self.waiting)))
        if self._world.random.random() < 0.1:
            self._world.counts["lost"] += 1
        else:
            read()

    def reopen(self) -> None:
        """Our account is opened again, as another process would."""
        self._account = e2ee.Account.open(self._store)
        self._group = self._account.group(ROOM)
        self._world.counts["accounts opened again"] += 1
