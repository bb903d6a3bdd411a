# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the operator finds in results, and takes for keys."""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

import e2ee
from tests.operator.seized import PEOPLE
from tests.properties import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.operator.seized import Seized


def bytes_in(value: object) -> Iterator[bytes]:
    """All bytes and texts that a result shows."""
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, str):
        yield value.encode()
    elif isinstance(value, list | tuple | set):
        for each in value:
            yield from bytes_in(each)
    elif isinstance(value, dict):
        yield from bytes_in(list(value.items()))
    elif isinstance(value, BaseException):
        yield from bytes_in([*value.args, *vars(value).values()])
    elif is_dataclass(value):
        yield from bytes_in([getattr(value, each.name) for each in fields(value)])


def candidate_keys(seized: Seized) -> list[bytes]:
    """Everything of 32 bytes that the seized material shows or suggests."""
    found = {bytes(32), bytes(range(32)), b"\xff" * 32}
    for bundles in seized.bundles.values():
        for bundle in bundles:
            found.add(e2ee.PreKeyBundle(bundle).identity_key[-32:])
            found.add(hashlib.sha256(bundle).digest())
    for sent in seized.envelopes:
        if sent.kind not in {wire.RATCHET, wire.PREKEY}:
            continue
        found.add(wire.header(sent.encoded).ratchet_key[-32:])
        if base_key := wire.base_key(sent.encoded):
            found.add(base_key)
    for rows in seized.rows.values():
        record = rows["store"][1]
        found.update(record[place : place + 32] for place in range(len(record) - 31))
        found.update(sealed[-32:] for _, sealed in rows.values())
    found.update(hashlib.sha256(name.encode()).digest() for name in PEOPLE)
    return sorted(found)
