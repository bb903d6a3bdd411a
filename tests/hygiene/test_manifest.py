# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each foreign dependency says what it is for, and no Cargo feature changes what is built."""

import re
import tomllib
from collections.abc import Iterable, Iterator

import pytest

from tests.hygiene.tree import Source, sources

TABLE = re.compile(r"^\[\[?([^\[\]]+)\]\]?$")
ENTRY = re.compile(r"^([A-Za-z0-9_-]+)(?:\.[A-Za-z]+)*\s*=")
OURS = "e2ee-"


def unexplained(manifests: Iterable[Source]) -> Iterator[str]:
    """The foreign dependencies without a comment on the line above."""
    for manifest in manifests:
        table = previous = ""
        for line in manifest.text.splitlines():
            if found := TABLE.match(line):
                table = found[1]
                name = table.rpartition("dependencies.")[2] if "dependencies." in table else ""
            else:
                entry = ENTRY.match(line) if table.endswith("dependencies") else None
                name = entry[1] if entry else ""
            if name and not name.startswith(OURS) and not previous.startswith("# "):
                yield f"{manifest.path}: {name}"
            previous = line


def features(manifests: Iterable[Source]) -> Iterator[str]:
    """The manifests that define Cargo features."""
    for manifest in manifests:
        if "features" in tomllib.loads(manifest.text):
            yield manifest.path


def manifests() -> list[Source]:
    """The manifests of all our crates."""
    found = sources("/Cargo.toml", under=("rust/", "tests/"))
    assert found
    return found


def test_each_foreign_dependency_says_what_it_is_for() -> None:
    assert list(unexplained(manifests())) == []


def test_no_crate_has_features() -> None:
    assert list(features(manifests())) == []


@pytest.mark.parametrize(
    "table",
    ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"],
)
def test_an_unexplained_dependency_is_caught(table: str) -> None:
    explained = '[package]\nname = "a"\n\n[TABLE]\n# The cipher.\naes = "0.9"\n'
    text = explained.replace("TABLE", table) + 'hex = { version = "1" }\n'

    assert list(unexplained([Source("Cargo.toml", text)])) == ["Cargo.toml: hex"]


def test_an_unexplained_table_is_caught() -> None:
    bad = Source("Cargo.toml", '[dependencies.hex]\nversion = "1"\n')
    good = Source("Cargo.toml", '# Reads digits.\n[dependencies.hex]\nversion = "1"\n')

    assert list(unexplained([bad, good])) == ["Cargo.toml: hex"]


def test_our_own_crates_and_other_tables_need_no_comment() -> None:
    package, bench = '[package]\nname = "a"\n', '[[bench]]\nname = "limit"\n'
    text = f"{package}[dependencies]\ne2ee-wire.workspace = true\n{bench}"

    assert list(unexplained([Source("Cargo.toml", text)])) == []


def test_features_are_caught() -> None:
    assert list(features([Source("Cargo.toml", "[features]\nfast = []\n")])) == ["Cargo.toml"]
