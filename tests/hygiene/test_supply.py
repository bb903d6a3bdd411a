# SPDX-License-Identifier: MIT OR Apache-2.0
"""What comes from others is under a licence that may be shipped, and comes once.

Licences of what is built for this platform are read from `cargo metadata`, without the network;
versions from `Cargo.lock`, for all platforms.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping

import pytest

from tests.hygiene.tree import ROOT
from tools import crates

#: May be linked into a program under any licence; all of them ask for a notice at the most.
ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "Unicode-3.0",
        "Unlicense",
        "Zlib",
    }
)
#: Crates that the lock file has in two versions, with the reason; each goes when it can.
TWICE: Mapping[str, str] = {
    "hax-lib": "of two generations of libcrux; for its proofs only, never built here",
    "hax-lib-macros": "the same",
    "hax-lib-macros-types": "the same",
    "shlex": "the older one is for libcrux under Valgrind (crabgrind); never built here",
    "syn": "the macros of PyO3 have moved on, those of zeroize and dalek have not; not linked",
}
TOKEN = re.compile(r"\(|\)|[A-Za-z0-9.-]+(?: WITH [A-Za-z0-9.-]+)?")


def may_be_used(expression: str, allowed: Iterable[str] = ALLOWED) -> bool:
    """Whether an SPDX expression lets us choose licences that are all allowed (SPDX 2.3, annex D).

    AND binds tighter than OR.
    """
    tokens = TOKEN.findall(expression.replace("/", " OR "))
    value = _alternatives(tokens, frozenset(allowed))
    return value and not tokens


def _alternatives(tokens: list[str], allowed: frozenset[str]) -> bool:
    value = _all_of(tokens, allowed)
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        value = _all_of(tokens, allowed) or value
    return value


def _all_of(tokens: list[str], allowed: frozenset[str]) -> bool:
    value = _licence(tokens, allowed)
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        value = _licence(tokens, allowed) and value
    return value


def _licence(tokens: list[str], allowed: frozenset[str]) -> bool:
    first = tokens.pop(0) if tokens else ""
    if first == "(":
        value = _alternatives(tokens, allowed)
        return bool(tokens) and tokens.pop(0) == ")" and value
    return first in allowed


def licence_faults(licences: Mapping[str, str | None]) -> Iterator[str]:
    """The crates whose licence does not allow what is done with them, or that name none."""
    for name, expression in sorted(licences.items()):
        if not may_be_used(expression or ""):
            yield f"{name}: {expression}"


def duplicate_faults(lock: str, excused: Iterable[str]) -> list[str]:
    """The crates in two versions without an excuse, and the excuses that are needed no more."""
    return sorted(set(crates.duplicates(lock)) ^ set(excused))


def licences_here() -> dict[str, str | None]:
    """The licence of each crate that is built on this platform, also for tests."""
    host = subprocess.run(
        ["rustc", "--print", "host-tuple"], check=True, capture_output=True, text=True
    ).stdout.strip()
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline"]
    command += ["--filter-platform", host]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    packages = json.loads(told)["packages"]
    return {f"{each['name']} {each['version']}": each["license"] for each in packages}


def test_every_licence_may_be_shipped() -> None:
    found = licences_here()

    assert any(name.startswith("aws-lc-sys ") for name in found)
    assert list(licence_faults(found)) == []


def test_no_crate_comes_twice_without_a_reason() -> None:
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")

    assert duplicate_faults(lock, TWICE) == []


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("MIT/Apache-2.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only AND GPL-2.0-only", True),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", True),
        ("(MIT OR Apache-2.0) AND OpenSSL", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("(MIT", False),
        ("MIT MIT", False),
        ("", False),
    ],
)
def test_an_expression_is_read_as_the_standard_says(expression: str, *, allowed: bool) -> None:
    assert may_be_used(expression) is allowed


def test_a_wrong_licence_is_caught() -> None:
    found = {"good 1.0.0": "MIT", "bad 1.0.0": "AGPL-3.0-only", "mute 1.0.0": None}

    assert list(licence_faults(found)) == ["bad 1.0.0: AGPL-3.0-only", "mute 1.0.0: None"]


def test_a_second_version_and_an_idle_excuse_are_caught() -> None:
    package = '[[package]]\nname = "{}"\nversion = "{}"\n'
    lock = "".join(package.format("twin", each) for each in ("1.0.0", "2.0.0"))

    assert duplicate_faults(lock, ["single"]) == ["single", "twin"]
