# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the headers declare, taken apart: functions, parameters and the text above them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tests.capi.building import HEADERS, INCLUDE

_FUNCTION: Final = re.compile(
    r"/\*(?P<text>(?:[^*]|\*(?!/))*)\*/\n"
    r"(?P<result>(?:const )?\w+ ?\*?)\s*(?P<name>e2ee_\w+)"
    r"\((?P<parameters>[^)]*)\);"
)
_PARAMETER: Final = re.compile(r"^(?P<type>.*?)(?P<name>\w+)$")
_STATUS: Final = re.compile(r"^    E2EE_(\w+) = (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its type, without the spaces at its end, and its name."""

    ctype: str
    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function, the type of its result, and the text that stands above it."""

    name: str
    result: str
    parameters: tuple[Parameter, ...]
    text: str


def documented() -> dict[str, Function]:
    """The functions of all headers that have a text above them."""
    found = {}
    for header in HEADERS:
        for match in _FUNCTION.finditer((INCLUDE / header).read_text(encoding="utf-8")):
            parts = [" ".join(part.split()) for part in match["parameters"].split(",")]
            parameters = tuple(_parameter(part) for part in parts if part != "void")
            name, result = match["name"], match["result"].strip()
            found[name] = Function(name, result, parameters, match["text"])
    return found


def statuses() -> dict[str, int]:
    """The status codes, without what all of their names begin with."""
    text = (INCLUDE / "e2ee.h").read_text(encoding="utf-8")
    return {name: int(number) for name, number in _STATUS.findall(text)}


def _parameter(text: str) -> Parameter:
    match = _PARAMETER.match(text)
    assert match is not None
    return Parameter(match["type"].strip(), match["name"])
