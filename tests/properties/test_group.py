# SPDX-License-Identifier: MIT OR Apache-2.0
"""Four people, a group, and a carrier that does anything (signal.md §9; P11 in docs/threats.md).

What opens is what was sent, for those who were members when it was sent, once; a removed member
opens nothing from then on and a joiner nothing from before; nobody opens what nobody wrote; no
message key is used twice; what is refused changes nothing.
"""

from itertools import combinations, permutations
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import e2ee
from tests.properties import steps
from tests.properties.group_model import Expected, Hearing, Invitation, Letter, Sending
from tests.properties.world import CrashError, Moment, Person

PEOPLE = ("alice", "bob", "carol", "dave")
GROUP = UUID(int=0xD1 << 96)
REFUSALS: dict[Expected, type[e2ee.E2EEError]] = {
    Expected.DUPLICATE: e2ee.DuplicateMessageError,
    Expected.NO_KEY: e2ee.NoSenderKeyError,
}

names = st.sampled_from(PEOPLE)
pairs = st.sampled_from(list(permutations(PEOPLE, 2)))
places = st.integers(0, 1 << 16)


class GroupMachine(RuleBasedStateMachine):
    """Invite, write, remove, rotate, leave, forget, lose, reorder, tamper, crash, restart."""

    def __init__(self) -> None:
        super().__init__()
        self.stores = {name: e2ee.MemoryStore() for name in PEOPLE}
        self.people = {name: Person(name, self.open_store) for name in PEOPLE}
        self.sending = {name: Sending() for name in PEOPLE}
        self.hearing = {pair: Hearing() for pair in permutations(PEOPLE, 2)}
        #: Who has the group in its store.
        self.inside: set[str] = set()
        self.letters: list[Letter] = []
        self.invitations: list[Invitation] = []
        #: The number of each chain by its id, and the messages that were made under it.
        self.chains: dict[tuple[str, int], int] = {}
        self.keys_used: set[tuple[str, int, int]] = set()
        self.opened: set[tuple[str, Letter]] = set()
        self.handled: set[tuple[str, Letter]] = set()

    def open_store(self, name: str) -> e2ee.MemoryStore:
        """The same store object: it plays the part of the file."""
        return self.stores[name]

    def group(self, name: str) -> e2ee.Group:
        """The group as this person has it."""
        return self.people[name].account.group(GROUP)

    @initialize()
    def begin(self) -> None:
        """All have heard of each other; Alice makes the group of Bob and Carol, who answer."""
        for one, other in combinations(PEOPLE, 2):
            here, there = self.people[one].account, self.people[other].account
            here.connect(other, there.bundle())
            there.decrypt(one, here.encrypt(other, b""))
            here.decrypt(other, there.encrypt(one, b""))
        self.people["alice"].account.create_group(["bob", "carol"], id=GROUP)
        self.inside.add("alice")
        self.sending["alice"].members = {"bob": False, "carol": False}
        self.share("alice")
        for one, other in permutations(("alice", "bob", "carol"), 2):
            if one != "alice":
                self.group(one).add(other)
                self.sending[one].members[other] = False
        for name in ("bob", "carol"):
            self.share(name)

    def share(self, name: str) -> None:
        """Invites those who need it, and carries the invitations."""
        sending = self.sending[name]
        for member, envelope in self.group(name).invitations():
            self.accepted(Invitation(name, member.user, envelope.to_bytes(), *sending.place()))
        sending.members = dict.fromkeys(sending.members, True)

    # Membership.

    @rule(pair=pairs)
    def add(self, pair: tuple[str, str]) -> None:
        """Someone takes someone in."""
        name, other = pair
        if name in self.inside:
            self.group(name).add(other)
            self.sending[name].members.setdefault(other, False)
        steps.count("group")

    @rule(pair=pairs)
    def remove(self, pair: tuple[str, str]) -> None:
        """Someone removes someone, who may have been no member."""
        name, other = pair
        if name in self.inside:
            self.group(name).remove(other)
            if self.sending[name].members.pop(other, None) is not None:
                self.sending[name].rotate()
            hearing = self.hearing[name, other]
            hearing.silenced = bool(hearing.chains)
        steps.count("group")

    @rule(name=names)
    def rotate(self, name: str) -> None:
        """Someone begins a new chain."""
        if name in self.inside:
            self.group(name).rotate()
            self.sending[name].rotate()
        steps.count("group")

    @rule(name=names, sure=st.integers(0, 3))
    def leave(self, name: str, sure: int) -> None:
        """Someone leaves, not often, and may be invited again."""
        if name in self.inside and name != "alice" and sure == 0:
            self.group(name).leave()
            self.inside.remove(name)
            self.sending[name].rotate()
            self.sending[name].members = {}
            for other in PEOPLE:
                if other != name:
                    self.hearing[name, other].forget()
        steps.count("group")

    @rule(pair=pairs, sure=st.integers(0, 2))
    def forget(self, pair: tuple[str, str], sure: int) -> None:
        """Someone forgets someone, and both begin a new session."""
        name, other = pair
        if sure == 0:
            here, there = self.people[name].account, self.people[other].account
            here.forget(other)
            if other in self.sending[name].members:
                self.sending[name].rotate()
            self.hearing[name, other].forget()
            here.connect(other, there.bundle())
            there.decrypt(name, here.encrypt(other, b""))
            here.decrypt(other, there.encrypt(name, b""))
        steps.count("group")

    @rule(pair=pairs)
    def reinvite(self, pair: tuple[str, str]) -> None:
        """Someone believes that an invitation was lost."""
        name, other = pair
        if name in self.inside:
            members = self.sending[name].members
            if other in members:
                self.group(name).reinvite(other)
                members[other] = False
            else:
                reinvite = self.group(name).reinvite
                self.people[name].refuses(lambda: reinvite(other), e2ee.InvalidArgumentError)
        steps.count("group")

    @rule(name=names, lose=st.booleans(), crash=st.booleans())
    def invite(self, name: str, *, lose: bool, crash: bool) -> None:
        """Someone invites those who need it; the carrier may lose the first invitation."""
        if name in self.inside:
            sending = self.sending[name]
            missing = [each for each, shared in sorted(sending.members.items()) if not shared]
            group = self.group(name)
            assert list(group.pending) == [e2ee.Address(each) for each in missing]
            if crash:
                self.people[name].store.die(Moment.BEFORE_COMMIT)
                with pytest.raises(CrashError):
                    group.invitations()
                self.people[name].restart()
                group = self.group(name)
            made = group.invitations()
            assert [member.user for member, _ in made] == missing
            sending.members = dict.fromkeys(sending.members, True)
            for member, envelope in made[1 if lose else 0 :]:
                encoded = envelope.to_bytes()
                self.invitations.append(Invitation(name, member.user, encoded, *sending.place()))
        steps.count("group")

    @precondition(lambda machine: machine.invitations)
    @rule(place=places)
    def accept(self, place: int) -> None:
        """An invitation comes, in any order; a second time it is refused."""
        self.accepted(self.invitations.pop(place % len(self.invitations)))
        steps.count("group")

    def accepted(self, invitation: Invitation) -> None:
        """An invitation is opened, once."""
        name, sender = invitation.recipient, invitation.sender
        decrypt = self.people[name].account.decrypt
        try:
            message = decrypt(sender, invitation.envelope)
        except e2ee.AuthenticationError:
            # Its session was forgotten, or has turned more often than is kept.
            return
        assert (message.content, message.group) == ("invitation", GROUP)
        self.inside.add(name)
        self.hearing[name, sender].invited(invitation.chain, invitation.index)
        self.people[name].refuses(
            lambda: decrypt(sender, invitation.envelope), e2ee.DuplicateMessageError
        )

    # Messages.

    @rule(name=names, plaintext=st.binary(max_size=100), reach=st.integers(0, 4))
    def tell(self, name: str, plaintext: bytes, reach: int) -> None:
        """Someone invites all members and writes; the message comes to the first few of all."""
        if name in self.inside:
            self.share(name)
            self.post(name, plaintext)
            for other in PEOPLE[:reach]:
                if other != name:
                    self.receive(other, self.letters[-1], short=False)
        steps.count("group")

    @rule(name=names, plaintext=st.binary(max_size=100), crash=st.sampled_from([None, *Moment]))
    def write(self, name: str, plaintext: bytes, crash: Moment | None) -> None:
        """Someone writes, if all members are invited; the process may die meanwhile."""
        sending = self.sending[name]
        if name not in self.inside:
            find = self.people[name].account.group
            self.people[name].refuses(lambda: find(GROUP), e2ee.NoGroupError)
        elif not all(sending.members.values()):
            encrypt = self.group(name).encrypt
            self.people[name].refuses(lambda: encrypt(b""), e2ee.InvitationsPendingError)
        else:
            if crash is not None:
                group = self.group(name)
                self.people[name].store.die(crash)
                with pytest.raises(CrashError):
                    group.encrypt(plaintext)
                self.people[name].restart()
                sending.index += crash is Moment.AFTER_COMMIT
            self.post(name, plaintext)
        steps.count("group")

    def post(self, name: str, plaintext: bytes) -> None:
        """Encrypts, and hands to the carrier."""
        sending = self.sending[name]
        envelope = self.group(name).encrypt(plaintext).to_bytes()
        letter = Letter(name, plaintext, envelope, frozenset(sending.members))
        number = self.chains.setdefault((name, letter.chain), sending.chain)
        assert (number, letter.index) == (sending.chain, sending.index)
        key = (name, letter.chain, letter.index)
        assert key not in self.keys_used, "a message key was used twice"
        self.keys_used.add(key)
        sending.index += 1
        self.letters.append(letter)

    @precondition(lambda machine: machine.letters)
    @rule(name=names, place=places, short=st.booleans(), recent=st.booleans())
    def deliver(self, name: str, place: int, *, short: bool, recent: bool) -> None:
        """Anybody gets any message, once or again."""
        place = -1 - place % min(3, len(self.letters)) if recent else place % len(self.letters)
        letter = self.letters[place]
        if name != letter.sender:
            self.receive(name, letter, short=short)
        steps.count("group")

    def receive(self, name: str, letter: Letter, *, short: bool) -> None:
        """Someone gets a message, whatever became of it before."""
        person, hearing = self.people[name], self.hearing[name, letter.sender]
        chain = self.chains[letter.sender, letter.chain]
        expected = hearing.expects(chain, letter.index)

        def opening() -> e2ee.Message:
            if short:
                return person.account.decrypt(letter.sender, letter.envelope)
            with person.account.receive(letter.sender, letter.envelope) as message:
                return message

        if expected is not Expected.OPENS:
            known = not short and (name, letter) in self.handled
            error = e2ee.DuplicateMessageError if known else REFUSALS[expected]
            refusal = person.refuses(opening, error)
            assert getattr(refusal, "delivered", False) == known
            return
        message = opening()
        assert (message.plaintext, message.content) == (letter.plaintext, "group")
        assert (message.sender, message.group) == (e2ee.Address(letter.sender), GROUP)
        assert name in letter.readers, "it was not for this person"
        assert (name, letter) not in self.opened or chain in hearing.forgotten
        hearing.opened(chain, letter.index)
        self.opened.add((name, letter))
        if not short:
            self.handled.add((name, letter))

    @precondition(lambda machine: machine.letters)
    @rule(name=names, place=places, byte=places, bit=st.integers(0, 7), claimed=names)
    def tamper(self, name: str, place: int, byte: int, bit: int, claimed: str) -> None:
        """Someone gets an altered message, or a message in another's name."""
        letter = self.letters[place % len(self.letters)]
        altered = bytearray(letter.envelope)
        if claimed == letter.sender:
            altered[byte % len(altered)] ^= 1 << bit
        if claimed != name:
            decrypt = self.people[name].account.decrypt
            self.people[name].refuses(
                lambda: decrypt(claimed, bytes(altered)),
                e2ee.AuthenticationError,
                e2ee.MalformedMessageError,
                e2ee.InvalidKeyError,
                e2ee.NoSenderKeyError,
                e2ee.UnsupportedVersionError,
            )
        steps.count("group")

    @rule(name=names)
    def restart(self, name: str) -> None:
        """Someone's process ends, and begins anew from the store."""
        self.people[name].restart()
        steps.count("group")

    def teardown(self) -> None:
        """Whoever still has a key reads what it opens, and nothing else."""
        for letter in self.letters[-20:]:
            for name in PEOPLE:
                if name != letter.sender:
                    self.receive(name, letter, short=True)


TestGroup = pytest.mark.slow(GroupMachine.TestCase)
TestGroup.settings = settings(max_examples=settings().max_examples // 3)
