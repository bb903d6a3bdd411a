# SPDX-License-Identifier: MIT OR Apache-2.0
"""The groups of an account (signal.md §9); these functions are methods of `e2ee.Account`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from e2ee import _core
from e2ee._given import address_of
from e2ee._protocols import signal_of
from e2ee.group import Group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2ee.account import Account
    from e2ee.values import Address


def create_group(  # noqa: D417 (self is the account)
    self: Account,
    members: Iterable[Address | str] = (),
    *,
    id: UUID | None = None,  # noqa: A002 - the word for it
) -> Group:
    """Makes a group; see `Group`.

    Args:
        members: The devices that shall read what this one writes to the group.
        id: The group's id, the same for all its members; a random one if none is given.

    Raises:
        InvalidArgumentError: A group of this id is known, or this device is among the members; or
            the account is of Olm.
    """
    encoded = None if id is None else id.bytes
    addresses = [address_of(each) for each in members]
    held = _core.Groups(signal_of(self._inner))
    made = self._commits.write(lambda inside: held.create(inside, encoded, addresses))
    return self.group(UUID(bytes=made))


def group(self: Account, group_id: UUID) -> Group:
    """A group that this device made or was invited to.

    Raises:
        NoGroupError: It did neither, or has left the group.
        InvalidArgumentError: The account is of Olm.
    """
    held = _core.Groups(signal_of(self._inner))
    self._commits.read(lambda inside: held.members(inside, group_id.bytes))
    doors = (self._commits.read, self._commits.write)
    return Group._of(held, doors, group_id)  # noqa: SLF001 - only accounts make them


def groups(self: Account) -> list[UUID]:
    """The ids of all groups, in ascending order.

    Raises:
        InvalidArgumentError: The account is of Olm.
    """
    held = _core.Groups(signal_of(self._inner))
    return [UUID(bytes=each) for each in self._commits.read(held.ids)]
