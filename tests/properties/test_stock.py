# SPDX-License-Identifier: MIT OR Apache-2.0
"""The prekeys as a state machine: a server that hands bundles out, and senders who are late.

No number comes twice, a used key serves nobody again, and a first message opens however late it
comes, as long as its keys were not named as gone. Time stands still here; the days are those of
the core's own walk (`rust/signal/src/stock/walk.rs`).
"""

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import e2ee
from tests.properties.world import Person

places = st.integers(0, 1 << 16)


@dataclass(frozen=True, slots=True)
class First:
    """A first message on its way, and the one-time numbers that it needs."""

    sender: str
    envelope: e2ee.Envelope
    needs: frozenset[int]


class StockMachine(RuleBasedStateMachine):
    """Upload, hand out, use, replay, restart, against sets of numbers."""

    def __init__(self) -> None:
        super().__init__()
        store = e2ee.MemoryStore()
        self.bob = Person("bob", lambda _: store)
        self.latest = self.bob.account.prekeys()
        self.one_time: list[e2ee.OneTimePreKey] = []
        self.kyber: list[e2ee.SignedPreKey] = []
        self.numbers: set[int] = {self.latest.signed.id, self.latest.last_resort.id}
        self.spent: set[int] = set()
        self.mail: list[First] = []
        self.opened: list[First] = []
        self.senders = 0
        self.take(self.latest)

    def take(self, upload: e2ee.PreKeyUpload) -> None:
        """The server keeps what came, and drops what is gone."""
        fresh = [each.id for each in upload.one_time]
        fresh += [each.id for each in upload.one_time_kyber]
        assert len(fresh) == len(set(fresh))
        assert not self.numbers & set(fresh), "a number came twice"
        self.numbers |= set(fresh)
        self.spent |= set(upload.gone)
        self.latest = upload
        self.one_time += upload.one_time
        self.kyber += upload.one_time_kyber
        self.one_time = [each for each in self.one_time if each.id not in upload.gone]
        self.kyber = [each for each in self.kyber if each.id not in upload.gone]

    @rule(full=st.booleans(), honest=st.booleans())
    def upload(self, *, full: bool, honest: bool) -> None:
        """The device uploads, all or what is needed; a server may say that it has nothing."""
        if full:
            self.take(self.bob.account.prekeys())
            return
        remaining = len(self.one_time) if honest else 0
        upload = self.bob.account.refresh_prekeys(
            remaining, remaining_kyber=len(self.kyber) if honest else 0
        )
        assert (upload is None) == (remaining >= 10 and len(self.kyber) >= 10)
        if upload is not None:
            self.take(upload)

    @rule(with_one_time=st.booleans(), with_kyber=st.booleans(), twice=st.booleans())
    def hand_out(self, *, with_one_time: bool, with_kyber: bool, twice: bool) -> None:
        """The server gives a bundle to a sender, who writes; it may give a key twice."""
        one_time = self.one_time[0] if with_one_time and self.one_time else None
        kyber = self.kyber[-1] if with_kyber and self.kyber else None
        if not twice:
            self.one_time = [each for each in self.one_time if each is not one_time]
            self.kyber = [each for each in self.kyber if each is not kyber]
        bundle = e2ee.PreKeyBundle.assemble(self.latest, one_time=one_time, kyber=kyber)
        needs = frozenset(each.id for each in (one_time, kyber) if each is not None)
        self.write(bundle, needs)

    @rule(reusable=st.booleans())
    def give_directly(self, *, reusable: bool) -> None:
        """The device gives a bundle away itself."""
        self.write(self.bob.account.bundle(reusable=reusable), frozenset())

    def write(self, bundle: e2ee.PreKeyBundle, needs: frozenset[int]) -> None:
        """Someone new writes a first message."""
        self.senders += 1
        name = f"sender{self.senders}"
        sender = e2ee.Account.create(e2ee.MemoryStore(), name)
        sender.connect("bob", bundle)
        self.mail.append(First(name, sender.encrypt("bob", name.encode()), needs))

    @precondition(lambda machine: machine.mail)
    @rule(place=places)
    def deliver(self, place: int) -> None:
        """A first message comes, however late."""
        first = self.mail.pop(place % len(self.mail))
        decrypt = self.bob.account.decrypt
        if first.needs & self.spent:
            self.bob.refuses(lambda: decrypt(first.sender, first.envelope), e2ee.UnknownPreKeyError)
            return
        assert decrypt(first.sender, first.envelope).plaintext == first.sender.encode()
        self.spent |= first.needs
        self.opened.append(first)

    @precondition(lambda machine: machine.opened)
    @rule(place=places, forget=st.booleans())
    def replay(self, place: int, *, forget: bool) -> None:
        """A first message comes again, perhaps after its session was forgotten."""
        first = self.opened[place % len(self.opened)]
        known = {contact.address.user for contact in self.bob.account.contacts()}
        if forget and first.sender in known:
            self.bob.account.forget(first.sender)
        decrypt = self.bob.account.decrypt
        self.bob.refuses(
            lambda: decrypt(first.sender, first.envelope),
            e2ee.UnknownPreKeyError,
            e2ee.DuplicateMessageError,
        )

    @rule()
    def restart(self) -> None:
        """The process ends, and begins anew."""
        self.bob.restart()

    @invariant()
    def what_is_spent_stays_spent(self) -> None:
        """A server that followed the uploads never offers a key that is gone by them."""
        offered = {each.id for each in self.one_time} | {each.id for each in self.kyber}
        assert not offered & set(self.latest.gone)

    def teardown(self) -> None:
        """All that is still on its way comes at last."""
        while self.mail:
            self.deliver(0)


TestStock = pytest.mark.slow(StockMachine.TestCase)
TestStock.settings = settings(max_examples=settings().max_examples // 20, stateful_step_count=30)
