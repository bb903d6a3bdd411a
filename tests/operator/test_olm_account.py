# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a server and a thief of files hold of accounts of Olm opens nothing without their keys."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

import e2ee
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.olm_people import ALICE, BOB, created

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.properties.world import Rows


@dataclass(slots=True)
class Taken:
    """What was taken, and what it may not reveal."""

    bundles: dict[e2ee.Address, list[bytes]] = field(default_factory=dict)
    envelopes: list[tuple[e2ee.Address, e2ee.Envelope]] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    #: Not taken.
    keys: list[bytes] = field(default_factory=list)
    plaintexts: list[bytes] = field(default_factory=list)

    def text(self) -> bytes:
        """A plaintext that stands nowhere else."""
        self.plaintexts.append(secrets.token_bytes(24))
        return self.plaintexts[-1]


@pytest.fixture(scope="module")
def taken() -> Taken:
    """Messages that were read, that wait at either end, and that are under way."""
    found = Taken()
    found.keys = [secrets.token_bytes(32) for _ in range(2)]
    stores = [e2ee.MemoryStore(key=key) for key in found.keys]
    alice, bob = (created(*each) for each in zip((ALICE, BOB), stores, strict=True))
    bundle = bob.bundle()
    for account in (alice, bob):
        found.bundles[account.address] = [
            account.bundle().to_bytes(),
            account.bundle(reusable=True).to_bytes(),
        ]
    alice.connect(BOB, bundle)
    for sender, receiver in [(alice, bob), (bob, alice), (alice, bob)]:
        for _ in range(3):
            envelope = sender.encrypt(receiver.address, found.text())
            found.envelopes.append((sender.address, envelope))
            receiver.decrypt(sender.address, envelope)
        waiting = sender.encrypt(receiver.address, found.text())
        found.envelopes.append((sender.address, waiting))
        receiver.receive_many([(sender.address, waiting)])
        sender.queue(receiver.address, found.text())
        found.envelopes.append((sender.address, sender.encrypt(receiver.address, found.text())))
    found.rows = [read_rows(store) for store in stores]
    return found


def accounts(taken: Taken) -> Iterator[e2ee.Account]:
    """Accounts of the operator's under the names of both, with sessions to both."""
    for name in (ALICE, BOB):
        for bundles in zip(*taken.bundles.values(), strict=True):
            account = created(name)
            for peer, bundle in zip(taken.bundles, bundles, strict=True):
                account.connect(peer, bundle)
            yield account


def test_no_plaintext_stands_in_what_was_taken(taken: Taken) -> None:
    every = [sealed for rows in taken.rows for _, sealed in rows.values()]
    every += [envelope.to_bytes() for _, envelope in taken.envelopes]
    every += [bundle for bundles in taken.bundles.values() for bundle in bundles]

    assert len(taken.plaintexts) == len(taken.envelopes) + 3
    assert [text for text in taken.plaintexts for each in every if text in each] == []


def test_no_account_under_the_same_names_opens_a_message(taken: Taken) -> None:
    opened = []
    for account in accounts(taken):
        for sender, envelope in taken.envelopes:
            with suppress(e2ee.E2EEError):
                opened.append(account.decrypt(sender, envelope))

    assert opened == []


def test_no_other_key_opens_the_rows(taken: Taken) -> None:
    for rows in taken.rows:
        with pytest.raises(e2ee.StoreKeyError):
            e2ee.Account.open(copy_of(rows, bytes(32)))


def test_a_row_in_an_account_of_the_operators_opens_nothing(taken: Taken) -> None:
    opened = 0
    for rows in taken.rows:
        for name, row in rows.items():
            store = e2ee.MemoryStore()
            created(ALICE, store)
            put_rows(store, {**read_rows(store), name: row})
            with suppress(e2ee.E2EEError):
                account = e2ee.Account.open(store)
                opened += len(account.inbox()) + len(account.outbox()) + len(account.contacts())

    assert opened == 0


def test_with_the_keys_it_would_be_found(taken: Taken) -> None:
    owners = [
        e2ee.Account.open(copy_of(rows, key))
        for rows, key in zip(taken.rows, taken.keys, strict=True)
    ]

    assert [len(owner.inbox()) for owner in owners] == [1, 2]
    assert [len(owner.outbox()) for owner in owners] == [2, 1]
    assert all(message.plaintext in taken.plaintexts for message in owners[0].inbox())
