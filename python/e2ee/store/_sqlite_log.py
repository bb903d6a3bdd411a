# SPDX-License-Identifier: MIT OR Apache-2.0
"""The write-ahead log (`-wal`) of an SQLite file, looked at before SQLite takes it for shorter.

SQLite reads a log up to the first frame that does not fit, and cuts off the rest: after a loss of
power that is right, as what follows was never synced. After damage it sets the store back by
transactions that were synced. `rust/state/src/log.rs` tells the two apart (docs/storage.md, "A
damaged log").

Only the log is opened here. SQLite's locks are on the file and its `-shm`, and closing those would
drop the locks of this process; nobody locks a log. So it may be read while others write into it:
what is found is believed only if two readings, the second of which began when the first had ended,
are the same. Then it stood there so at one moment, and at no moment does a writer leave a log that
looks damaged.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from e2ee import _core
from e2ee.errors import StoreCorruptionError, StoreUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

#: Readings that differ, after which somebody is writing, who knows the log's true end.
_TRIES: Final = 20
#: Seconds between two of them.
_PAUSE: Final = 0.005
_BINARY: Final = getattr(os, "O_BINARY", 0)


def refuse_damaged_log(path: Path) -> None:
    """Refuses a file whose log is damaged; all files stay as they are.

    Raises:
        StoreCorruptionError: The log has lost transactions that were durable.
    """
    if log_is_damaged(path):
        raise StoreCorruptionError(
            "the log beside the store's file is damaged: leave both as they are, restore a backup"
        )


def log_is_damaged(path: Path) -> bool:
    """Whether SQLite would leave out durable transactions of the log beside this file."""
    log = _content(path)
    for _ in range(_TRIES):
        if not _core.log_is_damaged(log):
            return False
        again = _content(path)
        if again == log:
            return True
        log = again
        time.sleep(_PAUSE)
    return False


def settle_log(path: Path) -> None:
    """Makes durable what a process wrote that was killed before it could.

    SQLite is about to take it for committed. What we write behind it could else come to the disk
    before it does, and after a loss of power that would look like damage.

    Raises:
        StoreUnavailableError: The log cannot be synced.
    """
    try:
        descriptor = os.open(_log_of(path), os.O_RDWR | _BINARY)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreUnavailableError("the store's log cannot be written") from error
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise StoreUnavailableError("the store's log cannot be synced") from error
    finally:
        os.close(descriptor)


def _content(path: Path) -> bytes:
    """What is in the log; nothing, if it cannot be read: SQLite says why."""
    with suppress(OSError, ValueError):
        return _log_of(path).read_bytes()
    return b""


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")
