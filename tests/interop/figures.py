# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a run counts, and the table at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Figures:
    """Counts by what was counted; `opened` are the messages that gave their plaintext."""

    conversations: Counter[str] = field(default_factory=Counter)
    opened: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    sent: int = 0

    @property
    def messages(self) -> int:
        """All messages that were opened."""
        return self.opened.total()

    def missing(self, kinds: Iterable[str], checks: Iterable[str]) -> list[str]:
        """What had to be counted and was not."""
        directions = ("ours to theirs", "theirs to ours")
        none = [
            f"{kind}, {direction}"
            for kind in kinds
            for direction in directions
            if not self.opened[kind, direction]
        ]
        return none + [check for check in checks if not self.checked[check]]

    def lines(self) -> list[str]:
        """The table."""
        rows = [("conversations", self.conversations.total())]
        rows += [(f"  {kind}", count) for kind, count in sorted(self.conversations.items())]
        rows += [("messages sent", self.sent), ("messages opened", self.messages)]
        rows += [
            (f"  {kind}, {direction}", count)
            for (kind, direction), count in sorted(self.opened.items())
        ]
        rows += [("refused, as they had to be", self.refused.total())]
        rows += [(f"  {what}", count) for what, count in sorted(self.refused.items())]
        rows += [("checks", self.checked.total())]
        rows += [(f"  {what}", count) for what, count in sorted(self.checked.items())]
        width = max(len(name) for name, _ in rows)
        return [f"{name:<{width}}  {count:>9,}" for name, count in rows]
