# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a library shows to a linker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.capi.building import run

if TYPE_CHECKING:
    from pathlib import Path


def shared(library: Path) -> set[str]:
    """All that a shared library exports."""
    lines = run("nm", "--dynamic", "--defined-only", "--extern-only", library).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines}


def static(library: Path) -> set[str]:
    """The functions of ours in a static library, which shows all of its parts."""
    lines = run("nm", "--defined-only", "--extern-only", "--quiet", library).splitlines()
    last = (line.split()[-1] for line in lines if line)
    return {name for name in last if re.fullmatch(r"e2ee_\w+", name)}


def soname(library: Path) -> str:
    """The name that programs look for which were linked with it."""
    found = re.search(r"SONAME\s+(\S+)", run("objdump", "-p", library))
    assert found is not None
    return found[1]
