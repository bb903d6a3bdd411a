# SPDX-License-Identifier: MIT OR Apache-2.0
"""A look at a store that changes nothing and finds all that is wrong (docs/storage.md, "Doctor").

What comes out holds no key, plaintext or name, unless names are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from e2ee import _core
from e2ee.errors import StoreCorruptionError, StoreFormatError
from e2ee.store._secret import store_secret
from e2ee.store._sqlite_log import log_is_damaged
from e2ee.store._sqlite_reading import SQLiteReading, reading
from e2ee.store.examination import (
    Examination,
    Finding,
    GroupState,
    OneTimeKeyState,
    PeerState,
    PreKeyState,
    RecordCount,
    SecretChatState,
    SenderState,
    SessionState,
)

if TYPE_CHECKING:
    import builtins
    import os

    from e2ee._core import StoreSecret
    from e2ee.store._secret import Key, Passphrase
    from e2ee.store.anchor import Anchor
    from e2ee.store.examination import ExaminationRow, OpenedRow, Place, StockRow
    from e2ee.store.protocol import Reading, Store


def examine(store: Store, *, names: bool = False) -> Examination:
    """Looks at a store in use, whose account need not open.

    Args:
        store: The store. Nothing in it, or in its anchor, is changed; whether both agree is seen.
        names: Whether peers and groups have their names in the result, which is then for the
            owner alone; else it may be shown to everyone.

    Raises:
        StoreError: The store gives nothing at all; the subclass says why.

    >>> import e2ee
    >>> from e2ee.store import examine
    >>> with e2ee.MemoryStore() as store:
    ...     account = e2ee.Account.create(store, "alice")
    ...     examine(store).is_sound
    True
    """
    # Before the records: what is sent meanwhile is in those.
    held = _held(getattr(store, "anchor", None))
    begin = getattr(store, "snapshot", store.transaction)
    with begin() as records:
        row = _core.examine_store(store.secret, _Patient(records, held), names=names)
    return _examination(row)


def examine_file(  # noqa: PLR0913 - options, each by its name
    path: str | os.PathLike[str],
    *,
    key: Key | None = None,
    passphrase: Passphrase | None = None,
    secret: StoreSecret | None = None,
    names: bool = False,
    anchor: Anchor | None = None,
) -> Examination:
    """Looks at the file of an `SQLiteStore`, or at a backup, even if it is damaged.

    The file is opened to be read only, beside programs that use it. It and its write-ahead log
    (`-wal`) are not changed, and records in the log are seen; SQLite may make the log's index
    (`-shm`), and an empty log, where there is none. Damage within the log is found as far as
    docs/storage.md says ("A damaged log"). A log that was lost, because the file was copied without
    it, is not found: the store is then older than it was.

    Args:
        path: The file.
        key: The store's key; or else
        passphrase: its passphrase; or else
        secret: either as a `StoreSecret`. A wrong one is a finding.
        names: Whether peers and groups have their names in the result.
        anchor: The store's anchor: whether both agree is seen, of a store and not of a backup.

    Raises:
        StoreFormatError: The file is another program's, or of a newer version.
        StoreUnavailableError: It cannot be opened.
    """
    chosen, held = store_secret(key, passphrase, secret), _held(anchor)
    has_lost = log_is_damaged(Path(path))
    with reading(Path(path)) as records:
        try:
            backup = records.is_backup()
        except StoreCorruptionError:
            return Examination(findings=(_NO_DATABASE,), file=("the file is no database",))
        except StoreFormatError:
            # All that was ever written may stand in the log.
            if not has_lost:
                raise
            return Examination(findings=(_DAMAGED_LOG,), file=(_LOG_COMPLAINT,))
        complaints = records.complaints() + ((_LOG_COMPLAINT,) if has_lost else ())
        patient = _Patient(records, None if backup else held)
        row = _core.examine_store(chosen, patient, names=names)
    return _examination(row, backup=backup, complaints=complaints)


@final
@dataclass(frozen=True, slots=True)
class _Held:
    """An anchor as it was when it was looked at."""

    value: bytes | None

    def read(self) -> bytes | None:
        """The value."""
        return self.value

    def advance(self, old: bytes | None, new: bytes, /) -> bool:
        """Refused: nothing is changed."""
        del old, new
        return False


def _held(anchor: Anchor | None) -> _Held | None:
    return None if anchor is None else _Held(anchor.read())


@final
class _Patient:
    """Records that are read as far as they can be."""

    __slots__ = ("_records", "anchor", "timeline")

    def __init__(self, records: Reading, anchor: _Held | None) -> None:
        self._records = records
        #: What the anchor held.
        self.anchor = anchor
        #: The timeline of the store's server, if it has one.
        self.timeline: tuple[int, int] | None = getattr(records, "timeline", None)

    def get(self, name: str, /) -> tuple[int, bytes] | None:
        """A record, or `None` if it cannot be read."""
        try:
            return self._records.get(name)
        except StoreCorruptionError:
            return None

    def list(self, prefix: str, /) -> builtins.list[tuple[str, int]]:
        """The records that can be listed."""
        try:
            return self._records.list(prefix)
        except StoreCorruptionError:
            if not isinstance(self._records, SQLiteReading):
                raise
            return [row for row in self._records.readable() if row[0].startswith(prefix)]


def _examination(
    row: ExaminationRow, *, backup: bool = False, complaints: tuple[str, ...] = ()
) -> Examination:
    """The values of the core's rows."""
    records, peers, groups, (stock, keys, chats), (waiting, oldest), found = row
    findings = [Finding(*each) for each in found]
    if _LOG_COMPLAINT in complaints:
        findings.insert(0, _DAMAGED_LOG)
    if set(complaints) - {_LOG_COMPLAINT}:
        findings.insert(0, _DAMAGED_FILE)
    return Examination(
        findings=tuple(findings),
        records=tuple(
            RecordCount(kind, number, size, median, largest, tuple(sorted(versions)))
            for kind, number, size, median, largest, versions in records
        ),
        peers=tuple(
            PeerState(label, verified, sending, tuple(_session(*each) for each in sessions))
            for label, verified, sending, sessions in peers
        ),
        groups=tuple(
            GroupState(
                label, members, tuple(pending), sent, tuple(SenderState(*each) for each in senders)
            )
            for label, members, pending, sent, senders in groups
        ),
        prekeys=None if stock is None else _prekeys(stock),
        one_time_keys=None if keys is None else OneTimeKeyState(*keys),
        inbox=waiting,
        inbox_age=_age(oldest),
        chats=tuple(
            SecretChatState(label, agreed, *(counts or ())) for label, agreed, counts in chats
        ),
        backup=backup,
        file=complaints,
    )


def _session(place: Place, opened: OpenedRow | None) -> SessionState:
    if opened is None:
        return SessionState(place)
    phase, waiting, trusted, sent, received, late, epoch, messages = opened
    return SessionState(place, phase, _age(waiting), trusted, sent, received, late, epoch, messages)


def _prekeys(stock: StockRow) -> PreKeyState:
    (signed, replaced, _), (last, last_replaced, uses), one_time, kyber = stock
    return PreKeyState(_age(signed), replaced, _age(last), last_replaced, uses, *one_time, *kyber)


def _age(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


_RESTORE: Final = "restore a backup; without one, make a new account and connect again"
_LOG_COMPLAINT: Final = "the log breaks off before transactions that were durable"
_NO_DATABASE: Final = Finding(
    "damage", "no-database", "file", "the file is no database, or its beginning is lost", _RESTORE
)
_DAMAGED_FILE: Final = Finding(
    "damage", "file-damaged", "file", "SQLite finds its file damaged", _RESTORE
)
_DAMAGED_LOG: Final = Finding(
    "damage",
    "log-damaged",
    "file",
    "the log beside the file is damaged, what is shown here is older than the store was",
    _RESTORE,
)
