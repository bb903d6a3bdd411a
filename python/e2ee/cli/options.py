# SPDX-License-Identifier: MIT OR Apache-2.0
"""Options that several commands share."""

from pathlib import Path
from typing import Final

import click

#: What is read, if not the standard input.
input_file: Final = click.argument(
    "source", metavar="[FILE]", required=False, type=click.Path(path_type=Path, allow_dash=True)
)
#: Where the result goes, if not to the standard output.
output_file: Final = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write to a file instead of the standard output; a file of this name is replaced.",
)
#: Whether messages and invitations are bytes.
binary: Final = click.option(
    "--binary", is_flag=True, help="Bytes instead of text with BEGIN and END lines."
)
#: Whether a script reads the result.
as_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
