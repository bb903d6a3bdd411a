# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an older copy of a store does: a living process finds it, no peer reads a wrong text.

A process that knows only the copy cannot find it (N3 in docs/threats.md); what it sends opens as
what it is, or as a duplicate, or not at all.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import e2ee
from tests.properties.world import Rows, copy_of, put_rows, read_rows
from tests.stores.kinds import introduced
from tests.stores.protocols import PROTOCOLS, SIGNAL, Protocol, protocol_name

KEY = bytes(range(32))
counts = st.integers(1, 6)
of_each = pytest.mark.parametrize("protocol", PROTOCOLS, ids=protocol_name)


def keyed_pair(protocol: Protocol) -> tuple[e2ee.Account, e2ee.Account, e2ee.MemoryStore]:
    """Alice and Bob, who have heard of each other, and Alice's store."""
    store = e2ee.MemoryStore(key=KEY)
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    return introduced(store, bob), bob, store


@of_each
@given(sent=counts)
def test_a_living_process_finds_an_older_store(protocol: Protocol, sent: int) -> None:
    alice, bob, store = keyed_pair(protocol)
    old = read_rows(store)
    for _ in range(sent):
        alice.encrypt(bob.address, b"news")
    late = bob.encrypt(alice.address, b"more news")

    put_rows(store, old)

    with pytest.raises(e2ee.StoreRollbackError):
        alice.encrypt(bob.address, b"never leaves")
    with pytest.raises(e2ee.StoreRollbackError):
        alice.decrypt(bob.address, late)
    with pytest.raises(e2ee.StoreRollbackError), alice.receive(bob.address, late):
        pass
    if protocol is SIGNAL:
        # Olm's contacts say nothing of sessions, so they are not read for them.
        with pytest.raises(e2ee.StoreRollbackError):
            alice.contacts()
    assert read_rows(store) == old


@of_each
def test_a_living_process_finds_an_older_list_of_sessions(protocol: Protocol) -> None:
    alice, bob, store = keyed_pair(protocol)
    old = read_rows(store)
    alice.bundle()

    put_rows(store, old)

    with pytest.raises(e2ee.StoreRollbackError):
        alice.bundle()
    with pytest.raises(e2ee.StoreRollbackError):
        alice.connect(bob.address, bob.bundle())
    assert read_rows(store) == old


@of_each
@given(newer=counts, older=counts, newer_first=st.booleans(), turn=st.booleans())
def test_two_copies_that_send_never_show_a_wrong_text(
    protocol: Protocol, newer: int, older: int, *, newer_first: bool, turn: bool
) -> None:
    alice, bob, store = keyed_pair(protocol)
    if turn:
        alice.encrypt(bob.address, b"the ratchet key is made before the copy")
    clone = e2ee.Account.open(copy_of(read_rows(store), KEY))
    true = [(text, alice.encrypt(bob.address, text)) for text in texts(b"true", newer)]
    copied = [(text, clone.encrypt(bob.address, text)) for text in texts(b"copy", older)]
    for text, envelope in true + copied if newer_first else copied + true:
        try:
            message = bob.decrypt(alice.address, envelope)
        except (e2ee.DuplicateMessageError, e2ee.AuthenticationError):
            continue
        assert message.plaintext == text


def texts(what: bytes, count: int) -> list[bytes]:
    """Different texts."""
    return [b"%s %d" % (what, index) for index in range(count)]


@of_each
@given(received=counts)
def test_messages_that_come_again_to_an_older_store_are_the_same(
    protocol: Protocol, received: int
) -> None:
    alice, bob, store = keyed_pair(protocol)
    old: Rows = read_rows(store)
    sent = [(text, bob.encrypt(alice.address, text)) for text in texts(b"text", received)]
    for _, envelope in sent:
        alice.decrypt(bob.address, envelope)

    restored = e2ee.Account.open(copy_of(old, KEY))

    for text, envelope in sent:
        assert restored.decrypt(bob.address, envelope).plaintext == text
