# SPDX-License-Identifier: MIT OR Apache-2.0
"""A server with a standby that follows it, made by copying its files; both are the test's own."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from tests.stores.server import PATIENCE, Server, needed_binaries, run, start, unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """A primary server, and a standby to which it streams its log."""

    primary: Server
    standby: Server

    @property
    def conninfo(self) -> str:
        """How to connect to the one of both that can be written."""
        hosts = f"{self.primary.folder},{self.standby.folder}"
        return self.primary.to(host=hosts)

    def catch_up(self) -> None:
        """Waits until the standby has all that the primary has committed."""
        (written,) = self.primary.execute("SELECT pg_current_wal_lsn()")[0]
        replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        until(lambda: self.standby.execute(replayed, written) == [(True,)])

    def cut(self) -> None:
        """Ends the stream: the standby falls behind from here on."""
        self.standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
        self.standby.execute("SELECT pg_reload_conf()")
        until(lambda: self.primary.execute("SELECT pid FROM pg_stat_replication") == [])

    def promote(self) -> None:
        """Lets the standby take over; that the primary is gone is another matter."""
        assert self.standby.execute("SELECT pg_promote(true, %s)", PATIENCE) == [(True,)]

    def fail_over(self) -> None:
        """The primary is gone, and the standby takes over."""
        self.primary.halt()
        self.promote()


def until(is_so: Callable[[], bool]) -> None:
    """Waits."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def standing_by() -> Iterator[Pair]:
    """A new primary and its standby."""
    binaries = needed_binaries()
    first = start(binaries)
    first.halt()
    assert first.folder is not None
    folder = Path(tempfile.mkdtemp(prefix="e2ee-pg-"))
    shutil.copytree(first.folder / "data", folder / "data")
    (folder / "data" / "standby.signal").touch()
    with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"primary_conninfo = 'host={first.folder} user=e2ee'\n")
    primary = run(binaries, first.folder, unprivileged(first.folder))
    standby = run(binaries, folder, unprivileged(folder))
    try:
        until(lambda: primary.execute("SELECT pid FROM pg_stat_replication") != [])
        yield Pair(primary, standby)
    finally:
        standby.stop()
        primary.stop()
