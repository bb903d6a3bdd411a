# SPDX-License-Identifier: MIT OR Apache-2.0
"""From what stands in the tables to states, each record by itself, and what became of it."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, final

from e2ee.errors import (
    AuthenticationError,
    E2EEError,
    InvalidKeyError,
    MalformedMessageError,
    SessionExhaustedError,
    StoreKeyError,
    UnsupportedVersionError,
)
from e2ee.importing import ImportReport, ImportRow
from e2ee.matrix_stores._values import (
    ImportedDevice,
    KnownCrossSigningKey,
    KnownDevice,
    ReceivedRoomKey,
    SentRoomKey,
    StoreImport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from e2ee.importing import RecordKind
    from e2ee.matrix_stores._raw import (
        RawAccount,
        RawCrossSigningKey,
        RawDevice,
        RawPeople,
        RawReceived,
        RawSent,
        RawSession,
        RawStore,
    )
    from e2ee.olm import (
        Account,
        InboundGroupSession,
        OutboundGroupSession,
        Pickles,
        Session,
        StateKey,
    )

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", "Session", "InboundGroupSession", "OutboundGroupSession")

_KEY_LEN: Final = 32
_U32: Final = 0xFFFF_FFFF
_FORGED: Final = "it was altered, or is under another pickle key"
#: What an error of the core means for a record; the first class that fits counts.
_REASONS: Final = (
    (AuthenticationError, _FORGED),
    (UnsupportedVersionError, "it is of a version of libolm that is not read here"),
    (MalformedMessageError, "it is no such record"),
    (InvalidKeyError, "its keys do not belong together"),
    (SessionExhaustedError, "more messages of it were opened than can be remembered"),
)


class RefusedError(Exception):
    """A record cannot be used: the text says why."""


@final
class Unpickling:
    """One pass over a store: the pickle keys, whether they fit, and the rows of the report."""

    __slots__ = ("_families", "_key", "_opened", "_refused", "_rows")

    def __init__(self, families: list[Pickles], key: StateKey) -> None:
        self._families = families
        self._key = key
        self._rows: list[ImportRow] = []
        self._opened = 0
        self._refused = 0

    def store(self, raw: RawStore) -> StoreImport:
        """All of a store.

        Raises:
            StoreKeyError: No pickle opens.
        """
        devices = [self._account(each) for each in raw.accounts]
        known, signing = self._people(raw.people)
        if self._refused and not self._opened:
            raise StoreKeyError("no pickle opens under this pickle key: give the program's own")
        found = tuple(_with_common(each, known, signing, raw.people) for each in devices)
        return StoreImport(raw.program, raw.version, ImportReport(tuple(self._rows)), found)

    def _account(self, raw: RawAccount) -> ImportedDevice:
        account = self._taken("account", f"{raw.user_id} {raw.device_id}", self._of_account, raw)
        sessions: dict[bytes, list[Session]] = {}
        for each in raw.sessions:
            session = self._taken("session", each.session_id, self._session, account, each)
            if session is not None:
                sessions.setdefault(session.their_identity_key, []).append(session)
        received = [
            self._taken("inbound group session", _in_room(each), self._received, each)
            for each in raw.received
        ]
        sent = [
            self._taken("outbound group session", _in_room(each), self._sent, each)
            for each in raw.sent
        ]
        devices, signing = self._people(raw.people)
        return ImportedDevice(
            user_id=str(raw.user_id),
            device_id=str(raw.device_id),
            account=account,
            is_published=bool(raw.is_published),
            sessions={peer: tuple(each) for peer, each in sessions.items()},
            received=_those(received),
            sent=_those(sent),
            known_devices=devices,
            cross_signing_keys=signing,
            encrypted_rooms=_texts(raw.people.encrypted_rooms),
            tracked_users=_texts(raw.people.tracked_users),
            sync_token=raw.sync_token if isinstance(raw.sync_token, str) else None,
        )

    def _people(
        self, raw: RawPeople
    ) -> tuple[tuple[KnownDevice, ...], tuple[KnownCrossSigningKey, ...]]:
        devices = [
            self._taken("device", f"{each.user_id} {each.device_id}", _known_device, each)
            for each in raw.devices
        ]
        keys = [
            self._taken("cross-signing key", f"{each.user_id} {each.usage}", _signing_key, each)
            for each in raw.cross_signing_keys
        ]
        return _those(devices), _those(keys)

    def _taken(
        self,
        kind: RecordKind,
        name: object,
        read: Callable[P, T],
        *arguments: P.args,
        **options: P.kwargs,
    ) -> T | None:
        """What `read` gives, or `None` if it refuses; either way a row of the report."""
        found, reason = None, ""
        try:
            found = read(*arguments, **options)
        except RefusedError as error:
            reason = str(error)
        except E2EEError as error:
            reason = _reason(error)
        # Others chose it: nothing in it can move a cursor or hide a line.
        shown = "".join(each if each.isprintable() else "\ufffd" for each in str(name))
        self._rows.append(ImportRow(kind, shown, "refused" if reason else "imported", reason))
        return found

    def _of_account(self, raw: RawAccount) -> Account:
        _text(raw.user_id)
        _text(raw.device_id)
        return self._opened_with(raw.pickle, lambda pickles, text: pickles.read_account(text))

    def _session(self, account: Account | None, raw: RawSession) -> Session:
        if account is None:
            raise RefusedError("the account that it is of was refused")
        theirs = _key(raw.sender_key)

        def read(pickles: Pickles, text: str) -> Session:
            return pickles.read_session(self._key, account, theirs, text)

        return _same(self._opened_with(raw.pickle, read), raw.session_id)

    def _received(self, raw: RawReceived) -> ReceivedRoomKey:
        if raw.pickle is None:
            raise RefusedError(
                "there is no key: it was withheld from the program, or deleted by it"
            )

        opened = [
            (index, event)
            for index, event in raw.opened_as.items()
            if isinstance(index, int) and 0 <= index <= _U32 and isinstance(event, str)
        ]

        def read(pickles: Pickles, text: str) -> InboundGroupSession:
            return pickles.read_inbound(self._key, text, opened=opened)

        signing_key = None if raw.signing_key is None else _key(raw.signing_key)
        return ReceivedRoomKey(
            session=_same(self._opened_with(raw.pickle, read), raw.session_id),
            room_id=_text(raw.room_id),
            sender_key=_key(raw.sender_key),
            signing_key=signing_key,
            forwarding_chain=tuple(map(_key, raw.forwarding_chain)),
        )

    def _sent(self, raw: RawSent) -> SentRoomKey:
        def read(pickles: Pickles, text: str) -> OutboundGroupSession:
            return pickles.read_outbound(self._key, text)

        session = _same(self._opened_with(raw.pickle, read), raw.session_id)
        return SentRoomKey(session, _text(raw.room_id), bool(raw.is_shared))

    def _opened_with(self, pickle: object, read: Callable[[Pickles, str], T]) -> T:
        """What the first of the families reads whose key this is."""
        text = _pickle_text(pickle)
        for pickles in self._families:
            try:
                found = read(pickles, text)
            except AuthenticationError:
                continue
            except UnsupportedVersionError:
                self._opened += 1
                raise
            self._opened += 1
            return found
        self._refused += 1
        raise RefusedError(_FORGED)


def _with_common(
    device: ImportedDevice,
    known: tuple[KnownDevice, ...],
    signing: tuple[KnownCrossSigningKey, ...],
    people: RawPeople,
) -> ImportedDevice:
    """A device with what all accounts of its store know."""
    return replace(
        device,
        known_devices=device.known_devices + known,
        cross_signing_keys=device.cross_signing_keys + signing,
        encrypted_rooms=device.encrypted_rooms | _texts(people.encrypted_rooms),
        tracked_users=device.tracked_users | _texts(people.tracked_users),
    )


def _in_room(raw: RawReceived | RawSent) -> str:
    return f"{raw.room_id} {raw.session_id}"


def _known_device(raw: RawDevice) -> KnownDevice:
    return KnownDevice(
        user_id=_text(raw.user_id),
        device_id=_text(raw.device_id),
        identity_key=_key(raw.identity_key),
        signing_key=_key(raw.signing_key),
        name=_text(raw.name),
        trust=raw.trust,
        is_deleted=bool(raw.is_deleted),
    )


def _signing_key(raw: RawCrossSigningKey) -> KnownCrossSigningKey:
    key, first = _key(raw.key), _key(raw.first_seen_key)
    return KnownCrossSigningKey(_text(raw.user_id), _text(raw.usage), key, first)


def _same(session: S, session_id: object) -> S:
    """The session, if it is the one that the row is said to hold."""
    if base64.b64encode(session.session_id).rstrip(b"=").decode() != session_id:
        raise RefusedError("it holds another session than it says")
    return session


def _pickle_text(pickle: object) -> str:
    """A pickle as text, which either program stores as bytes."""
    if isinstance(pickle, bytes):
        try:
            return pickle.decode("ascii")
        except UnicodeDecodeError:
            raise RefusedError("it is no such record") from None
    return _text(pickle)


def _key(value: object) -> bytes:
    """A public key of 32 bytes, of unpadded base64."""
    try:
        key = base64.b64decode(f"{_text(value)}=", validate=True)
    except ValueError:
        key = b""
    if len(key) != _KEY_LEN:
        raise RefusedError("a public key in it is none")
    return key


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise RefusedError("a text in it is none")
    return value


def _texts(values: Iterable[object]) -> frozenset[str]:
    return frozenset(value for value in values if isinstance(value, str))


def _those(found: Iterable[T | None]) -> tuple[T, ...]:
    """Those that were not refused."""
    return tuple(each for each in found if each is not None)


def _reason(error: E2EEError) -> str:
    """What to say of a record that the core refuses."""
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "it cannot be used")
