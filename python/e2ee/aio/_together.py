# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls that share one transaction of a store (docs/storage.md, "asyncio").

A result is taken from its step before the commit, since later calls build on it; whoever runs the
calls hands it out after the commit.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, final

from e2ee import _scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from e2ee import _core
    from e2ee._commits import Exchange
    from e2ee._scopes import Work
    from e2ee.store import Scope, Store, Transaction

_T = TypeVar("_T")


@final
class Together:
    """The transaction of a group of calls, for `e2ee.Account` as its doors; used by one thread."""

    __slots__ = ("_beside", "_stack", "_steps", "_transaction", "_trial", "changes", "store")

    def __init__(self, store: Store) -> None:
        self.store = store
        self._stack = ExitStack()
        self._transaction: Transaction | None = None
        self._steps: list[_core.Step[Any]] = []
        self._beside = False
        self._trial = False
        #: How many steps have changed something in this transaction.
        self.changes = 0

    @contextmanager
    def transaction(self, *, lone: bool) -> Iterator[None]:
        """The transaction, which begins with the first call that needs it.

        It is durable when its block has ended, and undone if that raised. The transaction of a lone
        step leaves alone what that is not about, in a store that can do so.
        """
        self._beside, self.changes = lone, 0
        self._steps = []
        try:
            with self._stack:
                yield
            self._transaction = None
            _scopes.settle(self.store, self._steps)
        finally:
            self._transaction = None
            # Those that are settled already have nothing to end.
            _scopes.end(self._steps)

    def read(self, work: Callable[[Transaction], _T]) -> _T:
        """Reads, also what calls of the same group before this one have changed."""
        return work(self._opened(None))

    read_committed = read

    def alone(self) -> AbstractContextManager[Transaction]:
        """A transaction of its own, for a call that shares none."""
        return self.store.transaction()

    def write(self, work: Work[_T], scope: Scope | None = None) -> _T:
        """Makes a step part of the transaction."""
        inside = self._opened(scope)
        step = work(inside)
        if self._trial:
            result = step.join()
            step.end()
            return result
        if step.writes:
            self.changes += 1
            inside.apply(step.writes)
        result = step.join()
        self._steps.append(step)
        return result

    commit = write
    join = write

    def exchange(self, work: Exchange[_T]) -> None:
        """Nothing here has a commit of its own."""
        del work

    @contextmanager
    def handling(self, inbox_id: str, work: Work[bool]) -> Iterator[None]:
        """The message stays in the inbox: its block is elsewhere."""
        del inbox_id, work
        yield

    def handles(self, inbox_id: str) -> bool:
        """No block is here."""
        del inbox_id
        return False

    def tried(self, call: Callable[[], _T]) -> _T:
        """What a call would give; its steps are dropped."""
        self._trial = True
        try:
            return call()
        finally:
            self._trial = False

    def _opened(self, scope: Scope | None) -> Transaction:
        if self._transaction is None:
            beside = getattr(self.store, "beside", None) if self._beside and scope else None
            begins = self.store.transaction() if beside is None else beside(scope)
            self._transaction = self._stack.enter_context(begins)
        return self._transaction
