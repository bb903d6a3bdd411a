# SPDX-License-Identifier: MIT OR Apache-2.0
"""Members of a group: devices of both implementations, used alike (signal.md §9)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, final

from tests.interop import padding
from tests.interop.node import to_bytes, to_text
from tests.interop.parties import Ours, Refusal, Theirs, Wire

if TYPE_CHECKING:
    from uuid import UUID

    import e2ee
    from tests.interop.parties import Party, Who

GROUP: Final = 7


class Member(Protocol):
    """A device in a group."""

    @property
    def party(self) -> Party:
        """The device."""

    @property
    def id(self) -> UUID:
        """The group."""

    def add(self, member: Who) -> None:
        """From now on the device reads what this one writes."""

    def remove(self, member: Who) -> None:
        """The device reads nothing that this one writes from now on."""

    def rotate(self) -> None:
        """A new key: everyone needs an invitation to it."""

    def reinvite(self, member: Who) -> None:
        """The device needs an invitation to the present key, again."""

    def invitations(self) -> list[tuple[Who, Wire]]:
        """A message for each device that has not got our key."""

    def join(self, sender: Who, invitation: Wire) -> None:
        """Takes an invitation."""

    def encrypt(self, plaintexts: list[bytes]) -> list[Wire]:
        """Messages to the group."""

    def seal(self, plaintext: bytes, certificate: bytes, left_out: list[Who]) -> bytes:
        """One sealed message for all members but some, as it goes to a server (signal.md §10.4)."""

    def decrypt(self, sender: Who, messages: list[Wire]) -> list[bytes | Refusal]:
        """What is in messages of the group."""


@final
class OursInGroup:
    """A device of this library in a group."""

    def __init__(self, party: Ours, group: UUID) -> None:
        self.party: Party = party
        self.id = group
        self._account = party.account
        self._group = party.account.create_group(id=group)
        self._known: dict[e2ee.Address, Who] = {}

    def add(self, member: Who) -> None:
        """From now on the device reads what this one writes."""
        self._known[member.address] = member
        self._group.add(member.address)

    def remove(self, member: Who) -> None:
        """The device reads nothing that this one writes from now on."""
        self._group.remove(member.address)

    def rotate(self) -> None:
        """A new key."""
        self._group.rotate()

    def reinvite(self, member: Who) -> None:
        """The device needs an invitation to the present key, again."""
        self._group.reinvite(member.address)

    def invitations(self) -> list[tuple[Who, Wire]]:
        """A message for each device that has not got our key."""
        made = self._group.invitations()
        return [(self._known[address], Wire.of(envelope)) for address, envelope in made]

    def join(self, sender: Who, invitation: Wire) -> None:
        """Takes an invitation."""
        with self._account.receive(sender.address, invitation.envelope()) as message:
            assert (message.content, message.group) == ("invitation", self.id)
            assert message.sender == sender.address

    def encrypt(self, plaintexts: list[bytes]) -> list[Wire]:
        """Messages to the group."""
        return [Wire.of(self._group.encrypt(each)) for each in plaintexts]

    def seal(self, plaintext: bytes, certificate: bytes, left_out: list[Who]) -> bytes:
        """One sealed message for all members but some."""
        excluded = [each.name for each in left_out]
        return self._group.encrypt_sealed(plaintext, certificate, excluded=excluded)

    def decrypt(self, sender: Who, messages: list[Wire]) -> list[bytes | Refusal]:
        """What is in messages of the group."""
        return [Ours.opened(partial(self._open, sender, each)) for each in messages]

    def _open(self, sender: Who, message: Wire) -> bytes:
        with self._account.receive(sender.address, message.envelope()) as received:
            assert (received.content, received.group) == ("group", self.id)
            assert received.sender == sender.address
            return received.plaintext


@final
class TheirsInGroup:
    """A device of the reference client in a group; who has its key is kept here."""

    def __init__(self, party: Theirs, group: UUID) -> None:
        self.party: Party = party
        self._client = party
        self.id = group
        self._pending: dict[Who, bool] = {}

    def add(self, member: Who) -> None:
        """From now on the device reads what this one writes."""
        self._pending[member] = True

    def remove(self, member: Who) -> None:
        """The device reads nothing that this one writes from now on."""
        del self._pending[member]
        self.rotate()

    def rotate(self) -> None:
        """A new key."""
        self._client.call("rotate", group=str(self.id))
        self._pending = dict.fromkeys(self._pending, True)

    def reinvite(self, member: Who) -> None:
        """The device needs an invitation to the present key, again."""
        self._pending[member] = True

    def invitations(self) -> list[tuple[Who, Wire]]:
        """A message for each device that has not got our key."""
        made = []
        for member in [who for who, pending in self._pending.items() if pending]:
            distribution = to_bytes(self._client.call("distribution", group=str(self.id)))
            invitation = self._client.encrypt(member, [distribution], padding.INVITATION)
            made.append((member, invitation[0]))
            self._pending[member] = False
        return made

    def join(self, sender: Who, invitation: Wire) -> None:
        """Takes an invitation."""
        opened = self._client.decrypt(sender, [invitation], padding.INVITATION)[0]
        assert isinstance(opened, bytes), opened
        group = self._client.call("join", sender=sender.wire, distribution=to_text(opened))
        assert group == str(self.id)

    def encrypt(self, plaintexts: list[bytes]) -> list[Wire]:
        """Messages to the group."""
        padded = [self._client.padded(each) for each in plaintexts]
        made = self._client.call("encryptGroup", group=str(self.id), plaintexts=padded)
        return [Wire(GROUP, to_bytes(each)) for each in made]

    def seal(self, plaintext: bytes, certificate: bytes, left_out: list[Who]) -> bytes:
        """One sealed message for all members but some."""
        sent = self._client.call(
            "sealForMany",
            group=str(self.id),
            plaintext=self._client.padded(plaintext),
            peers=[each.wire for each in self._pending if each not in left_out],
            excluded=[each.service for each in left_out],
            certificate=to_text(certificate),
            hint=0,
        )
        return to_bytes(sent)

    def decrypt(self, sender: Who, messages: list[Wire]) -> list[bytes | Refusal]:
        """What is in messages of the group."""
        bodies = [to_text(each.body) for each in messages]
        replies = self._client.call("decryptGroup", sender=sender.wire, messages=bodies)
        return [Theirs.received(reply) for reply in replies]
