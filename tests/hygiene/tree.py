# SPDX-License-Identifier: MIT OR Apache-2.0
"""The files that the hygiene tests read: what git tracks, and what it would if it were added."""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Source:
    """A text file of the tree: its path from the root, with `/`, and what it says."""

    path: str
    text: str

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return Path(self.path).stem

    @property
    def crate(self) -> str:
        """The directory of the crate that a Rust file belongs to."""
        return self.path.split("/src/")[0].split("/benches/")[0].split("/tests/")[0]


def git(*arguments: str) -> str:
    """What git says in the root of the tree."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@cache
def paths() -> tuple[str, ...]:
    """The paths of all files that are tracked, or that are neither tracked nor ignored."""
    listing = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    found = sorted({path for path in listing.split("\0") if path and (ROOT / path).is_file()})
    assert found, "git lists no files: the tests would check nothing"
    return tuple(found)


def sources(*endings: str, under: tuple[str, ...] = ("",)) -> list[Source]:
    """The text files whose names end so, in the order of their paths."""
    chosen = [path for path in paths() if path.endswith(endings) and path.startswith(under)]
    return [Source(path, (ROOT / path).read_text(encoding="utf-8")) for path in chosen]


def product_rust(*crates: str) -> list[Source]:
    """The Rust files of the crates' `src`, without those that hold only tests."""
    under = tuple(f"rust/{crate}/src/" for crate in crates)
    rust = sources(".rs", under=under)
    return [source for source in rust if source.stem != "tests" and "/tests/" not in source.path]
