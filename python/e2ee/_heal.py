# SPDX-License-Identifier: MIT OR Apache-2.0
"""Healing an account whose store was set back (docs/storage.md, "Healing").

`heal` is a method of `e2ee.Account`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final
from uuid import UUID

from e2ee.values import Address

if TYPE_CHECKING:
    from e2ee.account import Account

#: Devices, groups and rows of the outbox.
HealedRow: TypeAlias = tuple[list[tuple[str, int | str]], list[bytes] | list[str], list[str]]


@final
@dataclass(frozen=True, slots=True)
class Healed:
    """What healing ended, or what a restored account has to do again.

    `peers` are the devices to which nothing can be sent before `connect`; `groups` the ids of those
    whose members need invitations; `dropped` the names of the rows of the outbox that went, whose
    texts are to be queued again. Of a store of secret chats, `chats` are the numbers of those that
    were closed: all are to be discarded at the server, and begun anew.
    """

    peers: tuple[Address, ...]
    groups: tuple[UUID | str, ...]
    dropped: tuple[str, ...]
    chats: tuple[int, ...] = ()


def heal(self: Account) -> Healed:
    """Lets a store that was set back send again, after `StoreRollbackError` or a restored backup.

    Nothing is used again that the lost past may have used: sessions only receive, this device's
    keys for groups end, the outbox is emptied, and one-time prekeys are destroyed. Call `connect`
    with fresh bundles, send `invitations`, and give a server what `prekeys` returns.

    If two copies of the store are running, stop one before: the one that is healed goes on, and its
    anchor refuses the other.

    Raises:
        StoreRollbackError: This process has seen newer rows: open the account again.
        StoreOutcomeUnknownError: The anchor was changed meanwhile: look for another copy that runs.
    """
    return healed(self._commits.write(self._inner.heal))


def healed(row: HealedRow | list[int]) -> Healed:
    """What healing ended, as the core says it; of secret chats, their numbers."""
    if isinstance(row, list):
        return Healed((), (), (), tuple(row))
    peers, groups, dropped = row
    return Healed(
        tuple(Address(user, device) for user, device in peers),
        tuple(UUID(bytes=each) if isinstance(each, bytes) else each for each in groups),
        tuple(dropped),
    )
