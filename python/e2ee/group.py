# SPDX-License-Identifier: MIT OR Apache-2.0
"""A group: one envelope that all its members can open (signal.md §9; olm_megolm.md §2).

Each device that writes has a key of its own for the group, and gives it to every member in an
invitation, once. Who is in a group is the application's knowledge: no device learns it from
another.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from e2ee import _core
from e2ee.errors import InvalidArgumentError
from e2ee.values import Address, Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Protocol
    from uuid import UUID

    from e2ee._sealed import SenderCertificate
    from e2ee.account import Account
    from e2ee.store import Transaction

    _T = TypeVar("_T")

    class _Read(Protocol):
        def __call__(self, work: Callable[[Transaction], _T], /) -> _T: ...

    class _Write(Protocol):
        def __call__(self, work: Callable[[Transaction], _core.Step[_T]], /) -> _T: ...


_WEEK: Final = timedelta(weeks=1)
#: Above every limit of the core, and a number that fits.
_MOST: Final = 1 << 40


@final
class Group:
    """A group as one device sees it; made by `Account.create_group` and `Account.group`.

    >>> import e2ee
    >>> alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")
    >>> bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    >>> alice.connect("bob", bob.bundle())
    >>> club = alice.create_group(["bob"])
    >>> for member, invitation in club.invitations():
    ...     bob.decrypt("alice", invitation).content  # carried to this member alone
    'invitation'
    >>> envelope = club.encrypt(b"Hello, all.")  # carried to every member
    >>> with bob.receive("alice", envelope) as message:
    ...     message.plaintext, message.group == club.id
    (b'Hello, all.', True)

    Of a Matrix account it is a room: `id` is the room's id, an invitation is an `m.room_key` inside
    an Olm message, and `Envelope.to_matrix` says what stands in events.

    Names and devices are those of `Account`. `remove`, a new identity of a member, and forgetting
    it end this device's key: the next one goes to those who are left, in new invitations.
    """

    __slots__ = ("_groups", "_id", "_key", "_read", "_write")

    #: The core's `Groups`, or of a Matrix account its `OlmRooms`, which have the same methods.
    _groups: Any
    _id: UUID | str
    #: The id as the core takes it.
    _key: Any
    _read: _Read
    _write: _Write

    def __init__(self) -> None:
        msg = "use Account.create_group or Account.group"
        raise TypeError(msg)

    @classmethod
    def create(
        cls,
        account: Account,
        members: Iterable[Address | str] = (),
        *,
        id: UUID | str | None = None,  # noqa: A002 - the word for it
    ) -> Group:
        """The same as `Account.create_group`."""
        return account.create_group(members, id=id)

    @classmethod
    def _of(
        cls,
        groups: _core.Groups | _core.OlmRooms,
        doors: tuple[_Read, _Write],
        ids: tuple[UUID | str, bytes | str],
    ) -> Group:
        group = object.__new__(cls)
        group._groups = groups
        group._read, group._write = doors
        group._id, group._key = ids
        return group

    @property
    def id(self) -> UUID | str:
        """The group's id, the same for all its members; it is visible in envelopes."""
        return self._id

    @property
    def members(self) -> tuple[Address, ...]:
        """The devices that read what this one writes, in the order of names; without this one.

        Raises:
            NoGroupError: This device has left the group.
        """
        return tuple(address for address, _ in self._members())

    @property
    def pending(self) -> tuple[Address, ...]:
        """The members that need an invitation before this device can write.

        Raises:
            NoGroupError: This device has left the group.
        """
        return tuple(address for address, pending in self._members() if pending)

    def add(self, member: Address | str) -> None:
        """Takes a device in; it can open what is written after its invitation.

        Raises:
            InvalidArgumentError: It is this device, or there are 5,000 members.
            NoGroupError: This device has left the group.
        """
        whom, group_id = _address(member), self._key
        self._write(lambda inside: self._groups.add(inside, group_id, whom))

    def remove(self, member: Address | str) -> None:
        """Removes a device: it opens nothing that is written from now on.

        This device's key ends, so that everyone else needs an invitation to the next one. What the
        removed device writes to the group is not opened any more, unless it sends an invitation
        again: compare the sender of a message with `members`.

        Raises:
            NoGroupError: This device has left the group.
        """
        whom, group_id = _address(member), self._key
        self._write(lambda inside: self._groups.remove(inside, group_id, whom))

    def reinvite(self, member: Address | str) -> None:
        """Forgets that a member has this device's key, for a member that lost its invitation.

        Raises:
            InvalidArgumentError: The device is no member.
            NoGroupError: This device has left the group.
        """
        whom, group_id = _address(member), self._key
        self._write(lambda inside: self._groups.reinvite(inside, group_id, whom))

    def rotate(self) -> None:
        """Ends this device's key: everyone needs an invitation to the next one.

        A group heals by that alone: whoever has taken the key from a member's store reads what is
        written until then, and after it too if the session that carries the invitation to that
        member has not healed.

        Raises:
            NoGroupError: This device has left the group.
        """
        self._write(lambda inside: self._groups.rotate(inside, self._key))

    def rotate_after(self, *, messages: int = 100, period: timedelta = _WEEK) -> None:
        """Says how long a key of this device serves in a room of Matrix, as the room asks for.

        A key that has come to its end gives way to the next one: everyone is in `pending`, and
        `invitations` has it. So call `invitations` before each `encrypt`.

        Args:
            messages: `rotation_period_msgs` of the room's `m.room.encryption`; what is not between
                1 and 10,000 counts as the nearer of both.
            period: `rotation_period_ms`, likewise; at most 100 days.

        Raises:
            NoGroupError: This device has left the group.
            InvalidArgumentError: The account is not of Olm.
        """
        rooms = self._groups
        if isinstance(rooms, _core.Groups):
            raise InvalidArgumentError("keys of Signal's groups serve until they are ended")
        count = min(max(messages, 0), _MOST)
        period_ms = min(max(period // timedelta(milliseconds=1), 0), _MOST)
        self._write(lambda inside: rooms.rotate_after(inside, self._key, count, period_ms))

    def leave(self) -> None:
        """Forgets the group with all its keys; the other members do not learn of it.

        Raises:
            NoGroupError: This device has left the group already.
        """
        self._write(lambda inside: self._groups.leave(inside, self._key))

    def invitations(self) -> list[tuple[Address, Envelope]]:
        """An envelope for each member that does not have this device's key, once.

        Carry each to its member alone; that it was made is durable before it leaves. A member
        without a session gets none and stays in `pending`: connect to it, and call again.

        Raises:
            NoGroupError: This device has left the group.
        """
        made = self._write(lambda inside: self._groups.invitations(inside, self._key))
        return [(Address(user, device), Envelope(envelope)) for user, device, envelope in made]

    def encrypt(self, plaintext: bytes) -> Envelope:
        """Encrypts to all members; the envelope leaves after the key's next state is durable.

        Raises:
            InvitationsPendingError: A member does not have this device's key, or that has come to
                its end (see `rotate_after`): send `invitations`.
            NoGroupError: This device has left the group.
        """
        group_id = self._key
        return Envelope(
            self._write(lambda inside: self._groups.encrypt(inside, group_id, plaintext))
        )

    def encrypt_sealed(
        self,
        plaintext: bytes,
        certificate: SenderCertificate | bytes,
        *,
        excluded: Collection[str] = (),
    ) -> bytes:
        """Encrypts to all members in one message that does not show who sent it (signal.md §10.4).

        The bytes are for the server, which gives each member its part with `e2ee.signal.fan_out`;
        each opens it with `Account.receive_sealed`.

        Args:
            plaintext: The message.
            certificate: This device's, as the server issued it.
            excluded: Users who are members and shall not get this message; the server sees that.

        Raises:
            InvitationsPendingError: A member does not have this device's key.
            NoGroupError: This device has left the group.
            NoSessionError: There is no session with a member: connect to it.
            InvalidCertificateError: The certificate is another device's, or has expired.
            InvalidArgumentError: Nobody is left, or two devices of one user have different
                identity keys: this form has one for each user; or the account is of Olm.
        """
        groups = self._groups
        if not isinstance(groups, _core.Groups):
            raise InvalidArgumentError("there are no sealed senders in a room of Matrix")
        group_id, left_out = self._key, list(excluded)
        encoded = certificate if isinstance(certificate, bytes) else certificate.to_bytes()
        return self._write(
            lambda inside: groups.encrypt_sealed(inside, group_id, plaintext, encoded, left_out)
        )

    def _members(self) -> list[tuple[Address, bool]]:
        rows = self._read(lambda inside: self._groups.members(inside, self._key))
        return [(Address(user, device), pending) for user, device, pending in rows]

    def __repr__(self) -> str:
        """The type and the id."""
        return f"Group({str(self._id)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: a group belongs to its account."""
        msg = "a group cannot be copied: open it again"
        raise TypeError(msg)


def _address(member: Address | str) -> Address:
    return Address(member) if isinstance(member, str) else member
