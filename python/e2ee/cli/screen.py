# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a person sees beside the result: notes, progress, and text from others made harmless."""

import contextlib
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


def notes() -> Console:
    """The standard error stream, so that the standard output holds the result alone."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """One line for the person, not for the script."""
    notes().print(text, markup=False)


@contextlib.contextmanager
def waiting(text: str) -> Iterator[None]:
    """Shows that something takes a moment; only on a terminal."""
    console = notes()
    with console.status(text) if console.is_terminal else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def transfer_progress(text: str, total: int | None) -> Iterator[Progress]:
    """A bar for bytes read; only on a terminal."""
    console = notes()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        bar.add_task(text, total=total)
        yield bar


@contextlib.contextmanager
def byte_progress(text: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for bytes, to be told how many of how many are done; only on a terminal."""
    console = notes()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    ends = (TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(
        *columns, *ends, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(text, total=None)

        def tell(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield tell


@contextlib.contextmanager
def record_progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for records, to be told how many of how many are done; only for many, on a terminal."""
    console = notes()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(text, total=None, visible=False)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=total >= MANY_RECORDS)

        yield tell


def can_answer() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def harmless(text: str) -> str:
    """The text with every character made visible that could steer a terminal or hide others."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in STEERING:
        return character
    return f"<U+{ord(character):04X}>"


#: Control and format characters (bidirectional marks among them), surrogates, line separators.
STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: From here on, a bar is shown.
MANY_RECORDS: Final = 2_000
