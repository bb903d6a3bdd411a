# SPDX-License-Identifier: MIT OR Apache-2.0
"""`e2ee version`: what is loaded, and from where."""

import platform
import sqlite3
from importlib import metadata
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import e2ee
from e2ee import _core
from e2ee.cli import options
from e2ee.cli.help import examples
from e2ee.cli.screen import note
from e2ee.cli.writing import write_json


@click.command(
    short_help="Print versions, and where the package was loaded from.",
    epilog=examples("e2ee version --json"),
)
@options.as_json
def version(*, as_json: bool) -> None:
    """Prints the versions, what the processor offers, and where the package was loaded from.

    Another project owns the name e2ee on PyPI and installs a folder of the same name: this says
    which one is loaded, and warns if both are in one environment.
    """
    found = _found()
    owners = owners_of_the_name()
    if as_json:
        write_json({**found, "installed_by": owners})
    else:
        table = Table(show_header=False, box=None, pad_edge=False)
        for name, value in found.items():
            shown = " ".join(value) if isinstance(value, list) else str(value)
            table.add_row(name.replace("_", " "), Text(shown, overflow="fold"))
        table.add_row("installed by", ", ".join(owners) or "no distribution")
        Console().print(table)
    if set(owners) - {DISTRIBUTION}:
        note(f"Another distribution than {DISTRIBUTION} installs a package e2ee here: remove one.")


def owners_of_the_name() -> list[str]:
    """The distributions of this environment that install a package `e2ee`."""
    owners = set(metadata.packages_distributions().get("e2ee", []))
    # One that is installed for development lists no files.
    names = {distribution.metadata["Name"] for distribution in metadata.distributions()}
    return sorted(owners | ({DISTRIBUTION} & names))


def _found() -> dict[str, object]:
    core = _core.version_info()
    return {
        "e2ee": e2ee.__version__,
        "core": core["version"],
        "x25519": core["x25519"],
        "cpu_features": core["cpu_features"],
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "package": str(Path(e2ee.__file__).parent),
        "extension": str(_core.__file__),
    }


DISTRIBUTION: Final = "libe2ee"
