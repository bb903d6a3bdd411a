# SPDX-License-Identifier: MIT OR Apache-2.0
"""The objects of the C library with the names, results and errors of `e2ee.signal` and `e2ee.olm`.

Nothing is decided here: what a test finds true of these, it has found in the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from e2ee import errors
from tests.capi.building import module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from e2ee import Address

#: Record name to revision and sealed bytes.
Rows: TypeAlias = "dict[str, tuple[int, bytes]]"
Parts: TypeAlias = "Sequence[tuple[int, bytes]]"

C: Final = module()
ffi, lib = C.ffi, C.lib


class TooSmallError(Exception):
    """A buffer was too small; `needed` says how much is needed."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class PoisonedError(Exception):
    """The library has a fault."""


def check(status: int) -> None:
    """Raises the exception of a status."""
    if status == lib.E2EE_OK:
        return
    if status == lib.E2EE_POISONED:
        raise PoisonedError
    raise error_of(status)


def error_of(status: int) -> errors.E2EEError:
    """The exception of a status that has a class in Python."""
    name = ffi.string(lib.e2ee_status_name(status)).decode()
    made = getattr(errors, name)("the C library says so")
    assert isinstance(made, errors.E2EEError)
    return made


def filled(call: Callable[[Any, int, Any], int], ctype: str) -> tuple[Any, int]:
    """The array that a call fills, asked for its length first, and that length."""
    length = ffi.new("size_t *")
    status = call(ffi.NULL, 0, length)
    if status != lib.E2EE_BUFFER_TOO_SMALL:
        check(status)
        raise AssertionError("a null buffer was filled")
    room = ffi.new(f"{ctype}[]", max(1, length[0]))
    check(call(room, length[0], length))
    return room, length[0]


def bytes_of(call: Callable[[Any, int, Any], int]) -> bytes:
    """The bytes that a call gives."""
    room, length = filled(call, "uint8_t")
    return bytes(ffi.buffer(room, length))


def text(value: str) -> tuple[Any, int]:
    """Pointer and length of a text."""
    encoded = value.encode()
    return ffi.new("char[]", encoded), len(encoded)


class Handle:
    """A handle, which is freed with its object."""

    ctype = ""

    def __init__(self, pointer: Any) -> None:
        self.pointer = ffi.gc(pointer, lib.e2ee_free)

    @classmethod
    def made(cls, call: Callable[[Any], int]) -> Self:
        """What a call makes."""
        place = ffi.new(f"{cls.ctype} **")
        check(call(place))
        return cls(place[0])

    def output(self, function: Callable[..., int], *arguments: Any) -> bytes:
        """The bytes that a function gives of this."""
        return bytes_of(lambda *room: function(self.pointer, *arguments, *room))

    def value(self, function: Callable[..., int], ctype: str) -> Any:
        """The value that a function gives of this."""
        place = ffi.new(f"{ctype} *")
        check(function(self.pointer, place))
        return place[0]


class Records:
    """Records as C takes them."""

    def __init__(self, rows: Rows) -> None:
        self._kept: list[Any] = []
        self.array = ffi.new("e2ee_record[]", max(1, len(rows)))
        self.count = len(rows)
        for record, (name, (revision, sealed)) in zip(self.array, rows.items(), strict=False):
            kept = ffi.new("char[]", name.encode()), ffi.from_buffer(sealed)
            self._kept.extend(kept)
            record.name, record.revision = kept[0], revision
            record.sealed, record.sealed_len = kept[1], len(sealed)

    @classmethod
    def of(cls, names: Iterable[str], parts: Parts) -> Self:
        """Those of these names, in their order."""
        return cls(dict(zip(names, parts, strict=True)))


def name_of(record: Any) -> str:
    """A record's name."""
    return str(ffi.string(record.name).decode())


def row_of(record: Any) -> tuple[int, bytes]:
    """A record's revision and sealed bytes."""
    return record.revision, bytes(ffi.buffer(record.sealed, record.sealed_len))


class Step(Handle):
    """What must be saved before a result may be used."""

    ctype = "e2ee_step"

    @property
    def bases(self) -> dict[str, int]:
        """Record name to the revision that must still be found."""
        room, count = self._records()
        return {name_of(room[place]): room[place].base_revision for place in range(count)}

    @property
    def writes(self) -> Rows:
        """Record name to revision and sealed bytes."""
        room, count = self._records()
        return {name_of(room[place]): row_of(room[place]) for place in range(count)}

    def _records(self) -> tuple[Any, int]:
        return filled(lambda *room: lib.e2ee_step_writes(self.pointer, *room), "e2ee_record")

    def abandon(self) -> None:
        """Gives the step up."""
        check(lib.e2ee_step_abandon(self.pointer))


class SessionStep(Step):
    """A step with one result."""

    @property
    def kind(self) -> int | None:
        """The kind of an encrypted message."""
        try:
            return int(self.value(lib.e2ee_step_kind, "uint8_t"))
        except errors.InvalidArgumentError:
            return None

    def release(self) -> bytes:
        """The result, once."""
        return self.output(lib.e2ee_step_release)

    def release_into(self, room: int) -> bytes:
        """The same into a buffer of so many bytes."""
        length, buffer = ffi.new("size_t *"), ffi.new("uint8_t[]", max(1, room))
        status = lib.e2ee_step_release(self.pointer, buffer, room, length)
        if status == lib.E2EE_BUFFER_TOO_SMALL:
            raise TooSmallError(length[0])
        check(status)
        return bytes(ffi.buffer(buffer, length[0]))


class GroupStep(Step):
    """A step whose result has an index too."""

    def release(self) -> tuple[int, bytes]:
        """Index and plaintext, once."""
        return int(self.value(lib.e2ee_step_message_index, "uint32_t")), self.output(
            lib.e2ee_step_release
        )


class ManyStep(Step):
    """A step with many results."""

    count = 0

    @classmethod
    def of(cls, count: int, call: Callable[[Any], int]) -> Self:
        """The step that a call makes of so many messages."""
        step = cls.made(call)
        step.count = count
        return step

    def plaintext_at(self, place: int) -> bytes | errors.E2EEError:
        """The plaintext of one message, or the error in its place, once."""
        outcome = ffi.new("e2ee_status *")
        opened = self.output(lib.e2ee_step_release_at, place, outcome)
        return opened if outcome[0] == lib.E2EE_OK else error_of(outcome[0])


class BacklogStep(ManyStep):
    """A step with many plaintexts."""

    def release(self) -> list[bytes | errors.E2EEError]:
        """The plaintext of each message, or the error in its place, once."""
        return [self.plaintext_at(place) for place in range(self.count)]


class GroupBacklogStep(ManyStep):
    """A step with many plaintexts, each with its index."""

    def release(self) -> list[tuple[int, bytes] | errors.E2EEError]:
        """Index and plaintext of each message, or the error in its place, once."""
        return [self._result(place) for place in range(self.count)]

    def index_at(self, place: int) -> int | None:
        """The index of one message; none of one that was refused."""
        index = ffi.new("uint32_t *")
        status = lib.e2ee_step_message_index_at(self.pointer, place, index)
        if status == lib.E2EE_INVALID_ARGUMENT:
            return None
        check(status)
        return int(index[0])

    def _result(self, place: int) -> tuple[int, bytes] | errors.E2EEError:
        index, opened = self.index_at(place), self.plaintext_at(place)
        if isinstance(opened, errors.E2EEError):
            assert index is None
            return opened
        assert index is not None
        return index, opened


class StateKey(Handle):
    """Seals the states of devices and sessions."""

    ctype = "e2ee_state_key"

    def __init__(self, key: bytes) -> None:
        place = ffi.new("e2ee_state_key **")
        check(lib.e2ee_state_key_new(key, len(key), place))
        super().__init__(place[0])


def address(peer: Address) -> Any:
    """A peer as C takes it."""
    return address_of(peer.user, int(peer.device))


def address_of(name: str, device: int) -> Any:
    """The same of its parts; the names live as long as the process."""
    made = ffi.new("e2ee_signal_address *")
    made.name, made.name_len = _names.setdefault(name, text(name))
    made.device = device
    return made


_names: dict[str, tuple[Any, int]] = {}


def messages_of(messages: Iterable[tuple[int, bytes]]) -> tuple[Any, int, object]:
    """Messages as C takes them, and what they point to."""
    given = list(messages)
    kept = [ffi.from_buffer(message) for _, message in given]
    array = ffi.new("e2ee_message[]", max(1, len(given)))
    for place, (kind, message) in enumerate(given):
        array[place].bytes, array[place].len, array[place].kind = kept[place], len(message), kind
    return array, len(given), kept


def two(session: type[Handle], call: Callable[[Any, Any], int]) -> tuple[Any, SessionStep]:
    """What a call makes: an object and the step that saves it."""
    places = ffi.new(f"{session.ctype} **"), ffi.new("e2ee_step **")
    check(call(*places))
    made = session.__new__(session)
    Handle.__init__(made, places[0][0])
    return made, SessionStep(places[1][0])


def uuid_of(value: UUID) -> Any:
    """A group's id as C takes it."""
    return ffi.new("uint8_t[16]", value.bytes)


def sealed(owner: Handle, function: Callable[..., int], key: StateKey) -> tuple[int, bytes]:
    """Revision and sealed bytes of the one record that a step of sealing writes."""
    step = SessionStep.made(lambda place: function(owner.pointer, key.pointer, place))
    ((revision, record),) = step.writes.values()
    assert step.release() == b""
    return revision, record
