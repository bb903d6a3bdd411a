# SPDX-License-Identifier: MIT OR Apache-2.0
"""Our bundles (docs/formats.md, "Bundle") as the fields that the peer takes and gives."""

from __future__ import annotations

from typing import Any

from tests.interop import protobuf
from tests.interop.node import to_bytes, to_text

_VERSION = b"\x01"


def to_fields(bundle: bytes) -> dict[str, Any]:
    """The fields of one of our bundles."""
    if bundle[:1] != _VERSION:
        raise ValueError("a bundle of another version")
    found = protobuf.values(bundle[1:])
    return {
        "registration": found[1],
        "device": found[2],
        "identity": _text(found[3]),
        "oneTime": [found[4], _text(found[5])] if 4 in found else None,
        "signed": [found[6], _text(found[7]), _text(found[8])],
        "kyber": [found[9], _text(found[10]), _text(found[11])],
    }


def from_fields(fields: dict[str, Any]) -> bytes:
    """Our bundle of the peer's fields."""
    one_time = fields["oneTime"]
    numbered: list[tuple[int, int | bytes]] = [
        (1, fields["registration"]),
        (2, fields["device"]),
        (3, to_bytes(fields["identity"])),
    ]
    if one_time is not None:
        numbered += [(4, one_time[0]), (5, to_bytes(one_time[1]))]
    for number, name in ((6, "signed"), (9, "kyber")):
        prekey, key, signature = fields[name]
        numbered += [
            (number, prekey),
            (number + 1, to_bytes(key)),
            (number + 2, to_bytes(signature)),
        ]
    return _VERSION + protobuf.write(numbered)


def _text(value: int | bytes) -> str:
    assert isinstance(value, bytes)
    return to_text(value)
