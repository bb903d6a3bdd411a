# SPDX-License-Identifier: MIT OR Apache-2.0
"""How an account's calls become transactions of its store (docs/storage.md, "Calls").

What leaves does so after the outermost commit. A call that lets nothing leave may be part of a
transaction that goes on: the application's own, on a connection that it lent, or that of a
`receive` block.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, final

from e2ee import _scopes
from e2ee.errors import DuplicateMessageError, TransactionOpenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import Protocol

    from e2ee import _core
    from e2ee._scopes import Work
    from e2ee.store import Exchanged, LentStore, Scope, Store, Transaction

_T = TypeVar("_T")

if TYPE_CHECKING:
    #: What makes one change by what it is given, and what may leave then; see `ExchangingStore`.
    Exchange = Callable[[Callable[[Exchanged], bool]], _T | None]

    class Doors(Protocol):
        """How an account's calls reach its store: `Commits`, or what puts calls together."""

        store: Store

        def read(self, work: Callable[[Transaction], _T]) -> _T: ...
        def read_committed(self, work: Callable[[Transaction], _T]) -> _T: ...
        def alone(self) -> AbstractContextManager[Transaction]: ...
        def write(self, work: Work[_T], scope: Scope | None = None) -> _T: ...
        def commit(self, work: Work[_T], scope: Scope | None = None) -> _T: ...
        def exchange(self, work: Exchange[_T]) -> _T | None: ...
        def join(self, work: Work[_T], scope: Scope | None = None) -> _T: ...
        def handling(self, inbox_id: str, work: Work[bool]) -> AbstractContextManager[None]: ...
        def handles(self, inbox_id: str) -> bool: ...


@final
class Commits:
    """The transactions of one account; threads may share it."""

    __slots__ = ("_blocks", "_exchange", "_joined", "_lent", "store")

    def __init__(self, store: Store) -> None:
        self.store = store
        self._exchange = _exchange_of(store)
        self._lent = lent_store(store)
        #: Steps in the application's transaction, whose end is seen at the next call behind it.
        self._joined: list[_core.Step[Any]] = []
        self._blocks: dict[int, list[Block]] = {}

    def read(self, work: Callable[[Transaction], _T]) -> _T:
        """Reads, also inside a transaction that goes on."""
        block = self._block()
        if block is not None and block.transaction is not None:
            return work(block.transaction)
        with reading(self.store) as transaction:
            return work(transaction)

    def read_committed(self, work: Callable[[Transaction], _T]) -> _T:
        """Reads what may leave.

        Raises:
            TransactionOpenError: A transaction goes on, which could still be undone.
        """
        with self.alone() as transaction:
            return work(transaction)

    def alone(self) -> AbstractContextManager[Transaction]:
        """A transaction that is no part of another one.

        Raises:
            TransactionOpenError: A transaction goes on.
        """
        self._refuse_block()
        self._refuse_joined()
        return self.store.transaction()

    def write(self, work: Work[_T], scope: Scope | None = None) -> _T:
        """Commits a step that a receive block would not undo if it raised.

        Raises:
            TransactionOpenError: A transaction goes on, which could still be undone.
        """
        self._refuse_block()
        return self.commit(work, scope)

    def commit(self, work: Work[_T], scope: Scope | None = None) -> _T:
        """Saves a step, and releases its result after the commit; if that fails, nothing leaves.

        Raises:
            TransactionOpenError: The application's transaction is open.
        """
        self._refuse_joined()
        return _scopes.released(self.store, _scopes.saved(self.store, scope, work))

    def exchange(self, work: Exchange[_T]) -> _T | None:
        """Changes one record without a transaction; what may leave then, `None` if it cannot."""
        if self._exchange is None or (self._blocks and self._block() is not None):
            return None
        return self._exchange(work)

    def join(self, work: Work[_T], scope: Scope | None = None) -> _T:
        """Saves a step whose result stays here, in the transaction that goes on, if one does."""
        block = self._block()
        if block is not None:
            return block.join(work)
        if self._lent is None or not self._lent.in_transaction():
            _scopes.end(self._joined)
            return _scopes.released(self.store, _scopes.saved(self.store, scope, work))
        with self._lent.joined() as transaction:
            step = work(transaction)
            transaction.apply(step.writes)
        self._joined.append(step)
        return step.join()

    @contextmanager
    def handling(self, inbox_id: str, work: Work[bool]) -> Iterator[None]:
        """The block in which a message is handled, which ends with the message.

        Raises:
            DuplicateMessageError: Somebody else has handled the message meanwhile.
        """
        block, thread = Block(self.store, inbox_id, work), threading.get_ident()
        if self._lent is not None:
            block.begin()
        with block:
            opened = self._blocks.setdefault(thread, [])
            opened.append(block)
            try:
                yield
            finally:
                opened.remove(block)
                if not opened:
                    del self._blocks[thread]

    def handles(self, inbox_id: str) -> bool:
        """Whether a block of this thread ends this message."""
        blocks = self._blocks.get(threading.get_ident(), ())
        return any(block.inbox_id == inbox_id for block in blocks)

    def _block(self) -> Block | None:
        """The innermost block that is open in this thread."""
        blocks = self._blocks.get(threading.get_ident())
        return blocks[-1] if blocks else None

    def _refuse_joined(self) -> None:
        if self._lent is not None:
            refuse_joined(self._lent)
            _scopes.end(self._joined)

    def _refuse_block(self) -> None:
        if self._block() is not None:
            raise TransactionOpenError("a receive block is open in this thread")


@final
class Block:
    """The second transaction of a receive block.

    On a connection that the application lent, it begins before the message is shown, and the
    application's rows are part of it. In a store of our own it begins with the first call that
    joins it, so that no lock is held while the application's code runs.
    """

    __slots__ = ("_handled", "_stack", "_steps", "_store", "inbox_id", "transaction")

    def __init__(self, store: Store, inbox_id: str, handled: Work[bool]) -> None:
        self.inbox_id = inbox_id
        self.transaction: Transaction | None = None
        self._handled = handled
        self._stack = ExitStack()
        self._steps: list[_core.Step[Any]] = []
        self._store = store

    def begin(self) -> None:
        """Begins the transaction, and takes the message out of the inbox in it.

        Raises:
            DuplicateMessageError: Somebody else has handled the message meanwhile.
        """
        with ExitStack() as stack:
            self.transaction = stack.enter_context(self._store.transaction())
            try:
                self._take_message()
            except BaseException:
                self.transaction = None
                _scopes.end(self._steps)
                raise
            self._stack = stack.pop_all()

    def _take_message(self) -> None:
        if not self._run(self._handled):
            raise handled_before()

    def join(self, work: Work[_T]) -> _T:
        """Makes a step part of the transaction."""
        if self.transaction is None:
            self.begin()
        return self._run(work)

    def _run(self, work: Work[_T]) -> _T:
        assert self.transaction is not None  # noqa: S101 - `begin` has set it
        step = work(self.transaction)
        self.transaction.apply(step.writes)
        result = step.join()
        self._steps.append(step)
        return result

    def __enter__(self) -> Block:
        """The application's code follows."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Commits, or undoes all if the application's code has raised."""
        begun, self.transaction = self.transaction, None
        if begun is None:
            if raised[0] is None:
                scope = _scopes.handling(self.inbox_id)
                if not _scopes.saved(self._store, scope, self._handled).release():
                    raise handled_before()
            return
        try:
            self._stack.__exit__(*raised)  # type: ignore[arg-type] # what `with` gives
            if raised[0] is None:
                _scopes.settle(self._store, self._steps)
        finally:
            # Those that are settled already have nothing to end.
            _scopes.end(self._steps)


def handled_before() -> DuplicateMessageError:
    """The error of a message that is not in the inbox any more."""
    return DuplicateMessageError("the message was handled before", delivered=True)


def _exchange_of(store: Store) -> Callable[[Exchange[_T]], _T | None] | None:
    """What changes one record without a transaction, if the store can."""
    return getattr(store, "exchange", None)


def lent_store(store: Store) -> LentStore | None:
    """The store, if it works on a connection that the application lent."""
    return store if hasattr(store, "joined") and hasattr(store, "in_transaction") else None  # type: ignore[return-value] # it has what makes one


def refuse_joined(store: Store) -> None:
    """Refuses a call whose result leaves, inside the application's transaction."""
    lent = lent_store(store)
    if lent is not None and lent.in_transaction():
        raise TransactionOpenError(
            "the application's transaction is open, which without autocommit any statement begins: "
            "commit or roll back first"
        )


def reading(store: Store) -> AbstractContextManager[Transaction]:
    """A transaction to read in; inside the application's, if one is open."""
    lent = lent_store(store)
    return lent.joined() if lent is not None and lent.in_transaction() else store.transaction()
