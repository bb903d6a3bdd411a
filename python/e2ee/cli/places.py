# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where a person's store lies if no place is given."""

import os
import sys
from pathlib import Path


def default_store() -> Path:
    """The store in the folder where this system keeps the data of applications."""
    return _data_folder() / "e2ee" / "store.db"


def _data_folder() -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    # The XDG Base Directory Specification: a relative path is ignored.
    chosen = Path(os.environ.get("XDG_DATA_HOME", ""))
    return chosen if chosen.is_absolute() else home / ".local" / "share"
