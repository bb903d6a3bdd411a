# SPDX-License-Identifier: MIT OR Apache-2.0
"""The environment in which the plugin runs, in an ignored folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.interop.matrix_tests import AbsentError

FOLDER: Final = Path(__file__).resolve().parents[3] / ".telegram"
#: What is measured against, and what it runs on.
PACKAGES: Final = ("telethon-secret-chat==0.2.4", "Telethon==1.45.0", "cryptg==0.6.0")
NAME: Final = f"{PACKAGES[0].replace('==', ' ')}, {PACKAGES[1].replace('==', ' ')}"
_TIMEOUT_SECONDS: Final = 600
#: What fetching may take where it is optional.
_OPTIONAL_SECONDS: Final = 75


def prepare(*, optional: bool = False) -> Path:
    """The interpreter with all that is needed, fetched once.

    Raises:
        AbsentError: Something cannot be had, or not soon where it is optional.
    """
    python, stamp = FOLDER / "venv" / "bin" / "python", FOLDER / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == repr(PACKAGES):
        return python
    until = time.monotonic() + (_OPTIONAL_SECONDS if optional else _TIMEOUT_SECONDS)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
    for command in ([sys.executable, "-m", "venv", str(FOLDER / "venv")], install):
        left = max(0.0, until - time.monotonic())
        try:
            subprocess.run(command, check=True, timeout=left, capture_output=True)
        except (OSError, subprocess.SubprocessError) as error:
            msg = f"{NAME} cannot be installed here"
            raise AbsentError(msg) from error
    stamp.write_text(repr(PACKAGES), encoding="utf-8")
    return python
