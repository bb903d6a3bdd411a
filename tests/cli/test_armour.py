# SPDX-License-Identifier: MIT OR Apache-2.0
"""Armour: what is written is read, whatever mail does to it, and nothing else is."""

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2ee import MalformedMessageError
from e2ee.cli.armour import LINE_LEN, MAX_TEXT_LEN, Kind, unwrap, wrap

PAYLOAD = bytes(range(200))
TEXT = wrap(Kind.MESSAGE, PAYLOAD)
LINES = TEXT.splitlines()

kinds = st.sampled_from(Kind)
#: Lines that mail may put around a block: none of them begins one.
prose = st.text(st.characters(codec="utf-8", exclude_characters="-"))


@given(kinds, st.binary(max_size=2_000))
def test_every_payload_survives(kind: Kind, payload: bytes) -> None:
    assert payload == unwrap(kind, wrap(kind, payload).encode())


@given(st.binary(max_size=500), prose, prose, st.sampled_from(["", "> ", ">> ", "> > ", "\t"]))
def test_quotes_and_surrounding_text_do_not_matter(
    payload: bytes, before: str, after: str, mark: str
) -> None:
    block = "".join(f"{mark}{line} \r\n" for line in wrap(Kind.MESSAGE, payload).splitlines())

    assert payload == unwrap(Kind.MESSAGE, f"{before}\r\n{block}{after}".encode())


@given(st.binary(max_size=300))
def test_noise_is_refused_and_never_anything_else(noise: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        unwrap(Kind.MESSAGE, noise)


@given(st.binary(max_size=300), st.data())
def test_a_changed_character_of_the_block_never_gives_another_payload(
    payload: bytes, data: st.DataObject
) -> None:
    text = bytearray(wrap(Kind.MESSAGE, payload).encode())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255))

    try:
        opened = unwrap(Kind.MESSAGE, bytes(text))
    except MalformedMessageError:
        return
    assert payload == opened


def test_the_form_is_fixed() -> None:
    assert wrap(Kind.BUNDLE, b"e2ee") == (
        "-----BEGIN E2EE BUNDLE-----\nZTJlZQ==\n=QAjeNK6v\n-----END E2EE BUNDLE-----\n"
    )


def test_lines_fit_every_mail() -> None:
    body = LINES[1:-2]

    assert [LINE_LEN] * (len(body) - 1) == [len(line) for line in body[:-1]]
    assert 0 < len(body[-1]) <= LINE_LEN


def test_blank_lines_and_a_missing_last_line_end_do_not_matter() -> None:
    assert unwrap(Kind.MESSAGE, "\n\n".join(LINES).encode()) == PAYLOAD


@pytest.mark.parametrize("length", range(len(TEXT) - 1))
def test_a_text_cut_off_anywhere_is_refused(length: int) -> None:
    with pytest.raises(MalformedMessageError):
        unwrap(Kind.MESSAGE, TEXT[:length].encode())


@pytest.mark.parametrize("missing", range(len(LINES)))
def test_a_missing_line_is_refused(missing: int) -> None:
    with pytest.raises(MalformedMessageError):
        unwrap(Kind.MESSAGE, "\n".join(LINES[:missing] + LINES[missing + 1 :]).encode())


@pytest.mark.parametrize("changed", range(len(LINES)))
def test_a_line_with_one_other_character_is_refused(changed: int) -> None:
    line = LINES[changed]
    other = line[:-1] + ("A" if line[-1] != "A" else "B")
    lines = [*LINES[:changed], other, *LINES[changed + 1 :]]

    with pytest.raises(MalformedMessageError):
        unwrap(Kind.MESSAGE, "\n".join(lines).encode())


@pytest.mark.parametrize("first", range(1, len(LINES) - 3))
def test_exchanged_lines_are_refused(first: int) -> None:
    lines = [*LINES[:first], LINES[first + 1], LINES[first], *LINES[first + 2 :]]

    with pytest.raises(MalformedMessageError, match="damaged in transit"):
        unwrap(Kind.MESSAGE, "\n".join(lines).encode())


def test_the_lines_of_the_payload_differ() -> None:
    # Else the test above would exchange equals.
    assert all(one != other for one, other in pairwise(LINES[1:-2]))


def test_unused_bits_are_refused() -> None:
    text = wrap(Kind.MESSAGE, b"e2ee").replace("ZTJlZQ==", "ZTJlZR==")
    assert base64.b64decode("ZTJlZR==") == b"e2ee"

    with pytest.raises(MalformedMessageError, match="damaged in transit"):
        unwrap(Kind.MESSAGE, text.encode())


def test_a_bundle_is_not_a_message() -> None:
    with pytest.raises(MalformedMessageError, match="an invitation, not a message"):
        unwrap(Kind.MESSAGE, wrap(Kind.BUNDLE, PAYLOAD).encode())


def test_a_message_is_not_a_bundle() -> None:
    with pytest.raises(MalformedMessageError, match="a message, not an invitation"):
        unwrap(Kind.BUNDLE, TEXT.encode())


@pytest.mark.parametrize("second", Kind)
def test_two_blocks_are_refused(second: Kind) -> None:
    with pytest.raises(MalformedMessageError, match="more than one block"):
        unwrap(Kind.MESSAGE, (TEXT + wrap(second, b"other")).encode())


def test_text_at_the_limit_is_read_and_one_byte_more_is_refused() -> None:
    padding = " " * (MAX_TEXT_LEN - len(TEXT))

    assert unwrap(Kind.MESSAGE, (padding + TEXT).encode()) == PAYLOAD
    with pytest.raises(MalformedMessageError, match="longer than any message"):
        unwrap(Kind.MESSAGE, (" " + padding + TEXT).encode())
