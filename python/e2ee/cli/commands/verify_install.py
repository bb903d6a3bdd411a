# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee verify-install`: whether the package is one that was published."""

from dataclasses import asdict
from typing import BinaryIO

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import e2ee
from e2ee._build import Verdict, verify
from e2ee.cli import options
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.help import examples
from e2ee.cli.writing import write_json


@click.command(
    "verify-install",
    short_help="Compare what is installed with published hashes.",
    epilog=examples("e2ee verify-install libe2ee-0.1.0.sha256"),
)
@click.argument("hashes", type=click.File("rb"), metavar="FILE")
@options.as_json
def verify_install(hashes: BinaryIO, *, as_json: bool) -> None:
    """Compares the loaded extension and every file of the package with a list of hashes.

    FILE is the list that was published with a release; get it over another way than the package.
    Whoever could change the package could change this command too: 'sha256sum --check' of the
    unpacked wheel, on another machine, cannot be deceived so.
    """
    try:
        text = hashes.read().decode("ascii")
    except UnicodeDecodeError:
        raise CommandError("the list of hashes is not text", Exit.REFUSED) from None
    verdict, built = verify(text), e2ee.build()
    if as_json:
        shown = {**asdict(built), "extension": str(built.extension)}
        write_json({"published": verdict.is_published, **asdict(verdict), "build": shown})
    else:
        _show(verdict, built)
    if verdict.release is None:
        raise CommandError("the loaded extension is of no listed release", Exit.REFUSED)
    if verdict.differing:
        raise CommandError("files of the package are not those of the release", Exit.REFUSED)


def _show(verdict: Verdict, built: e2ee.Build) -> None:
    """What was found, for a person."""
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = {
        "release": verdict.release or "none",
        "extension": built.extension,
        "sha256": built.sha256,
        "commit": built.commit or "unknown",
        "target": built.target,
    }
    for name, value in rows.items():
        table.add_row(name, Text(str(value), overflow="fold"))
    for each in verdict.differing:
        table.add_row("differs", Text(each, overflow="fold"))
    Console().print(table)
