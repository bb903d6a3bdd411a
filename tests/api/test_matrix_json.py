# SPDX-License-Identifier: MIT OR Apache-2.0
"""Canonical JSON, and the reader that goes with it (olm_megolm.md §8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2ee import InvalidArgumentError, MalformedMessageError, matrix

LIMIT = 2**53 - 1
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LIMIT, LIMIT) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ({}, "{}"),
        ({"b": "2", "a": "1"}, '{"a":"1","b":"2"}'),
        ({"one": 1, "two": "Two"}, '{"one":1,"two":"Two"}'),
        ({"本": 2, "日": 1}, '{"日":1,"本":2}'),
        ({"a": "日本語"}, '{"a":"日本語"}'),
        ({"a": None, "c": True, "b": False}, '{"a":null,"b":false,"c":true}'),
        (['"\\/\b\f\n\r\t', "\x00\x1f\x7f"], '["\\"\\\\/\\b\\f\\n\\r\\t","\\u0000\\u001f\x7f"]'),
        ({"\U0001f511": 1, "\uffff": 2}, '{"\uffff":2,"\U0001f511":1}'),
        ([LIMIT, -LIMIT, 0], f"[{LIMIT},-{LIMIT},0]"),
        ([[], {}, [[1]]], "[[],{},[[1]]]"),
        ("text", '"text"'),
    ],
)
def test_a_value_has_one_form(value: object, canonical: str) -> None:
    assert matrix.canonical_json(value) == canonical.encode()


@given(VALUES)
def test_what_is_written_is_read_and_written_alike(value: object) -> None:
    written = matrix.canonical_json(value)

    read = matrix.parse_json(written)

    assert read == value
    assert matrix.canonical_json(read) == written


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        LIMIT + 1,
        -LIMIT - 1,
        {1: 2},
        {None: 1},
        b"bytes",
        {"a": {1, 2}},
        "\ud800",
        {"\udfff": 1},
        pytest.param(object(), id="an object"),
    ],
    ids=repr,
)
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgumentError):
        matrix.canonical_json(value)


def test_what_lies_too_deep_is_refused() -> None:
    value: object = 1
    for _ in range(100):
        value = [value]

    assert matrix.canonical_json(value)
    with pytest.raises(InvalidArgumentError):
        matrix.canonical_json([value])
    with pytest.raises(MalformedMessageError):
        matrix.parse_json("[" * 101 + "]" * 101)
    with pytest.raises(MalformedMessageError):
        matrix.parse_json("[" * 1_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{'a':1}",
        "[1,]",
        '{"a":1,"a":1}',
        '[{"b":{"a":1,"\\u0061":2}}]',
        "1.0",
        "1e2",
        "-0",
        "NaN",
        "Infinity",
        "9007199254740992",
        "-9007199254740992",
        "1" * 100_000,
        '"\\ud800"',
        b"\xff",
        b'\xef\xbb\xbf{"a":1}',
        "[1] 2",
    ],
    ids=lambda text: repr(text)[:30],
)
def test_a_text_without_one_meaning_is_malformed(text: str | bytes) -> None:
    with pytest.raises(MalformedMessageError):
        matrix.parse_json(text)


def test_spaces_and_escapes_are_read() -> None:
    assert matrix.parse_json(' { "\\u0061" : [ 1 , -5 , true ] } ') == {"a": [1, -5, True]}
