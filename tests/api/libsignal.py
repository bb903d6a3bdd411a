# SPDX-License-Identifier: MIT OR Apache-2.0
"""The stores of a recorded client (signal.md §15), and the bundle that it had published."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import e2ee
from tests.properties import wire

VECTORS = Path(__file__).parent.parent / "vectors" / "signal"
ALICE = e2ee.Address("9d0652a3-dcc3-4d11-975f-74d61598733f")
BOB = e2ee.Address("796abedb-ca4e-4f18-8803-1fde5b921f9f", 3)


def vector(name: str = "session_basic") -> dict[str, Any]:
    """A recorded conversation."""
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def bobs_session() -> bytes:
    """Bob's session record, before the last message that he sends."""
    sent = [step for step in vector()["steps"] if step["op"] == "send" and step["from"] == str(BOB)]
    return bytes.fromhex(sent[-1]["sender_record_before"])


def bobs_stores(**others: object) -> dict[str, Any]:
    """What Bob's stores hold, as `LibsignalRecords` takes it; `others` in place of it."""
    recorded = vector()
    bundle = recorded["bob_bundle"]

    def store(kind: str) -> Mapping[int, bytes]:
        return {bundle[kind]["id"]: bytes.fromhex(bundle[kind]["record"])}

    return {
        "identity_key_pair": bytes.fromhex(recorded["bob"]["identity_key_pair_serialized"]),
        "registration_id": recorded["bob"]["registration_id"],
        "prekeys": store("one_time_prekey"),
        "signed_prekeys": store("signed_prekey"),
        "kyber_prekeys": store("kyber_prekey"),
        "identities": {ALICE: bytes.fromhex(recorded["alice"]["identity_public"])},
        "sessions": {ALICE: bobs_session()},
        **others,
    }


def records(**others: object) -> e2ee.LibsignalRecords:
    """Bob's stores."""
    return e2ee.LibsignalRecords(**bobs_stores(**others))


def bundle(*, one_time: bool = True) -> e2ee.PreKeyBundle:
    """What Bob had published, in the exchanged form (docs/formats.md, "Bundle")."""
    recorded = vector()["bob_bundle"]
    ec, signed, kyber = (
        recorded[kind] for kind in ("one_time_prekey", "signed_prekey", "kyber_prekey")
    )
    fields: list[tuple[int, int | str]] = [
        (1, recorded["registration_id"]),
        (2, recorded["device_id"]),
        (3, recorded["identity_public"]),
        *([(4, ec["id"]), (5, ec["public"])] if one_time else []),
        (6, signed["id"]),
        (7, signed["public"]),
        (8, signed["signature"]),
        (9, kyber["id"]),
        (10, kyber["public"]),
        (11, kyber["signature"]),
    ]
    return e2ee.PreKeyBundle(b"\1" + b"".join(field(number, value) for number, value in fields))


def sender_key_record(distribution: bytes) -> bytes:
    """What a member stores of an invitation (signal.md §8.1 and §9)."""
    chain_id, index, chain_key, signing_key = (
        parsed(distribution[1:])[number] for number in (2, 3, 4, 5)
    )
    state = b"".join(
        [
            field(1, chain_id),
            message(2, field(1, index) + field(2, chain_key)),
            message(3, field(1, signing_key)),
            field(5, 3),
        ]
    )
    return message(1, state)


def parsed(encoded: bytes) -> dict[int, Any]:
    """The fields of a protocol buffer; bytes as hexadecimal text."""
    fields = wire.fields(encoded, 0, len(encoded))
    return {
        each.number: each.value.hex() if isinstance(each.value, bytes) else each.value
        for each in fields
    }


def message(number: int, encoded: bytes) -> bytes:
    """A protocol buffer as a field of another."""
    return field(number, encoded.hex())


def field(number: int, value: int | str) -> bytes:
    """A field of a protocol buffer; a text is hexadecimal bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    encoded = bytes.fromhex(value)
    return varint(number << 3 | 2) + varint(len(encoded)) + encoded


def varint(value: int) -> bytes:
    """A number in base 128."""
    low = value & 0x7F
    return bytes([low]) if value < 1 << 7 else bytes([low | 0x80]) + varint(value >> 7)
