# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee seal` and `e2ee unseal`: files of any size under a passphrase or a key, without a store."""

from __future__ import annotations

import contextlib
import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from e2ee import AuthenticationError, MalformedMessageError
from e2ee.cli import options
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.help import examples
from e2ee.cli.screen import byte_progress, can_answer, note
from e2ee.cli.secret import PassphraseSource
from e2ee.cli.writing import is_output
from e2ee.files import FileKey, FilePassphrase, seal_file, unseal_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY_LEN = 32


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where the key of a file comes from: a file of 32 bytes, or a passphrase."""

    key_file: Path | None
    passphrase: PassphraseSource

    def to_seal(self) -> FileKey | FilePassphrase:
        """The key of a new file; a passphrase is typed twice."""
        return self._key() or FilePassphrase(self.passphrase.choose())

    def to_open(self) -> FileKey | FilePassphrase:
        """The key of a file that exists."""
        return self._key() or FilePassphrase(self.passphrase.read())

    def _key(self) -> FileKey | None:
        if self.key_file is None:
            return None
        if self.passphrase.file is not None or self.passphrase.descriptor is not None:
            raise click.UsageError("Choose either a key file or a passphrase.")
        with self.key_file.open("rb", buffering=0) as file:
            key = bytearray(KEY_LEN + 1)
            length = file.readinto(key) or 0
        try:
            if length != KEY_LEN:
                sentence = f"{self.key_file} does not hold a key: it has to have 32 random bytes"
                raise CommandError(sentence, Exit.USAGE)
            return FileKey.from_bytes(memoryview(key)[:KEY_LEN])
        finally:
            key[:] = bytes(len(key))


def takes_secret(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options that name a key; its first argument is what they mean."""

    @click.option(
        "--key-file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="A file of 32 random bytes is the key, instead of a passphrase.",
    )
    @click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Take the passphrase from the first line of a file.",
    )
    @click.option(
        "--passphrase-fd",
        type=click.IntRange(min=0),
        metavar="N",
        help="Take the passphrase from the first line of an open file descriptor.",
    )
    @functools.wraps(command)
    def with_secret(
        *,
        key_file: Path | None,
        passphrase_file: Path | None,
        passphrase_fd: int | None,
        **arguments: object,
    ) -> None:
        passphrase = PassphraseSource(passphrase_file, passphrase_fd)
        command(SecretSource(key_file, passphrase), **arguments)

    return with_secret


@click.command(
    short_help="Seal a file under a passphrase or a key.",
    epilog=examples(
        "e2ee seal film.mp4 --output film.sealed",
        "head -c 32 /dev/urandom > key",
        "tar c letters | e2ee seal --key-file key > letters.sealed",
    ),
)
@options.input_file
@options.output_file
@takes_secret
def seal(secret: SecretSource, source: Path | None, *, output: Path | None) -> None:
    """Seals FILE, or the standard input, of any size; 'e2ee unseal' opens it again.

    The passphrase is asked for. With --key-file the result is what Tink writes with its template
    AES256_GCM_HKDF_1MB.
    """
    with written(output) as target:
        key = secret.to_seal()
        with byte_progress("Sealing") as told:
            seal_file(given(source), target, key, progress=told)


@click.command(
    short_help="Open a file that was sealed.",
    epilog=examples(
        "e2ee unseal film.sealed --output film.mp4",
        "e2ee unseal letters.sealed --key-file key | tar x",
    ),
)
@options.input_file
@options.output_file
@takes_secret
def unseal(secret: SecretSource, source: Path | None, *, output: Path | None) -> None:
    """Opens FILE, or the standard input, that 'e2ee seal' made.

    With --output the file is there whole, or stays as it was. On the standard output each part
    comes as soon as it is verified: only an exit code of 0 says that nothing is missing.
    """
    with written(output) as target:
        key = secret.to_open()
        what = "passphrase" if isinstance(key, FilePassphrase) else "key"
        try:
            with byte_progress("Opening") as told:
                unseal_file(given(source), target, key, progress=told)
        except AuthenticationError:
            sentence = f"the file does not open: it was changed or cut, or the {what} is wrong"
            raise CommandError(sentence, Exit.REFUSED) from None
        except MalformedMessageError:
            sentence = f"this is no file that was sealed under a {what}"
            raise CommandError(sentence, Exit.REFUSED) from None


def given(source: Path | None) -> Path | BinaryIO:
    """What is to be read."""
    if source is not None and str(source) != "-":
        return source
    if can_answer():
        note("Type the text; end it with Ctrl-D on a new line.")
    return sys.stdin.buffer


@contextlib.contextmanager
def written(output: Path | None) -> Iterator[Path | BinaryIO]:
    """Where the result goes; a terminal does not take bytes."""
    if output is not None and not is_output(output):
        yield output
        return
    if sys.stdout.isatty():
        raise click.UsageError("Bytes do not suit a terminal: name a file with --output.")
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
