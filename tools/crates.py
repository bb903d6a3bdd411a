# SPDX-License-Identifier: MIT OR Apache-2.0
"""The crates that the extension is made of, from `cargo metadata`: what is linked, what builds it.

Cargo's answer is its format 1; a crate that only runs while others are compiled (a procedural
macro, a build script's need) is not in the extension.
"""

import json
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EXTENSION = "e2ee-extension"


@dataclass(frozen=True, slots=True)
class Crate:
    """One crate: its licence is an SPDX expression, its folder where its source lies."""

    name: str
    version: str
    licence: str
    description: str
    authors: tuple[str, ...]
    repository: str
    folder: Path
    ours: bool
    linked: bool
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its name in the world, as package URLs write it."""
        return f"pkg:cargo/{self.name}@{self.version}"


def crates(target: str) -> list[Crate]:
    """What the extension for a target is made of, sorted by name and version."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    command += ["--filter-platform", target]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return read(json.loads(told))


def read(metadata: Mapping[str, Any]) -> list[Crate]:
    """The same, from what cargo said."""
    packages = {each["id"]: each for each in metadata["packages"]}
    nodes = {each["id"]: each for each in metadata["resolve"]["nodes"]}
    root = next(place for place in nodes if packages[place]["name"] == EXTENSION)
    macros = {place for place in nodes if _is_macro(packages[place])}
    linked = _reached(nodes, root, {None}, beyond=macros)
    built = _reached(nodes, root, {None, "build"}, beyond=set())
    found = [_crate(packages, nodes[place], linked=place in linked) for place in built]
    return sorted(found, key=lambda crate: (crate.name, crate.version))


def duplicates(lock: str) -> dict[str, tuple[str, ...]]:
    """The crates of a `Cargo.lock` that it has in more than one version."""
    versions: dict[str, list[str]] = {}
    for package in tomllib.loads(lock)["package"]:
        versions.setdefault(package["name"], []).append(package["version"])
    return {name: tuple(several) for name, several in versions.items() if len(several) > 1}


def checksums(lock: str) -> dict[tuple[str, str], str]:
    """SHA-256 of each crate's archive, in hexadecimal, by name and version."""
    packages = tomllib.loads(lock)["package"]
    return {
        (each["name"], each["version"]): each["checksum"] for each in packages if "checksum" in each
    }


def _crate(packages: Mapping[str, Any], node: Mapping[str, Any], *, linked: bool) -> Crate:
    package = packages[node["id"]]
    needs = {packages[each["pkg"]]["id"] for each in node["deps"] if not _is_for_tests(each)}
    return Crate(
        package["name"],
        package["version"],
        (package["license"] or "").replace("/", " OR "),
        package["description"] or "",
        tuple(package["authors"]),
        package["repository"] or "",
        Path(package["manifest_path"]).parent,
        package["source"] is None,
        linked,
        tuple(sorted(_purl(packages[each]) for each in needs)),
    )


def _purl(package: Mapping[str, Any]) -> str:
    return f"pkg:cargo/{package['name']}@{package['version']}"


def _is_macro(package: Mapping[str, Any]) -> bool:
    return any("proc-macro" in each["kind"] for each in package["targets"])


def _is_for_tests(dependency: Mapping[str, Any]) -> bool:
    return all(each["kind"] == "dev" for each in dependency["dep_kinds"])


def _reached(
    nodes: Mapping[str, Any], root: str, kinds: set[str | None], beyond: set[str]
) -> set[str]:
    """What is reached over dependencies of these kinds, without what is `beyond`."""
    seen: set[str] = set()
    open_places = [root]
    while open_places:
        place = open_places.pop()
        if place not in seen and place not in beyond:
            seen.add(place)
            open_places += _next(nodes[place]["deps"], kinds)
    return seen


def _next(dependencies: Iterable[Mapping[str, Any]], kinds: set[str | None]) -> Iterator[str]:
    for each in dependencies:
        if any(kind["kind"] in kinds for kind in each["dep_kinds"]):
            yield each["pkg"]
