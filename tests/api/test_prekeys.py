# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prekeys at a server: what is uploaded, and which bundles a server makes of it (signal.md §3)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

import e2ee
from tests.api.test_fixtures import opened

FIRST_FORMAT = Path(__file__).parent.parent / "vectors" / "state" / "account-1.json"


def account(name: str) -> e2ee.Account:
    return e2ee.Account.create(e2ee.MemoryStore(), name)


@pytest.fixture
def bob() -> e2ee.Account:
    return account("bob")


def first_message(name: str, bundle: e2ee.PreKeyBundle) -> e2ee.Envelope:
    """Someone's first message to the owner of a bundle."""
    sender = account(name)
    sender.connect("bob", bundle)
    return sender.encrypt("bob", name.encode())


def numbers(upload: e2ee.PreKeyUpload) -> list[int]:
    one_time = [each.id for each in upload.one_time]
    return one_time + [each.id for each in upload.one_time_kyber]


def test_an_upload_has_a_hundred_keys_of_each_kind(bob: e2ee.Account) -> None:
    upload = bob.prekeys()

    assert (len(upload.one_time), len(upload.one_time_kyber)) == (100, 100)
    assert len({upload.signed.id, upload.last_resort.id, *numbers(upload)}) == 202
    assert upload.identity_key == bob.identity_key
    assert (upload.device, upload.gone) == (1, ())
    assert {len(each.key) for each in upload.one_time} == {33}
    assert {(len(each.key), len(each.signature)) for each in upload.one_time_kyber} == {(1569, 64)}


def test_bundles_of_a_server_start_sessions(bob: e2ee.Account) -> None:
    upload = bob.prekeys()
    bundles = [upload.bundle(0), upload.bundle(99), upload.bundle()]
    mixed = e2ee.PreKeyBundle.assemble(
        upload, one_time=upload.one_time[7], kyber=upload.one_time_kyber[42]
    )
    without_kyber = e2ee.PreKeyBundle.assemble(upload, one_time=upload.one_time[8])

    for number, bundle in enumerate([*bundles, mixed, without_kyber]):
        name = f"sender{number}"
        assert bob.decrypt(name, first_message(name, bundle)).plaintext == name.encode()
    assert [bundle.reusable for bundle in bundles] == [False, False, True]


def test_a_one_time_key_serves_one_session_also_if_a_server_gives_it_twice(
    bob: e2ee.Account,
) -> None:
    bundle = bob.prekeys().bundle(5)
    first, second = (first_message(name, bundle) for name in ("carol", "dave"))

    bob.decrypt("carol", first)

    with pytest.raises(e2ee.UnknownPreKeyError):
        bob.decrypt("dave", second)


def test_one_half_of_a_used_pair_refuses_the_other_too(bob: e2ee.Account) -> None:
    upload = bob.prekeys()
    bob.decrypt("carol", first_message("carol", upload.bundle(5)))
    again = e2ee.PreKeyBundle.assemble(upload, kyber=upload.one_time_kyber[5])

    with pytest.raises(e2ee.UnknownPreKeyError):
        bob.decrypt("dave", first_message("dave", again))


@pytest.mark.parametrize("index", [-1, 100])
def test_an_index_without_keys_is_refused(bob: e2ee.Account, index: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        bob.prekeys().bundle(index)


def test_an_altered_upload_makes_no_bundle(bob: e2ee.Account) -> None:
    upload = bob.prekeys()
    other = account("bob").prekeys()
    foreign = dataclasses.replace(upload, signed=other.signed)
    numbered = dataclasses.replace(upload, signed=dataclasses.replace(upload.signed, id=1 << 32))
    short = dataclasses.replace(upload, identity_key=upload.identity_key[:-1])
    cut = dataclasses.replace(upload.last_resort, signature=b"")

    for damaged, error in [
        (foreign, e2ee.BadSignatureError),
        (dataclasses.replace(upload, last_resort=cut), e2ee.BadSignatureError),
        (numbered, e2ee.InvalidArgumentError),
        (dataclasses.replace(upload, device=128), e2ee.InvalidArgumentError),
        (short, e2ee.InvalidKeyError),
    ]:
        with pytest.raises(error):
            damaged.bundle()


@pytest.mark.parametrize(("remaining", "made"), [(0, 100), (9, 91), (10, 0), (11, 0), (5_000, 0)])
def test_keys_are_made_below_the_low_water_mark(
    bob: e2ee.Account, remaining: int, made: int
) -> None:
    bob.prekeys()

    upload = bob.refresh_prekeys(remaining)

    if made:
        assert upload is not None
        assert (len(upload.one_time), len(upload.one_time_kyber)) == (made, made)
    else:
        assert upload is None


def test_a_server_may_count_the_kinds_apart(bob: e2ee.Account) -> None:
    bob.prekeys()

    upload = bob.refresh_prekeys(50, remaining_kyber=3)

    assert upload is not None
    assert (len(upload.one_time), len(upload.one_time_kyber)) == (0, 97)


@pytest.mark.parametrize("remaining", [-1, 1 << 32, 1 << 70])
def test_a_count_that_is_none_is_refused(bob: e2ee.Account, remaining: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        bob.refresh_prekeys(remaining)


def test_nothing_to_do_writes_nothing() -> None:
    store = e2ee.MemoryStore()
    bob = e2ee.Account.create(store, "bob")
    bob.prekeys()
    with store.transaction() as transaction:
        before = transaction.list("")

    assert bob.refresh_prekeys() is None

    with store.transaction() as transaction:
        assert transaction.list("") == before


def test_a_second_upload_has_other_keys_and_the_first_ones_still_open(bob: e2ee.Account) -> None:
    first, second = bob.prekeys(), bob.prekeys()

    assert not set(numbers(first)) & set(numbers(second))
    assert first.signed == second.signed
    assert bob.decrypt("carol", first_message("carol", first.bundle(0))).plaintext == b"carol"


def test_keys_give_way_after_a_thousand_and_are_named(bob: e2ee.Account) -> None:
    first = bob.prekeys()
    own = bob.bundle()
    uploads = [bob.prekeys() for _ in range(10)]

    assert [upload.gone for upload in uploads[:9]] == [()] * 9
    assert set(uploads[9].gone) == set(numbers(first))
    with pytest.raises(e2ee.UnknownPreKeyError):
        bob.decrypt("carol", first_message("carol", first.bundle(0)))
    assert bob.decrypt("dave", first_message("dave", uploads[0].bundle(0))).plaintext == b"dave"
    assert bob.decrypt("erin", first_message("erin", own)).plaintext == b"erin"


def test_a_stock_of_the_first_format_is_replaced_and_its_keys_still_open() -> None:
    fixture = json.loads(FIRST_FORMAT.read_text())
    bob = opened(fixture)
    old = bob.bundle(reusable=True)

    upload = bob.refresh_prekeys()

    assert upload is not None
    assert upload.gone == ()
    assert upload.bundle() != old
    assert bob.refresh_prekeys() is None
    for sender, envelope, plaintext in fixture["envelopes"]:
        assert bob.decrypt(sender, bytes.fromhex(envelope)).plaintext.decode() == plaintext
    sender = account("erin")
    sender.connect(e2ee.Address("bob", 3), old)
    late = sender.encrypt(e2ee.Address("bob", 3), b"late")
    assert bob.decrypt("erin", late).plaintext == b"late"


def test_a_stock_of_the_second_format_remembers_and_goes_on() -> None:
    fixture = json.loads(FIRST_FORMAT.with_name("account-2.json").read_text())
    bob = opened(fixture)

    bob.refresh_prekeys(0)

    for sender, envelope in fixture["refused"]:
        with pytest.raises(e2ee.DuplicateMessageError):
            bob.decrypt(sender, bytes.fromhex(envelope))
    for sender, envelope, plaintext in fixture["envelopes"]:
        assert bob.decrypt(sender, bytes.fromhex(envelope)).plaintext.decode() == plaintext
