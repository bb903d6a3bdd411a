# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an application with rows of its own asks of the real library, stopped where the model is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import e2ee
from tests.model import state
from tests.model.scenario import Scenario
from tests.model.staged import Stops
from tests.stores.lent import Application
from tests.stores.protocols import peer_of


@final
class Composer:
    """The application's code: each thing that it does is one transaction, its own rows included."""

    def __init__(self, replies: tuple[tuple[str, str], ...]) -> None:
        self._replies = replies
        #: The texts by the names that their envelopes have in the outbox.
        self.texts: dict[str, str] = {}

    def queue(
        self, account: e2ee.Account, application: Application, stops: Stops, text: str
    ) -> None:
        """A text is composed."""
        with transaction(application, stops):
            self._compose(account, application, text)

    def handle(
        self,
        account: e2ee.Account,
        application: Application,
        stops: Stops,
        message: e2ee.Message,
    ) -> None:
        """A message gets its row, and a reply if there is one."""
        name = message.plaintext.decode()
        with transaction(application, stops):
            application.write(f"got {name}")
            for answered, text in self._replies:
                if answered == name:
                    self._compose(account, application, text)
            account.handled(message)

    def post(self, account: e2ee.Account, text: str) -> bytes:
        """The bytes of a text, as the outbox has them."""
        return self.waiting(account, text).envelope.to_bytes()

    def waiting(self, account: e2ee.Account, text: str) -> e2ee.Outgoing:
        """A text's entry in the outbox."""
        (found,) = (each for each in account.outbox() if self.texts[each.id] == text)
        return found

    def deliver_all(
        self,
        account: e2ee.Account,
        application: Application,
        envelopes: dict[str, bytes],
        scenario: Scenario,
    ) -> list[tuple[str, bytes]]:
        """All that is left to do, without any misfortune; what is posted on the way."""
        calm = Stops()
        for name in scenario.receives:
            account.receive_many([(peer_of(account), envelopes[name])])
        for message in account.inbox():
            self.handle(account, application, calm, message)
        for text in scenario.queues:
            if f"composed {text}" not in application.texts():
                self.queue(account, application, calm, text)
        posted = []
        for outgoing in account.outbox():
            posted.append((self.texts[outgoing.id], outgoing.envelope.to_bytes()))
            account.sent(outgoing)
        replies = [f"composed {text}" for _, text in scenario.replies]
        composed = [f"composed {text}" for text in scenario.queues]
        got = [f"got {name}" for name in scenario.receives]
        assert sorted(application.texts()) == sorted(replies + composed + got)
        assert (account.inbox(), account.outbox()) == ([], [])
        return posted

    def _compose(self, account: e2ee.Account, application: Application, text: str) -> None:
        application.write(f"composed {text}")
        self.texts[account.queue(peer_of(account), text.encode())] = text


def received(account: e2ee.Account, envelope: bytes) -> bytes:
    """A message into the inbox, without handling it."""
    (found,) = account.receive_many([(peer_of(account), envelope)])
    if isinstance(found, e2ee.E2EEError):
        raise found
    return found.plaintext


@contextmanager
def transaction(application: Application, stops: Stops) -> Iterator[None]:
    """A transaction of the application's, which stops before its commit and after it."""
    armed = stops.disarm()
    application.execute("BEGIN IMMEDIATE")
    try:
        yield
        if armed:
            stops.stop(state.STEPPED)
        application.execute("COMMIT")
    finally:
        if application.in_transaction():
            application.execute("ROLLBACK")
    if armed:
        stops.stop(state.CONFIRMED)
