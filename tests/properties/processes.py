# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same conversation while processes die and stores are set back (docs/storage.md)."""

from contextlib import suppress

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

import e2ee
from tests.properties import steps
from tests.properties.machine import ConversationMachine, names, places, there_is_mail
from tests.properties.model import Expected, Fate
from tests.properties.world import (
    INDEX_ROW,
    CrashError,
    Moment,
    Rows,
    head_revisions,
    put_rows,
)
from tests.stores.protocols import OLM

moments = st.sampled_from(Moment)


class MortalMachine(ConversationMachine):
    """Adds crash and restore."""

    def __init__(self) -> None:
        super().__init__()
        self.snapshots: dict[str, Rows] = {}

    @rule(name=names)
    def restart(self, name: str) -> None:
        """A process ends and comes back."""
        self.people[name].restart()
        steps.count()

    @precondition(lambda machine: any(side.sessions for side in machine.sides.values()))
    @rule(name=names, moment=moments, restart=st.booleans())
    def crash_sending(self, name: str, moment: Moment, *, restart: bool) -> None:
        """The process dies before it has the envelope; or it heard of a failure, and goes on."""
        person, side = self.people[name], self.sides[name]
        if side.sessions:
            person.store.die(moment)
            with suppress(CrashError):
                person.account.encrypt(self.peer(name), b"never leaves")
            if moment is Moment.AFTER_COMMIT:
                side.lost_one()
        if restart:
            person.restart()
        steps.count()

    @precondition(there_is_mail)
    @rule(place=places, moment=moments, handling=st.booleans(), restart=st.booleans())
    def crash_receiving(self, place: int, moment: Moment, *, handling: bool, restart: bool) -> None:
        """The process dies while it takes a message, or while it notes that it was handled."""
        letter = self.pick(place, keep=True)
        person = self.recipient(letter)
        if letter.fate is Fate.NEW and self.sides[person.name].expects(letter) is Expected.OPENS:
            person.store.die(moment, transactions_before=int(handling))
            try:
                with person.account.receive(
                    self.address(letter.sender), letter.envelope
                ) as message:
                    assert handling
                    assert message.plaintext == letter.plaintext
            except CrashError:
                pass
            if handling or moment is Moment.AFTER_COMMIT:
                self.sides[person.name].opened(letter)
                done = handling and moment is Moment.AFTER_COMMIT
                letter.fate = Fate.HANDLED if done else Fate.WAITING
        if restart:
            person.restart()
        steps.count()

    @rule(name=names)
    def look_into_the_inbox(self, name: str) -> None:
        """The inbox holds exactly what waits; all of it is handled."""
        waiting = [
            letter
            for letter in self.letters
            if letter.sender != name and letter.fate is Fate.WAITING
        ]
        account = self.people[name].account
        found = account.inbox()
        assert sorted(each.plaintext for each in found) == sorted(
            each.plaintext for each in waiting
        )
        for message in found:
            account.handled(message)
        for letter in waiting:
            letter.fate = Fate.HANDLED
        steps.count()

    @rule(name=names)
    def back_up(self, name: str) -> None:
        """Someone copies the store."""
        self.snapshots[name] = self.people[name].rows()
        steps.count()

    @precondition(lambda machine: bool(machine.snapshots))
    @rule(name=names)
    def restore(self, name: str) -> None:
        """An older copy is put back while the process lives, which finds it and refuses to go on.

        Then the right rows come back, and it does go on.
        """
        person, other = self.people[name], self.peer(name)
        if self.protocol is OLM and self.sides[name].sessions:
            # Olm's contacts say nothing of sessions, so they are not read for them.
            self.post(name, b"seen")
        person.account.contacts()
        present, old = person.rows(), self.snapshots.get(name)
        if old is not None and is_older(old, present):
            put_rows(person.store.inner, old)
            encrypt, decrypt = person.account.encrypt, person.account.decrypt
            person.refuses(lambda: encrypt(other, b"never leaves"), e2ee.StoreRollbackError)
            theirs = [letter.envelope for letter in self.letters if letter.sender == other.user]
            if theirs:
                person.refuses(lambda: decrypt(other, theirs[-1]), e2ee.StoreRollbackError)
            put_rows(person.store.inner, present)
        steps.count()


def is_older(old: Rows, present: Rows) -> bool:
    """Whether a session, or the list of them, is behind the present one."""
    before, now = head_revisions(old), head_revisions(present)
    behind = any(before[head] < now[head] for head in now if head in before)
    return behind or old[INDEX_ROW][0] < present[INDEX_ROW][0]
