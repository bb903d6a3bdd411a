# SPDX-License-Identifier: MIT OR Apache-2.0
"""Anchors: a few bytes outside a store, by which a copy of it is found (docs/guides/anchor.md).

An anchor is not copied, restored or cloned together with its store. It holds what the store's last
state was that could send; the store compares it before it sends, and changes it before anything
leaves.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, final

from e2ee.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: More is no value of ours (docs/formats.md, "Anchor").
_LONGEST: Final = 4_096


class Anchor(Protocol):
    """Keeps one value of 41 bytes, outside what is restored or cloned with the store.

    Threads and processes may use it at the same time. What a method raises comes out of the call
    that asked the anchor, and nothing leaves.
    """

    def read(self) -> bytes | None:
        """The value, or `None` if none was ever set.

        It is durable: no power cut or fail-over after this call brings an older one back.
        """

    def advance(self, old: bytes | None, new: bytes, /) -> bool:
        """Sets `new` if the value is `old`, in one step, and says whether it did.

        True only once `new` is durable. After an exception either may be the value.
        """


@final
class FileAnchor:
    """An anchor in a file of its own, which is made for its owner only.

    It finds what is done to the store alone: keep it on a medium of which no backup is put back,
    and which is not cloned, together with the store. A second file beside it (`.lock`) holds the
    lock under which it is changed; both need a file system with locks and durable renames.

    Args:
        path: The file; its folder must exist.

    >>> import e2ee, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     anchor = e2ee.store.FileAnchor(f"{folder}/alice.anchor")
    ...     with e2ee.SQLiteStore(f"{folder}/alice.db", key=bytes(32), anchor=anchor) as store:
    ...         account = e2ee.Account.create(store, "alice")
    ...     len(anchor.read())
    41
    """

    __slots__ = ("_path",)

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).absolute()

    def read(self) -> bytes | None:
        """The value, or `None` if there is no file.

        Raises:
            StoreUnavailableError: The file cannot be read.
        """
        with _refused("the anchor's file cannot be read"):
            try:
                with self._path.open("rb") as file:
                    return file.read(_LONGEST)
            except FileNotFoundError:
                return None

    def advance(self, old: bytes | None, new: bytes, /) -> bool:
        """Sets `new` if the file holds `old`; on disk when it returns.

        Raises:
            StoreUnavailableError: The file cannot be written or locked.
        """
        with _refused("the anchor's file cannot be written"), locked(_beside(self._path, ".lock")):
            if self.read() != old:
                return False
            replace(self._path, new)
            return True

    def __repr__(self) -> str:
        """The type alone."""
        return "FileAnchor()"


@final
class CallbackAnchor:
    """An anchor in whatever can be read and written, but not compared and set in one step.

    The comparison is made under the lock of a file: everybody who uses the anchor must be on one
    machine, and name the same file. What has a compare-and-set of its own, or serves several
    machines, is better given as an `Anchor`.

    Args:
        read: Returns the value, or `None` if none was ever set.
        write: Sets the value; it must be durable when it returns.
        lock: The file that is locked meanwhile; it is made, and holds nothing.

    >>> import e2ee, tempfile
    >>> held: dict[str, bytes] = {}
    >>> write = lambda value: held.update(value=value)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     anchor = e2ee.store.CallbackAnchor(
    ...         lambda: held.get("value"), write, lock=f"{folder}/lock"
    ...     )
    ...     anchor.advance(None, b"one"), anchor.advance(None, b"two"), anchor.read()
    (True, False, b'one')
    """

    __slots__ = ("_lock", "_read", "_write")

    def __init__(
        self,
        read: Callable[[], bytes | None],
        write: Callable[[bytes], None],
        *,
        lock: str | os.PathLike[str],
    ) -> None:
        self._read = read
        self._write = write
        self._lock = Path(lock).absolute()

    def read(self) -> bytes | None:
        """What the first callback returns."""
        return self._read()

    def advance(self, old: bytes | None, new: bytes, /) -> bool:
        """Writes `new` if `old` is read, under the lock.

        Raises:
            StoreUnavailableError: The lock's file cannot be made or locked.
        """
        with locked(self._lock):
            if self._read() != old:
                return False
            self._write(new)
            return True

    def __repr__(self) -> str:
        """The type alone."""
        return "CallbackAnchor()"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock of a file, against other processes and other threads."""
    with _refused("the anchor's lock cannot be taken"):
        try:
            import fcntl  # noqa: PLC0415 - not on every system
        except ImportError:
            raise StoreUnavailableError("this system has no locks for an anchor's file") from None
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except BaseException:
            os.close(handle)
            raise
    try:
        yield
    finally:
        # The lock goes with the last handle, so also with the process.
        os.close(handle)


def replace(path: Path, value: bytes) -> None:
    """Makes a file hold this value, all of it or none, and durably; the caller has the lock."""
    beside = _beside(path, ".new")
    handle = os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


@contextmanager
def _refused(sentence: str) -> Iterator[None]:
    """What the system refuses, as a store's refusal."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise StoreUnavailableError(sentence) from error
