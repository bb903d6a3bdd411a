# SPDX-License-Identifier: MIT OR Apache-2.0
"""What libsignal's stores hold, and what became of it in an account (docs/guides/import.md).

The report is that of every import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final, get_args

from e2ee import _core
from e2ee.errors import InvalidArgumentError
from e2ee.values import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from e2ee.store import Store

Outcome: TypeAlias = Literal["imported", "re-establish", "refused"]
RecordKind: TypeAlias = Literal[
    "identity key pair",
    "prekey",
    "signed prekey",
    "kyber prekey",
    "identity",
    "session",
    "sender key",
    "account",
    "inbound group session",
    "outbound group session",
    "device",
    "cross-signing key",
]

_U32: Final = 0xFFFF_FFFF


@final
class LibsignalRecords:
    """What libsignal's stores hold for one device: the bytes that each record serializes to.

    The records are those of signal.md §8.1, §3 ("Stored records") and §2.1; libsignal's names of
    the types stand in brackets. A `str` in place of an address is a user. An object shows nothing
    of what it holds. Python's copies of the bytes cannot be wiped: delete them after the import.

    Args:
        identity_key_pair: The device's own key pair (IdentityKeyPair).
        registration_id: The device's registration id, 32 bits.
        prekeys: One-time prekeys by number (PreKeyRecord).
        signed_prekeys: Signed prekeys by number (SignedPreKeyRecord).
        kyber_prekeys: Kyber prekeys by number (KyberPreKeyRecord).
        last_resort: The numbers of those Kyber prekeys that serve more than one session.
        identities: Peers' public identity keys, 33 bytes each (IdentityKey). One under a user's
            name is pinned for the device 1 of that user and for all devices of theirs in
            `sessions` and `sender_keys`, but for those that have an entry of their own.
        sessions: Sessions by device (SessionRecord).
        sender_keys: Group chains by sending device and distribution id (SenderKeyRecord).

    Raises:
        InvalidArgumentError: A number is out of range, or one of last resort has no Kyber prekey.

    >>> LibsignalRecords(identity_key_pair=b"...", registration_id=5, prekeys={1: b"..."})
    LibsignalRecords(prekeys=1, sessions=0)
    """

    __slots__ = (
        "_identities",
        "_identity_key_pair",
        "_kyber_prekeys",
        "_prekeys",
        "_registration_id",
        "_sender_keys",
        "_sessions",
        "_signed_prekeys",
    )

    def __init__(  # noqa: PLR0913 - one parameter for each of libsignal's stores
        self,
        *,
        identity_key_pair: bytes,
        registration_id: int,
        prekeys: Mapping[int, bytes] | None = None,
        signed_prekeys: Mapping[int, bytes] | None = None,
        kyber_prekeys: Mapping[int, bytes] | None = None,
        last_resort: Collection[int] = (),
        identities: Mapping[Address | str, bytes] | None = None,
        sessions: Mapping[Address | str, bytes] | None = None,
        sender_keys: Mapping[tuple[Address | str, UUID], bytes] | None = None,
    ) -> None:
        kyber = _numbered(kyber_prekeys)
        if not {number for number, _ in kyber}.issuperset(last_resort):
            raise InvalidArgumentError("a number of last resort has no Kyber prekey")
        self._identity_key_pair = identity_key_pair
        self._registration_id = _number(registration_id)
        self._prekeys = _numbered(prekeys)
        self._signed_prekeys = _numbered(signed_prekeys)
        self._kyber_prekeys = [(number, row, number in last_resort) for number, row in kyber]
        self._identities = [_identity(whom, key) for whom, key in (identities or {}).items()]
        self._sessions = [(*_device(whom), row) for whom, row in (sessions or {}).items()]
        self._sender_keys = [
            (*_device(sender), group.bytes, row)
            for (sender, group), row in (sender_keys or {}).items()
        ]

    def __repr__(self) -> str:
        """How many keys and sessions there are; nothing of what they are."""
        keys = len(self._prekeys) + len(self._signed_prekeys) + len(self._kyber_prekeys)
        return f"LibsignalRecords(prekeys={keys}, sessions={len(self._sessions)})"

    def __reduce__(self) -> tuple[object, ...]:
        """Refused: the records hold private keys."""
        msg = "what holds private keys cannot be copied"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What became of one record.

    - "imported": all of it was taken over;
    - "re-establish": nothing of it was, and it is made anew with the peer;
    - "refused": it cannot be used, and nothing of it was taken over.

    `name` is the number, the address or the id under which the record stood, `address` the device
    of a peer that it belongs to, if it belongs to one with such an address, and `reason` a phrase,
    empty for "imported".
    """

    kind: RecordKind
    name: str
    outcome: Outcome
    reason: str
    address: Address | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every record of an import, in the order in which they were given."""

    rows: tuple[ImportRow, ...]

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many records had each outcome."""
        outcomes = [row.outcome for row in self.rows]
        return {outcome: outcomes.count(outcome) for outcome in get_args(Outcome)}

    @property
    def to_reestablish(self) -> tuple[Address, ...]:
        """The devices with which there were sessions: fetch their bundles, and `connect` again."""
        rows = (row for row in self.rows if row.kind == "session")
        return tuple(
            row.address for row in rows if row.outcome == "re-establish" and row.address is not None
        )

    def __str__(self) -> str:
        """A table for a person: a line for each record, then the counts."""
        cells = [(row.outcome, row.kind, row.name, row.reason) for row in self.rows]
        widths = [max((len(line[column]) for line in cells), default=0) for column in range(3)]
        lines = ["  ".join([*map(str.ljust, line[:3], widths), line[3]]).rstrip() for line in cells]
        total = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        return "\n".join([*lines, total])


def import_records(
    store: Store,
    user: str,
    records: LibsignalRecords,
    *,
    device: int = 1,
    dry_run: bool = False,
) -> ImportReport:
    """Makes an account in an empty store, of what libsignal's stores hold for this device.

    Its identity and registration id stay, its prekeys open first messages for 30 days more, and
    peers' identities are trusted as on first use. Sessions are started anew: `connect` again
    with the report's `to_reestablish`. Then `open` the store. A dry run writes nothing.

    Raises:
        StoreExistsError: The store holds an account.
        MalformedMessageError: The identity key pair is no such record.
        InvalidKeyError: The halves of the identity key pair do not belong together.
        InvalidArgumentError: No user or device can be called so.
    """
    owner = Address(user, device)
    with store.transaction() as transaction:
        if dry_run:
            return _report(_core.examine_records(transaction, owner, records))
        step = _core.import_records(store.secret, transaction, owner, records)
        transaction.apply(step.writes)
    return _report(step.release())


def _report(
    rows: list[tuple[RecordKind, str, tuple[str, int] | None, Outcome, str]],
) -> ImportReport:
    """The report of the core's rows."""
    return ImportReport(
        tuple(
            ImportRow(kind, name, outcome, reason, None if peer is None else Address(*peer))
            for kind, name, peer, outcome, reason in rows
        )
    )


def _numbered(records: Mapping[int, bytes] | None) -> list[tuple[int, bytes]]:
    return [(_number(number), record) for number, record in (records or {}).items()]


def _number(number: int) -> int:
    if not 0 <= number <= _U32:
        raise InvalidArgumentError("a number is out of range")
    return number


def _identity(whom: Address | str, key: bytes) -> tuple[str, int | None, bytes]:
    if isinstance(whom, str):
        return Address(whom).user, None, key
    return *_device(whom), key


def _device(whom: Address | str) -> tuple[str, int]:
    address = Address(whom) if isinstance(whom, str) else whom
    if isinstance(address.device, str):
        raise InvalidArgumentError("the devices of libsignal's stores have numbers")
    return address.user, address.device
