# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an application seals itself: a message of 1 MiB, and a file by one thread and by two."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benches.attachment import write_file
from benches.conftest import Load, Measure
from benches.operations import AEAD, FILE_ONE, FILE_TWO
from benches.sealing import child
from e2ee.aead import AeadKey

MEBIBYTE, GIBIBYTE = 1 << 20, 1 << 30
MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory


def test_seal(measure: Measure) -> None:
    key, content = AeadKey.generate(), os.urandom(MEBIBYTE)

    def run(content: bytes) -> None:
        key.seal(content)

    measure(AEAD, Load(lambda: content, run, operations=1, rounds=100))


@pytest.mark.parametrize(("operation", "workers"), [(FILE_ONE, 1), (FILE_TWO, 2)])
def test_seal_a_file(measure: Measure, operation: str, workers: int) -> None:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        folder = Path(place)
        write_file(folder / "file", GIBIBYTE)
        runs = child("seal", workers, folder)

    measure.found(operation, [run["wall"] for run in runs])
