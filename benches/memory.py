# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bytes that a session takes in memory after 200 messages in turns, in this process.

Run as `python -m benches.memory [vodozemac|libolm]`, on Linux with glibc, whose allocator says how
much of it is in use: what that grew by, over the sessions of both ends. Objects of Python itself,
some dozen bytes, are not in it.
"""

import ctypes
import gc
import sys
from collections.abc import Callable
from importlib import import_module

CONVERSATIONS, MESSAGES, TEXT = 20, 200, bytes(64)


class _Allocated(ctypes.Structure):
    """`struct mallinfo2`, of which `uordblks` is what is in use, and `hblkhd` what was mapped."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def in_use() -> int:
    """Bytes that the allocator has given out, of which Python's own arenas are not counted."""
    gc.collect()
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = _Allocated
    return int(ask().uordblks)


def ours() -> object:
    """A conversation of so many messages."""
    from benches.conversation import Conversation  # noqa: PLC0415 - not where others are measured

    conversation = Conversation.fresh()
    conversation.exchange(TEXT, MESSAGES)
    return conversation


def of_library(name: str) -> Callable[[], object]:
    """The same of another library."""
    library = import_module(f"benches.libraries.{name}").Library()

    def talk() -> object:
        ends: object = library.conversation()
        library.exchange(ends, TEXT, MESSAGES)
        return ends

    return talk


def main() -> None:
    """Measures, and prints one figure."""
    if not hasattr(ctypes.CDLL(None), "mallinfo2"):
        sys.exit("the allocator does not say how much is in use")
    talk = of_library(sys.argv[1]) if sys.argv[1:] else ours
    kept = [talk()]
    before = in_use()
    kept += [talk() for _ in range(CONVERSATIONS)]
    sys.stdout.write(f"{(in_use() - before) / CONVERSATIONS / 2:.0f}\n")
    assert len(kept) == CONVERSATIONS + 1


if __name__ == "__main__":
    main()
