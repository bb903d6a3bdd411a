# SPDX-License-Identifier: MIT OR Apache-2.0
"""A forked child refuses what its parent has opened: both would use the same message keys."""

from __future__ import annotations

import ctypes
import os
import platform
import signal as signals
import sys
import warnings
from typing import TYPE_CHECKING, Final, final
from uuid import UUID

import pytest

import e2ee
from e2ee import _core, olm, signal
from e2ee.files import FileKey
from tests.api.secret_chat_pair import begin, group, text
from tests.stores.kinds import introduced
from tests.stores.protocols import OLM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REFUSED, ALLOWED, FAILED = 3, 4, 5
GROUP: Final = UUID(int=1)


@final
class Opened:
    """All that a process can have open when it is forked."""

    def __init__(self, folder: Path) -> None:
        key = signal.StateKey(bytes(range(32)))
        self.store = e2ee.SQLiteStore(folder / "alice.db", key=bytes(32))
        self.alice = e2ee.Account.create(self.store, "alice")
        self.memory = e2ee.Account.create(e2ee.MemoryStore(), "carol")
        self.bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
        for account in (self.alice, self.memory):
            account.connect("bob", self.bob.bundle())
        self.olm_store = e2ee.SQLiteStore(folder / "matrix.db", key=bytes(32))
        self.matrix_bob = OLM.created(e2ee.MemoryStore(), "bob")
        self.matrix_alice = introduced(self.olm_store, self.matrix_bob)
        self.chats_store = e2ee.SQLiteStore(folder / "chats.db", key=bytes(32))
        self.chats = begin(self.chats_store)
        self.device = signal.Device.generate("dave", 1)
        bundle = self.bob.bundle().to_bytes()
        self.session = signal.Session.initiate(key, self.device, e2ee.Address("bob"), bundle)
        self.step = self.session.encrypt(b"begun before the fork")
        self.other = signal.Session.initiate(key, self.device, e2ee.Address("bob"), bundle)
        self.sending = signal.SenderKey.create(key, GROUP)
        self.receiving = signal.SenderKeys(key, e2ee.Address("bob"), GROUP)
        self.olm_account = olm.Account.generate()
        self.olm_session = olm.Session.initiate(
            key,
            self.olm_account,
            identity_key=self.olm_account.identity_key,
            one_time_key=self.olm_account.identity_key,
        )
        self.outbound = olm.OutboundGroupSession.create(key)
        self.inbound, step = olm.InboundGroupSession.accept(key, self.outbound.session_key())
        step.release()
        self.sealer, _ = _core.FileSealer.begin(FileKey.generate(), b"")
        self.distribution = signal.SenderKey.create(key, GROUP).distribution()


CALLS: Final[dict[str, Callable[[Opened], object]]] = {
    "account over a file": lambda opened: opened.alice.encrypt("bob", b"x"),
    "account in memory": lambda opened: opened.memory.encrypt("bob", b"x"),
    "account of Olm": lambda opened: opened.matrix_alice.encrypt(OLM.address("bob"), b"x"),
    "secret chats": lambda opened: opened.chats.chats[0].offer("bob", group()),
    "secret chats in memory": lambda opened: opened.chats.chats[1].inbox(),
    "secret chat": lambda opened: opened.chats.alice.encrypt(text(1)),
    "device": lambda opened: opened.device.bundle(),
    "session": lambda opened: opened.other.encrypt(b"x"),
    "step": lambda opened: opened.step.release(),
    "sender key": lambda opened: opened.sending.encrypt(b"x"),
    "Olm account": lambda opened: opened.olm_account.sign(b"x"),
    "Olm session": lambda opened: opened.olm_session.encrypt(b"x"),
    "outbound group session": lambda opened: opened.outbound.encrypt(b"x"),
    "inbound group session": lambda opened: opened.inbound.export_at(0),
    "sealer of a file": lambda opened: opened.sealer.update(b"x"),
    "received sender keys": lambda opened: opened.receiving.accept(opened.distribution),
}


def fork_below_python() -> int:
    """A fork by the C library, of which the interpreter is not told."""
    child: int = ctypes.PyDLL(None).fork()
    return child


def fork_below_the_c_library() -> int:
    """A fork by the kernel, of which the C library's own handlers are not told."""
    child: int = ctypes.PyDLL(None).syscall(
        CLONE[platform.machine()], int(signals.SIGCHLD), 0, 0, 0, 0
    )
    return child


#: The number of the system call, by machine.
CLONE: Final = {"x86_64": 56, "aarch64": 220}


def in_a_child(call: Callable[[], object], fork: Callable[[], int] = os.fork) -> int:
    """How a call ends in a forked process."""
    with warnings.catch_warnings():
        # Other tests may have left threads: this child only makes one call.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = fork()
    if child == 0:
        ended = FAILED
        try:
            call()
            ended = ALLOWED
        except e2ee.StaleSessionError:
            ended = REFUSED
        finally:
            os._exit(ended)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("name", CALLS)
def test_a_child_refuses_what_its_parent_goes_on_with(tmp_path: Path, name: str) -> None:
    opened = Opened(tmp_path)

    assert in_a_child(lambda: CALLS[name](opened)) == REFUSED

    CALLS[name](opened)


@pytest.mark.parametrize("name", CALLS)
def test_a_child_of_a_fork_below_python_refuses_too(tmp_path: Path, name: str) -> None:
    opened = Opened(tmp_path)

    assert in_a_child(lambda: CALLS[name](opened), fork_below_python) == REFUSED

    CALLS[name](opened)


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in CLONE,
    reason="the number of the system call is known for two machines under Linux",
)
@pytest.mark.parametrize("name", CALLS)
def test_a_child_of_a_fork_below_the_c_library_refuses_too(tmp_path: Path, name: str) -> None:
    opened = Opened(tmp_path)

    assert in_a_child(lambda: CALLS[name](opened), fork_below_the_c_library) == REFUSED

    CALLS[name](opened)


def test_a_grandchild_refuses_what_its_parent_made(tmp_path: Path) -> None:
    opened = Opened(tmp_path)

    def made_in_the_child() -> None:
        device = signal.Device.generate("erin", 1)
        device.bundle()
        assert in_a_child(device.bundle) == REFUSED
        assert in_a_child(lambda: CALLS["session"](opened)) == REFUSED
        device.bundle()

    assert in_a_child(made_in_the_child) == ALLOWED


def test_a_child_opens_the_store_again(tmp_path: Path) -> None:
    Opened(tmp_path)

    def again() -> None:
        with e2ee.SQLiteStore(tmp_path / "alice.db", key=bytes(32)) as store:
            e2ee.Account.open(store).encrypt("bob", b"x")

    assert in_a_child(again) == ALLOWED


def test_a_child_that_ends_with_an_open_step_does_not_hang(tmp_path: Path) -> None:
    opened = Opened(tmp_path)

    def dropped() -> None:
        del opened.step
        opened.session.encrypt(b"x")

    assert in_a_child(dropped) == REFUSED
