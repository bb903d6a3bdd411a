# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is left in the files of a store of rows that should be gone."""

from pathlib import Path
from typing import Final

from tests.properties.world import Rows

#: Long enough not to be found by chance, short enough that a remainder in a page is.
PIECE: Final = 24
STRIDE: Final = 12
#: Check and checksum, at the end of a store record.
CHECKED: Final = 40


def pieces(sealed: bytes) -> list[bytes]:
    """Pieces of a row that lie so close that each longer remainder of it holds one."""
    last = max(1, len(sealed) - PIECE + 1)
    return [sealed[place : place + PIECE] for place in range(0, last, STRIDE)]


def left_in_files(path: Path, rows: Rows) -> list[str]:
    """The names of those rows of which something stands in the file, or in one beside it."""
    files = sorted(path.parent.glob(f"{path.name}*"))
    raw = b"|".join(each.read_bytes() for each in files)
    # The store record begins as before: of it, what depends on the key counts.
    told = {name: row[-CHECKED:] if name == "store" else row for name, (_, row) in rows.items()}
    return [name for name, row in told.items() if any(piece in raw for piece in pieces(row))]
