# SPDX-License-Identifier: MIT OR Apache-2.0
"""A message altered by somebody who has no key, in ways that a lenient reader may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tests.interop.matrix.parties import ACCOUNT, SESSION, Party, to_bytes, to_text

if TYPE_CHECKING:
    from collections.abc import Callable

#: A message, and what says for each side whether an altered one is taken.
Case = tuple[str, "list[Callable[[str], bool]]"]


def altered(message: bytes) -> tuple[list[bytes], list[bytes]]:
    """Every single bit flipped; and what an encoder would not write, inserted."""
    return [flipped(message, bit) for bit in range(len(message) * 8)], insertions(message)


def flipped(message: bytes, bit: int) -> bytes:
    """The message with this bit flipped."""
    changed = bytearray(message)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def insertions(message: bytes) -> list[bytes]:
    """An unknown field of each wire type at each place, and a byte at each place.

    Most places are inside a field, where anything must be refused; those between fields are where a
    reader of protobuf that passes over what it does not know accepts them.
    """
    fields = [b"\x78\x01", b"\x79" + bytes(8), b"\x7a\x01x", b"\x7d" + bytes(4)]
    inserted = [*fields, b"\x00"]
    return [
        message[:place] + each + message[place:]
        for place in range(1, len(message) + 1)
        for each in inserted
    ]


def measure_flips(ours: Party, theirs: Party) -> list[tuple[str, int, int, int, int, int]]:
    """Of each kind of message: how many bits, and what flips and insertions each side accepts."""
    rows = []
    for kind, opened in (("prekey", prekey_case), ("normal", normal_case), ("room", room_case)):
        message, receivers = opened(ours, theirs)
        data = to_bytes(message)
        flips, insertions = altered(data)
        found = []
        for each in (flips, insertions):
            found += [sum(receive(to_text(bad)) for bad in each) for receive in receivers]
        rows.append((kind, len(data) * 8, *found))
    return cast("list[tuple[str, int, int, int, int, int]]", rows)


def prekey_case(ours: Party, theirs: Party) -> Case:
    """The first message of a session; each try begins with an account that has not seen it."""
    starter = ours.account("flips starter")
    keys = [party.account("flips") for party in (ours, theirs)]
    pickle = theirs.pickle(ACCOUNT, "flips")
    key = theirs.one_time_key("flips", fallback=True)
    pickle = theirs.pickle(ACCOUNT, "flips")
    ours.start("flips session", "flips starter", keys[1][0], key)
    _, message = ours.encrypt("flips session", "dGV4dA")

    def receiver(party: Party) -> Callable[[str], bool]:
        def receive(bad: str) -> bool:
            party.unpickle(ACCOUNT, "flips receiver", pickle)
            return accepted(lambda: party.accept("flips made", "flips receiver", starter[0], bad))

        return receive

    return message, [receiver(ours), receiver(theirs)]


def normal_case(ours: Party, theirs: Party) -> Case:
    """An answer; each try begins with a session that has not seen it."""
    starter = ours.account("flips starter")
    keys = theirs.account("flips")
    key = theirs.one_time_key("flips", fallback=False)
    ours.start("flips session", "flips starter", keys[0], key)
    _, first = ours.encrypt("flips session", "dGV4dA")
    theirs.accept("flips theirs", "flips", starter[0], first)
    kind, message = theirs.encrypt("flips theirs", "dGV4dA")
    pickle = ours.pickle(SESSION, "flips session")

    def receiver(party: Party) -> Callable[[str], bool]:
        def receive(bad: str) -> bool:
            party.unpickle(SESSION, "flips receiver", pickle)
            return accepted(lambda: party.decrypt("flips receiver", kind, bad))

        return receive

    return message, [receiver(ours), receiver(theirs)]


def room_case(ours: Party, theirs: Party) -> Case:
    """A message to a room."""
    ours.outbound("flips room")
    key = ours.session_key("flips room")
    message = ours.write("flips room", "dGV4dA")

    def receiver(party: Party) -> Callable[[str], bool]:
        def receive(bad: str) -> bool:
            party.inbound("flips reader", key, exported=False)
            return accepted(lambda: party.read("flips reader", bad))

        return receive

    return message, [receiver(ours), receiver(theirs)]


def accepted(work: Callable[[], object]) -> bool:
    """Whether something was done and not refused."""
    try:
        work()
    except Exception:  # noqa: BLE001 (whatever either side raises)
        return False
    return True
