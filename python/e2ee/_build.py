# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is loaded: of which source, for which machines, and the hash of its file.

The list of published hashes is what `sha256sum` prints about the unpacked wheels of a release
(docs/reproduce.md, "The list of hashes").
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from e2ee import _core
from e2ee.errors import InvalidArgumentError

#: A SHA-256 in hexadecimal and a name, as `sha256sum` prints them; a star stands for binary mode.
_LINE: Final = re.compile(r"([0-9a-f]{64}) [ *](\S+)")
_PACKAGE: Final = "e2ee/"


@dataclass(frozen=True, slots=True)
class Build:
    """The loaded extension: what it was built from and for, and its file.

    `commit` is of the git history, in hexadecimal, empty if the build did not know it. `target` is
    Rust's name of the platform, `compiler` the compiler's own name and version. `cpu_features` are
    those without which it does not run; others are used where they are found. `sha256` is that of
    the file `extension` as it is now, in hexadecimal.
    """

    version: str
    commit: str
    target: str
    compiler: str
    cpu_features: tuple[str, ...]
    extension: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a list of hashes says about what is installed.

    `release` is the wheel that the extension is of, None if it is of none. `differing` are files of
    the package that are not as in that wheel, missing ones and ones too many among them.
    """

    release: str | None
    differing: tuple[str, ...]

    @property
    def is_published(self) -> bool:
        """Whether all files of the package are those of one release."""
        return self.release is not None and not self.differing


def build() -> Build:
    """What is loaded, and the hash of its file.

    >>> import e2ee
    >>> e2ee.build().version == e2ee.__version__
    True

    Raises:
        OSError: The file of the extension cannot be read.
    """
    told = _core.version_info()
    place = Path(str(_core.__file__))
    return Build(
        told["version"],
        told["commit"],
        told["target"],
        told["compiler"],
        tuple(told["compiled_for"].split(",")) if told["compiled_for"] else (),
        place,
        _sha256(place),
    )


def verify(published: str) -> Verdict:
    """Compares the package as it is on the disk with a list of published hashes.

    What is loaded could deceive: whoever can change its files can change this one. A list that
    came another way, and `sha256sum --check` from outside, cannot be deceived.

    Raises:
        InvalidArgumentError: The text is not such a list.
        OSError: A file of the package cannot be read.
    """
    releases = _releases(published)
    place = Path(str(_core.__file__))
    name, found = f"{_PACKAGE}{place.name}", _sha256(place)
    for release, files in releases.items():
        if files.get(name) == found:
            return Verdict(release, tuple(sorted(_differing(files, place.parent))))
    return Verdict(None, ())


def _releases(published: str) -> dict[str, dict[str, str]]:
    """The hashes of the files of each wheel's package, by the wheel's name without its ending."""
    releases: dict[str, dict[str, str]] = {}
    for line in published.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            raise InvalidArgumentError("the list of hashes is not one that sha256sum prints")
        release, _, name = found[2].partition("/")
        if name.startswith(_PACKAGE):
            releases.setdefault(release, {})[name] = found[1]
    if not releases:
        raise InvalidArgumentError("the list of hashes names no file of the package")
    return releases


def _differing(files: dict[str, str], package: Path) -> set[str]:
    """The names of the files that are not as they are listed."""
    there = {
        each.relative_to(package.parent).as_posix()
        for each in package.rglob("*")
        if each.is_file() and "__pycache__" not in each.parts
    }
    wrong = {name for name in there & set(files) if _sha256(package.parent / name) != files[name]}
    return wrong | (there ^ set(files))


def _sha256(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
