# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads Rust as text, as far as the hygiene tests need it: code without comments, and its types."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.hygiene.tree import Source

NOT_CODE = re.compile(
    r"""
      //[^\n]*                                          # a comment to the end of the line
    | /\*.*?\*/                                         # a comment between marks
    | (?<![A-Za-z0-9_])[bc]?r(?P<hashes>\#*)".*?"(?P=hashes)  # a raw string
    | (?<![A-Za-z0-9_])[bc]?"(?:\\.|[^"\\])*"           # a string
    | b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\])'             # a character, not a lifetime
    """,
    re.VERBOSE | re.DOTALL,
)
TEST_ITEM = re.compile(r"#\[cfg\(test\)\]")
TYPE = re.compile(
    r"(?P<attributes>(?:\#\[[^\]]*\]\s*)*)"
    r"(?:pub(?:\([^)]*\))?\s+)?\b(?P<kind>struct|enum|union)\s+(?P<name>\w+)"
)
DERIVE = re.compile(r"\bderive\(([^)]*)\)")
BORROWED = re.compile(r"&\s*(?:'\w+\s+)?(?:mut\s+)?(?:\[[^\]]*\]|[\w:]+)|\bPhantomData<[^>]*>")
TYPE_PATH = re.compile(r"\b(?:\w+::)*[A-Z]\w*")
ATTRIBUTE = re.compile(r"#\[[^\]]*\]")
PAIRS = {"{": "}", "(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class Definition:
    """A type as its source text defines it."""

    source: Source
    name: str
    derives: frozenset[str]
    owns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.source.path}: {self.name}"


def code(text: str) -> str:
    """The text with comments, strings and characters blanked; every line keeps its place."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def product_code(text: str) -> str:
    """The code without what is compiled for tests only."""
    remaining = code(text)
    while found := TEST_ITEM.search(remaining):
        end = item_end(remaining, found.end())
        blank = re.sub(r"[^\n]", " ", remaining[found.start() : end])
        remaining = remaining[: found.start()] + blank + remaining[end:]
    return remaining


def definitions(source: Source) -> Iterator[Definition]:
    """The structs, enums and unions that the file defines."""
    text = code(source.text)
    for found in TYPE.finditer(text):
        derives = ",".join(DERIVE.findall(found["attributes"]))
        names = {name.strip().rsplit("::", 1)[-1] for name in derives.split(",")}
        fields = body(text, found.end())
        if found["kind"] == "enum":
            fields = ",".join(without_name(variant) for variant in variants(fields))
        owned = BORROWED.sub(" ", fields)
        yield Definition(source, found["name"], frozenset(names - {""}), tuple(paths_in(owned)))


def paths_in(text: str) -> list[str]:
    """The paths of types that the text names, such as `Secret` and `x25519::PrivateKey`."""
    return TYPE_PATH.findall(text)


def body(text: str, start: int) -> str:
    """The fields or variants of a type whose name ends at `start`, without the brackets."""
    angles = 0
    for place in range(start, len(text)):
        character = text[place]
        if character in "<>" and text[place - 1 : place + 1] != "->":
            angles += 1 if character == "<" else -1
        elif angles == 0 and character in "{(":
            return text[place + 1 : closing(text, place) - 1]
        elif angles == 0 and character == ";":
            break
    return ""


def item_end(text: str, start: int) -> int:
    """Where the item that begins at `start` ends: behind its braces, or behind its semicolon."""
    place = start
    while place < len(text):
        if text[place] == ";":
            return place + 1
        if text[place] == "{":
            return closing(text, place)
        place = closing(text, place) if text[place] in PAIRS else place + 1
    return len(text)


def closing(text: str, start: int) -> int:
    """The place behind the bracket that closes the one at `start`."""
    awaited: list[str] = []
    for place in range(start, len(text)):
        character = text[place]
        if character in PAIRS:
            awaited.append(PAIRS[character])
        elif awaited and character == awaited[-1]:
            awaited.pop()
            if not awaited:
                return place + 1
    return len(text)


def variants(fields: str) -> Iterator[str]:
    """The variants of an enum's body, each with its name first."""
    text = ATTRIBUTE.sub(" ", fields)
    start = place = 0
    while place < len(text):
        if text[place] == ",":
            yield text[start:place]
            start = place + 1
        place = closing(text, place) if text[place] in PAIRS else place + 1
    yield text[start:]


def without_name(variant: str) -> str:
    """A variant's fields: its name is not the name of a type."""
    return re.sub(r"^\s*\w+", "", variant)
