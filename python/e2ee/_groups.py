# SPDX-License-Identifier: MIT OR Apache-2.0
"""The groups of an account (signal.md §9; rooms: olm_megolm.md §2).

These functions are methods of `e2ee.Account`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from e2ee import _core
from e2ee._given import address_of
from e2ee.errors import InvalidArgumentError
from e2ee.group import Group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2ee._protocols import Core
    from e2ee.account import Account
    from e2ee.values import Address


def create_group(  # noqa: D417 (self is the account)
    self: Account,
    members: Iterable[Address | str] = (),
    *,
    id: UUID | str | None = None,  # noqa: A002 - the word for it
) -> Group:
    """Makes a group; see `Group`.

    Args:
        members: The devices that shall read what this one writes to the group.
        id: The group's id, the same for all its members; a random one if none is given. Of a Matrix
            account the room's id, as the server gave it.

    Raises:
        InvalidArgumentError: A group of this id is known, or this device is among the members; or
            the id is not of the account's protocol.
        SessionExhaustedError: A Matrix account knows 10,000 rooms.
    """
    addresses = [address_of(each) for each in members]
    core = self._inner
    if isinstance(core, _core.Account):
        encoded = None if id is None else _encoded(core, id)
        groups = _core.Groups(core)
        made = self._commits.write(lambda inside: groups.create(inside, encoded, addresses))
        return self.group(UUID(bytes=made))
    room_id = _encoded(core, id)
    rooms = _core.OlmRooms(core)
    return self.group(self._commits.write(lambda inside: rooms.create(inside, room_id, addresses)))


def group(self: Account, group_id: UUID | str) -> Group:
    """A group that this device made or was invited to.

    Raises:
        NoGroupError: It did neither, or has left the group.
        InvalidArgumentError: The id is not of the account's protocol.
    """
    core = self._inner
    key = _encoded(core, group_id)
    held = _core.Groups(core) if isinstance(core, _core.Account) else _core.OlmRooms(core)
    self._commits.read(lambda inside: held.members(inside, key))
    doors = (self._commits.read, self._commits.write)
    return Group._of(held, doors, (group_id, key))  # noqa: SLF001 - only accounts make them


def groups(self: Account) -> list[UUID] | list[str]:
    """The ids of all groups, in ascending order; of a Matrix account those of rooms."""
    core = self._inner
    if isinstance(core, _core.Account):
        return [UUID(bytes=each) for each in self._commits.read(_core.Groups(core).ids)]
    return self._commits.read(_core.OlmRooms(core).ids)


def _encoded(core: Core, group_id: UUID | str | None) -> Any:  # noqa: ANN401 - as the core has it
    """An id as the core takes it: bytes or text."""
    if isinstance(core, _core.Account) and isinstance(group_id, UUID):
        return group_id.bytes
    if not isinstance(core, _core.Account) and isinstance(group_id, str):
        return group_id
    raise InvalidArgumentError("a group has a UUID, and a room of Matrix the id of its server")
