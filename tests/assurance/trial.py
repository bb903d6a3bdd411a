# SPDX-License-Identifier: MIT OR Apache-2.0
"""One operation under one fault of the medium, and the same operation when the fault is gone.

The child opens its stores, then the fault comes; it does one operation of Alice's, reports, the
fault goes, and it does the operation again. The digests that a transaction has before its commit
say what the rows may be afterwards.
"""

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Final, NamedTuple

import e2ee
from e2ee.store import Store
from tests.assurance.children import PATIENCE, Child
from tests.assurance.party import OpensStores, Party
from tests.assurance.planted import connection
from tests.assurance.recording import MarkedStore, digest_of
from tests.stores.kinds import store_of
from tests.stores.protocols import OLM, Protocol, spoken_in

ROWS: Final = "SELECT name, revision, sealed FROM record ORDER BY name"
DONE: Final = "done"
OPEN, READ_ONLY = OPENINGS = ("open", "open read-only files")
NOBODY: Final = 65534
#: Seconds that a store waits for another process here.
TIMEOUT: Final = 0.05

Fault = Callable[[Child], AbstractContextManager[None]]


class Outcome(NamedTuple):
    """What came of a trial: of the first call, of the second, and what the rows were between."""

    first: str
    second: str
    known: bool


def acts(protocol: Protocol) -> dict[str, Callable[[Party], object]]:
    """What Alice does with her store."""
    own: dict[str, Callable[[Party], object]] = {
        "group": lambda party: party.send_to_group("alice"),
        "prekeys": lambda party: party.accounts["alice"].refresh_prekeys(0),
    }
    if protocol is OLM:
        own = {"keys": lambda party: party.publish("alice", fallback=True)}
    return own | {
        "encrypt": lambda party: party.send("alice"),
        "encrypt and checkpoint": lambda party: party.send("alice"),
        "receive": lambda party: party.deliver(party.send("bob")),
        "bundle": lambda party: party.accounts["alice"].bundle(),
        "connect": lambda party: party.accounts["alice"].connect(
            party.address("bob"), party.accounts["bob"].bundle()
        ),
    }


def opened(folder: Path, act: str, states: list[str], opens: OpensStores) -> Party:
    """A party whose Alice says what rows her transactions would make."""

    def of(where: Path, name: str) -> Store:
        store = opens(where, name)
        if name == "alice" and act == "encrypt and checkpoint":
            connection(store).execute("PRAGMA wal_autocheckpoint = 1")
        return MarkedStore(store, states.append, early=True) if name == "alice" else store

    return Party(folder, of)


def brief(folder: Path, name: str) -> Store:
    """The real store, which does not wait long."""
    return store_of(folder, name, TIMEOUT)


def open_as(folder: Path, opens: OpensStores, *, ordinary: bool) -> None:
    """Opens Alice's account and writes, perhaps as an ordinary user, whom permissions concern."""
    superuser = os.geteuid() == 0
    if superuser and ordinary:
        os.seteuid(NOBODY)
    try:
        with closing(opens(folder, "alice")) as store:
            e2ee.Account.open(store).bundle()
    finally:
        if superuser:
            os.seteuid(0)


def work(folder: Path, act: str, line: socket.socket, opens: OpensStores) -> Callable[[], None]:
    """What the child does: it opens, and then, when it is told to, acts twice."""

    def do() -> None:
        states: list[str] = []
        party = None if act in OPENINGS else opened(folder, act, states, opens)
        line.send(b".")
        for ordinary in (True, False):
            line.recv(1)
            result = DONE
            try:
                if party is not None:
                    acts(spoken_in(folder))[act](party)
                elif act == READ_ONLY:
                    open_as(folder, opens, ordinary=ordinary)
                else:
                    opened(folder, act, states, opens)
            except Exception as error:  # noqa: BLE001 - the parent judges it
                typed = isinstance(error, e2ee.StoreError)
                result = type(error).__name__ if typed else f"untyped: {error!r}"
            line.send(json.dumps([result, states]).encode())

    return do


def tried(folder: Path, act: str, fault: Fault, opens: OpensStores = brief) -> Outcome:
    """Does an operation while a fault is there, and again without it."""
    before = rows_now(folder)
    line, far = socket.socketpair()
    child = Child(work(folder, act, far, opens))
    far.close()
    line.settimeout(PATIENCE)
    try:
        child.go()
        line.recv(1)
        with fault(child):
            line.send(b".")
            first, states = json.loads(line.recv(1 << 16))
        # What another process would find if this one ended now.
        known = rows_now(folder) in {before, *states}
        line.send(b".")
        second, _ = json.loads(line.recv(1 << 16))
    except (OSError, ValueError) as error:
        return Outcome(f"untyped: {error!r}", "the child is gone", known=False)
    finally:
        line.close()
        child.kill()
        child.wait()
    return Outcome(first, second, known)


def rows_now(folder: Path) -> str:
    """The digest of Alice's rows in a copy of the files, which nobody's locks concern."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for ending in ("", "-wal", "-journal"):
        if (folder / f"alice.db{ending}").exists():
            shutil.copyfile(folder / f"alice.db{ending}", copy / f"alice.db{ending}")
    with closing(sqlite3.connect(copy / "alice.db", isolation_level=None)) as link:
        return digest_of(link.execute(ROWS).fetchall())
