# SPDX-License-Identifier: MIT OR Apache-2.0
"""The block in which a received message is handled (docs/storage.md, "asyncio").

What joins the block is tried when it is called, so that it can be refused there, and made at the
end of the block, in the transaction in which the message leaves the inbox. Nothing is held while
the application waits in between.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, final

from e2ee import _outbox
from e2ee.errors import StaleSessionError, TransactionOpenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    import e2ee
    from e2ee.aio._turns import Turns
    from e2ee.values import Address, Message

_T = TypeVar("_T")
#: Where the place in a batch stands in the name of an entry (docs/formats.md, "Record names").
_PLACE: Final = slice(28, 32)
_LAST_PLACE: Final = 0xFFFF
#: The innermost block around the code that runs now, of whatever account; tasks inherit it.
_innermost: Final[ContextVar[Block | None]] = ContextVar("e2ee.aio block", default=None)


@final
class Block:
    """The block as an asynchronous context manager of its message."""

    __slots__ = ("_account", "_around", "_joined", "_message", "_open", "_receive", "turns")

    def __init__(
        self,
        turns: Turns,
        account: e2ee.Account,
        receive: Callable[[], AbstractContextManager[Message]],
    ) -> None:
        self.turns = turns
        self._account = account
        self._receive = receive
        self._around: Block | None = None
        self._joined: list[Callable[[], object]] = []
        self._message: Message | None = None
        self._open = False

    async def __aenter__(self) -> Message:
        """The message, which is in the inbox."""
        message = await self.turns.call(self._received)
        self._message, self._open = message, True
        self._joined = [partial(self._account.handled, message)]
        self._around = _innermost.get()
        _innermost.set(self)
        return message

    async def __aexit__(self, *raised: object) -> None:
        """Takes the message out of the inbox with all that joined, or nothing if it has raised."""
        self._open = False
        _innermost.set(self._around)
        if raised[0] is None:
            await self.turns.call(self._end, lone=len(self._joined) == 1)

    def _received(self) -> Message:
        with self._receive() as message:
            return message

    def _end(self) -> None:
        for call in self._joined:
            call()

    async def queue_many(self, messages: Iterable[tuple[Address | str, bytes]]) -> list[str]:
        """The names that the entries of the outbox will have."""
        given = list(messages)
        tried = await self._tried(partial(self._account.queue_many, given))
        return [self._join_queued(*each) for each in zip(given, tried, strict=True)]

    async def queue(self, peer: Address | str, plaintext: bytes) -> str:
        """The name that the entry of the outbox will have."""
        tried = await self._tried(partial(self._account.queue, peer, plaintext))
        return self._join_queued((peer, plaintext), tried)

    def _join_queued(self, message: tuple[Address | str, bytes], tried: str) -> str:
        """The name from a try, with the place in this block instead of that in the try."""
        place = f"{min(len(self._joined), _LAST_PLACE):04x}"
        name = tried[: _PLACE.start] + place + tried[_PLACE.stop :]
        self.join(partial(_outbox.queue_as, self._account, *message, name))
        return name

    async def handled(self, message: Message) -> None:
        """Ends another message with this one; a block around this one ends its own."""
        if self._ends(message.inbox_id):
            return
        call = partial(self._account.handled, message)
        await self._tried(call)
        self.join(call)

    async def _tried(self, call: Callable[[], _T]) -> _T:
        """What a call would give now."""
        together = self.turns.together
        return await self.turns.call(lambda: together.tried(call))

    def join(self, *calls: Callable[[], object]) -> None:
        """Leaves calls for the end of the block.

        Raises:
            StaleSessionError: That was while the store was asked.
        """
        if not self._open:
            raise StaleSessionError("the receive block has ended: repeat the call")
        self._joined += calls

    def _ends(self, inbox_id: str | None) -> bool:
        """Whether this block, or one around it, ends this message."""
        block: Block | None = self
        while block is not None:
            message = block._message  # noqa: SLF001 - of the same class
            ours = block.turns is self.turns and block._open  # noqa: SLF001
            if ours and message and message.inbox_id == inbox_id:
                return True
            block = block._around  # noqa: SLF001
        return False

    @staticmethod
    def around(turns: Turns) -> Block | None:
        """The innermost open block of an account around the code that runs now."""
        block = _innermost.get()
        while block is not None and not (block.turns is turns and block._open):  # noqa: SLF001
            block = block._around  # noqa: SLF001
        return block


def refuse_block(turns: Turns) -> None:
    """Refuses what a block would not undo if it raised.

    Raises:
        TransactionOpenError: A block is open around the code that runs now.
    """
    if Block.around(turns) is not None:
        raise TransactionOpenError("a receive block is open in this task")
