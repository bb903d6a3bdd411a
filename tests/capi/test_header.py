# SPDX-License-Identifier: MIT OR Apache-2.0
"""The headers are what the library is, and what C and C++ accept."""

from __future__ import annotations

import inspect
import re
import shutil
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from e2ee import errors
from tests.capi import symbols
from tests.capi.building import HEADERS, INCLUDE, compiler, functions, library, run
from tests.capi.declared import documented, statuses
from tests.capi.objects import ffi, lib

if TYPE_CHECKING:
    from pathlib import Path

#: Statuses that no class of Python's stands for.
OF_C = {"OK", "BUFFER_TOO_SMALL", "POISONED"}
STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", f"-I{INCLUDE}")


def status_of(name: str) -> str:
    """The status that belongs to a class of errors."""
    words = re.findall(r"E2EE|[A-Z][a-z]+", name.removesuffix("Error"))
    return "_".join(words).upper() if name != "E2EEError" else "ERROR"


def classes() -> list[str]:
    """The classes of errors, in the order of their file."""
    found = inspect.getmembers(errors, inspect.isclass)
    ours = [each for _, each in found if issubclass(each, errors.E2EEError)]
    return [
        each.__name__ for each in sorted(ours, key=lambda each: inspect.getsourcelines(each)[1])
    ]


def test_the_shared_library_exports_what_the_headers_declare() -> None:
    assert functions() == symbols.shared(library() / "libe2ee.so.0")


def test_the_static_library_has_what_the_headers_declare() -> None:
    assert functions() == symbols.static(library() / "libe2ee.a")


def test_every_function_says_which_threads_may_call_it() -> None:
    found = documented()

    silent = [name for name, each in found.items() if "Threads:" not in " ".join(each.text.split())]

    assert functions() == set(found)
    assert silent == []


def test_each_class_of_errors_has_a_status_and_each_status_a_class() -> None:
    expected = {status_of(name) for name in classes()} | OF_C

    assert expected == set(statuses())
    assert len(classes()) + len(OF_C) == len(statuses())


def test_statuses_are_named_as_the_classes() -> None:
    numbers = statuses()

    named = [
        ffi.string(lib.e2ee_status_name(numbers[status_of(each)])).decode() for each in classes()
    ]

    assert classes() == named
    assert ffi.string(lib.e2ee_status_name(-1)) == b"unknown"


def test_the_library_says_its_version() -> None:
    assert lib.e2ee_abi_version() == lib.E2EE_ABI_VERSION
    assert ffi.string(lib.e2ee_version()).decode() == version("libe2ee")


def test_programs_look_for_the_name_of_the_abi() -> None:
    assert symbols.soname(library() / "libe2ee.so.0") == f"libe2ee.so.{lib.E2EE_ABI_VERSION}"


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_is_clean_c(header: str, tmp_path: Path) -> None:
    source = tmp_path / "includes.c"
    source.write_text(f'#include "{header}"\nint main(void) {{ return 0; }}\n')

    run(compiler(), "-std=c99", *STRICT, source)


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_is_clean_cpp(header: str, tmp_path: Path) -> None:
    cpp = shutil.which("c++") or shutil.which("g++")
    if cpp is None:
        pytest.skip("no C++ compiler is here")
    source = tmp_path / "includes.cpp"
    source.write_text(f'#include "{header}"\nint main() {{ return 0; }}\n')

    run(cpp, "-std=c++11", *STRICT, source)
