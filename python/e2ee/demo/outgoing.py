# SPDX-License-Identifier: MIT OR Apache-2.0
"""What one side still owes the other: new items, and those that nobody acknowledged in time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, final

from e2ee.demo.items import Content, Item, Stream, made_text
from e2ee.demo.plan import CHUNK_LEN, WINDOW


@final
class Outgoing:
    """Items in order, a window of them under way."""

    __slots__ = ("_acknowledged", "_file", "_goals", "_next", "_sent", "_turn", "_user")

    def __init__(self, user: str, acknowledged: set[Item]) -> None:
        self._user = user
        self._acknowledged = acknowledged
        self._goals = dict.fromkeys(Stream, 0)
        self._next = dict.fromkeys(Stream, 0)
        self._file: Path | None = None
        #: Items under way, with the turn in which they were sent last.
        self._sent: dict[Item, int] = {}
        self._turn = 0

    def owe(self, stream: Stream, count: int) -> None:
        """From now on, `count` items of the stream are to be sent in all."""
        self._goals[stream] = count

    def take_file(self, path: Path) -> None:
        """Chunks are parts of this file."""
        self._file = path

    def confirm(self, items: Iterable[Item]) -> set[Item]:
        """The other side has these; the result are those that are news."""
        news = set(items) - self._acknowledged
        self._acknowledged |= news
        for item in news:
            self._sent.pop(item, None)
        return news

    def owed(self) -> int:
        """Items that the other side has not acknowledged."""
        return sum(self._goals.values()) - len(self._acknowledged)

    def acknowledged(self) -> set[Item]:
        """Items that the other side says it has."""
        return set(self._acknowledged)

    def next_turn(self, limit: int) -> Iterator[Content]:
        """What to send now: what got lost, it seems, and then new items."""
        self._turn += 1
        late = [item for item, turn in self._sent.items() if self._turn - turn >= PATIENCE]
        for item in [*late, *self._new_items()][:limit]:
            self._sent[item] = self._turn
            self._next[item.stream] = max(self._next[item.stream], item.index + 1)
            yield Content(item, self._body(item))

    def _new_items(self) -> list[Item]:
        free = WINDOW - len(self._sent)
        new: list[Item] = []
        for stream, goal in self._goals.items():
            for index in range(self._next[stream], goal):
                if len(new) >= free:
                    break
                item = Item(stream, index)
                if item not in self._acknowledged:
                    new.append(item)
        return new

    def _body(self, item: Item) -> bytes:
        if item.stream is Stream.TEXT or self._file is None:
            return made_text(self._user, item.index)
        with self._file.open("rb") as file:
            file.seek(item.index * CHUNK_LEN)
            return file.read(CHUNK_LEN)


#: Turns to wait for an acknowledgement: the way there, the way back, and the carrier's delays.
PATIENCE: Final = 6
