# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee rekey`: another passphrase for the store, and no old rows left in its files."""

from pathlib import Path

import click

from e2ee.cli import options
from e2ee.cli.help import examples
from e2ee.cli.opening import Opening, opens_store
from e2ee.cli.screen import note, waiting
from e2ee.cli.secret import PassphraseSource
from e2ee.cli.writing import write_json


@click.command(
    short_help="Give the store another passphrase.",
    epilog=examples("e2ee rekey", "e2ee rekey --new-passphrase-file new --passphrase-file old"),
)
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take the new passphrase from the first line of a file.",
)
@click.option(
    "--new-passphrase-fd",
    type=click.IntRange(min=0),
    metavar="N",
    help="Take the new passphrase from the first line of an open file descriptor.",
)
@opens_store
@options.as_json
def rekey(
    opening: Opening,
    new_passphrase_file: Path | None,
    new_passphrase_fd: int | None,
    *,
    as_json: bool,
) -> None:
    """Gives the store another passphrase, and seals all that is in it anew.

    Either it happens as a whole, or nothing happens. Copies of the store that were made before,
    backups for instance, still open with the passphrase before: delete them.
    """
    source = PassphraseSource(new_passphrase_file, new_passphrase_fd, "--new-passphrase")
    with opening.holding() as held:
        passphrase = source.choose()
        with waiting("Sealing the store anew"):
            is_clean = held.rekey(passphrase=passphrase)
    if as_json:
        write_json({"store": str(opening.path), "clean": is_clean})
        return
    click.echo(f"{opening.path} has a new passphrase")
    if not is_clean:
        note(
            "Another program uses the store: what was sealed under the passphrase before may still "
            "be in its files. End that program, and do this again."
        )
