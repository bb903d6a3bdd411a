# SPDX-License-Identifier: MIT OR Apache-2.0
"""The examples in Go and Node, each with the Python package at its other end."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import e2ee
from e2ee import signal
from tests.capi.building import FOLDER, ROOT, library, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXAMPLES: Final = ROOT / "examples"
CONVERSATIONS: Final = 50
#: What npm fetches, exactly: name, version and SHA-512 of the archive, in base64.
KOFFI: Final = "3.3.4"
ARCHIVES: Final = {
    "node_modules/koffi": "31Vr+LM+w1dEsNcOJtJWvYyUTjVc/SWOxNDZJxfhsBC6qZ5YVn98n5x1oBbDq5skxCbWD4SB"
    "yJpNmq63fvg9Aw==",
    "node_modules/@koromix/koffi-linux-x64": "xi47MKuoQ9fA2SsrH6wljl9t9120hO66qEmb1le6q636q55J974c"
    "ZfcwDrK5nW1GalJ+0NLXoH2T3/NGQBzPNw==",
}


class AbsentError(Exception):
    """This machine lacks what the example needs: the text says what."""


@dataclass(frozen=True, slots=True)
class Program:
    """An example that is ready to run: its name as a peer, and how it is started."""

    name: str
    command: tuple[str | Path, ...]


#: Makes a program ready, or says what is lacking.
Start: TypeAlias = "Callable[[], Program]"


def go() -> Program:
    """The example in Go, built against the installed library."""
    needed("go")
    needed("pkg-config")
    target = FOLDER / "talk-go"
    paths = {"PKG_CONFIG_PATH": str(library() / "pkgconfig")}
    run("go", "build", "-o", target, ".", cwd=EXAMPLES / "go", env={**os.environ, **paths})
    return Program("go", (target,))


def node() -> Program:
    """The example in JavaScript, beside the package that it needs."""
    program, folder = needed("node"), FOLDER / "node"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / "koffi").is_dir():
        options = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund")
        try:
            run(needed("npm"), "install", *options, "--prefix", folder, f"koffi@{KOFFI}")
        except AssertionError as failed:
            raise AbsentError("the package koffi cannot be fetched") from failed
    locked = json.loads((folder / "node_modules" / ".package-lock.json").read_text())["packages"]
    for name, digest in ARCHIVES.items():
        if name not in locked:
            raise AbsentError("the package koffi has none for this machine")
        assert locked[name]["integrity"] == f"sha512-{digest}", f"{name} is another archive"
    shutil.copy2(EXAMPLES / "node" / "talk.mjs", folder)
    return Program("node", (program, folder / "talk.mjs", library() / "libe2ee.so.0"))


def converse(program: Program, conversations: int = CONVERSATIONS) -> int:
    """So many conversations, each with a message from the program and an answer from Python."""
    key = signal.StateKey(secrets.token_bytes(32))
    device = signal.Device.generate("python", 1)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library())}
    talking = subprocess.Popen(
        program.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    with talking:
        assert talking.stdin is not None
        assert talking.stdout is not None
        for number in range(conversations):
            print(device.bundle().hex(), file=talking.stdin, flush=True)
            kind, message = talking.stdout.readline().split()
            assert kind == "3"
            session, step = signal.Session.accept(
                key, device, e2ee.Address(program.name), bytes.fromhex(message)
            )
            assert step.release() == f"Hello from {program.name.capitalize()}.".encode()
            answer = session.encrypt(b"Answer %d from Python." % number)
            print(answer.kind, answer.release().hex(), file=talking.stdin, flush=True)
            assert talking.stdout.readline() == f"Answer {number} from Python.\n"
        talking.stdin.close()
        assert talking.wait(timeout=60) == 0
    return conversations


def needed(program: str) -> str:
    """Where a program is."""
    found = shutil.which(program)
    if found is None:
        msg = f"{program} is not here"
        raise AbsentError(msg)
    return found
