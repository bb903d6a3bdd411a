# SPDX-License-Identifier: MIT OR Apache-2.0
"""Opening the account that a command works for, and the options that say which one."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from e2ee import Account, Healed, InvalidArgumentError, SQLiteStore
from e2ee.cli.exits import CommandError, Exit
from e2ee.cli.places import default_store
from e2ee.cli.screen import waiting
from e2ee.cli.secret import PassphraseSource
from e2ee.mtproto import SecretChats
from e2ee.store import Examination, FileAnchor, examine_file, restore


@dataclass(frozen=True, slots=True)
class Opening:
    """Which store, where its passphrase comes from, and what a copy of it is found by."""

    path: Path
    passphrase: PassphraseSource
    anchor: FileAnchor | None = None

    @contextlib.contextmanager
    def account(self) -> Iterator[Account]:
        """The account in the store, until the block ends."""
        self.check()
        passphrase = self.passphrase.read()
        with SQLiteStore(self.path, passphrase=passphrase, anchor=self.anchor) as store:
            with waiting("Opening the store"):
                account = Account.open(store)
            yield account

    @contextlib.contextmanager
    def holding(self) -> Iterator[Account | SecretChats]:
        """What the store holds, an account or secret chats, until the block ends."""
        self.check()
        passphrase = self.passphrase.read()
        with SQLiteStore(self.path, passphrase=passphrase, anchor=self.anchor) as store:
            with waiting("Opening the store"):
                held = _opened(store)
            yield held

    def check(self) -> None:
        """Refuses a place where there is no file."""
        if not self.path.exists():
            sentence = f"there is no store at {self.path}: make one with 'e2ee init'"
            raise CommandError(sentence, Exit.NO_ACCESS)

    def examination(self, *, names: bool) -> Examination:
        """What the doctor sees of the store, which need not open."""
        self.check()
        passphrase = self.passphrase.read()
        with waiting("Looking at the store"):
            return examine_file(self.path, passphrase=passphrase, names=names, anchor=self.anchor)

    def restored(self, file: Path, progress: Callable[[int, int], None]) -> Healed:
        """Makes a store of a backup, whose passphrase it keeps."""
        passphrase = self.passphrase.read()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with SQLiteStore(self.path, passphrase=passphrase, anchor=self.anchor) as store:
            return restore(file, store, progress=progress)

    @contextlib.contextmanager
    def new_account(self, user: str) -> Iterator[Account]:
        """A new account, in a store that is made if there is none."""
        passphrase = self.passphrase.choose()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with SQLiteStore(self.path, passphrase=passphrase, anchor=self.anchor) as store:
            with waiting("Making the store"):
                account = Account.create(store, user)
            yield account


def _opened(store: SQLiteStore) -> Account | SecretChats:
    try:
        return Account.open(store)
    except InvalidArgumentError:
        return SecretChats.open(store)


def opens_store(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options that name a store; its first argument is what they mean."""

    @click.option(
        "--store",
        "path",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="E2EE_STORE",
        metavar="FILE",
        help="The file of the store; E2EE_STORE in the environment does the same.",
    )
    @click.option(
        "--anchor",
        "anchor",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="E2EE_ANCHOR",
        metavar="FILE",
        help="The file of the store's anchor, elsewhere; or E2EE_ANCHOR in the environment.",
    )
    @click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Take the passphrase from the first line of a file.",
    )
    @click.option(
        "--passphrase-fd",
        type=click.IntRange(min=0),
        metavar="N",
        help="Take the passphrase from the first line of an open file descriptor.",
    )
    @functools.wraps(command)
    def with_store(
        *,
        path: Path | None,
        anchor: Path | None,
        passphrase_file: Path | None,
        passphrase_fd: int | None,
        **arguments: object,
    ) -> None:
        source = PassphraseSource(passphrase_file, passphrase_fd)
        held = None if anchor is None else FileAnchor(anchor)
        command(Opening(path or default_store(), source, held), **arguments)

    return with_store
