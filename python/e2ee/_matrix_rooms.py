# SPDX-License-Identifier: MIT OR Apache-2.0
"""Keys of rooms for a backup or a file, and from there (olm_megolm.md §5 and §7).

`export_room_keys` and `import_room_keys` are methods of `e2ee.Account`. The objects are those of
`e2ee.matrix.seal_backup` and `seal_key_export`; Python's copies of the keys are not wiped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

from e2ee import _core
from e2ee._matrix_bundles import decoded_key, encoded_text
from e2ee._matrix_envelopes import MEGOLM, decoded_field
from e2ee._matrix_signed import object_of, text_of
from e2ee._protocols import olm_of
from e2ee.errors import E2EEError, MalformedMessageError, UnsupportedVersionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from e2ee.account import Account

    _Row: TypeAlias = tuple[str, bytes, bytes | None, list[bytes], bytes, bytes]

#: Where a session has the keys of the devices that gave it on.
_FORWARDERS: Final = "forwarding_curve25519_key_chain"


@final
@dataclass(frozen=True, slots=True)
class RoomKeyReport:
    """What became of keys that were imported (olm_megolm.md §7).

    `new` were not known, or open earlier messages than were known; in those that were `known`
    nothing was new. `refused` has the errors of the others by their places, from 0: such a key has
    changed nothing.
    """

    new: int
    known: int
    refused: dict[int, E2EEError]


def export_room_keys(  # noqa: D417 (self is the account)
    self: Account, room_id: str | None = None
) -> list[dict[str, object]]:
    """The keys that open messages of rooms, from the first known one on (olm_megolm.md §7).

    They are for `matrix.seal_backup`, `matrix.seal_key_export`, or another device of the same
    person. Whoever has one reads all messages under it. This device's own keys are not among them:
    the members have those.

    Args:
        room_id: Only those of this room.

    Raises:
        InvalidArgumentError: The account is not of Olm.
    """
    held = _core.OlmRooms(olm_of(self._inner))
    rows = self._commits.read(lambda inside: held.export_keys(inside, room_id))
    return [_exported(row) for row in rows]


def import_room_keys(  # noqa: D417 (self is the account)
    self: Account, keys: Iterable[Mapping[str, object]]
) -> RoomKeyReport:
    """Takes keys of rooms in, from a backup, a file or another device, in one step.

    Nothing says whose they are: what opens under them is of the kind "forwarded", until the sender
    gives the same key itself.

    Args:
        keys: Objects as `export_room_keys` has them; those of a backup lack `room_id` and
            `session_id`, which stand beside them there.

    Raises:
        InvalidArgumentError: The account is not of Olm.
    """
    held = _core.OlmRooms(olm_of(self._inner))
    rows: list[_Row] = []
    places: list[int] = []
    refused: dict[int, E2EEError] = {}
    for place, key in enumerate(keys):
        try:
            rows.append(_row(key))
            places.append(place)
        except E2EEError as error:
            refused[place] = error
    results = self._commits.write(lambda inside: held.import_keys(inside, rows))
    placed = zip(places, results, strict=True)
    refused |= {place: each for place, each in placed if isinstance(each, E2EEError)}
    return RoomKeyReport(results.count(True), results.count(False), dict(sorted(refused.items())))


def _exported(
    row: tuple[str, bytes, bytes | None, list[bytes], bytes, bytes, bool],
) -> dict[str, object]:
    room_id, sender, signing_key, forwarders, session_id, session_key, _ = row
    claimed = {} if signing_key is None else {"ed25519": encoded_text(signing_key)}
    return {
        "algorithm": MEGOLM,
        _FORWARDERS: [encoded_text(each) for each in forwarders],
        "room_id": room_id,
        "sender_claimed_keys": claimed,
        "sender_key": encoded_text(sender),
        "session_id": encoded_text(session_id),
        "session_key": encoded_text(session_key),
    }


def _row(key: Mapping[str, object]) -> _Row:
    if text_of(key, "algorithm") != MEGOLM:
        raise UnsupportedVersionError("the key is for another algorithm")
    claimed = object_of(key, "sender_claimed_keys").get("ed25519")
    if claimed is not None and not isinstance(claimed, str):
        raise MalformedMessageError("a claimed key is no text")
    chain = key.get(_FORWARDERS, [])
    if not isinstance(chain, list) or not all(isinstance(each, str) for each in chain):
        raise MalformedMessageError("the devices that gave a key on are no list of keys")
    return (
        text_of(key, "room_id"),
        decoded_key(text_of(key, "sender_key")),
        None if claimed is None else decoded_key(claimed),
        [decoded_key(each) for each in chain],
        decoded_key(text_of(key, "session_id")),
        decoded_field(key, "session_key"),
    )
