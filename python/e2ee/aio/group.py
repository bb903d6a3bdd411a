# SPDX-License-Identifier: MIT OR Apache-2.0
"""A group of an asynchronous account: the names of `e2ee.Group`, to be awaited."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, final

from e2ee.aio._block import refuse_block

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable
    from uuid import UUID

    import e2ee
    from e2ee._sealed import SenderCertificate
    from e2ee.aio._turns import Turns
    from e2ee.aio.account import Account
    from e2ee.values import Address, Envelope

_T = TypeVar("_T")
_WEEK: Final = timedelta(weeks=1)


@final
class Group:
    """A group as one device sees it; made by `Account.create_group` and `Account.group`.

    Its methods are those of `e2ee.Group`, whose descriptions hold here too; `members` and `pending`
    are awaited. All raise `NoGroupError` after this device has left, and those that change
    something or let something leave raise `TransactionOpenError` inside a `receive` block.
    """

    __slots__ = ("_group", "_turns")

    _group: e2ee.Group
    _turns: Turns

    def __init__(self) -> None:
        msg = "use Account.create_group or Account.group"
        raise TypeError(msg)

    @classmethod
    async def create(
        cls,
        account: Account,
        members: Iterable[Address | str] = (),
        *,
        id: UUID | str | None = None,  # noqa: A002 - the word for it
    ) -> Group:
        """The same as `Account.create_group`."""
        return await account.create_group(members, id=id)

    @classmethod
    def _of(cls, turns: Turns, inner: e2ee.Group) -> Group:
        group = object.__new__(cls)
        group._turns = turns
        group._group = inner
        return group

    @property
    def id(self) -> UUID | str:
        """The group's id, the same for all its members; it is visible in envelopes."""
        return self._group.id

    @property
    def members(self) -> Awaitable[tuple[Address, ...]]:
        """The devices that read what this one writes, in the order of names; without this one.

        Raises:
            NoGroupError: This device has left the group.
        """
        return self._turns.call(lambda: self._group.members)

    @property
    def pending(self) -> Awaitable[tuple[Address, ...]]:
        """The members that need an invitation before this device can write.

        Raises:
            NoGroupError: This device has left the group.
        """
        return self._turns.call(lambda: self._group.pending)

    async def add(self, member: Address | str) -> None:
        """Takes a device in; it can open what is written after its invitation.

        Raises:
            InvalidArgumentError: It is this device, or there are 5,000 members.
        """
        await self._write(partial(self._group.add, member))

    async def remove(self, member: Address | str) -> None:
        """Removes a device, and ends this device's key, as `e2ee.Group.remove` does."""
        await self._write(partial(self._group.remove, member))

    async def reinvite(self, member: Address | str) -> None:
        """Forgets that a member has this device's key, for a member that lost its invitation.

        Raises:
            InvalidArgumentError: The device is no member.
        """
        await self._write(partial(self._group.reinvite, member))

    async def rotate(self) -> None:
        """Ends this device's key: everyone needs an invitation to the next one."""
        await self._write(self._group.rotate)

    async def rotate_after(self, *, messages: int = 100, period: timedelta = _WEEK) -> None:
        """Says how long a key of this device serves, as `e2ee.Group.rotate_after` does.

        Raises:
            InvalidArgumentError: The account is not of Olm.
        """
        await self._write(partial(self._group.rotate_after, messages=messages, period=period))

    async def leave(self) -> None:
        """Forgets the group with all its keys; the other members do not learn of it."""
        await self._write(self._group.leave)

    async def invitations(self) -> list[tuple[Address, Envelope]]:
        """An envelope for each member that does not have this device's key, once."""
        return await self._write(self._group.invitations)

    async def encrypt(self, plaintext: bytes) -> Envelope:
        """Encrypts to all members; the envelope leaves after the key's next state is durable.

        Raises:
            InvitationsPendingError: A member does not have this device's key.
        """
        return await self._write(partial(self._group.encrypt, plaintext))

    async def encrypt_sealed(
        self,
        plaintext: bytes,
        certificate: SenderCertificate | bytes,
        *,
        excluded: Collection[str] = (),
    ) -> bytes:
        """Encrypts to all members in one message that does not show who sent it.

        Raises:
            InvitationsPendingError: A member does not have this device's key.
            E2EEError: As `e2ee.Group.encrypt_sealed`.
        """
        left_out = tuple(excluded)
        return await self._write(
            partial(self._group.encrypt_sealed, plaintext, certificate, excluded=left_out)
        )

    async def _write(self, call: Callable[[], _T]) -> _T:
        refuse_block(self._turns)
        return await self._turns.call(call)

    def __repr__(self) -> str:
        """The type and the id."""
        return f"Group({str(self.id)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: a group belongs to its account."""
        msg = "a group cannot be copied: open it again"
        raise TypeError(msg)
