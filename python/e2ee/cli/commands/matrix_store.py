# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee matrix-store`: what would become of another program's store if it were moved over."""

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from e2ee import StoreError, StoreKeyError
from e2ee.cli import options
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.help import examples
from e2ee.cli.screen import note
from e2ee.cli.secret import PassphraseSource
from e2ee.cli.writing import write_json
from e2ee.matrix_stores import StoreImport, import_store
from e2ee.olm import StateKey

#: What the programs use if nobody chose a key.
DEFAULT_KEYS: Final = ("DEFAULT_KEY", "mautrix.bridge.e2ee")


@click.command(
    short_help="Check a store of matrix-nio or mautrix before a move.",
    epilog=examples("e2ee matrix-store bot.db", "e2ee matrix-store bot.db --pickle-key-file key"),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--pickle-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read the key of the pickles from a file.",
)
@click.option(
    "--pickle-key-fd",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Read the key of the pickles from a file descriptor.",
)
@options.as_json
def matrix_store(
    file: Path, pickle_key_file: Path | None, pickle_key_fd: int | None, *, as_json: bool
) -> None:
    """Reads every record of the SQLite file of a Matrix program, and says whether it can be moved.

    Nothing is changed, and nothing secret is shown. Without a key of the pickles, those are tried
    that the programs have if nobody chose another.
    """
    keys: tuple[str, ...] = DEFAULT_KEYS
    if pickle_key_file is not None or pickle_key_fd is not None:
        keys = (PassphraseSource(pickle_key_file, pickle_key_fd, "--pickle-key").read(),)
    found = _examined(file, keys)
    if as_json:
        rows = [asdict(row) for row in found.report.rows]
        write_json({"program": found.program, "version": found.version, "rows": rows})
        return
    click.echo(str(found.report))
    note(f"{found.program}, version {found.version}. To move it: docs/guides/moving.md")


def _examined(file: Path, keys: tuple[str, ...]) -> StoreImport:
    """The report under the first key that fits."""
    own = StateKey(secrets.token_bytes(32))
    try:
        for key in keys[:-1]:
            try:
                return import_store(file, own, pickle_key=key, dry_run=True)
            except StoreKeyError:
                continue
        return import_store(file, own, pickle_key=keys[-1], dry_run=True)
    except StoreKeyError as error:
        sentence = "no pickle opens: give the program's pickle key with --pickle-key-file"
        raise CommandError(sentence, Exit.NO_ACCESS) from error
    except StoreError as error:
        raise CommandError(str(error), Exit.STORAGE) from error
