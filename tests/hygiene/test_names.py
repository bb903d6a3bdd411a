# SPDX-License-Identifier: MIT OR Apache-2.0
"""Names say something, no file knows one machine, and unsafe code stays where it is allowed."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.hygiene.rust_text import code
from tests.hygiene.tree import ROOT, Source, paths, sources

FORBIDDEN_WORDS = frozenset(
    {"Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Context", "Impl", "Data", "Info"}
    | {"Wrapper"}
)
RUST_TYPE = re.compile(r"\b(?:struct|enum|union|trait|type)\s+(\w+)")
NUMBERED = re.compile(r"\bfn\s+([a-z_]*new\d+)\b")
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")

#: The pattern is written so that it does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.<>-])/(?:tm[p]|roo[t]|wor[k]|far[m]|hom[e]/\w+|User[s]/\w+)/")
REGISTRY = re.compile(
    r"\b(?:index|static)\.crates\.i[o]\b|\bpypi\.or[g]\b|\bfiles\.pythonhosted\.or[g]\b"
    r"|\bregistry\.npmjs\.or[g]\b|\bproxy\.golang\.or[g]\b|--(?:extra-)?index-ur[l]\b"
)
TEXT_ENDINGS = (
    ".rs",
    ".py",
    ".pyi",
    ".toml",
    ".md",
    ".yml",
    ".yaml",
    ".sh",
    ".c",
    ".h",
    ".cfg",
    ".mjs",
    ".go",
    ".in",
)
TEXT_NAMES = ("Makefile", ".gitignore", ".ci/run")

#: The pointer edges, and what the fuzzer's entry point expands to; forbidden everywhere else.
UNSAFE_CRATES = ("rust/primitives", "rust/python", "rust/capi", "fuzz")


def words(name: str) -> list[str]:
    """The words of a name in camel or snake case."""
    return WORD.findall(name)


def type_names(source: Source) -> Iterator[str]:
    """The names of the types that a Rust or Python file defines."""
    if source.path.endswith(".rs"):
        yield from RUST_TYPE.findall(code(source.text))
        return
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.ClassDef):
            yield node.name


def empty_names(files: Iterable[Source]) -> Iterator[str]:
    """The names of types, functions and files that say nothing."""
    for source in files:
        if {word.capitalize() for word in words(source.stem)} & FORBIDDEN_WORDS:
            yield source.path
        for name in type_names(source):
            if FORBIDDEN_WORDS.intersection(words(name)):
                yield f"{source.path}: {name}"
        for name in NUMBERED.findall(source.text) if source.path.endswith(".rs") else ():
            yield f"{source.path}: {name}"


def machine_traces(files: Iterable[Source]) -> Iterator[str]:
    """The lines that name a directory of one machine or the host of a registry."""
    for source in files:
        for number, line in enumerate(source.text.splitlines(), start=1):
            if MACHINE_PATH.search(line) or REGISTRY.search(line):
                yield f"{source.path}:{number}"


def allows_unsafe(manifest: str, library: str) -> bool:
    """Whether a crate with this manifest and this `lib.rs` could contain unsafe code."""
    lints = tomllib.loads(manifest).get("lints", {})
    forbidden_by_lint = lints.get("rust", {}).get("unsafe_code") == "forbid"
    return not forbidden_by_lint and "#![forbid(unsafe_code)]" not in code(library)


def library_of(manifest: str) -> str:
    """The text of the crate's `lib.rs`."""
    return (ROOT / manifest).with_name("src").joinpath("lib.rs").read_text(encoding="utf-8")


def text_files() -> list[Source]:
    """All files that people write."""
    return sources(*TEXT_ENDINGS, *TEXT_NAMES)


def test_names_say_something() -> None:
    assert list(empty_names(sources(".rs", ".py"))) == []


def test_no_file_knows_one_machine() -> None:
    assert list(machine_traces(text_files())) == []


def test_unsafe_code_is_forbidden_outside_the_pointer_edges() -> None:
    manifests = [path for path in paths() if path.endswith("/Cargo.toml")]
    assert manifests

    allowing = [
        manifest
        for manifest in manifests
        if str(Path(manifest).parent) not in UNSAFE_CRATES
        and allows_unsafe((ROOT / manifest).read_text(encoding="utf-8"), library_of(manifest))
    ]

    assert allowing == []


@pytest.mark.parametrize(
    "source",
    [
        Source("a.rs", "pub struct KeyManager;"),
        Source("a.rs", "trait SessionUtils {}"),
        Source("a.rs", "type Info = u8;"),
        Source("a.rs", "fn new2() {}"),
        Source("a.py", "class Context:\n    pass\n"),
        Source("key_helpers.py", ""),
        Source("rust/a/src/common.rs", ""),
    ],
)
def test_an_empty_name_is_caught(source: Source) -> None:
    assert len(list(empty_names([source]))) == 1


def test_a_word_that_only_contains_a_forbidden_one_is_left_alone() -> None:
    source = Source("database.rs", "struct Database; struct Implicit; // struct Manager\n")

    assert list(empty_names([source])) == []


@pytest.mark.parametrize(
    "line",
    [
        "cd /" + "tmp/build",
        "path = '/" + "root/.cargo'",
        "see /" + "work/main",
        "/" + "home/someone/x",
        "url = https://pypi." + "org/simple",
        "pip install --index-" + "url x",
    ],
)
def test_a_trace_of_a_machine_is_caught(line: str) -> None:
    assert list(machine_traces([Source("a.md", f"# A\n{line}\n")])) == ["a.md:2"]


def test_paths_inside_the_project_are_left_alone() -> None:
    assert list(machine_traces([Source("a.md", "tests/" + "tmp/x and rust/" + "work/y")])) == []


@pytest.mark.parametrize(
    ("manifest", "library", "allowed"),
    [
        ("", "//! A crate.\n", True),
        ("[lints]\nworkspace = true", "// #![forbid(unsafe_code)]\n", True),
        ('[lints.rust]\nunsafe_code = "deny"', "", True),
        ('[lints.rust]\nunsafe_code = "forbid"', "", False),
        ("", "//! A crate.\n#![forbid(unsafe_code)]\n", False),
    ],
)
def test_a_crate_that_allows_unsafe_code_is_seen(
    manifest: str, library: str, *, allowed: bool
) -> None:
    assert allows_unsafe(manifest, library) is allowed
