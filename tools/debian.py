# SPDX-License-Identifier: MIT OR Apache-2.0
"""Unpacks packages of Debian, of any architecture, into a folder, without installing anything.

Debian's own `apt-get` fetches and verifies them, from the mirror that this machine is set up with,
with a configuration, lists and archives of its own; what the machine has installed plays no part.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
#: Seconds, for lists and archives of some 100 MB.
PATIENCE = 600


class AbsentError(Exception):
    """What is needed cannot be had here: the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Packages by name or `name=version`, with all that they depend on or without."""

    suite: str
    architecture: str
    packages: tuple[str, ...]
    depends: bool = True


def unpack(wanted: Wanted, folder: Path) -> list[str]:
    """Fetches the packages and unpacks them, and gives the names of the archives.

    Raises:
        AbsentError: There is no `apt-get`, or it does not get them.
    """
    state = folder.with_name(f"{folder.name}.apt")
    shutil.rmtree(state, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    configured = _configure(wanted, state)
    _apt(configured, "update")
    if wanted.depends:
        options = ("--yes", "--no-install-recommends", "--download-only")
        _apt(configured, "install", *options, *wanted.packages)
        archives = sorted((state / "cache" / "archives").glob("*.deb"))
    else:
        _apt(configured, "download", *wanted.packages, folder=state)
        archives = sorted(state.glob("*.deb"))
    for archive in archives:
        _run(["dpkg-deb", "--extract", str(archive), str(folder)])
    shutil.rmtree(state)
    return [archive.stem for archive in archives]


def _configure(wanted: Wanted, state: Path) -> dict[str, str]:
    """The environment in which `apt-get` knows one suite and one architecture, and no system."""
    for each in ("etc", "state/lists/partial", "cache/archives/partial"):
        (state / each).mkdir(parents=True)
    (state / "state" / "status").touch()
    source = f"deb [signed-by={KEYRING}] {_mirror()} {wanted.suite} main\n"
    (state / "etc" / "sources.list").write_text(source, encoding="utf-8")
    settings = state / "apt.conf"
    settings.write_text(
        f'Dir "{state}";\n'
        f'Dir::Etc "{state}/etc";\n'
        f'Dir::State "{state}/state";\n'
        f'Dir::State::status "{state}/state/status";\n'
        f'Dir::Cache "{state}/cache";\n'
        f'APT::Architecture "{wanted.architecture}";\n'
        f'APT::Architectures {{ "{wanted.architecture}"; }};\n'
        'APT::Sandbox::User "";\n'
        'Acquire::Languages "none";\n'
        'Debug::NoLocking "true";\n',
        encoding="utf-8",
    )
    return {**os.environ, "APT_CONFIG": str(settings), "DEBIAN_FRONTEND": "noninteractive"}


def _mirror() -> str:
    """Where this machine fetches Debian's main archive from."""
    options = ["--format", "$(REPO_URI)", "Created-By: Packages"]
    for place in _run(["apt-get", "indextargets", *options]).split():
        if urlsplit(place).path.strip("/") == "debian":
            return place
    raise AbsentError("no mirror of Debian is set up here")


def _apt(environment: dict[str, str], *words: str, folder: Path | None = None) -> None:
    _run(["apt-get", "--quiet", *words], environment, folder)


def _run(
    command: list[str], environment: dict[str, str] | None = None, folder: Path | None = None
) -> str:
    """What a program prints; it has to succeed."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=folder,
            check=True,
            timeout=PATIENCE,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError as error:
        msg = f"there is no {command[0]} here"
        raise AbsentError(msg) from error
    except subprocess.SubprocessError as error:
        told = getattr(error, "stderr", None) or str(error)
        msg = f"{' '.join(command[:3])} failed: {str(told).strip()[-300:]}"
        raise AbsentError(msg) from error
    return done.stdout
