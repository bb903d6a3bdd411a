# SPDX-License-Identifier: MIT OR Apache-2.0
"""Proves the C library by use, and prints figures: python -m tests.capi.

The tests run first; then the examples in other languages, the commands of the README, and all
functions with arguments at random. What a machine lacks is left out, with the reason.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.capi import example, languages, readme, symbols
from tests.capi.building import functions, library


def main() -> None:
    """Runs all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=10_000)
    options = parser.parse_args()
    subprocess.run([sys.executable, "-m", "pytest", "-q", Path(__file__).parent], check=True)
    compare_symbols()
    run_example()
    for start in (languages.go, languages.node):
        converse(start)
    print(f"README: its C commands said {readme.followed()!r}")
    command = [sys.executable, "-m", "tests.capi.arguments", "--sets", str(options.sets)]
    done = subprocess.run(command, check=False)
    print(f"arguments: crashes {int(done.returncode < 0)}")
    if done.returncode:
        raise SystemExit(1)


def compare_symbols() -> None:
    """Headers and libraries, name by name."""
    declared = functions()
    shared = symbols.shared(library() / "libe2ee.so.0")
    static = symbols.static(library() / "libe2ee.a")
    assert declared == shared == static
    print(
        f"symbols: {len(declared)} declared, {len(shared)} exported, {len(static)} in the archive"
    )


def run_example() -> None:
    """The example in C, plain, under the sanitizers and under Valgrind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        example.talk(folder, example.built(folder))
        example.talk(folder, example.built(folder, *example.SANITIZED))
        print(f"C: {2 * example.RUNS} runs, sanitizers' reports 0")
        if example.has_valgrind():
            example.talk(folder, *example.VALGRIND, example.built(folder))
            print(f"C: {example.RUNS} runs under Valgrind, reports 0")
        else:
            print("C under Valgrind: left out: valgrind is not here")


def converse(start: languages.Start) -> None:
    """An example in another language, with Python at the other end."""
    try:
        program = start()
    except languages.AbsentError as absent:
        print(f"{start.__name__}: left out: {absent}")
        return
    count = languages.converse(program)
    print(f"{program.name}: {count} conversations with Python, {2 * count} messages")


if __name__ == "__main__":
    main()
