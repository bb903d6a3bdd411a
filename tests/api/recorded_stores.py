# SPDX-License-Identifier: MIT OR Apache-2.0
"""The stores that programs of Matrix made, as they were recorded (tests/vectors/olm/README.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from e2ee import matrix_stores
from tests.interop.matrix import story_mautrix, story_nio
from tests.interop.matrix.moved import Moved
from tests.interop.matrix.story import Story, make

if TYPE_CHECKING:
    from types import ModuleType

    from e2ee import olm

FOLDER: Final = Path(__file__).parent.parent / "vectors" / "olm" / "stores"
NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.json"))


@dataclass(frozen=True, slots=True)
class Recorded:
    """A bot's store, those of the others, and what is known of them; the stores can be altered."""

    story: Story
    stores: dict[str, Any]
    lists: dict[str, str]
    folder: Path

    @property
    def happens(self) -> ModuleType:
        """What the program's bot goes through."""
        return story_nio if self.story.program == "matrix-nio" else story_mautrix

    def file(self, name: str) -> Path:
        """Somebody's file, made anew."""
        ids = self.story.people[name]
        path = self.folder / f"{ids['user']}_{ids['device']}.db"
        path.unlink(missing_ok=True)
        for ending, text in self.lists.items() if name == "alice" else ():
            path.with_suffix(f".{ending}").write_text(text, encoding="utf-8")
        return make(path, self.stores[name])

    def imported(self, key: olm.StateKey, name: str = "bot") -> matrix_stores.StoreImport:
        """What `import_store` gives."""
        return matrix_stores.import_store(self.file(name), key, pickle_key=self.story.pickle_key)

    def moved(self, key: olm.StateKey, name: str = "bot") -> Moved:
        """Somebody who goes on here."""
        return Moved(self.imported(key, name).devices[0], key)

    def table(self, name: str) -> dict[str, Any]:
        """A table of the bot's store."""
        found: dict[str, Any] = self.stores["bot"][name]
        return found

    def set(self, table: str, column: str, place: int, value: object) -> object:
        """Alters a value of the bot's store; what was there."""
        held = self.table(table)
        row = held["rows"][place]
        at = held["columns"].index(column)
        before, row[at] = row[at], value
        return before


def recorded(name: str, folder: Path) -> Recorded:
    """The recording of this name."""
    found = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    story = Story(**{field.name: found[field.name] for field in fields(Story)})
    return Recorded(story, found["stores"], found["alice's lists"], folder)
