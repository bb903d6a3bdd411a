# SPDX-License-Identifier: MIT OR Apache-2.0
"""Brings the reference client into a folder that git ignores, if Node and npm are there.

The package is under the AGPL: it is run as a black box beside ours, never shipped, linked or read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[2] / ".interop"
_STAMP: Final = "installed"
_TIMEOUT_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Package:
    """An npm package, exactly: name, version and SHA-512 of its archive, in base64."""

    name: str
    version: str
    sha512: str


#: The reference client, what loads its native part, and what its declaration files need.
PACKAGES: Final = (
    Package(
        "@signalapp/libsignal-client",
        "0.103.0",
        "eTPT0ebDsoriIjeMjuB882H51UpFXnWDIu43VX0uBSM6iryKmCa0zxabncrS6xG0KJqAc+Modjkhk0nk+w2k+A==",
    ),
    Package(
        "node-gyp-build",
        "4.8.4",
        "LA4ZjwlnUblHVgq0oBF3Jl/6h/Nvs5fzBLwdEF4nuxnFdsfajde4WfxtJr3CaiH+F6ewcIB/q4jQ4UzPyid+CQ==",
    ),
    Package(
        "type-fest",
        "4.41.0",
        "TeTSQ6H5YHvpqVwBRcnLDCBnDOHWYu7IvGbHT6N8AOymcr9PJGjc1GTtiWZTYg0NCgYwvnYWEkVChQAr9bjfwA==",
    ),
)


class AbsentError(Exception):
    """The reference client cannot be had here: the text says why."""


def node() -> str:
    """The program that runs the peer."""
    return _program("node")


def installed() -> Path:
    """The folder with the packages, which are fetched once.

    Raises:
        AbsentError: Node, npm or a package cannot be had.
    """
    node()
    wanted = json.dumps([[each.name, each.version, each.sha512] for each in PACKAGES])
    stamp = FOLDER / _STAMP
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        _install(_program("npm"))
        stamp.write_text(wanted, encoding="utf-8")
    return FOLDER


def matches(archive: bytes, package: Package) -> bool:
    """Whether an archive is that of the package."""
    return base64.b64encode(hashlib.sha512(archive).digest()).decode() == package.sha512


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        msg = f"{name} is not installed"
        raise AbsentError(msg)
    return found


def _install(npm: str) -> None:
    """Fetches the archives, compares them, and unpacks them without the network."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    archives = FOLDER / "archives"
    archives.mkdir(parents=True)
    for package in PACKAGES:
        exact = f"{package.name}@{package.version}"
        _run([npm, "pack", "--silent", exact], archives, f"{exact} cannot be fetched")
        name = package.name.removeprefix("@").replace("/", "-")
        archive = archives / f"{name}-{package.version}.tgz"
        if not matches(archive.read_bytes(), package):
            archive.unlink()
            msg = f"{exact} is not the expected archive"
            raise AbsentError(msg)
    options = ["--silent", "--offline", "--no-save", "--no-package-lock", "--ignore-scripts"]
    quiet = ["--no-audit", "--no-fund", "--prefix", str(FOLDER)]
    files = [str(archive) for archive in sorted(archives.iterdir())]
    _run([npm, "install", *options, *quiet, *files], FOLDER, "the packages cannot be installed")
    shutil.rmtree(archives)


def _run(command: list[str], folder: Path, what: str) -> None:
    try:
        subprocess.run(
            command, cwd=folder, check=True, timeout=_TIMEOUT_SECONDS, capture_output=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise AbsentError(what) from error
