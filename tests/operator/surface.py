# SPDX-License-Identifier: MIT OR Apache-2.0
"""The public API, found by looking: every callable with the names and types of its parameters.

Python code says so itself; of the extension, its stub does, which `make check` holds to the truth.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import e2ee
import e2ee.aead
import e2ee.files
import e2ee.matrix
import e2ee.matrix_stores
import e2ee.mtproto
import e2ee.olm
import e2ee.signal
import e2ee.store

STUB = Path(e2ee.__file__).with_name("_core.pyi")
MODULES: tuple[ModuleType, ...] = (
    e2ee,
    e2ee.aead,
    e2ee.files,
    e2ee.olm,
    e2ee.matrix,
    e2ee.matrix_stores,
    e2ee.mtproto,
    e2ee.signal,
    e2ee.store,
)
#: What a value of bytes may be called in an annotation.
BYTES = (
    "bytes",
    "Bytes",
    "Buffer",
    "Envelope",
    "File",
    "Passphrase",
    "PreKeyBundle",
    "SenderCertificate",
    "Sequence[Write]",
    "records",
)
#: Not methods of ours, or the same in every class of Python.
INHERITED = frozenset(dir(object)) | {"__class_getitem__", "__enter__", "__exit__"}


@dataclass(frozen=True, slots=True)
class Call:
    """A public callable: its name, and name and annotation of each parameter."""

    name: str
    parameters: tuple[tuple[str, str], ...]

    def takes_bytes(self) -> bool:
        """Whether a parameter can be bytes, or a value made of them."""
        return any(word in kind for _, kind in self.parameters for word in BYTES)


def public_classes() -> dict[str, type]:
    """The public classes by name; transactions are what the stores' methods return."""
    found = {
        value.__name__: value
        for module in MODULES
        for name in module.__all__
        if isinstance(value := getattr(module, name), type) and not is_protocol(value)
    }
    with e2ee.MemoryStore() as store, store.transaction() as transaction:
        found["Transaction"] = type(transaction)
    return found


def is_protocol(kind: type) -> bool:
    """Whether this only says what a store of one's own has to do."""
    return bool(getattr(kind, "_is_protocol", False))


def public_functions() -> dict[str, object]:
    """The public functions of the modules."""
    return {
        name: value
        for module in MODULES
        for name in module.__all__
        if inspect.isroutine(value := getattr(module, name))
    }


def calls() -> list[Call]:
    """Every public callable: functions, constructors and methods."""
    stub = dict(stub_calls())
    found = [
        Call(name, stub[name]) if inspect.isbuiltin(value) else python_call(name, value)
        for name, value in public_functions().items()
    ]
    for name, kind in public_classes().items():
        if kind.__module__ == "e2ee._core":
            found += [
                Call(path, call) for path, call in stub.items() if path.startswith(f"{name}.")
            ]
        else:
            found += class_calls(name, kind)
    return found


def class_calls(name: str, kind: type) -> Iterator[Call]:
    """The constructor and the public methods of a class in Python."""
    if "__init__" in vars(kind):
        yield python_call(name, vars(kind)["__init__"])
    for path, value in inspect.getmembers(kind):
        own = path in vars(kind) and path not in INHERITED
        if own and not path.startswith("_") and inspect.isroutine(value):
            yield python_call(f"{name}.{path}", value)


def python_call(name: str, value: object) -> Call:
    """A callable as its signature shows it."""
    assert callable(value)
    parameters = inspect.signature(value).parameters.values()
    return Call(name, tuple((each.name, str(each.annotation)) for each in parameters))


def stub_calls() -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Every callable of the extension, as the stub shows it."""
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, stub_parameters(node)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not is_hidden(inner):
                    yield f"{node.name}.{inner.name}", stub_parameters(inner)


def is_hidden(node: ast.FunctionDef) -> bool:
    """Whether this is no call of its own: a property, or what every class has."""
    decorators = {each.id for each in node.decorator_list if isinstance(each, ast.Name)}
    return "property" in decorators or node.name in INHERITED - {"__new__", "__init__"}


def stub_parameters(node: ast.FunctionDef) -> tuple[tuple[str, str], ...]:
    """Names and annotations; those of bytes inside a tuple go by the parameter's name."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return tuple(
        (each.arg, ast.unparse(each.annotation) if each.annotation else "") for each in every
    )
