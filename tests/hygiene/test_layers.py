# SPDX-License-Identifier: MIT OR Apache-2.0
"""Dependencies point left only, and nothing left of the bindings touches the outside world."""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.hygiene.rust_text import product_code
from tests.hygiene.tree import ROOT, Source, product_rust

#: From left to right: wire, primitives, {ratchet, state, files}, account, {signal, olm, mtproto},
#: {python, capi}, extension.
LAYERS: Mapping[str, int] = {
    "wire": 0,
    "primitives": 1,
    "ratchet": 2,
    "state": 2,
    "files": 2,
    "account": 3,
    "signal": 4,
    "olm": 4,
    "mtproto": 4,
    "python": 5,
    "capi": 5,
    "extension": 6,
}
BINDINGS = 5
CORE = tuple(name for name, layer in LAYERS.items() if layer < BINDINGS)
WORLD = re.compile(
    r"\bstd::(?:fs|net|env|time|thread|process|io)\b"
    r"|\bstd::\{[^;]*\b(?:fs|net|env|time|thread|process|io)\b"
    r"|\b(?:SystemTime|Instant|getrandom|OsRng|thread_rng|println|eprintln)\b"
    r"|\b(?:log|tracing)::"
)
#: Crates that know a clock, a logger or a random source.
WORLDLY = frozenset({"getrandom", "rand", "log", "tracing", "time", "chrono", "tokio"})


@dataclass(frozen=True, slots=True)
class Crate:
    """A crate of the workspace: its directory, and what it depends on, by directory or name."""

    directory: str
    ours: frozenset[str]
    foreign: frozenset[str]

    @property
    def name(self) -> str:
        """The name of its layer."""
        return self.directory.removeprefix("rust/")


def crates(metadata: Mapping[str, object]) -> list[Crate]:
    """The crates that `cargo metadata` lists."""
    root, packages = str(metadata["workspace_root"]), metadata["packages"]
    assert isinstance(packages, list)
    found = []
    for package in packages:
        normal = [each for each in package["dependencies"] if each["kind"] != "dev"]
        directory = package["manifest_path"].removeprefix(f"{root}/").removesuffix("/Cargo.toml")
        ours = {each["path"].removeprefix(f"{root}/") for each in normal if each.get("path")}
        foreign = {each["name"] for each in normal if not each.get("path")}
        found.append(Crate(directory, frozenset(ours), frozenset(foreign)))
    return found


def layer_faults(workspace: Iterable[Crate]) -> Iterator[str]:
    """Where a crate depends on one that is not to its left, or on what it must not know."""
    for crate in workspace:
        in_layers = crate.directory.startswith("rust/")
        layer = LAYERS.get(crate.name)
        if in_layers and layer is None:
            yield f"{crate.directory}: has no layer"
            continue
        for other in sorted(crate.ours):
            theirs = LAYERS.get(other.removeprefix("rust/"))
            if theirs is None or (layer is not None and theirs >= layer):
                yield f"{crate.directory}: depends on {other}"
        if layer is None or layer >= BINDINGS:
            continue
        allowed = crate.name == "primitives"
        for name in sorted(crate.foreign & WORLDLY if allowed else crate.foreign):
            yield f"{crate.directory}: depends on {name}"


def world_faults(rust: Iterable[Source]) -> Iterator[str]:
    """Where product code names a clock, a file, a socket, a thread, a logger or a random source."""
    for source in rust:
        for number, line in enumerate(product_code(source.text).splitlines(), start=1):
            if found := WORLD.search(line):
                yield f"{source.path}:{number}: {found[0]}"


def workspace() -> list[Crate]:
    """The crates of this workspace."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return crates(json.loads(answer))


def crate(directory: str, ours: Iterable[str] = (), foreign: Iterable[str] = ()) -> Crate:
    """A made-up crate."""
    return Crate(directory, frozenset(ours), frozenset(foreign))


def test_dependencies_point_left_only() -> None:
    found = workspace()

    assert {"wire", "primitives", "ratchet", "signal"} <= {each.name for each in found}
    assert list(layer_faults(found)) == []


def test_the_core_does_not_touch_the_world() -> None:
    assert list(world_faults(product_rust(*CORE))) == []


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (crate("rust/ratchet", ["rust/signal"]), "rust/ratchet: depends on rust/signal"),
        (crate("rust/ratchet", ["rust/state"]), "rust/ratchet: depends on rust/state"),
        (crate("rust/account", ["rust/olm"]), "rust/account: depends on rust/olm"),
        (crate("rust/signal", ["tests/tools"]), "rust/signal: depends on tests/tools"),
        (crate("rust/wire", foreign=["bytes"]), "rust/wire: depends on bytes"),
        (crate("rust/primitives", foreign=["rand"]), "rust/primitives: depends on rand"),
        (crate("rust/tools"), "rust/tools: has no layer"),
    ],
)
def test_a_wrong_dependency_is_caught(bad: Crate, fault: str) -> None:
    assert list(layer_faults([bad])) == [fault]


def test_metadata_is_read() -> None:
    dependencies = [
        {"name": "e2ee-wire", "kind": None, "path": "/x/rust/wire"},
        {"name": "aes", "kind": None},
        {"name": "hex", "kind": "dev"},
    ]
    package = {"manifest_path": "/x/rust/signal/Cargo.toml", "dependencies": dependencies}

    read = crates({"workspace_root": "/x", "packages": [package]})

    assert read == [crate("rust/signal", ["rust/wire"], ["aes"])]


@pytest.mark.parametrize(
    "line",
    [
        "use std::fs;",
        "use std::{collections::BTreeMap, time};",
        "let now = std::time::SystemTime::now();",
        "let now = Instant::now();",
        'log::warn!("x");',
    ],
)
def test_a_touch_of_the_world_is_caught(line: str) -> None:
    faults = list(world_faults([Source("a.rs", f"fn a() {{}}\n{line}\n")]))

    assert len(faults) == 1
    assert faults[0].startswith("a.rs:2: ")


def test_tests_and_comments_may_name_the_world() -> None:
    text = "// std::fs\n#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn a() {}\n}\n"

    assert list(world_faults([Source("a.rs", text)])) == []


def test_code_behind_tests_is_still_seen() -> None:
    text = "#[cfg(test)]\nmod tests { fn a() {} }\n#[cfg(test)]\nmod other;\nuse std::net;\n"

    assert list(world_faults([Source("a.rs", text)])) == ["a.rs:5: std::net"]
