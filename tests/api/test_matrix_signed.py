# SPDX-License-Identifier: MIT OR Apache-2.0
"""Signed objects, and who vouches for whom in cross-signing (olm_megolm.md §8)."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from e2ee import (
    BadSignatureError,
    InvalidArgumentError,
    MalformedMessageError,
    StoreCorruptionError,
    matrix,
    signal,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "olm" / "pk_backup_signing.json"
RECORDED: list[dict[str, str]] = json.loads(VECTORS.read_text(encoding="utf-8"))["pk_signing"]
ALICE, BOB = "@alice:example.org", "@bob:example.org"
Object = dict[str, Any]


def device_of(user: str, device_id: str, key: matrix.SigningKey) -> Object:
    value = {
        "user_id": user,
        "device_id": device_id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": {f"ed25519:{device_id}": key.public_key, f"curve25519:{device_id}": "a key"},
    }
    return matrix.sign_object(value, key, user=user, key_id=f"ed25519:{device_id}")


class World:
    """Alice with a device, and Bob, whom she has verified."""

    def __init__(self) -> None:
        self.device = matrix.SigningKey.generate()
        self.alice = matrix.CrossSigningKeys.generate(ALICE)
        self.bob = matrix.CrossSigningKeys.generate(BOB)
        self.alices: Object = self.alice.objects(self.device, "ADEV")
        self.bobs: Object = self.bob.objects(self.device, "BDEV")
        self.device_keys: Object = self.alice.sign_device(device_of(ALICE, "ADEV", self.device))
        self.bobs_master: Object = self.alice.sign_user(self.bobs["master_key"])

    def verify_device(self, device: Object | None = None, **changed: Any) -> dict[str, str]:  # noqa: ANN401
        """Verifies Alice's device, with something changed."""
        given: Any = {
            "user": ALICE,
            "device_id": "ADEV",
            "trusted_key": self.alice.master.public_key,
            "self_signing": self.alices["self_signing_key"],
        }
        return matrix.verify_device(device or self.device_keys, **(given | changed))

    def verify_user(self, key: Object | None = None, **changed: Any) -> str:  # noqa: ANN401
        """Verifies Bob, with something changed."""
        given: Any = {
            "their_user": BOB,
            "user": ALICE,
            "trusted_key": self.alice.master.public_key,
            "user_signing": self.alices["user_signing_key"],
        }
        return matrix.verify_user(key or self.bobs_master, **(given | changed))


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda each: each["public"][:8])
def test_a_recorded_signature_verifies(recorded: dict[str, str]) -> None:
    value = matrix.parse_json(recorded["canonical_json"])
    key_id = f"ed25519:{recorded['public']}"
    signed = value | {"signatures": {ALICE: {key_id: recorded["signature"]}}}

    assert matrix.canonical_json(value) == recorded["canonical_json"].encode()
    matrix.verify_object(signed, recorded["public"], user=ALICE, key_id=key_id)
    with pytest.raises(BadSignatureError):
        matrix.verify_object(
            signed | {"usage": ["other"]}, recorded["public"], user=ALICE, key_id=key_id
        )


def test_signatures_and_what_is_unsigned_do_not_count() -> None:
    key, other = matrix.SigningKey.generate(), matrix.SigningKey.generate()
    value: Object = {"a": 1, "unsigned": {"age": 5}}

    once = matrix.sign_object(value, key, user=ALICE, key_id="ed25519:A")
    twice = matrix.sign_object(once, other, user=BOB, key_id="ed25519:B")
    thrice = matrix.sign_object(twice, other, user=ALICE, key_id="ed25519:C")

    assert value == {"a": 1, "unsigned": {"age": 5}}
    changed = thrice | {"unsigned": {}}
    for public, user, key_id in (
        (key.public_key, ALICE, "ed25519:A"),
        (other.public_key, BOB, "ed25519:B"),
        (other.public_key, ALICE, "ed25519:C"),
    ):
        matrix.verify_object(changed, public, user=user, key_id=key_id)
        with pytest.raises(BadSignatureError):
            matrix.verify_object(changed | {"b": 1}, public, user=user, key_id=key_id)


def test_a_missing_or_foreign_signature_is_refused() -> None:
    key = matrix.SigningKey.generate()
    signed = matrix.sign_object({"a": 1}, key, user=ALICE, key_id="ed25519:A")

    for value, public, user, key_id in (
        ({"a": 1}, key.public_key, ALICE, "ed25519:A"),
        (signed, key.public_key, BOB, "ed25519:A"),
        (signed, key.public_key, ALICE, "ed25519:B"),
        (signed, matrix.SigningKey.generate().public_key, ALICE, "ed25519:A"),
        (signed, "", ALICE, "ed25519:A"),
        (signed, "A" * 43, ALICE, "ed25519:A"),
    ):
        with pytest.raises(BadSignatureError):
            matrix.verify_object(value, public, user=user, key_id=key_id)


@pytest.mark.parametrize("signatures", [1, [], {ALICE: 1}, {ALICE: {"ed25519:A": 1}}])
def test_signatures_that_are_none_are_malformed(signatures: object) -> None:
    key = matrix.SigningKey.generate()

    for value in ({"signatures": signatures},):
        with pytest.raises(MalformedMessageError):
            matrix.verify_object(value, key.public_key, user=ALICE, key_id="ed25519:A")
        with pytest.raises(MalformedMessageError):
            matrix.sign_object(value, key, user=ALICE, key_id="ed25519:A")


def test_what_has_no_canonical_json_is_not_signed() -> None:
    with pytest.raises(InvalidArgumentError):
        matrix.sign_object({"a": 1.5}, matrix.SigningKey.generate(), user=ALICE, key_id="ed25519:A")


def test_a_device_is_verified_through_its_chain(world: World) -> None:
    keys = world.verify_device()

    assert keys == world.device_keys["keys"]


def test_every_break_in_the_chain_to_a_device_is_refused(world: World) -> None:
    stranger = World()
    alone = device_of(ALICE, "ADEV", world.device)
    replaced = world.alice.sign_device(device_of(ALICE, "ADEV", world.device) | {"signatures": {}})
    unsigned_key = world.alices["self_signing_key"] | {"signatures": {}}

    for given in (
        {"device": alone},
        {"device": replaced},
        {"device": world.device_keys | {"algorithms": []}},
        {"self_signing": unsigned_key},
        {"self_signing": stranger.alices["self_signing_key"]},
        {"trusted_key": stranger.alice.master.public_key},
        {"trusted_key": world.alice.self_signing.public_key},
        {"device": stranger.device_keys},
    ):
        with pytest.raises(BadSignatureError):
            world.verify_device(**given)


def test_objects_of_another_kind_in_the_chain_are_malformed(world: World) -> None:
    other_id = copy.deepcopy(world.alices["self_signing_key"])
    other_id["keys"] = {"ed25519:other": next(iter(other_id["keys"].values()))}

    broken: tuple[dict[str, Any], ...] = (
        {"user": BOB},
        {"device_id": "OTHER"},
        {"self_signing": world.alices["user_signing_key"]},
        {"self_signing": world.bobs["self_signing_key"]},
        {"self_signing": other_id},
        {"self_signing": {}},
        {"device": world.device_keys | {"keys": {}}},
        {"device": world.device_keys | {"keys": {"ed25519:ADEV": 1}}},
    )
    for given in broken:
        with pytest.raises(MalformedMessageError):
            world.verify_device(**given)


def test_a_user_who_was_verified_is_known(world: World) -> None:
    assert world.verify_user() == world.bob.master.public_key


def test_every_break_in_the_chain_to_a_user_is_refused(world: World) -> None:
    stranger = World()

    for given in (
        {"key": world.bobs["master_key"]},
        {"key": stranger.bobs_master},
        {"key": world.bobs_master | {"more": 1}},
        {"user_signing": stranger.alices["user_signing_key"]},
        {"trusted_key": world.bob.master.public_key},
        {"their_user": ALICE},
    ):
        with pytest.raises(BadSignatureError):
            world.verify_user(**given)
    for given in ({"their_user": "@carol:example.org"}, {"key": world.bobs["self_signing_key"]}):
        with pytest.raises(MalformedMessageError):
            world.verify_user(**given)


def test_the_master_key_is_signed_by_the_device_that_made_it(world: World) -> None:
    signed = world.alices["master_key"]

    matrix.verify_object(signed, world.device.public_key, user=ALICE, key_id="ed25519:ADEV")
    public = matrix.public_key_of(signed, ALICE, "master")
    assert public == world.alice.master.public_key


def test_nobody_signs_what_is_not_theirs(world: World) -> None:
    with pytest.raises(MalformedMessageError):
        world.alice.sign_device(device_of(BOB, "BDEV", world.device))
    with pytest.raises(MalformedMessageError):
        world.alice.sign_user(world.bobs["self_signing_key"])
    with pytest.raises(InvalidArgumentError):
        matrix.CrossSigningKeys(ALICE, {"master": world.alice.master})


def test_a_one_time_key_is_signed_by_its_device(world: World) -> None:
    key = matrix.sign_object(
        {"key": "a key", "fallback": True}, world.device, user=ALICE, key_id="ed25519:ADEV"
    )
    given = {"user": ALICE, "device_id": "ADEV", "signing_key": world.device.public_key}

    assert matrix.verify_one_time_key(key, **given) == "a key"
    for wrong in (key | {"key": "another"}, {"key": "a key"}, key | {"fallback": False}):
        with pytest.raises(BadSignatureError):
            matrix.verify_one_time_key(wrong, **given)


def test_a_signing_key_is_kept_and_shows_nothing() -> None:
    state, key = signal.StateKey(bytes(32)), matrix.SigningKey.generate()
    record = key.seal(state)

    loaded = matrix.SigningKey.load(state, record)
    assert loaded.public_key == key.public_key
    assert loaded.sign(b"text") == key.sign(b"text")
    for load, wrong in (
        (matrix.SigningKey.load, signal.StateKey(b"1" * 32)),
        (matrix.BackupKey.load, state),
        (matrix.StorageKey.load, state),
    ):
        with pytest.raises(StoreCorruptionError):
            load(wrong, record)
    with pytest.raises(TypeError):
        pickle.dumps(key)
    assert key.public_key not in repr(key)
    assert "SigningKey object" not in repr(matrix.CrossSigningKeys.generate(ALICE))
