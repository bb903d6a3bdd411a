# SPDX-License-Identifier: MIT OR Apache-2.0
"""Canonical JSON, and a reader that lets one text mean one thing only (olm_megolm.md §8).

It is in Python because what is signed is public and lives in Python: nothing secret passes through
it, and a second reader of JSON in the core could be of another opinion about what an object says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from e2ee.errors import InvalidArgumentError, MalformedMessageError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Integers beyond it are different numbers to different readers.
MAX_INTEGER: Final = 2**53 - 1
#: Digits of the largest integer: a longer text is not even computed.
_MAX_DIGITS: Final = 16
#: How deep lists and objects may lie in each other.
_MAX_DEPTH: Final = 100


def canonical_json(value: object) -> bytes:
    """The one form of a value that is signed (olm_megolm.md §8).

    UTF-8, keys by code point, no spaces.

    Raises:
        InvalidArgumentError: It holds a float, an integer beyond ±(2⁵³ - 1), a key that is no text,
            text that is no Unicode, something that is no JSON, or lies too deep.
    """
    pieces: list[str] = []
    try:
        _write(value, pieces, _MAX_DEPTH)
        return "".join(pieces).encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError("a text is no Unicode") from None


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401 - what it is, the text says
    """The value of a JSON text that means one thing only (olm_megolm.md §8).

    Raises:
        MalformedMessageError: It is no JSON, a key stands twice in one object, or it holds what
            canonical JSON cannot.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_refuse,
            parse_int=_integer,
            parse_constant=_refuse,
        )
        canonical_json(value)
    except (ValueError, RecursionError):
        raise MalformedMessageError("the text is no JSON that has one meaning") from None
    return value


def _write(value: object, pieces: list[str], depth: int) -> None:
    if value is None or isinstance(value, bool | str):
        pieces.append(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise InvalidArgumentError("an integer is out of its range")
        pieces.append(str(int(value)))
    elif depth == 0:
        raise InvalidArgumentError("a value lies too deep")
    elif isinstance(value, dict):
        _write_object(value, pieces, depth)
    elif isinstance(value, list | tuple):
        pieces.append("[")
        for place, each in enumerate(value):
            pieces.append("," if place else "")
            _write(each, pieces, depth - 1)
        pieces.append("]")
    else:
        raise InvalidArgumentError("a value is no JSON that can be signed")


def _write_object(value: dict[Any, object], pieces: list[str], depth: int) -> None:
    if not all(isinstance(key, str) for key in value):
        raise InvalidArgumentError("a key is no text")
    pieces.append("{")
    for place, key in enumerate(sorted(value)):
        pieces.append("," if place else "")
        pieces.append(json.dumps(key, ensure_ascii=False) + ":")
        _write(value[key], pieces, depth - 1)
    pieces.append("}")


def _unique(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError("a key stands twice")
        found[key] = value
    return found


def _integer(digits: str) -> int:
    if digits == "-0" or len(digits.removeprefix("-")) > _MAX_DIGITS:
        raise ValueError("an integer that has no canonical form")
    return int(digits)


def _refuse(_: str) -> NoReturn:
    raise ValueError("a number that is no integer")
