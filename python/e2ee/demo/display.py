# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a person sees while the demo runs, and the table at its end."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from e2ee.demo.attacks import Attack
from e2ee.demo.carrier import Posted
from e2ee.demo.conversation import Kill

if TYPE_CHECKING:
    from e2ee.demo.report import Transfer


@final
class Display:
    """Acts, notes and bars; the bars only on a terminal."""

    __slots__ = ("_console",)

    def __init__(self, console: Console) -> None:
        self._console = console

    def act(self, title: str, subtitle: str) -> None:
        """A new act begins."""
        self._console.print(f"\n[bold]{title}[/bold]: {subtitle}", soft_wrap=True)

    def note(self, text: str) -> None:
        """Something happened."""
        self._console.print(f"  {text}", markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar; the function sets how much is done."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        hidden = not self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=hidden) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.update(task, completed=done)

    def sightings(self, posted: list[Posted]) -> None:
        """What the carrier saw: a few envelopes from the beginning, and a few from the end."""
        self.note("what the carrier saw:")
        for one in [*posted[:SHOWN], *posted[-SHOWN:]]:
            head = one.envelope[:HEAD_LEN].hex()
            self.note(
                f"  {one.sender:>5} → {one.recipient:<5} {one.sighting.kind:<7} "
                f"{len(one.envelope):>6,} bytes  {head}…"
            )

    def kill(self, kill: Kill) -> None:
        """A process was killed and started again."""
        self.note(
            f"SIGKILL to {kill.user} while {kill.while_doing}; started again: "
            f"{kill.waiting} waiting in the inbox, of {kill.acknowledged:,} acknowledged "
            f"{kill.missing} missing"
        )

    def attacks(self, attacks: list[Attack]) -> None:
        """What was tried, and which errors answered."""
        table = Table("tried", "times", "refused as", box=None, pad_edge=False, padding=(0, 2))
        table.columns[1].justify = "right"
        for tried in attacks:
            errors = ", ".join(f"{name} {count:,}" for name, count in tried.refused.most_common())
            table.add_row(tried.name, f"{tried.tries:,}", errors)
        self._console.print(table)

    def transfer(self, transfer: "Transfer") -> None:
        """The digests at both ends."""
        self.note(f"sha256 at alice's {transfer.sha256_sent}")
        self.note(f"sha256 at bob's   {transfer.sha256_received}")


SHOWN: Final = 3
HEAD_LEN: Final = 24
