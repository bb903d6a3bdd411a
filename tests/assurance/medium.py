# SPDX-License-Identifier: MIT OR Apache-2.0
"""A model of a medium that loses its power: what may be in the files of a store afterwards.

A sync makes durable what was written into its file before. Of what was written since, each piece
may be there or not, whatever else is: a piece is what one write puts into one sector, and sometimes
a part of it. What lies beyond the old end and was not written may be zeros or anything. Names that
were made or taken away since the directory was synced may be there or not.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias, final

from tests.assurance.recording import Event

SECTOR: Final = 512
#: Operations of which every subset is tried.
FEW: Final = 5
Image: TypeAlias = "dict[str, bytes | None]"
#: Which state of which file, and what was changed in it.
Key: TypeAlias = "tuple[object, ...]"


class Operation(NamedTuple):
    """A write that is not synced, or with `written` None the cut of the file at a place."""

    place: int
    written: bytes | None


@final
@dataclass(slots=True)
class File:
    """What is durable of a file, and what is not yet."""

    version: int = 0
    durable: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)

    def sync(self, version: int) -> None:
        """All that is pending becomes durable."""
        if self.pending:
            for operation in self.pending:
                apply(self.durable, operation)
            self.pending = []
            self.version = version

    def whole(self) -> bytes:
        """With all that is pending."""
        content = bytearray(self.durable)
        for operation in self.pending:
            apply(content, operation)
        return bytes(content)


@final
@dataclass(slots=True)
class Medium:
    """The files of one store by their names; each name has the files that it may stand for."""

    files: dict[str, list[File | None]] = field(default_factory=dict)
    version: int = 0

    def take(self, event: Event) -> bool:
        """Takes an event of this store; whether it changed what a cut may leave."""
        self.version += 1
        if event.what == "sync" and "." not in event.file:
            self.files = {name: [may[-1]] for name, may in self.files.items()}
            return True
        may = self.files.setdefault(event.file, [None])
        present = may[-1]
        if event.what == "create":
            if present is None:
                may.append(File(self.version))
            return present is None
        if event.what == "unlink":
            may.append(None)
            return True
        assert present is not None, "a file that was never made"
        if event.what == "sync":
            present.sync(self.version)
        else:
            cut = event.what == "truncate"
            present.pending.append(Operation(event.place, None if cut else event.written))
        return True

    def whole(self) -> Image:
        """The files as a process sees them."""
        last = {name: may[-1] for name, may in self.files.items()}
        return {name: None if file is None else file.whole() for name, file in last.items()}

    def subsets(self) -> Iterator[tuple[Key, Image]]:
        """Every subset of whole operations, if they are few and the names are settled."""
        last = [(name, may[-1]) for name, may in self.files.items()]
        pending = [operation for _, file in last if file for operation in file.pending]
        if len(pending) > FEW or any(len(may) > 1 for may in self.files.values()):
            return
        for mask in range(1 << len(pending)):
            chosen = iter([bool(mask >> at & 1) for at in range(len(pending))])
            keys: list[object] = []
            image: Image = {}
            for name, file in last:
                if file is None:
                    image[name] = None
                    continue
                pieces = [each for each in file.pending if next(chosen)]
                image[name], key = mixed(file, pieces)
                keys += [name, key]
            yield tuple(keys), image

    def cut(self, chance: random.Random) -> tuple[Key, Image]:
        """What one loss of power may leave."""
        keys: list[object] = []
        image: Image = {}
        # One for all files, so that often all is there, or nothing.
        share = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0, chance.random()))
        for name, may in self.files.items():
            file = chance.choice(may)
            if file is None:
                image[name] = None
                keys += [name, None]
            else:
                image[name], key = torn(file, share, chance)
                keys += [name, key]
        return tuple(keys), image


def apply(content: bytearray, operation: Operation) -> None:
    """Does what an operation says."""
    place, written = operation
    if written is None:
        del content[place:]
        content.extend(bytes(place - len(content)))
        return
    if len(content) < place:
        content.extend(bytes(place - len(content)))
    content[place : place + len(written)] = written


def mixed(file: File, pieces: list[Operation]) -> tuple[bytes, Key]:
    """The file with these of its operations, and a key that other mixtures do not have."""
    content = bytearray(file.durable)
    for piece in pieces:
        apply(content, piece)
    return bytes(content), key_of(file, content)


def key_of(file: File, content: bytearray) -> Key:
    """The state that is durable, and the bytes in the range that is not."""
    if not file.pending:
        return (file.version,)
    start = min(place for place, _ in file.pending)
    end = max(place + len(written or b"") for place, written in file.pending)
    return file.version, len(content), hash(bytes(content[start:end]))


def torn(file: File, share: float, chance: random.Random) -> tuple[bytes, Key]:
    """The file with a share of the pieces of what is pending."""
    pieces = [piece for operation in file.pending for piece in pieces_of(operation)]
    chosen = [piece for piece in pieces if chance.random() < share]
    if chosen and chance.random() < 0.2:
        at = chance.randrange(len(chosen))
        chosen[at] = part_of(chosen[at], chance)
    content = bytearray(file.durable)
    if pieces and chance.random() < 0.2:
        stretch(content, pieces, chance)
    for piece in chosen:
        apply(content, piece)
    return bytes(content), key_of(file, content)


def pieces_of(operation: Operation) -> list[Operation]:
    """What an operation puts into each sector."""
    place, written = operation
    if written is None:
        return [operation]
    end = place + len(written)
    bounds = [place, *range(place - place % SECTOR + SECTOR, end, SECTOR), end]
    return [
        Operation(start, written[start - place : stop - place]) for start, stop in pairwise(bounds)
    ]


def part_of(piece: Operation, chance: random.Random) -> Operation:
    """A piece of which only the begin or the end is there."""
    place, written = piece
    if written is None or len(written) < 2:
        return piece
    at = chance.randrange(1, len(written))
    return (
        Operation(place, written[:at])
        if chance.random() < 0.5
        else Operation(place + at, written[at:])
    )


def stretch(content: bytearray, pieces: list[Operation], chance: random.Random) -> None:
    """The file has its new length, and zeros or anything in what is new."""
    end = max(place + len(written or b"") for place, written in pieces)
    missing = end - len(content)
    if missing > 0:
        content.extend(bytes(missing) if chance.random() < 0.5 else chance.randbytes(missing))
