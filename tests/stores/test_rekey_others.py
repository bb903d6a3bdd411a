# SPDX-License-Identifier: MIT OR Apache-2.0
"""Others that have the store open while its key changes: they are told, and write nothing more."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import pytest

import e2ee
from e2ee import _core
from e2ee._matrix_bundles import verified_keys
from e2ee.store import RekeyableStore, Transaction
from tests.hygiene.tree import ROOT
from tests.properties import wire
from tests.properties.world import copy_of, put_rows, read_rows
from tests.stores.journal import Journal
from tests.stores.kinds import (
    DURABLE,
    KEY,
    KINDS,
    in_memory,
    introduced,
    kind_name,
    place_in,
    store_of,
)
from tests.stores.protocols import OLM, PROTOCOLS, Protocol, protocol_name
from tests.stores.state import CLUB, State, acts_of, make_state

OTHER: Final = bytes(31) + b"\x01"
TOLD: Final = "the store's key was changed: open it again"
#: Asks for nothing that is sealed.
HARMLESS: Final = {"identity"}
Kind = Callable[..., RekeyableStore]


@pytest.fixture(scope="module", params=PROTOCOLS, ids=protocol_name)
def state(request: pytest.FixtureRequest) -> State:
    return make_state(request.param)


@pytest.fixture(params=KINDS, ids=kind_name)
def stores(
    request: pytest.FixtureRequest, tmp_path: Path, state: State
) -> Iterator[tuple[RekeyableStore, RekeyableStore]]:
    """Alice's store, opened twice; one in memory is the same one."""
    one = request.param(tmp_path, KEY)
    other = one if request.param is in_memory else request.param(tmp_path, KEY)
    put_rows(one, state.now)
    yield one, other
    one.close()
    other.close()


def test_another_process_is_told_whatever_it_does(
    stores: tuple[RekeyableStore, RekeyableStore], state: State
) -> None:
    one, other = stores
    alice, bystander = e2ee.Account.open(one), e2ee.Account.open(other)

    alice.rekey(key=OTHER)

    rows = read_rows(one)
    acts = acts_of(state.protocol)
    for name in acts.keys() - HARMLESS:
        with pytest.raises(e2ee.StaleSessionError, match=TOLD):
            acts[name](state, bystander)
        assert read_rows(one) == rows, name


def test_another_process_opens_again_with_the_new_key(
    stores: tuple[RekeyableStore, RekeyableStore],
) -> None:
    one, other = stores
    e2ee.Account.open(one).rekey(key=OTHER)

    if other is not one:
        with pytest.raises(e2ee.StoreKeyError):
            e2ee.Account.open(other)
    assert e2ee.Account.open(copy_of(read_rows(other), OTHER)).user == "alice"


def test_a_message_that_is_shown_can_still_be_handled(
    stores: tuple[RekeyableStore, RekeyableStore], state: State
) -> None:
    one, other = stores
    alice, bystander = e2ee.Account.open(one), e2ee.Account.open(other)

    with bystander.receive(state.address("carol"), state.waiting) as message:
        rekey = threading.Thread(target=alice.rekey, kwargs={"key": OTHER})
        rekey.start()
        rekey.join()

    assert message.inbox_id not in {each.inbox_id for each in alice.inbox()}


def bundle_of_frank(state: State) -> tuple[e2ee.Address, *tuple[bytes, ...]]:
    """Whom it is of, and what the core takes of it: for Olm, keys that were looked at."""
    frank = state.address("frank")
    return frank, *(verified_keys(frank, state.bundle) if state.protocol is OLM else [state.bundle])


Made = Callable[[Any, State, Transaction], _core.Step[Any]]
#: Steps of the core, each made before the change of the key and written after it.
STEPS: dict[str, Made] = {
    "encrypt": lambda core, state, inside: core.encrypt(inside, state.address("bob"), b"late"),
    "decrypt": lambda core, state, inside: core.decrypt(
        inside, state.address("bob"), state.pending["bob"]
    ),
    "receive": lambda core, state, inside: core.receive(
        inside, state.address("bob"), state.pending["bob"]
    ),
    "first": lambda core, state, inside: core.receive(inside, state.address("dave"), state.first),
    "connect": lambda core, state, inside: core.connect(inside, *bundle_of_frank(state)),
    "bundle": lambda core, _, inside: core.bundle(inside),
    "forget": lambda core, state, inside: core.forget(inside, state.address("bob")),
    "group": lambda core, _, inside: _core.Groups(core).encrypt(inside, CLUB.bytes, b"late"),
    "hear": lambda core, state, inside: core.receive(inside, state.address("bob"), state.to_club),
}
#: Those of groups, which an account of Olm has not.
OF_GROUPS: Final = {"group", "hear"}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_from_before_cannot_be_written_after(
    stores: tuple[RekeyableStore, RekeyableStore], state: State, name: str
) -> None:
    # As if the locks had failed: what is left is that every write names what it must find.
    if state.protocol is OLM and name in OF_GROUPS:
        pytest.skip("an account of Olm has no groups of this kind")
    one, other = stores
    alice, bystander = e2ee.Account.open(one), e2ee.Account.open(other)
    with other.transaction() as transaction:
        step = STEPS[name](bystander._inner, state, transaction)  # noqa: SLF001

    alice.rekey(key=OTHER)

    rows = read_rows(one)
    with pytest.raises(e2ee.StoreConflictError), other.transaction() as transaction:
        transaction.apply(step.writes)
    assert read_rows(one) == rows


def test_threads_of_the_same_account_notice_nothing(
    stores: tuple[RekeyableStore, RekeyableStore], state: State
) -> None:
    alice, bob, carol = e2ee.Account.open(stores[0]), state.peer("bob"), state.peer("carol")
    envelopes: dict[str, list[e2ee.Envelope]] = {"bob": [], "carol": []}
    failed: list[BaseException] = []
    ends = threading.Event()

    def work(peer: str) -> None:
        try:
            while not ends.is_set():
                envelopes[peer].append(alice.encrypt(state.address(peer), b"text"))
        except BaseException as error:  # noqa: BLE001 - whatever it is
            failed.append(error)

    threads = [threading.Thread(target=work, args=(peer,)) for peer in envelopes]
    for thread in threads:
        thread.start()
    for key in (OTHER, KEY, OTHER, KEY, OTHER):
        alice.rekey(key=key)
    ends.set()
    for thread in threads:
        thread.join()

    assert failed == []
    assert all(envelopes.values())
    for peer in (bob, carol):
        texts = {peer.decrypt(alice.address, each).plaintext for each in envelopes[peer.user]}
        assert texts == {b"text"}
    assert all_open(stores[0], OTHER)


def all_open(store: RekeyableStore, key: bytes) -> bool:
    """Whether every row is sealed under the key: a change of it opens them all."""
    copy = copy_of(read_rows(store), key)
    return e2ee.Account.open(copy).rekey(key=bytes(range(1, 33)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_processes_that_work_meanwhile_lose_nothing(
    tmp_path: Path, kind: Kind, protocol: Protocol
) -> None:
    place_in(kind, tmp_path)
    bob = protocol.created(e2ee.MemoryStore(), "bob")
    with closing(store_of(tmp_path, "alice")) as store:
        alice = introduced(store, bob)
        incoming = [bob.encrypt(alice.address, b"%d" % number).to_bytes() for number in range(400)]
        (tmp_path / "incoming").write_text("\n".join(each.hex() for each in incoming))
        processes = [begun(tmp_path, name) for name in ("one", "two")]

        alice.rekey(key=OTHER)

        for process in processes:
            assert process.communicate(timeout=60) == (b"", b"")
        refusals = {name: (tmp_path / f"refused-{name}").read_text() for name in ("one", "two")}
        assert refusals == dict.fromkeys(("one", "two"), f"StaleSessionError: {TOLD}")
        check(tmp_path, alice, bob, incoming)
        assert all_open(store, OTHER)


def begun(folder: Path, name: str) -> "subprocess.Popen[bytes]":
    """A process that has begun to work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stores.bystander", str(folder), name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def check(folder: Path, alice: e2ee.Account, bob: e2ee.Account, incoming: list[bytes]) -> None:
    """No key was used twice, what has left arrives, and every message is opened once."""
    names = ("one", "two")
    sent = [
        bytes.fromhex(envelope)
        for name in names
        for (envelope,) in Journal(folder / f"sent-{name}").lines()
    ]
    headers = [wire.header(envelope) for envelope in sent]
    uses = Counter((header.ratchet_key, header.index) for header in headers)
    assert [use for use, times in uses.items() if times > 1] == []
    arrived = Counter(bob.decrypt(alice.address, envelope).plaintext for envelope in sent)
    assert set(arrived.values()) == {1}
    opened = [
        bytes.fromhex(text)
        for name in names
        for (text,) in Journal(folder / f"opened-{name}").lines()
    ]
    for envelope in incoming:
        with suppress(e2ee.DuplicateMessageError):
            opened.append(alice.decrypt(bob.address, envelope).plaintext)
    counts = Counter(opened)
    assert set(counts) == {b"%d" % number for number in range(len(incoming))}
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("kind", DURABLE, ids=kind_name)
def test_who_opens_meanwhile_finds_one_key_or_the_other(tmp_path: Path, kind: Kind) -> None:
    found: Counter[str] = Counter()
    begins, told, ends = threading.Event(), threading.Event(), threading.Event()
    with closing(kind(tmp_path, KEY)) as store, closing(kind(tmp_path, KEY)) as other:
        alice = e2ee.Account.create(store, "alice")

        def look() -> None:
            while not ends.is_set():
                try:
                    e2ee.Account.open(other)
                    found["opened"] += 1
                except e2ee.StoreKeyError:
                    told.set()
                except e2ee.E2EEError as error:
                    found[type(error).__name__] += 1
                begins.set()

        thread = threading.Thread(target=look)
        thread.start()
        begins.wait()
        for key in (OTHER, KEY, OTHER):
            alice.rekey(key=key)
        was_told = told.wait(60)
        ends.set()
        thread.join()

    assert was_told
    assert set(found) == {"opened"}
