# SPDX-License-Identifier: MIT OR Apache-2.0
"""Pointers of attachments, the sizes behind them, and the memory that a large file takes."""

from __future__ import annotations

import io
import math
import pickle
from typing import TYPE_CHECKING

import pytest

from benches import attachment
from e2ee import (
    AttachmentPointer,
    InvalidArgumentError,
    MalformedMessageError,
    encrypt_attachment,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pointer() -> AttachmentPointer:
    return encrypt_attachment(io.BytesIO(bytes(200_000)), io.BytesIO())


@pytest.mark.parametrize("exponent", range(130, 455, 3))
def test_the_padded_size_of_large_files_is_that_of_the_formula(exponent: int) -> None:
    power = 105**exponent // 100**exponent
    for size, padded in (
        (power, power),
        (power + 1, 105 ** (exponent + 1) // 100 ** (exponent + 1)),
    ):
        pointer = AttachmentPointer(bytes(64), bytes(32), size)

        assert pointer.blob_size == 16 + padded // 16 * 16 + 16 + 32
        # The formula as the reference client computes it, in floating point.
        assert padded == math.floor(1.05 ** math.ceil(math.log(size) / math.log(1.05)))


def test_a_pointer_travels_with_other_fields_around_it(pointer: AttachmentPointer) -> None:
    content_type = b"\x12\x0aimage/jpeg"

    assert AttachmentPointer.from_bytes(pointer.to_bytes()) == pointer
    assert AttachmentPointer.from_bytes(content_type + pointer.to_bytes()) == pointer
    assert pickle.loads(pickle.dumps(pointer)) == pointer  # noqa: S301 - our own
    assert pointer.key.hex() not in repr(pointer)


def test_every_truncation_of_a_pointer_is_malformed_or_without_chunks(
    pointer: AttachmentPointer,
) -> None:
    encoded = pointer.to_bytes()

    for length in range(len(encoded)):
        try:
            found = AttachmentPointer.from_bytes(encoded[:length])
        except MalformedMessageError:
            continue
        assert found == AttachmentPointer(pointer.key, pointer.digest, pointer.size)


@pytest.mark.parametrize(
    "change",
    [
        {"key": bytes(63)},
        {"digest": bytes(33)},
        {"size": -1},
        {"size": 1 << 32},
        {"chunk_size": None},
        {"incremental_mac": None},
        {"incremental_mac": bytes(31)},
        {"incremental_mac": b""},
        {"chunk_size": 0},
        {"chunk_size": (1 << 21) + 1},
        {"chunk_size": 1 << 40},
    ],
)
def test_fields_out_of_range_are_refused(change: dict[str, object]) -> None:
    fields: dict[str, object] = {
        "key": bytes(64),
        "digest": bytes(32),
        "size": 5,
        "incremental_mac": bytes(32),
        "chunk_size": 1 << 21,
    }
    AttachmentPointer(**fields)  # type: ignore[arg-type]

    with pytest.raises(InvalidArgumentError):
        AttachmentPointer(**fields | change)  # type: ignore[arg-type]


@pytest.mark.slow
def test_memory_stays_constant_with_the_size_of_the_file(tmp_path: Path) -> None:
    small, large = (attachment.measure(tmp_path, size << 20) for size in (4, 192))

    assert isinstance(small["memory"], int)
    assert isinstance(large["memory"], int)
    assert large["memory"] < attachment.MEMORY_LIMIT
    assert large["memory"] - small["memory"] < 16 << 20
