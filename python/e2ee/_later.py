# SPDX-License-Identifier: MIT OR Apache-2.0
"""Names of a package whose modules are loaded when they are first used (PEP 562).

A program that only wants a session, or a store in a file, does not wait for the rest.
"""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False  # `typing` itself takes as long as all that is loaded at once
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def later(package: str, places: Mapping[str, str]) -> Callable[[str], object]:
    """What a package needs as its `__getattr__`: `places` says which module has which name."""

    def find(name: str) -> object:
        place = places.get(name)
        if place is None:
            # The package's own modules, too, are there without being imported first.
            if not name.startswith("_") and name in _MODULES.get(package, ()):
                return import_module(f"{package}.{name}")
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value: object = getattr(import_module(place), name)
        setattr(sys.modules[package], name, value)
        return value

    return find


#: Modules that users reach by their names.
_MODULES = {"e2ee": ("aead", "files", "signal", "store")}
