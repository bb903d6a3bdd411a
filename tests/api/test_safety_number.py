# SPDX-License-Identifier: MIT OR Apache-2.0
"""Safety numbers: read aloud, or scanned by a camera (signal.md §11)."""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING

import pytest

import e2ee
from e2ee import signal
from tests.api import qr

if TYPE_CHECKING:
    from collections.abc import Sequence

UUIDS = ("9d0652a3-dcc3-4d11-975f-74d61598733f", "796abedb-ca4e-4f18-8803-1fde5b921f9f")
PHONES = ("+14152222222", "+14153333333")
KEYS = tuple(
    bytes.fromhex(key)
    for key in (
        "056d95620e993b917518819539c3735449e2f721714a72268f70778cb7180a3f00",
        "053e17c996b0227da9d8929788d7b314b5d42bd50f8f7c4e9d714cbf10be95932f",
    )
)
BORDER = 4
BLACK = "0"
FILTER_UP = 2


@pytest.fixture
def pair() -> tuple[e2ee.Account, e2ee.Account]:
    """Alice and Bob, who have talked."""
    alice = e2ee.Account.create(e2ee.MemoryStore(), "alice")
    bob = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    alice.connect("bob", bob.bundle())
    bob.decrypt("alice", alice.encrypt("bob", b"Hello."))
    return alice, bob


def scannable(number: e2ee.SafetyNumber) -> bytes:
    """The scannable form, which must be there."""
    assert number.scannable is not None
    return number.scannable


def is_verified(account: e2ee.Account) -> bool:
    (contact,) = account.contacts()
    return contact.verified


def test_both_sides_see_the_same_digits_and_mirror_images(
    pair: tuple[e2ee.Account, e2ee.Account],
) -> None:
    ours, theirs = pair[0].safety_number("bob"), pair[1].safety_number("alice")

    assert ours == theirs
    assert ours.scannable != theirs.scannable
    assert ours.compare(scannable(theirs))
    assert theirs.compare(scannable(ours))
    assert not ours.compare(scannable(ours))


def test_a_scanned_code_verifies(pair: tuple[e2ee.Account, e2ee.Account]) -> None:
    alice, bob = pair

    alice.verify("bob", scannable(bob.safety_number("alice")))

    assert is_verified(alice)


def test_a_scanned_code_of_someone_else_verifies_nothing(
    pair: tuple[e2ee.Account, e2ee.Account],
) -> None:
    alice, bob = pair
    mallory = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    mallory.connect("alice", alice.bundle())

    with pytest.raises(e2ee.SafetyNumberMismatchError):
        alice.verify("bob", scannable(mallory.safety_number("alice")))
    with pytest.raises(e2ee.SafetyNumberMismatchError):
        alice.verify("bob", scannable(alice.safety_number("bob")))

    assert not is_verified(alice)
    alice.verify("bob", bob.safety_number("alice"))


def test_a_scanned_code_of_another_version_is_no_mismatch(
    pair: tuple[e2ee.Account, e2ee.Account],
) -> None:
    alice, bob = pair
    scanned = scannable(bob.safety_number("alice"))
    assert scanned[:2] == b"\x08\x02"

    with pytest.raises(e2ee.SafetyNumberVersionError):
        alice.verify("bob", b"\x08\x01" + scanned[2:])

    assert not is_verified(alice)


@pytest.mark.parametrize("scanned", [b"", b"\x08\x02", b"https://example.org", bytes(74)])
def test_what_is_no_code_is_malformed(
    pair: tuple[e2ee.Account, e2ee.Account], scanned: bytes
) -> None:
    with pytest.raises(e2ee.MalformedMessageError):
        pair[0].verify("bob", scanned)

    assert not is_verified(pair[0])


def test_a_new_identity_is_accepted_by_a_scanned_code(
    pair: tuple[e2ee.Account, e2ee.Account],
) -> None:
    alice, _ = pair
    again = e2ee.Account.create(e2ee.MemoryStore(), "bob")
    again.connect("alice", alice.bundle())
    bundle = again.bundle()

    alice.verify("bob", scannable(again.safety_number("alice")), bundle=bundle)

    assert is_verified(alice)
    assert again.decrypt("alice", alice.encrypt("bob", b"new")).plaintext == b"new"


def test_digits_alone_cannot_be_scanned(pair: tuple[e2ee.Account, e2ee.Account]) -> None:
    typed = e2ee.SafetyNumber(pair[0].safety_number("bob").digits)

    assert typed.scannable is None
    for show in (typed.qr, typed.svg, typed.png):
        with pytest.raises(e2ee.InvalidArgumentError):
            show()
    with pytest.raises(e2ee.InvalidArgumentError):
        typed.compare(scannable(pair[1].safety_number("alice")))


def test_digits_and_scannable_form_must_agree(pair: tuple[e2ee.Account, e2ee.Account]) -> None:
    number = pair[0].safety_number("bob")

    assert e2ee.SafetyNumber(number.digits, scannable(number)) == number
    with pytest.raises(e2ee.InvalidArgumentError):
        e2ee.SafetyNumber("0" * 60, number.scannable)


def picture(png: bytes) -> list[list[bool]]:
    """The pixels of a picture with one bit for each, dark ones true."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        chunks[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += 12 + length
    width, height, depth = struct.unpack_from(">IIB", chunks[b"IHDR"])
    assert depth == 1
    lines = zlib.decompress(chunks[b"IDAT"])
    step = 1 + -(-width // 8)
    rows = [bytes(step - 1)]
    for start in range(0, step * height, step):
        line = lines[start + 1 : start + step]
        if lines[start] == FILTER_UP:
            line = bytes((a + b) % 256 for a, b in zip(line, rows[-1], strict=True))
        else:
            assert lines[start] == 0, "a filter that this reader does not know"
        rows.append(line)
    bits = (f"{int.from_bytes(row):0{8 * len(row)}b}"[:width] for row in rows[1:])
    return [[bit == BLACK for bit in row] for row in bits]


def modules(pixels: Sequence[Sequence[bool]], scale: int) -> list[list[bool]]:
    """The modules of a picture, without the border."""
    cut = slice(BORDER * scale, -BORDER * scale, scale)
    return [list(row[cut]) for row in pixels[cut]]


@pytest.mark.parametrize("scale", [1, 8])
def test_the_picture_holds_the_scannable_bytes(
    pair: tuple[e2ee.Account, e2ee.Account], scale: int
) -> None:
    for account, peer in zip(pair, ("bob", "alice"), strict=True):
        number = account.safety_number(peer)

        shown = picture(number.png(scale=scale))

        assert len(shown) == scale * (qr.SIZE + 2 * BORDER)
        assert qr.read(modules(shown, scale)) == number.scannable


def test_the_drawing_and_the_terminal_show_the_same_code(
    pair: tuple[e2ee.Account, e2ee.Account],
) -> None:
    number = pair[0].safety_number("bob")
    side = qr.SIZE + 2 * BORDER

    assert re.search(rf'<svg[^>]*width="{side}"', number.svg())
    assert len(number.qr().splitlines()) == -(-side // 2)


@pytest.mark.parametrize(("scale", "allowed"), [(0, False), (1, True), (64, True), (65, False)])
def test_a_scale_is_1_to_64(
    pair: tuple[e2ee.Account, e2ee.Account], scale: int, *, allowed: bool
) -> None:
    number = pair[0].safety_number("bob")

    if allowed:
        assert number.png(scale=scale)
    else:
        with pytest.raises(e2ee.InvalidArgumentError):
            number.png(scale=scale)


def test_numbers_without_a_store_are_the_recorded_ones() -> None:
    number = signal.safety_number((UUIDS[0], KEYS[0]), (UUIDS[1], KEYS[1]))

    # The third case of vectors/signal/fingerprints.json.
    assert number.digits == "631864090845621211670722607651993302074928588873163255178505"
    assert scannable(number)[:2] == b"\x08\x02"


def test_numbers_of_version_1_take_phone_numbers() -> None:
    ours = signal.safety_number((PHONES[0], KEYS[0]), (PHONES[1], KEYS[1]), version=1)
    theirs = signal.safety_number((PHONES[1], KEYS[1]), (PHONES[0], KEYS[0]), version=1)

    assert ours.compare(scannable(theirs))
    newer = signal.safety_number((UUIDS[1], KEYS[1]), (UUIDS[0], KEYS[0]))
    with pytest.raises(e2ee.SafetyNumberVersionError):
        ours.compare(scannable(newer))


@pytest.mark.parametrize(
    ("ids", "version"), [(PHONES, 2), (UUIDS, 1), (("alice", "bob"), 2), (UUIDS, 3), (PHONES, 0)]
)
def test_ids_of_another_version_are_refused(ids: tuple[str, str], version: int) -> None:
    with pytest.raises(e2ee.InvalidArgumentError):
        signal.safety_number((ids[0], KEYS[0]), (ids[1], KEYS[1]), version=version)  # type: ignore[arg-type]


def test_an_identity_key_has_its_type_and_length() -> None:
    with pytest.raises(e2ee.InvalidKeyError):
        signal.safety_number((UUIDS[0], KEYS[0][1:]), (UUIDS[1], KEYS[1]))
