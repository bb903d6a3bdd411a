# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every public name says what it is, in a sentence, and where its rules come from."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import pytest

from e2ee import matrix, matrix_stores, mtproto, olm, signal
from tests.operator.surface import INHERITED, MODULES, public_classes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

#: A section of a specification, or a page and its heading.
SOURCE = re.compile(r"(signal|spqr|olm_megolm|mtproto_secret_chats)\.md §|docs/\w+\.md|RFC \d+")


def documented() -> Iterator[tuple[str, str | None]]:
    """Every public module, class, function, method and property with its docstring."""
    for module in MODULES:
        yield module.__name__, module.__doc__
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isroutine(value):
                yield f"{module.__name__}.{name}", value.__doc__
    for name, kind in public_classes().items():
        yield name, kind.__doc__
        for attribute, value in vars(kind).items():
            if attribute.startswith("_") or attribute in INHERITED:
                continue
            shown = inspect.unwrap(getattr(value, "__func__", value))
            if inspect.isroutine(shown) or inspect.isdatadescriptor(shown):
                yield f"{name}.{attribute}", shown.__doc__


EVERY = dict(documented())
#: The fields of frozen values are said in the docstring of their class.
FIELDS = {
    f"{name}.{field}"
    for name, kind in public_classes().items()
    for field in getattr(kind, "__dataclass_fields__", ())
}


@pytest.mark.parametrize("name", sorted(set(EVERY) - FIELDS))
def test_a_public_name_says_what_it_is(name: str) -> None:
    text = EVERY[name]

    assert text, "there is no docstring"
    assert re.match(r"[A-Z`0-9].*[.:]$", text.strip().splitlines()[0]), "it is no sentence"


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_is_said_in_its_class(name: str) -> None:
    kind, field = name.split(".")

    assert field in public_classes()[kind].__annotations__
    assert EVERY[kind]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (module, name)
        for module in (matrix, matrix_stores, mtproto, olm, signal)
        for name in sorted(module.__all__)
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_a_name_of_the_protocol_cites_its_source(module: ModuleType, name: str) -> None:
    text = inspect.getdoc(getattr(module, name)) or ""

    assert SOURCE.search(text), "no section of a specification is named"


def test_what_is_looked_at_is_the_whole_api() -> None:
    assert {"e2ee.signal", "Account.encrypt", "Session.decrypt", "SafetyNumber.qr"} <= set(EVERY)
