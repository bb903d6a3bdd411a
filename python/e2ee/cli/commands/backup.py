# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee backup` and `e2ee restore`: a copy of the store, and an account that goes on from one."""

from pathlib import Path

import click

from e2ee.cli import options
from e2ee.cli.commands.heal import say_healed
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.help import examples
from e2ee.cli.opening import Opening, opens_store
from e2ee.cli.screen import note, record_progress
from e2ee.store import backup as write_backup


@click.command(
    short_help="Write a copy of the store into a file.", epilog=examples("e2ee backup alice.backup")
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@opens_store
def backup(opening: Opening, file: Path) -> None:
    """Writes all that is in the store, as it is now, into a new FILE; other programs may go on.

    The passphrase of the store closes the file too, and is not asked for. Put it into use with
    'e2ee restore', never by copying it: a copy that is run uses keys again.
    """
    opening.check()
    if file.exists():
        sentence = f"{file} is there already: choose another name"
        raise CommandError(sentence, Exit.REFUSED)
    with record_progress("Writing the backup") as told:
        write_backup(opening.path, file, progress=told)
    click.echo(f"The backup is in {file}")
    note("Whoever has it and the passphrase reads what is in it: keep it as you keep the store.")


@click.command(
    short_help="Go on with an account from a backup.",
    epilog=examples("e2ee restore alice.backup --store alice.db"),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@opens_store
@options.as_json
def restore(opening: Opening, file: Path, *, as_json: bool) -> None:
    """Makes a store of the backup in FILE, where there is none yet, under its passphrase.

    What happened after the backup is lost, and nothing that it may have used is used again:
    messages on their way still open, but to write, you need a new invitation of each contact.
    """
    if not file.exists():
        sentence = f"there is no backup at {file}"
        raise CommandError(sentence, Exit.STORAGE)
    with record_progress("Reading the backup") as told:
        restored = opening.restored(file, told)
    say_healed(restored, f"The account lives in {opening.path}", as_json=as_json)
