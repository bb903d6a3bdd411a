# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee demo`: a whole conversation over a bad carrier."""

import re
import secrets
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from e2ee.cli import options
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.help import examples
from e2ee.cli.writing import write_json
from e2ee.demo.carrier import Rates
from e2ee.demo.closing import print_closing_table
from e2ee.demo.display import Display
from e2ee.demo.plan import DemoError, Plan
from e2ee.demo.stage import perform


def _bytes(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """A number of bytes, such as 64MiB."""
    found = SIZE.fullmatch(value)
    if found is None:
        raise click.BadParameter("a number, with B, KiB, MiB or GiB behind it", ctx, param)
    return int(found["number"]) << SHIFTS[found["unit"] or "B"]


RATE: Final = click.FloatRange(0, 0.5)


@click.command(
    short_help="Show a whole conversation over a bad carrier.",
    epilog=examples("e2ee demo", "e2ee demo --messages 200 --file-size 1MiB --json"),
)
@click.option(
    "--messages",
    type=click.IntRange(1),
    default=2_000,
    show_default=True,
    help="Texts in each direction.",
)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to send; else one is made.",
)
@click.option(
    "--file-size",
    callback=_bytes,
    default="64MiB",
    show_default=True,
    help="The size of the made file.",
)
@click.option(
    "--seed", type=click.IntRange(0), help="Decides what the carrier does; printed at the end."
)
@click.option("--loss", type=RATE, default=0.05, show_default=True, help="Envelopes lost.")
@click.option("--duplicate", type=RATE, default=0.03, show_default=True, help="Repeated.")
@click.option("--corrupt", type=RATE, default=0.03, show_default=True, help="Damaged.")
@click.option("--reorder", type=RATE, default=0.1, show_default=True, help="Delayed, and mixed.")
@options.as_json
def demo(
    *,
    messages: int,
    file: Path | None,
    file_size: int,
    seed: int | None,
    as_json: bool,
    **rates: float,
) -> None:
    """Lets two accounts talk over a carrier that loses, repeats, mixes and damages.

    They are two processes with an SQLite file each; they are killed and started again in the
    middle. All cryptography is real. Exit code 1 says that a promise was broken.
    """
    plan = Plan(
        messages=messages,
        file=file,
        file_size=file_size,
        seed=secrets.randbits(32) if seed is None else seed,
        rates=Rates(**rates),
    )
    console = Console(highlight=False, stderr=as_json, quiet=as_json)
    try:
        report = perform(plan, Display(console))
    except DemoError as error:
        raise CommandError(str(error), Exit.REFUSED) from error
    if as_json:
        write_json(report.to_json())
    else:
        print_closing_table(report, console)
    if report.failures():
        raise CommandError("the demo broke a promise: see above", Exit.REFUSED)


SIZE: Final = re.compile(r"(?P<number>\d{1,12}) ?(?P<unit>B|KiB|MiB|GiB)?")
SHIFTS: Final = {"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}
