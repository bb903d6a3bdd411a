# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every source file is short, names its licence and says first what it is."""

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from tests.hygiene.tree import Source, sources

MAX_LINES = 400
TAG = "SPDX-License-Identifier: MIT OR Apache-2.0"
MODULE_DOC = re.compile(r"//[^\n]*\n//! \S")


def long_files(files: Iterable[Source]) -> Iterator[str]:
    """The files that should be two; test data and the stub of the extension are excepted."""
    for source in files:
        lines = len(source.text.splitlines())
        excepted = source.path.startswith("tests/vectors/") or source.path.endswith("/_core.pyi")
        if lines > MAX_LINES and not excepted:
            yield f"{source.path}: {lines} lines"


def tag_line(path: str) -> str:
    """How a file's first line names its licence."""
    if path.endswith((".c", ".h")):
        return f"/* {TAG} */"
    return f"// {TAG}" if path.endswith((".rs", ".mjs", ".go")) else f"# {TAG}"


def untagged_files(files: Iterable[Source]) -> Iterator[str]:
    """The files whose first line is not their licence tag."""
    for source in files:
        if source.text.split("\n", 1)[0] != tag_line(source.path):
            yield source.path


def unexplained_files(files: Iterable[Source]) -> Iterator[str]:
    """The files that do not begin with a sentence about themselves."""
    for source in files:
        if source.path.endswith(".rs"):
            explained = bool(MODULE_DOC.match(source.text))
        else:
            explained = bool(ast.get_docstring(ast.parse(source.text)))
        if not explained:
            yield source.path


def code_files() -> list[Source]:
    """All Rust and Python files."""
    return sources(".rs", ".py")


def other_files() -> list[Source]:
    """All files of other languages."""
    return sources(".pyi", ".mjs", ".c", ".h", ".go")


def test_files_are_short() -> None:
    assert list(long_files([*code_files(), *other_files()])) == []


def test_files_begin_with_their_licence() -> None:
    assert list(untagged_files([*code_files(), *other_files()])) == []


def test_files_say_what_they_are() -> None:
    assert list(unexplained_files(code_files())) == []


@pytest.mark.parametrize("path", ["rust/a/src/b.rs", "python/e2ee/b.py", "tests/hygiene/b.py"])
def test_a_file_of_one_line_too_many_is_caught(path: str) -> None:
    at_limit, over = Source(path, "\n" * MAX_LINES), Source(path, "\n" * (MAX_LINES + 1))

    assert list(long_files([at_limit])) == []
    assert list(long_files([over])) == [f"{path}: {MAX_LINES + 1} lines"]


def test_long_data_and_the_stub_are_excepted() -> None:
    files = [Source(path, "\n" * 9000) for path in ("tests/vectors/a.py", "python/e2ee/_core.pyi")]

    assert list(long_files(files)) == []


@pytest.mark.parametrize("text", ["", "//! Chains.", f"\n// {TAG}\n", f"//  {TAG}\n"])
def test_a_missing_licence_is_caught(text: str) -> None:
    assert list(untagged_files([Source("a.rs", text)])) == ["a.rs"]
    assert list(untagged_files([Source("a.h", text)])) == ["a.h"]


@pytest.mark.parametrize(
    "source",
    [
        Source("a.rs", f"// {TAG}\nuse b;\n//! Chains."),
        Source("a.rs", f"// {TAG}\n//!\n//! Chains."),
        Source("a.py", f"# {TAG}\nimport b\n"),
    ],
)
def test_an_unexplained_file_is_caught(source: Source) -> None:
    assert list(unexplained_files([source])) == [source.path]
