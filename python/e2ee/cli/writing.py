# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a command writes: to the standard output, or to a file that is there whole or not at all."""

import contextlib
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Final

import click

from e2ee.cli.screen import harmless


def write_text(path: Path | None, text: str) -> None:
    """Text that may be seen by everyone, such as armour."""
    _write(path, text.encode(), PUBLIC)


def write_binary(path: Path | None, content: bytes) -> None:
    """Bytes that may be seen by everyone; a terminal does not take them."""
    if is_output(path) and sys.stdout.isatty():
        raise click.UsageError("Bytes do not suit a terminal: name a file with --output.")
    _write(path, content, PUBLIC)


def write_plaintext(path: Path | None, plaintext: bytes) -> None:
    """An opened message: readable by its owner only, and unable to steer a terminal."""
    if is_output(path) and sys.stdout.isatty():
        text = harmless(plaintext.decode("utf-8", errors="replace"))
        plaintext = (text if text.endswith("\n") else text + "\n").encode()
    _write(path, plaintext, PRIVATE)


def write_json(value: object) -> None:
    """One JSON document on the standard output, and nothing else."""
    _write(None, (json.dumps(value, indent=2) + "\n").encode(), PUBLIC)


def is_output(path: Path | None) -> bool:
    """Whether the path stands for the standard output."""
    return path is None or str(path) == "-"


def _write(path: Path | None, content: bytes, mode: int) -> None:
    if path is None or is_output(path):
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        # A pipe or a device cannot be replaced.
        with path.open("wb", buffering=0) as device:
            _write_all(device.fileno(), content)
    else:
        _replace(path, content, mode)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Writes beside the target, and puts it in its place when it is on the disk."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, mode)
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        # The name beside the target means nothing to the person.
        raise OSError(error.errno, error.strerror, str(path)) from error
    _sync_folder(path.parent)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    """Makes the new name durable, where a system knows how to."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


#: Modes of new files, before the process's own mask.
PUBLIC: Final = 0o666
PRIVATE: Final = 0o600
BINARY: Final = getattr(os, "O_BINARY", 0)
