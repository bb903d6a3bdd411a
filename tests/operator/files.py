# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an application seals itself: seized, shown to its owner, and tried by the operator."""

from __future__ import annotations

import io
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import e2ee
from e2ee.aead import AeadKey
from e2ee.files import FileKey, FilePassphrase, create_sealed, open_sealed, seal_file, unseal_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.operator.attempts import Act, Operator
    from tests.operator.owner import Shown
    from tests.operator.seized import Seized

SMALL = 4_096
#: Guesses at a passphrase.
PEOPLE = ("alice", "bob")


def seize_files(seized: Seized) -> None:
    """What a server or a thief holds: a file under a key, one under a passphrase, a message."""
    key, single = FileKey.generate(segment_size=SMALL), AeadKey.generate()
    seized.keys["file"], seized.keys["aead"] = key.to_bytes(), single.to_bytes()
    seized.beside |= {
        "sealed file": sealed(seized.text(), key),
        "sealed with a passphrase": sealed(seized.text(), FilePassphrase("nobody guesses this")),
        "sealed message": single.seal(seized.text()),
    }


def sealed(content: bytes, key: FileKey | FilePassphrase) -> bytes:
    """A sealed file."""
    out = io.BytesIO()
    seal_file(content, out, key)
    return out.getvalue()


def written(content: bytes) -> bytes:
    """A sealed file, written to."""
    out = io.BytesIO()
    with create_sealed(out, FileKey.generate()) as file:
        file.write(content)
    return out.getvalue()


def unsealed(content: bytes, key: FileKey | FilePassphrase) -> bytes:
    """What `unseal_file` writes, whether it fails or not."""
    out = io.BytesIO()
    with suppress(e2ee.E2EEError):
        unseal_file(content, out, key)
    return out.getvalue()


def of_files() -> Shown:
    """Each attribute and method, with what it returns."""
    key, single = FileKey.generate(), AeadKey.generate()
    message = single.seal(b"text")
    shown: dict[str, dict[str, object]] = {
        "AeadKey": {
            "generate": repr(single),
            "from_bytes": repr(AeadKey.from_bytes(single.to_bytes())),
            "to_bytes": single.to_bytes(),
            "seal": message,
            "open": single.open(message),
        },
        "FileKey": {
            "generate": repr(key),
            "from_bytes": repr(FileKey.from_bytes(key.to_bytes())),
            "to_bytes": key.to_bytes(),
            "segment_size": key.segment_size,
        },
    }
    return {(kind, name): value for kind, all_of in shown.items() for name, value in all_of.items()}


def open_message(operator: Operator, key: bytes) -> bytes:
    """The seized message under a suggested key."""
    return AeadKey.from_bytes(key).open(operator.seized.beside["sealed message"])


def unseal(operator: Operator, key: bytes) -> list[bytes]:
    """Both seized files under a suggested key, in either size of segments."""
    names = ("sealed file", "sealed with a passphrase")
    return [
        unsealed(operator.seized.beside[name], FileKey.from_bytes(key, segment_size=size))
        for name in names
        for size in (SMALL, 1 << 20)
    ]


def read(operator: Operator, key: bytes) -> bytes:
    """The seized file as a file to read."""
    own = FileKey.from_bytes(key, segment_size=SMALL)
    with open_sealed(operator.seized.beside["sealed file"], own) as file:
        return file.read()


def guess(operator: Operator, word: str) -> bytes:
    """The seized file under a guessed passphrase, which is slow on purpose."""
    return unsealed(operator.seized.beside["sealed with a passphrase"], FilePassphrase(word))


#: For every public callable that takes bytes, how the operator tries it.
FILES: dict[str, Callable[[Operator], Iterator[Act]]] = {
    "AeadKey.from_bytes": lambda o: o.key_acts(lambda key, _: open_message(o, key)),
    "AeadKey.open": lambda o: o.value_acts(AeadKey.generate().open),
    "AeadKey.seal": lambda o: o.value_acts(AeadKey.generate().seal),
    "FileKey.from_bytes": lambda o: o.key_acts(lambda key, _: unseal(o, key)),
    "FilePassphrase.__new__": lambda o: (partial(guess, o, word) for word in PEOPLE),
    "create_sealed": lambda o: o.value_acts(written),
    "open_sealed": lambda o: o.key_acts(lambda key, _: read(o, key)),
    "seal_file": lambda o: o.value_acts(lambda b: sealed(b, FileKey.generate())),
    "unseal_file": lambda o: o.value_acts(lambda b: unsealed(b, FileKey.generate())),
}
